// SPDX-License-Identifier: MIT
#include "engine/base/log_text.h"

#include <cstdint>

namespace kith {
namespace {

std::uint8_t at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

// The bytes of the character at the front, or 0 where they are no UTF-8 (RFC 3629: shortest form,
// no surrogates, at most U+10FFFF).
std::size_t character(std::string_view text, char32_t& code) {
  const std::uint8_t first = at(text, 0);
  code = first;
  if (first < 0x80) return 1;
  const std::size_t n = first < 0xc2   ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (n == 0 || text.size() < n) return 0;
  code = first & (0x7fu >> n);
  for (std::size_t i = 1; i < n; ++i) {
    if ((at(text, i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(text, i) & 0x3fu);
  }
  const bool is_long = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  return is_long || is_surrogate || code > 0x10ffff ? 0 : n;
}

bool is_plain(char32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool is_mark = (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);
  return !is_control && !is_mark;
}

void append_escaped(std::string& to, std::string_view line, std::string_view backslash,
                    std::string_view quote) {
  constexpr char kDigits[] = "0123456789abcdef";
  while (!line.empty()) {
    char32_t code = 0;
    const std::size_t valid = character(line, code);
    const std::size_t n = valid == 0 ? 1 : valid;
    if (line[0] == '\\') {
      to.append(backslash).append(backslash);
    } else if (line[0] == '"') {
      to.append(quote);
    } else if (line[0] == '\n') {
      to.append(backslash).push_back('n');
    } else if (valid > 0 && is_plain(code)) {
      to.append(line.substr(0, n));
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        to.append(backslash).push_back('x');
        to.push_back(kDigits[at(line, i) >> 4]);
        to.push_back(kDigits[at(line, i) & 15]);
      }
    }
    line.remove_prefix(n);
  }
}

}  // namespace

void append_log_text(std::string& to, std::string_view line) {
  append_escaped(to, line, "\\", "\"");
}

void append_log_json(std::string& to, std::string_view line) {
  append_escaped(to, line, "\\\\", "\\\"");
}

}  // namespace kith
