// SPDX-License-Identifier: MIT
#include "engine/net/yamux_connection.h"

#include <algorithm>
#include <cassert>

namespace kith::net {

namespace {

// GoAway codes, as the Yamux spec numbers them.
constexpr std::uint32_t kNormal = 0, kProtocolError = 1;

// The loop has one buffer for all that is read. A link that itself runs over a stream (a relay) is
// read from inside the wake of that stream, while the buffer holds the outer connection's frames.
class ReadSpace {
 public:
  explicit ReadSpace(Shared& shared) : shared_(shared), ours_(!shared.scratch_taken) {
    if (ours_) {
      shared_.scratch_taken = true;
    } else {
      spare_.resize(SealedLink::kReadSpace);
    }
  }
  ReadSpace(const ReadSpace&) = delete;
  ReadSpace& operator=(const ReadSpace&) = delete;
  ~ReadSpace() {
    if (ours_) shared_.scratch_taken = false;
  }
  MutableBytes bytes() { return ours_ ? shared_.loop.scratch() : MutableBytes(spare_); }

 private:
  Shared& shared_;
  const bool ours_;
  ByteVector spare_;
};

}  // namespace

YamuxConnection::YamuxConnection(Shared& shared, std::shared_ptr<const ConnectionFacts> facts,
                                 std::unique_ptr<SealedLink> sealed, ByteVector early)
    : shared_(shared),
      facts_(std::move(facts)),
      sealed_(std::move(sealed)),
      early_(std::move(early)),
      opened_us_(shared.loop.now_us()),
      next_id_(dialed() ? 1 : 2) {
  turn_.end_turn = {[](void* self, std::int64_t, const void*) {
                      static_cast<YamuxConnection*>(self)->on_turn_end();
                    },
                    this};
  tick_.done = {
      [](void* self, std::int64_t, const void*) { static_cast<YamuxConnection*>(self)->on_tick(); },
      this};
}

YamuxConnection::~YamuxConnection() {
  for (Slot& slot : streams_) {
    shared_.windows_grown_bytes -= slot.stream->window_grown();
    if (slot.stream->dropped()) continue;
    MuxStream& stream = *slot.stream;
    stream.detach(std::move(slot.stream));
  }
}

void YamuxConnection::listen(ConnectionEvents& events) {
  events_ = &events;
  shared_.loop.start(tick_, 0);
}

void YamuxConnection::start() {
  started_ = true;
  heard_us_ = shared_.loop.now_us();
  send_ping();
  const ByteVector early = std::move(early_);
  if (take(early)) arm_read();
}

void YamuxConnection::arm_read() {
  sealed_->link().want(KITH_RD, {[](void* self, std::int64_t, const void*) {
                                   static_cast<YamuxConnection*>(self)->on_readable();
                                 },
                                 this});
}

// ---- Streams

YamuxConnection::Slots::iterator YamuxConnection::slot(std::uint32_t id) {
  if (hint_ < streams_.size() && streams_[hint_].id == id) {
    return streams_.begin() + static_cast<std::ptrdiff_t>(hint_);
  }
  const auto before = [](const Slot& a, std::uint32_t b) { return a.id < b; };
  const auto at = std::lower_bound(streams_.begin(), streams_.end(), id, before);
  hint_ = static_cast<std::size_t>(at - streams_.begin());
  return at;
}

MuxStream* YamuxConnection::find(std::uint32_t id) {
  const auto at = slot(id);
  return at != streams_.end() && at->id == id ? at->stream.get() : nullptr;
}

MuxStream& YamuxConnection::make_stream(std::uint32_t id, bool opened_here) {
  auto made = std::make_unique<MuxStream>(*this, facts_, id, opened_here);
  MuxStream& stream = *made;
  streams_.insert(slot(id), Slot{id, std::move(made)});
  if (opened_here) ++opened_here_;
  return stream;
}

Result<Pipe> YamuxConnection::open_stream() {
  if (closing_) return net_error::closed;
  if (opened_here_ >= limits::kStreamsOutMax || next_id_ > UINT32_MAX - 2) return net_error::limit;
  MuxStream& stream = make_stream(next_id_, true);
  next_id_ += 2;
  put({wire::YamuxType::window_update, wire::kYamuxSyn, stream.id(), 0});
  return Pipe(&stream);
}

void YamuxConnection::name_stream(kith_pipe* stream, std::string_view protocol) {
  static_cast<MuxStream*>(stream)->name(protocol);
}

void YamuxConnection::reset(MuxStream& stream) {
  put({wire::YamuxType::window_update, wire::kYamuxRst, stream.id(), 0});
  remove(stream);
}

void YamuxConnection::remove(MuxStream& stream) {
  leave_line(stream);
  shared_.windows_grown_bytes -= stream.window_grown();
  if (stream.opened_here()) --opened_here_;
  if (current_id_ == stream.id()) current_id_ = 0;
  const auto at = slot(stream.id());
  assert(at != streams_.end() && at->stream.get() == &stream);
  const std::unique_ptr<MuxStream> last = std::move(at->stream);
  streams_.erase(at);
  if (streams_.empty()) Slots().swap(streams_);
}

std::uint32_t YamuxConnection::grow_window(std::uint32_t window, std::uint64_t epoch_us) {
  const bool slow = rtt_us_ == 0 || shared_.loop.now_us() - epoch_us > 4 * rtt_us_;
  if (slow || window >= limits::kWindowMax) return window;
  if (shared_.windows_grown_bytes + window > limits::kWindowsTotalMax) return window;
  shared_.windows_grown_bytes += window;
  return window * 2;
}

// ---- Frames in

void YamuxConnection::on_readable() {
  if (closing_) return;
  ReadSpace space(shared_);
  const std::int64_t n = sealed_->read_frames(space.bytes(), [this](Bytes p) { return take(p); });
  if (closing_) return;
  if (n > 0) heard_us_ = shared_.loop.now_us();
  if (n > 0 || n == KITH_AGAIN) return arm_read();
  if (n == KITH_BAD) return fail("a Noise frame that does not open");
  begin_closing(kNormal, n == 0 ? "the other side closed the link" : "the link was cut",
                KITH_RESET);
}

// False: closing, the rest is of no interest.
bool YamuxConnection::take(Bytes plain) {
  while (!closing_) {
    switch (parser_.next(plain)) {
      case wire::YamuxParser::Step::more: return true;
      case wire::YamuxParser::Step::header: on_frame(parser_.header()); break;
      case wire::YamuxParser::Step::data: on_piece(parser_.piece()); break;
      case wire::YamuxParser::Step::bad: fail("malformed Yamux frame"); break;
    }
  }
  return false;
}

void YamuxConnection::on_frame(const wire::YamuxHeader& header) {
  switch (header.type) {
    case wire::YamuxType::data:
    case wire::YamuxType::window_update: return on_stream_frame(header);
    case wire::YamuxType::ping: return on_ping(header);
    case wire::YamuxType::go_away:
      return begin_closing(kNormal, "the other side said goodbye", KITH_RESET);
  }
}

void YamuxConnection::on_stream_frame(const wire::YamuxHeader& header) {
  current_id_ = 0;
  fin_behind_ = false;
  if ((header.flags & wire::kYamuxSyn) && !admit(header)) return;
  MuxStream* stream = find(header.stream_id);
  if (!stream) return;  // ended here while the frame was under way: its payload is skipped
  if (header.flags & wire::kYamuxRst) {
    if (stream->dropped()) return remove(*stream);
    return stream->fail(KITH_RESET);
  }
  const bool fin = (header.flags & wire::kYamuxFin) != 0;
  if (header.type == wire::YamuxType::data) {
    if (header.length > stream->receive_window()) return fail("more data than the window allows");
    if (header.length > 0) {
      current_id_ = header.stream_id;
      fin_behind_ = fin;
      return;
    }
  } else if (header.length > 0) {
    stream->on_window(header.length);
    stream = fin ? find(header.stream_id) : nullptr;
  }
  if (fin && stream) stream->on_fin();
}

void YamuxConnection::on_piece(Bytes piece) {
  if (current_id_ == 0) return;
  const std::uint32_t id = current_id_;
  if (MuxStream* stream = find(id)) stream->on_data(piece);
  if (parser_.left() > 0 || !fin_behind_ || current_id_ != id) return;
  if (MuxStream* stream = find(id)) stream->on_fin();
}

bool YamuxConnection::admit(const wire::YamuxHeader& header) {
  const std::uint32_t theirs = dialed() ? 0 : 1;  // the client's are odd
  if ((header.stream_id & 1) != theirs) {
    fail("a stream with an id of this side's");
    return false;
  }
  if (find(header.stream_id)) {
    fail("a stream opened twice");
    return false;
  }
  if (streams_.size() - opened_here_ >= limits::kStreamsInMax) {
    put({wire::YamuxType::window_update, wire::kYamuxRst, header.stream_id, 0});
    return false;
  }
  MuxStream& stream = make_stream(header.stream_id, false);
  acks_.push_back(header.stream_id);
  shared_.loop.mark_dirty(turn_);
  events_->on_stream(Pipe(&stream));
  return true;
}

void YamuxConnection::on_ping(const wire::YamuxHeader& header) {
  if (header.flags & wire::kYamuxSyn) {
    return put({wire::YamuxType::ping, wire::kYamuxAck, 0, header.length});
  }
  if (!pinging_ || header.length != ping_value_) return fail("an answer to no ping");
  const std::uint64_t now_us = shared_.loop.now_us();
  pinging_ = false;
  rtt_us_ = std::max<std::uint64_t>(1, now_us - ping_sent_us_);
  next_ping_us_ = now_us + std::uint64_t{limits::kMuxPingEveryMs} * 1000;
  set_tick();
}

// ---- Time

void YamuxConnection::send_ping() {
  pinging_ = true;
  ping_sent_us_ = shared_.loop.now_us();
  ping_left_us_ = 0;
  put({wire::YamuxType::ping, wire::kYamuxSyn, 0, ++ping_value_});
  set_tick();
}

// A ping waits in vain only once it has left, and while nothing else comes from the peer either.
// What leaves after it is no sign of life.
std::uint64_t YamuxConnection::ping_late_us() const {
  const std::uint64_t left_us =
      ping_left_us_ > 0 ? ping_left_us_ : std::max(ping_sent_us_, sent_us_);
  const std::uint64_t since_us = std::max(heard_us_, left_us);
  return since_us + std::uint64_t{limits::kMuxPingWaitMs} * 1000;
}

void YamuxConnection::set_tick() {
  if (closing_ || !started_) return;  // it is set, to now
  const std::uint64_t now_us = shared_.loop.now_us();
  const std::uint64_t stall_us = stalled_us_ + std::uint64_t{limits::kWriteStallMs} * 1000;
  const std::uint64_t due_us = sealed_->blocked() ? stall_us
                               : pinging_         ? ping_late_us()
                                                  : next_ping_us_;
  shared_.loop.start(tick_, due_us - std::min(due_us, now_us));
}

void YamuxConnection::on_tick() {
  if (closing_) return finish_closing();
  if (!started_) return start();
  const std::uint64_t now_us = shared_.loop.now_us();
  if (sealed_->blocked()) {
    if (now_us - stalled_us_ >= std::uint64_t{limits::kWriteStallMs} * 1000) {
      return begin_closing(kNormal, "the other side takes no bytes", KITH_TIMEOUT);
    }
  } else if (pinging_ && now_us >= ping_late_us()) {
    return begin_closing(kNormal, "the other side answers no ping", KITH_TIMEOUT);
  } else if (!pinging_ && now_us >= next_ping_us_) {
    return send_ping();
  }
  set_tick();
}

// ---- The end

void YamuxConnection::close(std::string_view why) { begin_closing(kNormal, why, KITH_CLOSED); }

void YamuxConnection::fail(std::string_view why) {
  begin_closing(kProtocolError, std::string("the other side broke the protocol: ").append(why),
                KITH_RESET);
}

void YamuxConnection::begin_closing(std::uint32_t code, std::string_view why, int error) {
  if (closing_) return;
  closing_ = true;
  why_ = why;
  error_ = error;
  put({wire::YamuxType::go_away, 0, 0, code});
  shared_.loop.start(tick_, 0);
}

void YamuxConnection::finish_closing() {
  finished_ = true;
  if (!sealed_->blocked()) seal_queue();  // what the link refuses now is lost
  queue_.clear();
  if (sealed_->blocked()) {
    sealed_->link().reset();
  } else {
    sealed_->link().close();
  }
  for (std::size_t at = streams_.size(); at-- > 0;) {
    MuxStream& stream = *streams_[at].stream;
    if (stream.dropped()) {
      remove(stream);
    } else {
      stream.fail(error_);
    }
  }
  if (events_) events_->on_closed(why_);
}

}  // namespace kith::net
