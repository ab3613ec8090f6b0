// SPDX-License-Identifier: MIT
// FakeStream: one end of a stream between two fake nodes, on a VirtualLoop: ordered bytes with a
// delay and a bound on what is not read yet. What a real stream promises, and nothing else.
#pragma once
#include <kith/pipe.h>

#include <deque>

#include "engine/sim/virtual_loop.h"

namespace kith::test {

class FakeStream final : public kith_pipe {
 public:
  static constexpr std::size_t kRoom = 256 * 1024;  // in transit and unread

  // The opener's end first. `delay` may change while the streams stand.
  static std::pair<Pipe, Pipe> pair(sim::VirtualLoop& loop, const std::uint64_t& delay_us,
                                    std::string protocol, ByteVector opener, ByteVector other) {
    auto* a = new FakeStream(loop, delay_us, protocol, other);
    auto* b = new FakeStream(loop, delay_us, protocol, opener);
    a->other_ = b;
    b->other_ = a;
    return {Pipe(a), Pipe(b)};
  }

  std::int64_t peek(Bytes& seen) {
    seen = inbox_;
    if (!inbox_.empty()) return static_cast<std::int64_t>(inbox_.size());
    if (error_ != 0) return error_;
    return fin_ ? 0 : std::int64_t{KITH_AGAIN};
  }
  void consume(std::size_t n) {
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(n));
    if (other_) other_->wake_writer();
  }
  std::int64_t read(MutableBytes to) {
    Bytes seen;
    const std::int64_t n = peek(seen);
    if (n <= 0) return n;
    const std::size_t taken = std::min(to.size(), seen.size());
    std::copy_n(seen.begin(), taken, to.begin());
    consume(taken);
    return static_cast<std::int64_t>(taken);
  }
  std::int64_t write(std::span<const kith_bytes> pieces) {
    std::int64_t taken = 0;
    for (const kith_bytes piece : pieces) {
      if (!other_ || error_ != 0) return error_ != 0 ? error_ : int{KITH_RESET};
      const std::size_t n = std::min(piece.n, room());
      if (n > 0) put(view(piece).first(n));
      taken += static_cast<std::int64_t>(n);
      if (n < piece.n) break;
    }
    return taken > 0 ? taken : std::int64_t{KITH_AGAIN};
  }
  std::int64_t send(kith_buf* buf) {
    if (!other_ || error_ != 0) return error_ != 0 ? error_ : int{KITH_RESET};
    if (buf->b.n > room()) return KITH_AGAIN;
    put(view(buf->b));
    return static_cast<std::int64_t>(buf->b.n);
  }
  void want(unsigned direction, kith_done wake) {
    if (direction & KITH_RD) reader_ = wake;
    if (direction & KITH_WR) writer_ = wake;
    if (direction & KITH_RD) wake_reader();
    if (direction & KITH_WR) wake_writer();
  }
  void deadline(unsigned direction, std::uint32_t ms) {
    Timer& timer = direction & KITH_RD ? reader_late_ : writer_late_;
    timer.stop();
    if (ms > 0) loop_.start(timer, std::uint64_t{ms} * 1000);
  }
  int shut() { return 0; }
  void drop(int error) {
    if (other_) {
      other_->other_ = nullptr;
      if (error < 0) other_->error_ = KITH_RESET;
      other_->ending_ = true;
      loop_.start(other_->arrival_, delay_us_);
    }
    delete this;
  }
  int info(kith_pipe_info& info) {
    info.peer = c_bytes(Bytes(peer_));
    info.protocol = c_bytes(std::string_view(protocol_));
    return 0;
  }

 private:
  struct Chunk {
    std::uint64_t due_us;
    ByteVector bytes;
  };
  FakeStream(sim::VirtualLoop& loop, const std::uint64_t& delay_us, std::string protocol,
             ByteVector peer)
      : loop_(loop), delay_us_(delay_us), protocol_(std::move(protocol)), peer_(std::move(peer)) {
    ops = &PipeOps<FakeStream>::table;
  }

  std::size_t room() const {
    const std::size_t used = other_->inbox_.size() + other_->coming_bytes_;
    return used >= kRoom ? 0 : kRoom - used;
  }
  void put(Bytes bytes) {
    other_->coming_.push_back({loop_.now_us() + delay_us_, to_vector(bytes)});
    other_->coming_bytes_ += bytes.size();
    if (!other_->arrival_.armed()) loop_.start(other_->arrival_, delay_us_);
  }
  void arrive() {
    while (!coming_.empty() && (coming_.front().due_us <= loop_.now_us() || ending_)) {
      append(inbox_, coming_.front().bytes);
      coming_bytes_ -= coming_.front().bytes.size();
      coming_.pop_front();
    }
    if (!coming_.empty()) loop_.start(arrival_, coming_.front().due_us - loop_.now_us());
    if (ending_) fin_ = true;
    wake_reader();
    wake_writer();
  }
  void wake_reader() {
    const bool ready = !inbox_.empty() || fin_ || error_ != 0;
    if (ready && reader_.fn && !reading_.armed()) loop_.start(reading_, 0);
  }
  void wake_writer() {
    const bool ready = !other_ || error_ != 0 || room() > 0;
    if (ready && writer_.fn && !writing_.armed()) loop_.start(writing_, 0);
  }
  static void fire(kith_done& wake, std::int64_t r) {
    const kith_done taken = std::exchange(wake, kith_done{nullptr, nullptr});
    if (taken.fn) taken.fn(taken.ctx, r, nullptr);
  }
  template <void (FakeStream::*Method)()>
  kith_done calls() {
    return {
        [](void* self, std::int64_t, const void*) { (static_cast<FakeStream*>(self)->*Method)(); },
        this};
  }
  void read_now() { fire(reader_, KITH_RD); }
  void write_now() { fire(writer_, KITH_WR); }
  void read_late() { fire(reader_, KITH_TIMEOUT); }
  void write_late() { fire(writer_, KITH_TIMEOUT); }

  sim::VirtualLoop& loop_;
  const std::uint64_t& delay_us_;
  std::string protocol_;
  ByteVector peer_;
  FakeStream* other_ = nullptr;
  ByteVector inbox_;
  std::deque<Chunk> coming_;
  std::size_t coming_bytes_ = 0;
  bool fin_ = false, ending_ = false;
  int error_ = 0;
  kith_done reader_{nullptr, nullptr}, writer_{nullptr, nullptr};
  Timer arrival_{calls<&FakeStream::arrive>()};
  Timer reading_{calls<&FakeStream::read_now>()}, writing_{calls<&FakeStream::write_now>()};
  Timer reader_late_{calls<&FakeStream::read_late>()},
      writer_late_{calls<&FakeStream::write_late>()};
};

}  // namespace kith::test
