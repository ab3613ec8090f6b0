// SPDX-License-Identifier: MIT
// The half of YamuxConnection by which bytes leave: one queue, sealed and written once a turn.
#include <algorithm>

#include "engine/net/yamux_connection.h"

namespace kith::net {

namespace {

// What one stream may put into the queue before the next that waits has its turn.
constexpr std::size_t kShare = 64 * 1024;

}  // namespace

std::size_t YamuxConnection::room(const MuxStream& stream) const {
  if (closing_) return 0;
  const std::size_t free =
      limits::kWriteQueueMax - std::min(limits::kWriteQueueMax, queue_.bytes());
  if (waiting_ == 0) return free;
  return turn_of_ == &stream ? std::min(free, turn_left_) : 0;
}

void YamuxConnection::wait_for_room(MuxStream& stream) {
  if (std::exchange(stream.waits_for_room, true)) return;
  ++waiting_;
  line_.push_back(stream.id());
  shared_.loop.mark_dirty(turn_);
}

void YamuxConnection::leave_line(MuxStream& stream) {
  if (turn_of_ == &stream) turn_of_ = nullptr;
  if (std::exchange(stream.waits_for_room, false)) --waiting_;
}

void YamuxConnection::put(const wire::YamuxHeader& header) {
  queue_.put(header);
  shared_.loop.mark_dirty(turn_);
  // Payload stops at half of this: the rest is answers that a peer asks for and never takes.
  if (queue_.bytes() > 2 * limits::kWriteQueueMax) fail("it asks faster than it listens");
}

void YamuxConnection::put_data(MuxStream& stream, std::span<const kith_bytes> v, std::size_t n) {
  if (turn_of_ == &stream) turn_left_ -= std::min(turn_left_, n);
  queue_.put_data(stream.id(), stream.take_flags(), v, 0, n);
  shared_.loop.mark_dirty(turn_);
}

void YamuxConnection::put_shared(MuxStream& stream, kith_buf* held, std::size_t skip,
                                 std::size_t n) {
  if (turn_of_ == &stream) turn_left_ -= std::min(turn_left_, n);
  queue_.put_shared(stream.id(), stream.take_flags(), held, skip, n);
  shared_.loop.mark_dirty(turn_);
}

void YamuxConnection::send_owed_acks() {
  const std::vector<std::uint32_t> opened = std::move(acks_);
  acks_.clear();
  for (const std::uint32_t id : opened) {
    MuxStream* stream = find(id);
    if (!stream || !stream->owes_ack()) continue;
    put({wire::YamuxType::window_update, stream->take_flags(), id, 0});
  }
}

void YamuxConnection::on_turn_end() {
  if (finished_) return;
  send_owed_acks();
  after_write(sealed_->blocked() ? 0 : seal_queue());
}

// At most one buffer full a turn; the other connections have theirs to write.
int YamuxConnection::seal_queue() {
  const MutableBytes space = shared_.loop.scratch_out();
  OutQueue::Pieces pieces;
  std::size_t used = 0;
  while (!queue_.empty() && used + SealedLink::kFrameMax <= space.size()) {
    used += sealed_->seal(queue_.front(pieces), space.data() + used);
    queue_.pop();
  }
  return sealed_->write(space.first(used));
}

void YamuxConnection::after_write(int failed) {
  if (failed < 0) return begin_closing(0, "the link was cut", KITH_RESET);
  const std::uint64_t now_us = shared_.loop.now_us();
  if (sealed_->bytes_out() != sent_bytes_ || !sealed_->blocked()) {
    sent_bytes_ = sealed_->bytes_out();
    sent_us_ = stalled_us_ = now_us;
  }
  if (pinging_ && ping_left_us_ == 0 && !sealed_->blocked() && queue_.empty()) {
    ping_left_us_ = std::max<std::uint64_t>(1, now_us);
  }
  if (sealed_->blocked() != std::exchange(was_blocked_, sealed_->blocked())) set_tick();
  if (write_armed_ || (!sealed_->blocked() && queue_.empty() && waiting_ == 0)) return;
  write_armed_ = true;
  sealed_->link().want(KITH_WR, {[](void* self, std::int64_t, const void*) {
                                   static_cast<YamuxConnection*>(self)->on_writable();
                                 },
                                 this});
}

void YamuxConnection::on_writable() {
  write_armed_ = false;
  if (finished_) return;
  const int failed = sealed_->drain();
  if (failed < 0 || sealed_->blocked()) return after_write(failed);
  call_waiters();
  shared_.loop.mark_dirty(turn_);
}

void YamuxConnection::call_waiters() {
  const std::vector<std::uint32_t> line = std::exchange(line_, std::vector<std::uint32_t>());
  std::size_t at = 0;
  for (; at < line.size() && !closing_ && queue_.bytes() < limits::kWriteQueueMax; ++at) {
    MuxStream* stream = find(line[at]);
    if (!stream || !stream->waits_for_room) continue;
    stream->waits_for_room = false;
    --waiting_;
    turn_of_ = stream;
    turn_left_ = kShare;
    stream->on_room();
    turn_of_ = nullptr;
  }
  // Those not reached stand before those that have come again.
  line_.insert(line_.begin(), line.begin() + static_cast<std::ptrdiff_t>(at), line.end());
}

}  // namespace kith::net
