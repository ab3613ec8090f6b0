// SPDX-License-Identifier: MIT
// JSON text <-> Value (RFC 8259), as kith.json and msg.json speak it. Pure. Reading is hostile by
// default: bounded depth and count, valid UTF-8 only, no key twice, nothing after the document.
#pragma once
#include <string>

#include "engine/wire/value.h"

namespace kith::lua {

enum class json_error { malformed = 1, too_deep, too_large, duplicate_key, not_utf8 };
const char* describe(json_error error);

Result<wire::Value> parse_json(std::string_view text);
// false: it holds bytes that are no text, which JSON has not.
bool append_json(std::string& to, const wire::Value& value);

}  // namespace kith::lua
