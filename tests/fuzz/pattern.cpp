// SPDX-License-Identifier: MIT
// matches() against a plain recursive reading of the rule. Input: PATTERN, a zero byte, NAME.
#include "engine/bus/pattern.h"

#include <cstdlib>
#include <span>

#include "engine/bus/bus.h"

namespace {

using Levels = std::span<const std::string>;

std::vector<std::string> split(std::string_view name) {
  std::vector<std::string> levels(1);
  for (const char c : name) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

bool fits(Levels pattern, Levels name) {
  if (pattern.size() == 1 && pattern[0] == "#") return true;
  if (pattern.empty() || name.empty()) return pattern.empty() && name.empty();
  if (pattern[0] != "+" && pattern[0] != name[0]) return false;
  return fits(pattern.subspan(1), name.subspan(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith;
  const std::string_view input = as_text(Bytes(data, std::min<std::size_t>(size, 512)));
  const std::size_t cut = std::min(input.find('\0'), input.size());
  const std::string_view pattern = input.substr(0, cut);
  const std::string_view name = cut < input.size() ? input.substr(cut + 1) : std::string_view();
  const auto pattern_levels = split(pattern), name_levels = split(name);
  if (bus::matches(pattern, name) != fits(pattern_levels, name_levels)) std::abort();
  if (!bus::is_pattern(pattern) && bus::matches(pattern, name) != (pattern == name)) std::abort();
  if (bus::is_valid_pattern(pattern) && !bus::is_pattern(name)) bus::matches(name, pattern);
  return 0;
}
