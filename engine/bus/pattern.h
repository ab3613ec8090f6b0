// SPDX-License-Identifier: MIT
// Patterns of event names: levels joined by '/', where '+' is any one level and a last '#' the
// rest, also none. Pure. The match itself is in bus.h.
#pragma once
#include <string_view>

namespace kith::bus {

bool is_valid_pattern(std::string_view pattern);

}  // namespace kith::bus
