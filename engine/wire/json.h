// SPDX-License-Identifier: MIT
// Value <-> JSON (RFC 8259), the one place where it happens: the CLI, the control socket, hooks and
// scripts all speak this. Pure. Reading is hostile by default: bounded depth and count, valid UTF-8
// only, no key twice, nothing after the document.
#pragma once
#include "engine/wire/value.h"

namespace kith::wire {

enum class json_error { malformed = 1, too_deep, too_large, duplicate_key, not_utf8 };
const char* describe(json_error error);

// For those who look. Bytes become base64 text, links {"/": "<cid text>"}, NaN and the infinities
// null, each byte that is no UTF-8 U+FFFD; whole doubles keep their ".0". No control character, C1
// and DEL included, leaves unescaped.
std::string to_json(const Value& value);  // one line
std::string to_pretty_json(const Value& value);
// For those who must read it back as it was. False, with `to` left as it stood: `value` holds what
// JSON has not (bytes, a link, NaN, text that is not UTF-8).
bool append_exact_json(std::string& to, const Value& value);

// Integers that fit 64 bits are integers, other numbers doubles (-0 too); an object is a map also
// where it looks like a link. At most limits::kValueDepthMax deep, limits::kJsonValuesMax in all.
Result<Value> from_json(std::string_view text);

}  // namespace kith::wire
