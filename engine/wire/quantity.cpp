// SPDX-License-Identifier: MIT
#include "engine/wire/quantity.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace kith::wire {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit kDurations[] = {{"", 1},    {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},
                               {"m", 60.}, {"h", 3600.}, {"d", 86400.}};
constexpr double kKi = 1024.;
constexpr Unit kSizes[] = {{"", 1},
                           {"B", 1},
                           {"kB", 1e3},
                           {"KB", 1e3},
                           {"MB", 1e6},
                           {"GB", 1e9},
                           {"TB", 1e12},
                           {"KiB", kKi},
                           {"MiB", kKi* kKi},
                           {"GiB", kKi* kKi* kKi},
                           {"TiB", kKi* kKi* kKi* kKi}};
constexpr double kDurationMax = 100. * 366 * 86400;

// Digits with at most one dot, then the unit with no more than one space between.
template <std::size_t N>
std::optional<double> parse(std::string_view text, const Unit (&units)[N]) {
  const std::size_t end = text.find_first_not_of("0123456789.");
  const std::string_view digits = text.substr(0, end);
  std::string_view unit = end == text.npos ? std::string_view() : text.substr(end);
  if (unit.starts_with(' ') && unit.size() > 1) unit.remove_prefix(1);
  if (digits.empty() || digits.front() == '.' || digits.back() == '.') return std::nullopt;
  double value = 0;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                           std::chars_format::fixed);
  if (error != std::errc() || at != digits.data() + digits.size()) return std::nullopt;
  for (const Unit& known : units) {
    if (known.name == unit) return value * known.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> parse_duration(std::string_view text) {
  const auto seconds = parse(text, kDurations);
  if (!seconds || *seconds > kDurationMax) return std::nullopt;
  return seconds;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  const auto bytes = parse(text, kSizes);
  if (!bytes || *bytes >= 9.2e18 || std::floor(*bytes) != *bytes) return std::nullopt;
  return static_cast<std::int64_t>(*bytes);
}

}  // namespace kith::wire
