// SPDX-License-Identifier: MIT
#include "plugins/apps/hooks/retry.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "plugins/apps/hooks/limits.h"

namespace kith::hooks {
namespace {

bool number(std::string_view text, std::int64_t& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size() && to >= 0;
}

// Days since 1970 of a date of the Gregorian calendar (H. Hinnant's days_from_civil), year >= 1970.
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400, of_era = year % 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is sent.
std::optional<std::int64_t> parse_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return {};
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == kMonths.npos || month % 3 != 0 || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':')
    return {};
  std::int64_t day = 0, year = 0, hour = 0, minute = 0, second = 0;
  const bool good = number(text.substr(5, 2), day) && number(text.substr(12, 4), year) &&
                    number(text.substr(17, 2), hour) && number(text.substr(20, 2), minute) &&
                    number(text.substr(23, 2), second);
  if (!good || year < 1970 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return {};
  return days_of(year, static_cast<std::int64_t>(month / 3 + 1), day) * 86'400 + hour * 3'600 +
         minute * 60 + second;
}

}  // namespace

std::optional<std::uint64_t> parse_retry_after(std::string_view value, std::uint64_t wall_s) {
  const std::size_t begin = std::min(value.find_first_not_of(" \t"), value.size());
  value = value.substr(begin, value.find_last_not_of(" \t") + 1 - begin);
  std::int64_t seconds = 0;
  const bool is_digits = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
  if (is_digits) {
    if (!number(value, seconds)) seconds = kRetryAfterMaxS;  // more than 64 bits hold
  } else if (const auto date = parse_date(value)) {
    seconds = std::max<std::int64_t>(0, *date - static_cast<std::int64_t>(wall_s));
  } else {
    return {};
  }
  return std::min(static_cast<std::uint64_t>(seconds), kRetryAfterMaxS);
}

std::uint64_t retry_delay_us(std::size_t tries, std::optional<std::uint64_t> asked_s,
                             std::uint64_t chance) {
  const std::size_t at = std::min(tries - 1, std::size(kRetryDelaysS) - 1);
  const std::uint64_t delay_us = std::max(kRetryDelaysS[at], asked_s.value_or(0)) * 1'000'000;
  return delay_us + (delay_us == 0 ? 0 : chance % (delay_us / 5));
}

}  // namespace kith::hooks
