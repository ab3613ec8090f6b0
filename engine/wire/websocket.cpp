// SPDX-License-Identifier: MIT
#include "engine/wire/websocket.h"

#include <algorithm>

#include "engine/wire/encodings.h"

namespace kith::wire {
namespace {

constexpr std::uint8_t kFin = 0x80, kReserved = 0x70, kOpcode = 0x0f, kMasked = 0x80;
constexpr std::uint8_t kLength16 = 126, kLength64 = 127;

std::uint64_t read_number(const std::uint8_t* at, std::size_t bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) number = number << 8 | at[i];
  return number;
}

void write_number(std::uint64_t number, std::size_t bytes, std::uint8_t* to) {
  for (std::size_t i = 0; i < bytes; ++i) {
    to[i] = static_cast<std::uint8_t>(number >> (8 * (bytes - 1 - i)));
  }
}

// 7.4: those that may stand on the wire.
bool is_close_code(std::uint64_t code) {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

// 5.5.1: nothing, or a code and a reason in UTF-8.
bool is_close_body(Bytes body) {
  if (body.empty()) return true;
  return body.size() >= 2 && is_close_code(read_number(body.data(), 2)) && is_utf8(body.subspan(2));
}

}  // namespace

std::size_t write_websocket_header(WebsocketOpcode opcode, std::uint64_t length,
                                   const WebsocketMask* mask, std::uint8_t* to) {
  const std::size_t extra = length < kLength16 ? 0 : length <= UINT16_MAX ? 2 : 8;
  const auto code = static_cast<std::uint8_t>(opcode);
  const std::uint8_t in_seven = extra == 0   ? static_cast<std::uint8_t>(length)
                                : extra == 2 ? kLength16
                                             : kLength64;
  to[0] = static_cast<std::uint8_t>(kFin | code);
  to[1] = static_cast<std::uint8_t>((mask ? kMasked : 0) | in_seven);
  write_number(length, extra, to + 2);
  if (!mask) return 2 + extra;
  std::copy(mask->begin(), mask->end(), to + 2 + extra);
  return 2 + extra + mask->size();
}

void append_websocket_frame(ByteVector& to, WebsocketOpcode opcode, Bytes payload,
                            const WebsocketMask* mask) {
  std::uint8_t header[kWebsocketHeaderMax];
  append(to, {header, write_websocket_header(opcode, payload.size(), mask, header)});
  append(to, payload);
  if (mask) apply_websocket_mask(MutableBytes(to).last(payload.size()), *mask, 0);
}

void apply_websocket_mask(MutableBytes bytes, const WebsocketMask& mask, std::uint64_t offset) {
  std::uint8_t turned[8];  // by the offset, twice over, so that eight bytes go at once
  for (std::size_t i = 0; i < sizeof turned; ++i) turned[i] = mask[(offset + i) % mask.size()];
  std::uint64_t wide = 0;
  std::memcpy(&wide, turned, sizeof wide);
  for (; bytes.size() >= sizeof wide; bytes = bytes.subspan(sizeof wide)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    word ^= wide;
    std::memcpy(bytes.data(), &word, sizeof word);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= turned[i];
}

std::size_t WebsocketReader::take(MutableBytes bytes) {
  std::size_t kept = 0, at = 0;
  while (at < bytes.size() && !closed_ && broken_ == 0) {
    const MutableBytes rest = bytes.subspan(at);
    if (left_ == 0) {
      at += take_header(rest);
    } else if (is_control()) {
      at += take_control(rest);
    } else {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      if (expects_mask_) apply_websocket_mask(rest.first(n), mask_, passed_);
      if (kept != at) std::memmove(bytes.data() + kept, rest.data(), n);
      kept += n;
      at += n;
      passed_ += n;
      left_ -= n;
    }
  }
  return kept;
}

std::optional<ByteVector> WebsocketReader::take_ping() { return std::exchange(ping_, {}); }

// Of the header that is being read, as far as it is known.
std::size_t WebsocketReader::header_size() const {
  if (have_ < 2) return 2;
  const std::uint8_t length = header_[1] & ~kMasked;
  const std::size_t extra = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
  return 2 + extra + (expects_mask_ ? mask_.size() : 0);
}

std::size_t WebsocketReader::take_header(MutableBytes bytes) {
  std::size_t at = 0;
  for (; at < bytes.size(); ++at) {
    header_[have_++] = bytes[at];
    if (have_ == 2) judge_start();
    if (broken_ != 0) return at;
    if (have_ < 2 || have_ < header_size()) continue;
    judge_length();
    have_ = 0;
    return at + 1;
  }
  return at;
}

// 5.2: the first two bytes.
void WebsocketReader::judge_start() {
  opcode_ = header_[0] & kOpcode;
  const bool is_last = (header_[0] & kFin) != 0;
  const bool is_masked = (header_[1] & kMasked) != 0;
  const std::uint8_t length = header_[1] & ~kMasked;
  bool fits = (header_[0] & kReserved) == 0 && is_masked == expects_mask_;
  switch (static_cast<WebsocketOpcode>(opcode_)) {
    case WebsocketOpcode::text: broken_ = kWebsocketUnsupported; break;
    case WebsocketOpcode::binary: fits = fits && !in_message_; break;
    case WebsocketOpcode::continuation: fits = fits && in_message_; break;
    case WebsocketOpcode::close:
    case WebsocketOpcode::ping:
    case WebsocketOpcode::pong:
      fits = fits && is_last && length <= kWebsocketControlMax;  // 5.5
      break;
    default: fits = false;
  }
  if (!fits) broken_ = kWebsocketBroken;
  if (!is_control()) in_message_ = !is_last;
}

void WebsocketReader::judge_length() {
  const std::uint8_t in_seven = header_[1] & ~kMasked;
  std::uint64_t length = in_seven;
  bool minimal = true;
  if (in_seven == kLength16) {
    length = read_number(header_ + 2, 2);
    minimal = length >= kLength16;
  } else if (in_seven == kLength64) {
    length = read_number(header_ + 2, 8);
    minimal = length > UINT16_MAX && length >> 63 == 0;
  }
  if (!minimal) {
    broken_ = kWebsocketBroken;
  } else if (length > kWebsocketFrameMax) {
    broken_ = kWebsocketTooBig;
  }
  if (broken_ != 0) return;
  if (expects_mask_) std::copy_n(header_ + header_size() - mask_.size(), 4, mask_.begin());
  left_ = length;
  passed_ = 0;
  if (is_control() && length == 0) end_control();
}

std::size_t WebsocketReader::take_control(MutableBytes bytes) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (expects_mask_) apply_websocket_mask(bytes.first(n), mask_, passed_);
  append(control_, bytes.first(n));
  passed_ += n;
  left_ -= n;
  if (left_ == 0) end_control();
  return n;
}

void WebsocketReader::end_control() {
  const ByteVector body = std::exchange(control_, {});
  switch (static_cast<WebsocketOpcode>(opcode_)) {
    case WebsocketOpcode::ping: ping_ = body; break;
    case WebsocketOpcode::close:
      if (is_close_body(body)) {
        closed_ = true;
      } else {
        broken_ = kWebsocketBroken;
      }
      break;
    default: break;  // a pong that nobody asked for is no news (5.5.3)
  }
}

}  // namespace kith::wire
