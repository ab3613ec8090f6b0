// SPDX-License-Identifier: MIT
#include "engine/wire/encodings.h"

namespace kith::wire {
namespace {

// The size of the well-formed sequence at the front (Unicode 15, table 3-7), or 0.
std::size_t sequence_size(Bytes bytes) {
  const std::uint8_t lead = bytes[0];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (bytes.size() < size) return 0;
  // The second byte is narrower after four leads: overlong forms, surrogates, beyond U+10FFFF.
  const std::uint8_t lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (bytes[1] < lowest || bytes[1] > highest) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  }
  return size;
}

bool is_ascii(const std::uint8_t* eight) {
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

// C0, DEL and C1 (U+0080 to U+009F, which some terminals obey).
bool is_control(Bytes sequence) {
  if (sequence.size() == 1) return sequence[0] < 0x20 || sequence[0] == 0x7f;
  return sequence.size() == 2 && sequence[0] == 0xc2 && sequence[1] < 0xa0;
}

void append_escaped(std::string& to, std::uint8_t byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  to += "\\x";
  to += kHex[byte >> 4];
  to += kHex[byte & 15];
}

}  // namespace

bool is_utf8(Bytes bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes.size() - at >= 8 && is_ascii(bytes.data() + at)) {
      at += 8;
      continue;
    }
    const std::size_t size = sequence_size(bytes.subspan(at));
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::string escape_text(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = sequence_size(bytes.subspan(at));
    const Bytes sequence = bytes.subspan(at, size == 0 ? 1 : size);
    at += sequence.size();
    if (sequence[0] == '\n') {
      escaped += "\\n";
    } else if (sequence[0] == '\\') {
      escaped += "\\\\";
    } else if (size == 0 || is_control(sequence)) {
      for (const std::uint8_t byte : sequence) append_escaped(escaped, byte);
    } else {
      escaped += as_text(sequence);
    }
  }
  return escaped;
}

}  // namespace kith::wire
