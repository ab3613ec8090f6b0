// SPDX-License-Identifier: MIT
// WebsocketLink: a link of binary WebSocket messages over another link. Owned by whoever holds the
// Pipe, and by Lingering once that has closed it while bytes still wait. Payload streams through:
// kept are a partial header, a control frame, and what is left of a frame that the lower link did
// not take whole. Deadlines and wants are the lower link's.
#pragma once
#include <kith/host.h>

#include <list>

#include "engine/wire/websocket.h"

namespace kith::websocket {

class WebsocketLink;

// The closed links that still have something to send, oldest first. Owned by the transport; cuts
// them off when it ends.
using Lingering = std::list<std::unique_ptr<WebsocketLink>>;

class WebsocketLink final : public kith_pipe {
 public:
  // lower: the handshake is done on it. early: the bytes that came behind the other side's part.
  static Pipe make(const Host& host, Lingering& lingering, Pipe lower, ByteVector early);
  WebsocketLink(const Host& host, Lingering& lingering, Pipe lower, bool dialed);
  ~WebsocketLink() = default;
  WebsocketLink(const WebsocketLink&) = delete;
  WebsocketLink& operator=(const WebsocketLink&) = delete;

  std::int64_t read(MutableBytes to);
  std::int64_t write(std::span<const kith_bytes> pieces);
  void want(unsigned rd_wr, kith_done wake);
  void deadline(unsigned rd_wr, std::uint32_t ms);
  int shut();
  void drop(int error);
  int info(kith_pipe_info& info) const;

 private:
  static constexpr std::int64_t kOpen = 1;
  class Pieces;

  bool is_client() const { return (flags_ & KITH_PIPE_DIALED) != 0; }
  bool is_ready() const { return !ahead_.empty() || end_ != kOpen; }
  bool is_late();
  std::size_t took(std::int64_t n, MutableBytes bytes);
  std::size_t take_ahead(MutableBytes to);
  static void lower_readable(void* self, std::int64_t r, const void*);
  static void ready_soon(void* self, std::int64_t, const void*);
  void want_lower(unsigned direction);

  std::int64_t write_frame(Pieces& pieces);
  std::int64_t write_masked(Pieces& pieces);
  std::int64_t put(std::span<const kith_bytes> parts);
  wire::WebsocketMask fresh_mask() const;
  void begin_close(std::uint16_t code);
  bool next_control();
  std::int64_t flush();
  static void lower_writable(void* self, std::int64_t r, const void*);
  void linger();
  void linger_on(std::int64_t r);

  const Host& host_;
  Lingering& lingering_;
  Pipe lower_;
  wire::WebsocketReader reader_;
  ByteVector ahead_;          // payload that was met while looking for some
  std::int64_t end_ = kOpen;  // of reading: 0 or an error once it is there
  kith_done reading_{nullptr, nullptr}, writing_{nullptr, nullptr};
  Op soon_;
  ByteVector unsent_;  // whole frames but for a part of the first that has left
  std::optional<ByteVector> pong_;
  std::uint16_t close_code_ = 0;  // to be said
  std::uint8_t flags_;
  bool shut_ = false, close_said_ = false;
  std::optional<Lingering::iterator> at_;  // among the lingering
  ByteVector local_, remote_;
};
static_assert(sizeof(WebsocketLink) <= 512);

}  // namespace kith::websocket
