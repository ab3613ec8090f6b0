// SPDX-License-Identifier: MIT
#include "engine/wire/yamux.h"

#include <algorithm>

namespace kith::wire {

namespace {

void put32(std::uint32_t value, std::uint8_t* to) {
  to[0] = static_cast<std::uint8_t>(value >> 24);
  to[1] = static_cast<std::uint8_t>(value >> 16);
  to[2] = static_cast<std::uint8_t>(value >> 8);
  to[3] = static_cast<std::uint8_t>(value);
}

std::uint32_t get32(const std::uint8_t* from) {
  return static_cast<std::uint32_t>(from[0]) << 24 | static_cast<std::uint32_t>(from[1]) << 16 |
         static_cast<std::uint32_t>(from[2]) << 8 | static_cast<std::uint32_t>(from[3]);
}

// Allocates nothing: every frame of every peer passes here.
bool decode(const std::uint8_t* from, YamuxHeader& header) {
  if (from[0] != 0 || from[1] > static_cast<std::uint8_t>(YamuxType::go_away)) return false;
  header.type = static_cast<YamuxType>(from[1]);
  header.flags = static_cast<std::uint16_t>(from[2] << 8 | from[3]);
  header.stream_id = get32(from + 4);
  header.length = get32(from + 8);
  const bool of_stream = header.type == YamuxType::data || header.type == YamuxType::window_update;
  return of_stream == (header.stream_id != 0);
}

}  // namespace

void write_yamux_header(const YamuxHeader& header, std::uint8_t* to) {
  to[0] = 0;
  to[1] = static_cast<std::uint8_t>(header.type);
  to[2] = static_cast<std::uint8_t>(header.flags >> 8);
  to[3] = static_cast<std::uint8_t>(header.flags);
  put32(header.stream_id, to + 4);
  put32(header.length, to + 8);
}

void append_yamux_header(ByteVector& to, const YamuxHeader& header) {
  const std::size_t at = to.size();
  to.resize(at + YamuxHeader::kSize);
  write_yamux_header(header, to.data() + at);
}

Result<YamuxHeader> read_yamux_header(Bytes from) {
  if (from.size() < YamuxHeader::kSize) return wire_error::truncated;
  YamuxHeader header;
  if (!decode(from.data(), header)) return wire_error::bad_frame;
  return header;
}

YamuxParser::Step YamuxParser::next(Bytes& input) {
  if (left_ > 0) {
    if (input.empty()) return Step::more;
    piece_ = input.first(std::min<std::size_t>(left_, input.size()));
    input = input.subspan(piece_.size());
    left_ -= static_cast<std::uint32_t>(piece_.size());
    return Step::data;
  }
  const std::uint8_t* whole = input.data();
  if (have_ == 0 && input.size() >= YamuxHeader::kSize) {
    input = input.subspan(YamuxHeader::kSize);
  } else {
    const std::size_t n = std::min(YamuxHeader::kSize - have_, input.size());
    std::copy_n(input.data(), n, partial_ + have_);
    input = input.subspan(n);
    have_ = static_cast<std::uint8_t>(have_ + n);
    if (have_ < YamuxHeader::kSize) return Step::more;
    have_ = 0;
    whole = partial_;
  }
  if (!decode(whole, header_)) return Step::bad;
  left_ = header_.type == YamuxType::data ? header_.length : 0;
  return Step::header;
}

}  // namespace kith::wire
