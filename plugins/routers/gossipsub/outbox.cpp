// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/outbox.h"

#include "plugins/routers/gossipsub/limits.h"

namespace kith::gossip {

bool Outbox::Lane::push(Buffer& frame, std::size_t bytes_max, std::size_t frames_max) {
  const std::size_t size = frame.bytes().size();
  if (bytes + size > bytes_max || frames.size() - head == frames_max) return false;
  if (head > 64 && head * 2 > frames.size()) {
    frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(head));
    head = 0;
  }
  bytes += size;
  frames.push_back(std::move(frame));
  return true;
}

Buffer Outbox::Lane::pop() {
  Buffer first = std::move(frames[head++]);
  bytes -= first.bytes().size();
  if (empty()) clear();
  return first;
}

void Outbox::open(Pipe stream) {
  stream_ = std::move(stream);
  watch();
}

void Outbox::close(int error) {
  if (error == 0) {
    stream_.close();
  } else {
    stream_.reset(error);
  }
  urgent_.clear();
  relayed_.clear();
  sending_ = Buffer();
  sent_ = 0;
  waiting_ = false;
}

bool Outbox::send_urgent(Buffer frame) {
  return push(urgent_, frame, limits::kUrgentBytesMax, limits::kUrgentFramesMax);
}

bool Outbox::send_relayed(Buffer frame) {
  return push(relayed_, frame, limits::kRelayedBytesMax, limits::kRelayedFramesMax);
}

bool Outbox::push(Lane& lane, Buffer& frame, std::size_t bytes_max, std::size_t frames_max) {
  if (!stream_) return false;
  if (!lane.push(frame, bytes_max, frames_max)) {
    ++dropped_;
    return false;
  }
  if (!waiting_) flush();
  return static_cast<bool>(stream_);
}

void Outbox::flush() {
  for (;;) {
    if (!sending_) {
      if (urgent_.empty() && relayed_.empty()) return;
      sending_ = urgent_.empty() ? relayed_.pop() : urgent_.pop();
      sent_ = 0;
    }
    const std::int64_t r = advance();
    if (r == KITH_AGAIN) return wait_writable();
    if (r < 0) return fail(static_cast<int>(r));
    sending_ = Buffer();
  }
}

// By reference where the stream has room for all of it, else as many bytes as fit: a frame may be
// larger than any room the stream ever has.
std::int64_t Outbox::advance() {
  if (sent_ == 0) {
    const std::int64_t r = stream_.send(sending_);
    if (r >= 0) return 0;
    if (r != KITH_AGAIN) return r;
  }
  while (sent_ < sending_.bytes().size()) {
    const std::int64_t n = stream_.write(sending_.bytes().subspan(sent_));
    if (n < 0) return n;
    sent_ += static_cast<std::size_t>(n);
  }
  return 0;
}

void Outbox::wait_writable() {
  waiting_ = true;
  stream_.deadline(KITH_WR, limits::kStallMs);
  stream_.want(KITH_WR, kith_done{&Outbox::writable, this});
}

void Outbox::writable(void* self, std::int64_t r, const void*) {
  auto* outbox = static_cast<Outbox*>(self);
  outbox->waiting_ = false;
  if (r < 0) return outbox->fail(static_cast<int>(r));
  outbox->stream_.deadline(KITH_WR, 0);
  outbox->flush();
}

// Streams are one-way: nothing is read here but the news that the other side is gone.
void Outbox::watch() { stream_.want(KITH_RD, kith_done{&Outbox::readable, this}); }

void Outbox::readable(void* self, std::int64_t r, const void*) {
  auto* outbox = static_cast<Outbox*>(self);
  std::uint8_t unexpected[64];
  if (r >= 0) r = outbox->stream_.read(unexpected);
  if (r == KITH_AGAIN) return outbox->watch();
  if (r == 0) return;  // it will say nothing: as it should be
  outbox->fail(r < 0 ? static_cast<int>(r) : KITH_BAD);
}

void Outbox::fail(int error) {
  failed_ = true;
  close(error);
}

}  // namespace kith::gossip
