// SPDX-License-Identifier: MIT
#include "engine/sim/memory_link.h"

#include <algorithm>

namespace kith::sim {
namespace {

constexpr std::uint64_t kNever = UINT64_MAX;
constexpr std::size_t kSliceBytes = 16 * 1024;  // what a slow link carries at once

// Bytes on their way from one end to the other. Arrival is judged by the clock when asked, so a
// flow that nobody waits on holds no timer.
class Flow {
 public:
  explicit Flow(const LinkShape& shape) : shape_(shape) {}

  std::size_t space() const {
    return shape_.buffer_bytes - std::min(shape_.buffer_bytes, bytes_.size() - read_at_);
  }
  void write(Bytes bytes, std::uint64_t now_us) {
    while (!bytes.empty()) {
      const bool slow = shape_.bytes_per_second > 0;
      const std::size_t n = slow ? std::min(bytes.size(), kSliceBytes) : bytes.size();
      free_us_ = std::max(free_us_, now_us);
      if (slow) free_us_ += n * 1'000'000 / shape_.bytes_per_second;
      append(bytes_, bytes.first(n));
      put_mark(free_us_ + shape_.delay_us, n);
      bytes = bytes.subspan(n);
    }
  }
  // > 0, 0 at the FIN, or AGAIN.
  std::int64_t read(MutableBytes to, std::uint64_t now_us) {
    arrive(now_us);
    const std::size_t n = std::min(to.size(), here_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(read_at_), n, to.begin());
    read_at_ += n;
    here_ -= n;
    if (read_at_ == bytes_.size()) {
      ByteVector().swap(bytes_);
      read_at_ = 0;
    } else if (read_at_ > bytes_.size() / 2) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(read_at_));
      read_at_ = 0;
    }
    if (n > 0) return static_cast<std::int64_t>(n);
    return fin_us_ <= now_us && bytes_.empty() ? 0 : KITH_AGAIN;
  }
  void end(std::uint64_t now_us) {
    fin_us_ = std::min(fin_us_, std::max(free_us_, now_us) + shape_.delay_us);
  }
  // When a read has something to say.
  std::uint64_t readable_us(std::uint64_t now_us) {
    arrive(now_us);
    if (here_ > 0) return now_us;
    return marks_.empty() ? fin_us_ : marks_.front().due_us;
  }

 private:
  struct Mark {
    std::uint64_t due_us;
    std::size_t bytes;
  };
  void put_mark(std::uint64_t due_us, std::size_t n) {
    if (!marks_.empty() && marks_.back().due_us == due_us) {
      marks_.back().bytes += n;
    } else {
      marks_.push_back({due_us, n});
    }
  }
  void arrive(std::uint64_t now_us) {
    std::size_t passed = 0;
    for (; passed < marks_.size() && marks_[passed].due_us <= now_us; ++passed) {
      here_ += marks_[passed].bytes;
    }
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(passed));
  }
  const LinkShape& shape_;
  ByteVector bytes_;  // taken and not yet read, from read_at_
  std::vector<Mark> marks_;
  std::size_t read_at_ = 0, here_ = 0;
  std::uint64_t free_us_ = 0;  // when the wire has sent all that was taken
  std::uint64_t fin_us_ = kNever;
};

// One end. Deadlines and cuts are moments that each call compares with the clock; the timer of a
// direction runs only while a wake is armed there.
class End final : public kith_pipe {
 public:
  End(MemoryLink& link, Flow& in, Flow& out, bool dialed);

  std::int64_t read(MutableBytes to);
  std::int64_t write(std::span<const kith_bytes> pieces);
  void want(unsigned rd_wr, kith_done wake);
  void deadline(unsigned rd_wr, std::uint32_t ms);
  int shut();
  void drop(int error);
  int info(kith_pipe_info& info) const;
  void silence();

 private:
  struct Side {
    explicit Side(kith_done fires) : timer(fires) {}
    kith_done wake{nullptr, nullptr};
    std::uint64_t deadline_us = kNever;
    Timer timer;
  };
  std::uint64_t now_us() const;
  int broken(const Side& side) const;  // why calls in a direction fail, or 0
  std::uint64_t ready_us(unsigned direction);
  void look(Side& side, unsigned direction);  // sets the timer by what is known now
  void look_again(unsigned rd_wr);            // where a wake is armed
  void fire(Side& side, unsigned direction);
  static void fire_read(void* self, std::int64_t, const void*);
  static void fire_write(void* self, std::int64_t, const void*);

  MemoryLink& link_;
  Flow& in_;
  Flow& out_;
  Side reading_{kith_done{&End::fire_read, this}};
  Side writing_{kith_done{&End::fire_write, this}};
  std::uint64_t cut_us_ = kNever;   // when the other side's RST is here
  std::uint64_t deaf_us_ = kNever;  // when this side learns that nobody reads what it writes
  bool dialed_ = false, dropped_ = false, silent_ = false, shut_ = false;
};

}  // namespace

struct MemoryLink {
  MemoryLink(Loop& on, const LinkShape& given, MemoryLinks& all, ByteVector from_end,
             ByteVector to_end, std::pair<Place, Place> whose)
      : loop(on),
        shape(given),
        links(all),
        at(all.insert(all.end(), this)),
        from(std::move(from_end)),
        to(std::move(to_end)),
        places(whose) {}
  MemoryLink(const MemoryLink&) = delete;
  MemoryLink& operator=(const MemoryLink&) = delete;
  ~MemoryLink() { links.erase(at); }
  End& other(const End& end) { return &end == &dialer ? listener : dialer; }

  Loop& loop;
  const LinkShape shape;
  MemoryLinks& links;
  const MemoryLinks::iterator at;
  const ByteVector from, to;
  const std::pair<Place, Place> places;
  Flow there{shape}, back{shape};
  End dialer{*this, back, there, true};
  End listener{*this, there, back, false};
};

namespace {

End::End(MemoryLink& link, Flow& in, Flow& out, bool dialed)
    : kith_pipe{&PipeOps<End>::table}, link_(link), in_(in), out_(out), dialed_(dialed) {}

std::uint64_t End::now_us() const { return link_.loop.now_us(); }

int End::broken(const Side& side) const {
  if (side.deadline_us <= now_us()) return KITH_TIMEOUT;
  if (!silent_ && cut_us_ <= now_us()) return KITH_RESET;
  return 0;
}

std::int64_t End::read(MutableBytes to) {
  if (const int error = broken(reading_)) return error;
  if (silent_ || to.empty()) return KITH_AGAIN;
  const std::int64_t n = in_.read(to, now_us());
  if (n > 0) link_.other(*this).look_again(KITH_WR);
  return n;
}

std::int64_t End::write(std::span<const kith_bytes> pieces) {
  if (const int error = broken(writing_)) return error;
  if (shut_) return KITH_CLOSED;
  if (!silent_ && deaf_us_ <= now_us()) return KITH_RESET;
  std::int64_t taken = 0;
  std::size_t given = 0;
  for (const kith_bytes& piece : pieces) {
    given += piece.n;
    const std::size_t n = silent_ ? piece.n : std::min(piece.n, out_.space());
    if (!silent_) out_.write({piece.p, n}, now_us());
    taken += static_cast<std::int64_t>(n);
    if (n < piece.n) break;
  }
  if (taken == 0 && given > 0) return KITH_AGAIN;
  link_.other(*this).look_again(KITH_RD);
  return taken;
}

std::uint64_t End::ready_us(unsigned direction) {
  if (direction == KITH_WR) {
    const bool now = silent_ || shut_ || out_.space() > 0;
    return now ? now_us() : std::min(cut_us_, deaf_us_);
  }
  return silent_ ? kNever : std::min(cut_us_, in_.readable_us(now_us()));
}

void End::look(Side& side, unsigned direction) {
  const std::uint64_t due_us = std::min(ready_us(direction), side.deadline_us);
  if (due_us == kNever) return side.timer.stop();
  if (side.timer.armed() && side.timer.due_us() <= due_us) return;
  link_.loop.start(side.timer, due_us - std::min(due_us, now_us()));
}

void End::look_again(unsigned rd_wr) {
  if ((rd_wr & KITH_RD) && reading_.wake.fn) look(reading_, KITH_RD);
  if ((rd_wr & KITH_WR) && writing_.wake.fn) look(writing_, KITH_WR);
}

void End::fire(Side& side, unsigned direction) {
  const bool late = side.deadline_us <= now_us();
  if (!late && ready_us(direction) > now_us()) return look(side, direction);
  const kith_done wake = std::exchange(side.wake, kith_done{nullptr, nullptr});
  wake.fn(wake.ctx, late ? std::int64_t{KITH_TIMEOUT} : std::int64_t{direction}, nullptr);
}

void End::fire_read(void* self, std::int64_t, const void*) {
  auto* end = static_cast<End*>(self);
  end->fire(end->reading_, KITH_RD);
}
void End::fire_write(void* self, std::int64_t, const void*) {
  auto* end = static_cast<End*>(self);
  end->fire(end->writing_, KITH_WR);
}

void End::want(unsigned rd_wr, kith_done wake) {
  const auto arm = [&](Side& side, unsigned direction) {
    if (!(rd_wr & direction)) return;
    side.wake = wake;
    side.timer.stop();
    if (wake.fn) look(side, direction);
  };
  arm(reading_, KITH_RD);
  arm(writing_, KITH_WR);
}

void End::deadline(unsigned rd_wr, std::uint32_t ms) {
  const auto set = [&](Side& side, unsigned direction) {
    if (!(rd_wr & direction)) return;
    side.deadline_us = ms == 0 ? kNever : now_us() + std::uint64_t{ms} * 1000;
    side.timer.stop();
    if (side.wake.fn) look(side, direction);
  };
  set(reading_, KITH_RD);
  set(writing_, KITH_WR);
}

int End::shut() {
  if (std::exchange(shut_, true) || silent_) return 0;
  out_.end(now_us());
  link_.other(*this).look_again(KITH_RD);
  return 0;
}

void End::silence() {
  silent_ = true;
  reading_.timer.stop();
  look_again(KITH_RD | KITH_WR);
}

void End::drop(int error) {
  End& other = link_.other(*this);
  dropped_ = true;
  reading_.timer.stop();
  writing_.timer.stop();
  reading_.wake = writing_.wake = kith_done{nullptr, nullptr};
  if (other.dropped_) {
    const std::unique_ptr<MemoryLink> both(&link_);
    return;
  }
  if (silent_) return;
  const std::uint64_t seen_us = now_us() + link_.shape.delay_us;
  if (error < 0) {
    other.cut_us_ = seen_us;
  } else {
    shut();
    other.deaf_us_ = seen_us;
  }
  other.look_again(KITH_RD | KITH_WR);
}

int End::info(kith_pipe_info& info) const {
  info.flags = dialed_ ? unsigned{KITH_PIPE_DIALED} : 0u;
  info.peer = info.protocol = kith_bytes{nullptr, 0};
  info.local = c_bytes(Bytes(dialed_ ? link_.from : link_.to));
  info.remote = c_bytes(Bytes(dialed_ ? link_.to : link_.from));
  return 0;
}

}  // namespace

std::pair<Pipe, Pipe> make_memory_link(Loop& loop, const LinkShape& shape, MemoryLinks& links,
                                       ByteVector from, ByteVector to,
                                       std::pair<Place, Place> places) {
  auto link =
      std::make_unique<MemoryLink>(loop, shape, links, std::move(from), std::move(to), places);
  MemoryLink* both = link.release();  // the second drop frees it
  return {Pipe(&both->dialer), Pipe(&both->listener)};
}

std::pair<Place, Place> places_of(const MemoryLink& link) { return link.places; }

void silence(MemoryLink& link, bool dialer) { (dialer ? link.dialer : link.listener).silence(); }

void silence_memory_link(kith_pipe* end) { static_cast<End*>(end)->silence(); }

// multiaddr: code 777 as a varint, then the port in eight bytes, big-endian.
ByteVector memory_address(std::uint64_t port) {
  ByteVector address{0x89, 0x06};
  for (int shift = 56; shift >= 0; shift -= 8) {
    address.push_back(static_cast<std::uint8_t>(port >> shift));
  }
  return address;
}

}  // namespace kith::sim
