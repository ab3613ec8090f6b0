// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/event_name.h"

#include "plugins/runners/lua/limits.h"

namespace kith::lua {

namespace {

// The first level of what is left, and takes it away; `is_last` tells whether it was the last.
std::string_view take_level(std::string_view& rest, bool& is_last) {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  is_last = slash == std::string_view::npos;
  rest.remove_prefix(is_last ? rest.size() : slash + 1);
  return level;
}

}  // namespace

bool is_pattern_valid(std::string_view pattern) {
  if (pattern.empty() || pattern.size() > kPatternBytesMax) return false;
  for (bool is_last = false; !is_last;) {
    const std::string_view level = take_level(pattern, is_last);
    if (level.find_first_of("+#") == level.npos) continue;
    if (level.size() != 1 || (level == "#" && !is_last)) return false;
  }
  return true;
}

bool is_literal(std::string_view pattern) { return pattern.find_first_of("+#") == pattern.npos; }

bool matches(std::string_view pattern, std::string_view name) {
  for (bool pattern_ends = false, name_ends = false;;) {
    const std::string_view level = take_level(pattern, pattern_ends);
    if (level == "#") return true;
    const std::string_view own = take_level(name, name_ends);
    if (level != "+" && level != own) return false;
    if (name_ends) return pattern_ends || pattern == "#";
    if (pattern_ends) return false;
  }
}

}  // namespace kith::lua
