// SPDX-License-Identifier: MIT
// WebSocket frames (RFC 6455 section 5) as a transport of bytes needs them: binary messages only,
// whose borders mean nothing. Pure: knows no pipe and no handshake; never holds payload.
#pragma once
#include <kith/bytes.h>

#include <array>
#include <optional>

namespace kith::wire {

enum class WebsocketOpcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

// What a close frame gives as its reason (7.4.1).
enum WebsocketCode : std::uint16_t {
  kWebsocketNormal = 1000,
  kWebsocketBroken = 1002,       // the protocol
  kWebsocketUnsupported = 1003,  // text
  kWebsocketTooBig = 1009
};

using WebsocketMask = std::array<std::uint8_t, 4>;

inline constexpr std::size_t kWebsocketHeaderMax = 14;
inline constexpr std::size_t kWebsocketControlMax = 125;               // payload of one
inline constexpr std::uint64_t kWebsocketFrameMax = 16 * 1024 * 1024;  // that is accepted

// A whole message in one frame. mask: of a client's frame, else nullptr. Returns the header's size.
std::size_t write_websocket_header(WebsocketOpcode opcode, std::uint64_t length,
                                   const WebsocketMask* mask, std::uint8_t* to);
void append_websocket_frame(ByteVector& to, WebsocketOpcode opcode, Bytes payload,
                            const WebsocketMask* mask);
// Applies or removes it; `offset`: how much of the payload went before.
void apply_websocket_mask(MutableBytes bytes, const WebsocketMask& mask, std::uint64_t offset);

// Takes frames out of bytes as they arrive. What it keeps is at most a partial header or the
// payload of one control frame.
class WebsocketReader {
 public:
  // expects_mask: on the server's side, whose client must mask; a server must not (5.1).
  explicit WebsocketReader(bool expects_mask) : expects_mask_(expects_mask) {}

  // Moves the payload in `bytes` to its front, unmasked, and returns how much that is. Takes
  // nothing any more once the other side has closed or broken the protocol.
  std::size_t take(MutableBytes bytes);

  bool in_payload() const { return left_ > 0 && !is_control(); }  // the next byte is payload
  bool closed() const { return closed_; }
  std::uint16_t broken() const { return broken_; }  // 0, or the code to close with
  std::optional<ByteVector> take_ping();            // the newest that is not yet answered

 private:
  bool is_control() const { return (opcode_ & 8) != 0; }
  std::size_t take_header(MutableBytes bytes);
  std::size_t take_control(MutableBytes bytes);
  void judge_start();
  void judge_length();
  void end_control();
  std::size_t header_size() const;

  std::uint64_t left_ = 0, passed_ = 0;  // of the current frame's payload
  ByteVector control_;                   // what has arrived of a control frame's payload
  std::optional<ByteVector> ping_;
  WebsocketMask mask_{};
  std::uint16_t broken_ = 0;
  std::uint8_t have_ = 0;  // of the header
  std::uint8_t opcode_ = 0;
  std::uint8_t header_[kWebsocketHeaderMax] = {};
  bool expects_mask_;
  bool in_message_ = false;  // a message's last frame is still to come
  bool closed_ = false;
};

}  // namespace kith::wire
