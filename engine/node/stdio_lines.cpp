// SPDX-License-Identifier: MIT
#include "engine/node/stdio_lines.h"

#include <unistd.h>

#include <cerrno>

namespace kith::node {

namespace {
constexpr std::size_t kDrainedBytes = 64 * 1024;
}

StdioLines::StdioLines(Loop& loop, bus::Bus& bus, std::function<void()> ended)
    : loop_(loop), ended_(std::move(ended)), caller_(bus, *this) {
  ending_.done = {
      [](void* self, std::int64_t, const void*) { static_cast<StdioLines*>(self)->ended_(); },
      this};
  in_ = loop_.watch(STDIN_FILENO, {&StdioLines::readable, this});
  out_ = loop_.watch(STDOUT_FILENO, {&StdioLines::writable, this});
  if (!in_ || !out_) throw Fault(Error(KITH_IO, "--stdio needs stdin and stdout"));
  in_->arm(KITH_RD);
}

StdioLines::~StdioLines() = default;

void StdioLines::readable(void* self, std::int64_t, const void*) {
  static_cast<StdioLines*>(self)->read();
}

void StdioLines::read() {
  const MutableBytes room = loop_.scratch();
  const ssize_t n = ::read(STDIN_FILENO, room.data(), room.size());
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return end();
  if (n > 0) caller_.receive(Bytes(room.data(), static_cast<std::size_t>(n)));
  if (!over_) in_->arm(KITH_RD);
}

void StdioLines::write(std::string_view line) {
  queue_ += line;
  flush();
}

void StdioLines::writable(void* self, std::int64_t, const void*) {
  auto* lines = static_cast<StdioLines*>(self);
  lines->flush();
  if (lines->queued_bytes() < kDrainedBytes && !lines->over_) lines->caller_.drained();
}

void StdioLines::flush() {
  while (sent_ < queue_.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, queue_.data() + sent_, queue_.size() - sent_);
    if (n > 0) {
      sent_ += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return end();
    out_->arm(KITH_WR);
    break;
  }
  if (sent_ == queue_.size() || sent_ > kDrainedBytes) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
}

void StdioLines::close(std::string_view) { end(); }

// Told from a later turn: this may stand on the caller's own stack.
void StdioLines::end() {
  if (std::exchange(over_, true)) return;
  loop_.start(ending_, 0);
}

}  // namespace kith::node
