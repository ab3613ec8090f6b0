// SPDX-License-Identifier: MIT
#include "engine/bus/pattern.h"

#include "engine/bus/bus.h"

namespace kith::bus {

namespace {

// Cuts the first level off. `more` says whether another one follows, be it empty.
std::string_view take_level(std::string_view& rest, bool& more) {
  const std::size_t slash = rest.find('/');
  more = slash != std::string_view::npos;
  const std::string_view level = rest.substr(0, slash);
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return level;
}

}  // namespace

bool is_pattern(std::string_view name) {
  return name.find_first_of("+#") != std::string_view::npos;
}

bool is_valid_pattern(std::string_view pattern) {
  if (pattern.empty()) return false;
  for (bool more = true; more;) {
    const std::string_view level = take_level(pattern, more);
    if (!is_pattern(level)) continue;
    if (level.size() != 1 || (level == "#" && more)) return false;
  }
  return true;
}

bool matches(std::string_view pattern, std::string_view name) {
  bool more_pattern = true, more_name = true;
  while (more_pattern) {
    const std::string_view level = take_level(pattern, more_pattern);
    if (level == "#" && !more_pattern) return true;
    if (!more_name) return false;
    const std::string_view said = take_level(name, more_name);
    if (level != "+" && level != said) return false;
  }
  return !more_name;
}

}  // namespace kith::bus
