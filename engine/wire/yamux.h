// SPDX-License-Identifier: MIT
// Yamux frames (libp2p/specs yamux): the header's twelve bytes, and a parser that is fed bytes as
// they arrive. Pure: knows no stream, window or connection; never holds payload.
#pragma once
#include "engine/wire/varint.h"

namespace kith::wire {

inline constexpr std::string_view kYamuxProtocol = "/yamux/1.0.0";

enum class YamuxType : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

enum : std::uint16_t { kYamuxSyn = 1, kYamuxAck = 2, kYamuxFin = 4, kYamuxRst = 8 };

struct YamuxHeader {
  static constexpr std::size_t kSize = 12;
  YamuxType type = YamuxType::data;
  std::uint16_t flags = 0;
  std::uint32_t stream_id = 0;
  std::uint32_t length = 0;  // payload, window delta, ping value or GoAway code, by type
  friend bool operator==(const YamuxHeader&, const YamuxHeader&) = default;
};

void write_yamux_header(const YamuxHeader& header, std::uint8_t* to);  // kSize bytes
void append_yamux_header(ByteVector& to, const YamuxHeader& header);
// bad_frame: another version or type; a ping or GoAway off stream 0, a stream's frame on it.
Result<YamuxHeader> read_yamux_header(Bytes from);

// One step at a time, so that whoever acts on a frame may stop in the middle of a buffer. Payload
// is given in the pieces in which it arrives: a frame of any length costs no memory.
class YamuxParser {
 public:
  enum class Step { more, header, data, bad };
  // Takes from the front of `input`. header: see header(). data: see piece(), never empty.
  Step next(Bytes& input);
  const YamuxHeader& header() const { return header_; }
  Bytes piece() const { return piece_; }
  // Payload of the current frame that is still to come.
  std::uint32_t left() const { return left_; }

 private:
  YamuxHeader header_;
  Bytes piece_;
  std::uint32_t left_ = 0;
  std::uint8_t have_ = 0;
  std::uint8_t partial_[YamuxHeader::kSize] = {};
};

}  // namespace kith::wire
