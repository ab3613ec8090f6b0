// SPDX-License-Identifier: MIT
#include "engine/net/mux_stream.h"

#include <algorithm>
#include <cassert>

#include "engine/net/yamux_connection.h"

namespace kith::net {

namespace {

constexpr std::uint64_t us(std::uint32_t ms) { return std::uint64_t{ms} * 1000; }

std::size_t total(std::span<const kith_bytes> v) {
  std::size_t n = 0;
  for (const kith_bytes& piece : v) n += piece.n;
  return n;
}

}  // namespace

MuxStream::MuxStream(YamuxConnection& connection, std::shared_ptr<const ConnectionFacts> facts,
                     std::uint32_t id, bool opened_here)
    : kith_pipe{&PipeOps<MuxStream>::table},
      connection_(&connection),
      facts_(std::move(facts)),
      id_(id),
      opened_here_(opened_here),
      owes_ack_(!opened_here) {
  timer_.done = {
      [](void* self, std::int64_t, const void*) { static_cast<MuxStream*>(self)->on_timer(); },
      this};
  epoch_us_ = facts_->loop.now_us();
}

MuxStream::~MuxStream() = default;

bool MuxStream::late(unsigned direction) const {
  const Side& of = direction == KITH_RD ? reading_ : writing_;
  return of.deadline_us != 0 && of.deadline_us <= facts_->loop.now_us();
}

// ---- Reading

std::int64_t MuxStream::peek(Bytes& seen) {
  seen = Bytes();
  if (late(KITH_RD)) return KITH_TIMEOUT;
  if (has_bytes()) {
    seen = direct_.empty() ? Bytes(inbox_).subspan(inbox_at_) : direct_;
    return static_cast<std::int64_t>(seen.size());
  }
  if (fin_in_) return 0;
  return error_ ? error_ : int{KITH_AGAIN};
}

std::int64_t MuxStream::read(MutableBytes to) {
  Bytes seen;
  const std::int64_t here = peek(seen);
  if (here <= 0) return here;
  const std::size_t n = std::min(to.size(), seen.size());
  std::copy_n(seen.begin(), n, to.begin());
  consume(n);
  return static_cast<std::int64_t>(n);
}

void MuxStream::consume(std::size_t n) {
  take(n);
  give_credit();
}

void MuxStream::take(std::size_t n) {
  if (!direct_.empty()) {
    direct_ = direct_.subspan(std::min(n, direct_.size()));
    return;
  }
  inbox_at_ += std::min(n, inbox_.size() - inbox_at_);
  if (inbox_at_ == inbox_.size()) {
    ByteVector().swap(inbox_);
    inbox_at_ = 0;
  }
}

// Once half of the window is consumed, all of it is given back; a window that went by in less than
// four round trips is too small for the path and doubles (as go-yamux and js-libp2p do).
void MuxStream::give_credit() {
  if (!connection_ || error_ || fin_in_ || dropped_) return;
  const std::size_t held = direct_.size() + (inbox_.size() - inbox_at_);
  const std::size_t unread = std::min<std::size_t>(held, receive_max_ - receive_left_);
  std::uint32_t owed = receive_max_ - receive_left_ - static_cast<std::uint32_t>(unread);
  if (owed < receive_max_ / 2) return;
  const std::uint32_t grown = connection_->grow_window(receive_max_, epoch_us_);
  owed += grown - receive_max_;
  receive_max_ = grown;
  receive_left_ += owed;
  epoch_us_ = facts_->loop.now_us();
  connection_->put({wire::YamuxType::window_update, take_flags(), id_, owed});
}

void MuxStream::on_data(Bytes piece) {
  receive_left_ -= static_cast<std::uint32_t>(piece.size());
  if (dropped_) return connection_->reset(*this);  // nobody will read it
  if (!has_bytes() && reading_.wake.fn && !late(KITH_RD)) {
    direct_ = piece;
    if (!fire(KITH_RD, KITH_RD)) return;
    append(inbox_, std::exchange(direct_, Bytes()));
    return;
  }
  if (inbox_at_ > inbox_.size() / 2) {
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(inbox_at_));
    inbox_at_ = 0;
  }
  append(inbox_, piece);
  look(KITH_RD);
}

void MuxStream::on_fin() {
  fin_in_ = true;
  if (dropped_ && fin_sent_) return connection_->remove(*this);
  look(KITH_RD);
}

// ---- Writing

std::uint16_t MuxStream::take_flags() {
  return std::exchange(owes_ack_, false) ? std::uint16_t{wire::kYamuxAck} : std::uint16_t{0};
}

std::size_t MuxStream::room() const {
  return std::min<std::size_t>(send_window_, connection_->room(*this));
}

std::int64_t MuxStream::write(std::span<const kith_bytes> v) {
  if (late(KITH_WR)) return KITH_TIMEOUT;
  if (error_) return error_;
  if (shut_) return KITH_CLOSED;
  const std::size_t all = total(v);
  if (all == 0) return 0;
  const std::size_t n = pending_ ? 0 : std::min(all, room());
  if (n == 0) return KITH_AGAIN;
  connection_->put_data(*this, v, n);
  send_window_ -= static_cast<std::uint32_t>(n);
  return static_cast<std::int64_t>(n);
}

// A buffer may be larger than any window the peer will ever grant, so it is taken whole as soon as
// a first byte may leave; what must wait is held by reference.
std::int64_t MuxStream::send(kith_buf* buf) {
  if (late(KITH_WR)) return KITH_TIMEOUT;
  if (error_) return error_;
  if (shut_) return KITH_CLOSED;
  if (buf->b.n == 0) return 0;
  if (pending_ || room() == 0) return KITH_AGAIN;
  pending_ = Buffer::share(buf);
  pending_at_ = 0;
  pump();
  return static_cast<std::int64_t>(buf->b.n);
}

// Whether nothing of a send is left.
bool MuxStream::pump() {
  if (!pending_) return true;
  const std::size_t size = pending_.bytes().size();
  const std::size_t n = std::min(size - pending_at_, room());
  if (n > 0) {
    connection_->put_shared(*this, pending_.get(), pending_at_, n);
    send_window_ -= static_cast<std::uint32_t>(n);
    pending_at_ += n;
  }
  if (pending_at_ < size) {
    if (send_window_ > 0) connection_->wait_for_room(*this);
    return false;
  }
  pending_ = Buffer();
  if (shut_) finish_writing();
  return true;
}

void MuxStream::on_window(std::uint32_t delta) {
  send_window_ += std::min(delta, UINT32_MAX - send_window_);
  on_room();
}

void MuxStream::on_room() {
  pump();
  if (dropped_) {
    if (fin_sent_ && fin_in_) connection_->remove(*this);
    return;
  }
  if (!writing_.wake.fn) return;
  if (ready(KITH_WR)) {
    look(KITH_WR);
  } else if (send_window_ > 0) {
    connection_->wait_for_room(*this);
  }
}

int MuxStream::shut() {
  if (error_) return error_;
  if (std::exchange(shut_, true)) return 0;
  if (!pending_) finish_writing();
  return 0;
}

// Never on a data frame: js-libp2p looks at FIN before the payload.
void MuxStream::finish_writing() {
  fin_sent_ = true;
  const auto flags = static_cast<std::uint16_t>(take_flags() | wire::kYamuxFin);
  connection_->put({wire::YamuxType::window_update, flags, id_, 0});
}

// ---- Waking

bool MuxStream::ready(unsigned direction) const {
  if (late(direction)) return true;
  if (direction == KITH_RD) return has_bytes() || fin_in_ || error_;
  if (error_ || shut_) return true;
  return !pending_ && room() > 0;
}

void MuxStream::want(unsigned rd_wr, kith_done wake) {
  for (const unsigned direction : {unsigned{KITH_RD}, unsigned{KITH_WR}}) {
    if (rd_wr & direction) side(direction).wake = wake;
  }
  if (!wake.fn) return;
  const bool now = ((rd_wr & KITH_RD) && ready(KITH_RD)) || ((rd_wr & KITH_WR) && ready(KITH_WR));
  if (now) return arm(facts_->loop.now_us());
  if ((rd_wr & KITH_WR) && send_window_ > 0) connection_->wait_for_room(*this);
  arm_for_deadlines();
}

// Fires what has become ready; never from inside a call of the holder's. False: the stream is gone.
bool MuxStream::look(unsigned direction) {
  if (!side(direction).wake.fn || !ready(direction)) return true;
  return fire(direction, late(direction) ? std::int64_t{KITH_TIMEOUT} : std::int64_t{direction});
}

bool MuxStream::fire(unsigned direction, std::int64_t r) {
  assert(!firing_);
  const kith_done wake = std::exchange(side(direction).wake, kith_done{nullptr, nullptr});
  firing_ = true;
  wake.fn(wake.ctx, r, nullptr);
  firing_ = false;
  if (!ended_) return true;
  end();
  return false;
}

// The timer is late by design: a deadline that moved back leaves it standing, and it looks again.
void MuxStream::arm(std::uint64_t due_us) {
  const std::uint64_t now_us = facts_->loop.now_us();
  if (timer_.armed() && timer_.due_us() <= std::max(due_us, now_us)) return;
  facts_->loop.start(timer_, due_us - std::min(due_us, now_us));
}

void MuxStream::arm_for_deadlines() {
  for (const Side* of : {&reading_, &writing_}) {
    if (of->deadline_us != 0 && (of->wake.fn || dropped_)) arm(of->deadline_us);
  }
}

void MuxStream::on_timer() {
  if (dropped_) {
    if (late(KITH_WR)) return connection_->reset(*this);
    return arm_for_deadlines();
  }
  if (!look(KITH_RD) || !look(KITH_WR)) return;
  if (writing_.wake.fn && !ready(KITH_WR) && send_window_ > 0) connection_->wait_for_room(*this);
  arm_for_deadlines();
}

void MuxStream::deadline(unsigned rd_wr, std::uint32_t ms) {
  for (const unsigned direction : {unsigned{KITH_RD}, unsigned{KITH_WR}}) {
    if (rd_wr & direction) {
      side(direction).deadline_us = ms == 0 ? 0 : facts_->loop.now_us() + us(ms);
    }
  }
  arm_for_deadlines();
}

// ---- The end

void MuxStream::fail(int error) {
  if (error_) return;
  error_ = error;
  // What the peer finished saying stays readable; half a message does not.
  if (!fin_in_) {
    ByteVector().swap(inbox_);
    inbox_at_ = 0;
    direct_ = Bytes();
  }
  pending_ = Buffer();
  if (reading_.wake.fn || writing_.wake.fn) arm(facts_->loop.now_us());
}

void MuxStream::detach(std::unique_ptr<MuxStream> self) {
  fail(KITH_CLOSED);
  connection_ = nullptr;
  self_ = std::move(self);
}

void MuxStream::drop(int error) {
  dropped_ = true;
  reading_ = writing_ = Side();
  timer_.stop();
  ByteVector().swap(inbox_);
  inbox_at_ = 0;
  direct_ = Bytes();
  if (!connection_ || error_) return end();
  if (error < 0) {
    if (!(fin_in_ && fin_sent_)) {
      connection_->put({wire::YamuxType::window_update, wire::kYamuxRst, id_, 0});
    }
    return end();
  }
  shut();
  if (fin_sent_ && fin_in_) return end();
  linger();
}

// Until the peer has said its FIN too, but not for ever.
void MuxStream::linger() {
  writing_.deadline_us = facts_->loop.now_us() + us(limits::kWriteStallMs);
  arm_for_deadlines();
}

void MuxStream::end() {
  ended_ = true;
  if (firing_) return;  // fire() comes back here
  if (connection_) return connection_->remove(*this);
  const std::unique_ptr<MuxStream> last = std::move(self_);
}

int MuxStream::info(kith_pipe_info& info) const {
  info.flags = facts_->flags;
  info.peer = c_bytes(facts_->peer.bytes());
  info.protocol = c_bytes(protocol_);
  info.local = c_bytes(facts_->local.bytes());
  info.remote = c_bytes(facts_->remote.bytes());
  return 0;
}

}  // namespace kith::net
