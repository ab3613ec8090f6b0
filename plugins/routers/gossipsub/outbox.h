// SPDX-License-Identifier: MIT
// Outbox: what waits to leave towards one peer, and the stream it leaves on. Two lanes: control and
// own messages first, relayed ones after; both bounded. Over its bound a frame is dropped and
// counted, never held, and nobody waits for a slow peer. Owned by the peer's state.
#pragma once
#include <kith/pipe.h>

namespace kith::gossip {

class Outbox {
 public:
  Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void open(Pipe stream);
  void close(int error);
  bool is_open() const { return static_cast<bool>(stream_); }
  // Whether the stream broke or stalled since this was asked last.
  bool take_failure() { return std::exchange(failed_, false); }

  // False: not open, or dropped and counted.
  bool send_urgent(Buffer frame);
  bool send_relayed(Buffer frame);

  std::size_t bytes() const { return urgent_.bytes + relayed_.bytes + sending_.bytes().size(); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  // A queue that holds no memory when it is empty.
  struct Lane {
    std::vector<Buffer> frames;
    std::size_t head = 0, bytes = 0;
    bool empty() const { return head == frames.size(); }
    bool push(Buffer& frame, std::size_t bytes_max, std::size_t frames_max);
    Buffer pop();
    void clear() { *this = Lane(); }
  };

  bool push(Lane& lane, Buffer& frame, std::size_t bytes_max, std::size_t frames_max);
  void flush();
  std::int64_t advance();  // moves on with sending_; 0 = all of it left
  void fail(int error);
  void wait_writable();
  void watch();
  static void writable(void* self, std::int64_t r, const void*);
  static void readable(void* self, std::int64_t r, const void*);

  Pipe stream_;
  Lane urgent_, relayed_;
  Buffer sending_;        // begun, and not yet taken whole
  std::size_t sent_ = 0;  // bytes of it
  bool waiting_ = false;  // for room
  bool failed_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace kith::gossip
