// SPDX-License-Identifier: MIT
// MuxStream: one Yamux stream as a kith_pipe. Owned by its connection; when that ends first, by
// itself until its holder's drop. Keeps only what arrived and was not consumed, and at most one
// shared buffer that the peer's window has no room for. Never touches the link.
#pragma once
#include <kith/pipe.h>

#include <memory>

#include "engine/base/limits.h"
#include "engine/base/loop.h"
#include "engine/wire/multiaddr.h"

namespace kith::net {

class YamuxConnection;

// What a connection's streams may still be asked for after it is gone.
struct ConnectionFacts {
  Loop& loop;
  wire::PeerId peer;
  wire::Multiaddr local, remote;
  std::uint32_t flags = 0;  // KITH_PIPE_...
};

class MuxStream final : public kith_pipe {
 public:
  MuxStream(YamuxConnection& connection, std::shared_ptr<const ConnectionFacts> facts,
            std::uint32_t id, bool opened_here);
  MuxStream(const MuxStream&) = delete;
  MuxStream& operator=(const MuxStream&) = delete;
  ~MuxStream();

  // ---- The pipe, as kith.h says.
  std::int64_t read(MutableBytes to);
  std::int64_t peek(Bytes& seen);
  void consume(std::size_t n);
  std::int64_t write(std::span<const kith_bytes> v);
  std::int64_t send(kith_buf* buf);
  void want(unsigned rd_wr, kith_done wake);
  void deadline(unsigned rd_wr, std::uint32_t ms);
  int shut();
  void drop(int error);
  int info(kith_pipe_info& info) const;

  // ---- From the connection, never from inside a call above. Each may end the stream.
  std::uint32_t receive_window() const { return receive_left_; }
  void on_data(Bytes piece);
  void on_fin();
  void on_window(std::uint32_t delta);
  void on_room();        // the connection's queue takes bytes again
  void fail(int error);  // no more of either direction; wakes come in a later turn
  void detach(std::unique_ptr<MuxStream> self);  // the connection is being destroyed

  std::uint32_t id() const { return id_; }
  bool opened_here() const { return opened_here_; }
  bool owes_ack() const { return owes_ack_; }
  bool dropped() const { return dropped_; }
  std::uint32_t window_grown() const { return receive_max_ - limits::kWindowFirst; }
  // ACK on the first frame of a stream that the peer opened.
  std::uint16_t take_flags();
  void name(std::string_view protocol) { protocol_ = protocol; }

  bool waits_for_room = false;  // stands in the connection's line

 private:
  bool has_bytes() const { return !direct_.empty() || inbox_at_ < inbox_.size(); }
  bool ready(unsigned direction) const;
  std::size_t room() const;
  void take(std::size_t n);
  void give_credit();
  bool pump();
  void finish_writing();
  bool look(unsigned direction);
  bool fire(unsigned direction, std::int64_t r);
  void on_timer();
  void arm(std::uint64_t due_us);
  void arm_for_deadlines();
  void linger();
  void end();

  struct Side {
    kith_done wake{nullptr, nullptr};
    std::uint64_t deadline_us = 0;  // 0 = none
  };
  Side& side(unsigned direction) { return direction == KITH_RD ? reading_ : writing_; }
  bool late(unsigned direction) const;

  YamuxConnection* connection_;
  std::shared_ptr<const ConnectionFacts> facts_;
  std::unique_ptr<MuxStream> self_;
  Side reading_, writing_;
  Timer timer_;
  std::string_view protocol_;
  Bytes direct_;      // what just arrived, in place; only while its wake runs
  ByteVector inbox_;  // what nobody has consumed, from inbox_at_
  std::size_t inbox_at_ = 0;
  Buffer pending_;  // of a send, from pending_at_
  std::size_t pending_at_ = 0;
  std::uint64_t epoch_us_ = 0;  // when the window was last given back
  std::uint32_t id_;
  std::uint32_t send_window_ = limits::kWindowFirst;
  std::uint32_t receive_left_ = limits::kWindowFirst;  // what the peer may still send
  std::uint32_t receive_max_ = limits::kWindowFirst;
  int error_ = 0;
  bool opened_here_;
  bool owes_ack_;
  bool fin_in_ = false;
  bool shut_ = false;      // the holder writes no more
  bool fin_sent_ = false;  // nor do we
  bool dropped_ = false;
  bool ended_ = false;
  bool firing_ = false;
};

}  // namespace kith::net
