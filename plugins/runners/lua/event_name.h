// SPDX-License-Identifier: MIT
// Patterns of event names, as the bus judges them: levels joined by '/', where '+' is any one level
// and a last '#' the rest, also none. Pure.
#pragma once
#include <string_view>

namespace kith::lua {

bool is_pattern_valid(std::string_view pattern);
bool is_literal(std::string_view pattern);
bool matches(std::string_view pattern, std::string_view name);

}  // namespace kith::lua
