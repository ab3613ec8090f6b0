// SPDX-License-Identifier: MIT
// YamuxConnection: the Connection that upgrade() makes: Yamux (libp2p/specs yamux) over a
// SealedLink. Owns the link, the streams' insides and what is queued to leave. Frames are handled
// by plain functions as they arrive; what is written leaves once a turn. Never negotiates
// protocols.
#pragma once
#include <memory>

#include "engine/net/mux_stream.h"
#include "engine/net/out_queue.h"
#include "engine/net/sealed_link.h"
#include "engine/net/upgrade.h"

namespace kith::net {

class YamuxConnection final : public Connection {
 public:
  // `early`: plaintext that came behind the handshake.
  YamuxConnection(Shared& shared, std::shared_ptr<const ConnectionFacts> facts,
                  std::unique_ptr<SealedLink> sealed, ByteVector early);
  YamuxConnection(const YamuxConnection&) = delete;
  YamuxConnection& operator=(const YamuxConnection&) = delete;
  ~YamuxConnection() override;

  const wire::PeerId& peer() const override { return facts_->peer; }
  const wire::Multiaddr& local() const override { return facts_->local; }
  const wire::Multiaddr& remote() const override { return facts_->remote; }
  bool dialed() const override { return (facts_->flags & KITH_PIPE_DIALED) != 0; }
  bool limited() const override { return (facts_->flags & KITH_PIPE_LIMITED) != 0; }
  void listen(ConnectionEvents& events) override;
  Result<Pipe> open_stream() override;
  void name_stream(kith_pipe* stream, std::string_view protocol) override;
  void close(std::string_view why) override;
  bool closed() const override { return closing_; }
  std::size_t streams() const override { return streams_.size(); }
  std::uint64_t rtt_us() const override { return rtt_us_; }
  std::uint64_t opened_us() const override { return opened_us_; }
  std::uint64_t bytes_in() const override { return sealed_->bytes_in(); }
  std::uint64_t bytes_out() const override { return sealed_->bytes_out(); }

  // ---- For its streams.
  // How much the queue takes from this one now; no overtaking of those that wait.
  std::size_t room(const MuxStream& stream) const;
  void wait_for_room(MuxStream& stream);
  void leave_line(MuxStream& stream);
  void put(const wire::YamuxHeader& header);
  void put_data(MuxStream& stream, std::span<const kith_bytes> v, std::size_t n);
  void put_shared(MuxStream& stream, kith_buf* held, std::size_t skip, std::size_t n);
  void reset(MuxStream& stream);   // RST to the peer, then remove
  void remove(MuxStream& stream);  // and destroy
  // The window after this one, if it may grow by then.
  std::uint32_t grow_window(std::uint32_t window, std::uint64_t epoch_us);

 private:
  struct Slot {
    std::uint32_t id;
    std::unique_ptr<MuxStream> stream;
  };
  using Slots = std::vector<Slot>;

  void start();
  void arm_read();
  void on_readable();
  void on_writable();
  bool take(Bytes plain);
  void on_frame(const wire::YamuxHeader& header);
  void on_stream_frame(const wire::YamuxHeader& header);
  void on_piece(Bytes piece);
  void on_ping(const wire::YamuxHeader& header);
  bool admit(const wire::YamuxHeader& header);

  void on_turn_end();
  void send_owed_acks();
  int seal_queue();
  void after_write(int failed);
  void call_waiters();

  void on_tick();
  void send_ping();
  void set_tick();
  std::uint64_t ping_late_us() const;
  void fail(std::string_view why);  // a violation
  void begin_closing(std::uint32_t code, std::string_view why, int error);
  void finish_closing();

  Slots::iterator slot(std::uint32_t id);
  MuxStream* find(std::uint32_t id);
  MuxStream& make_stream(std::uint32_t id, bool opened_here);

  Shared& shared_;
  std::shared_ptr<const ConnectionFacts> facts_;
  std::unique_ptr<SealedLink> sealed_;
  ByteVector early_;
  ConnectionEvents* events_ = nullptr;
  wire::YamuxParser parser_;
  OutQueue queue_;
  Loop::TurnHook turn_;
  Timer tick_;
  Slots streams_;                    // by id
  std::vector<std::uint32_t> line_;  // those that wait for room, first come first served
  std::vector<std::uint32_t> acks_;  // opened by the peer in this turn
  std::string why_;
  std::uint64_t opened_us_, rtt_us_ = 0;
  std::uint64_t ping_sent_us_ = 0, next_ping_us_ = 0, heard_us_ = 0;
  std::uint64_t ping_left_us_ = 0;  // when all queued up to it was with the link; 0: not yet
  std::uint64_t sent_bytes_ = 0, sent_us_ = 0, stalled_us_ = 0;
  std::uint32_t ping_value_ = 0;
  std::uint32_t next_id_;
  std::uint32_t current_id_ = 0;  // whose payload the parser is in; 0 = nobody's
  std::size_t waiting_ = 0, opened_here_ = 0, hint_ = 0;
  const MuxStream* turn_of_ = nullptr;  // may write before the others that wait
  std::size_t turn_left_ = 0;
  int error_ = 0;
  bool pinging_ = false, started_ = false, closing_ = false, finished_ = false;
  bool write_armed_ = false, was_blocked_ = false;
  bool fin_behind_ = false;  // the frame that the parser is in had a FIN flag
};

}  // namespace kith::net
