// SPDX-License-Identifier: MIT
// Value <-> JSON, the one place where it happens. Bytes become base64 text, links {"/": "<cid
// text>"}, doubles that are whole stay doubles. From JSON: objects, arrays, text, booleans, null,
// integers that fit 64 bits, else doubles.
#pragma once
#include "engine/wire/value.h"

namespace kith::bus {

std::string to_json(const wire::Value& value);  // one line
std::string to_pretty_json(const wire::Value& value);
Result<wire::Value> from_json(std::string_view text);  // depth limits::kValueDepthMax

}  // namespace kith::bus
