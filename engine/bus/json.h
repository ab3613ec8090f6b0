// SPDX-License-Identifier: MIT
// Value <-> JSON, the one place where it happens. Bytes become base64 text, links {"/": "<cid
// text>"}, doubles that are whole stay doubles. From JSON: objects, arrays, text, booleans, null,
// integers that fit 64 bits, else doubles. Bad UTF-8 is replaced on the way out, refused on the way
// in, as are a key twice, too much depth and too many values.
#pragma once
#include "engine/wire/value.h"

namespace kith::bus {

enum class json_error { malformed = 1, too_deep, too_large, duplicate_key };
const char* describe(json_error error);

std::string to_json(const wire::Value& value);  // one line
std::string to_pretty_json(const wire::Value& value);
Result<wire::Value> from_json(
    std::string_view text);  // depth limits::kValueDepthMax, kJsonValuesMax

}  // namespace kith::bus
