// SPDX-License-Identifier: MIT
// Timer and TimerHeap: a binary heap of (due, seq), shared by both loops. A Timer is a member of
// whoever waits, so that arming one allocates nothing and destroying its owner disarms it.
#pragma once
#include <kith/kith.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace kith {

class TimerHeap;

class Timer {
 public:
  Timer() = default;
  explicit Timer(kith_done fires) : done(fires) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }
  void stop();
  bool armed() const { return heap_ != nullptr; }
  std::uint64_t due_us() const { return due_us_; }

  kith_done done{nullptr, nullptr};

 private:
  friend class TimerHeap;
  TimerHeap* heap_ = nullptr;
  std::size_t index_ = 0;
  std::uint64_t due_us_ = 0;
  std::uint64_t seq_ = 0;
};

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap() {
    for (Timer* timer : heap_) timer->heap_ = nullptr;
  }

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  std::uint64_t next_due_us() const { return heap_.front()->due_us_; }

  void start(Timer& timer, std::uint64_t due_us) {
    timer.stop();
    timer.heap_ = this;
    timer.due_us_ = due_us;
    timer.seq_ = ++seq_;
    heap_.push_back(&timer);
    up(heap_.size() - 1);
  }
  // The earliest timer that is due, disarmed; nullptr when none is.
  Timer* take_due(std::uint64_t now_us) {
    if (heap_.empty() || heap_.front()->due_us_ > now_us) return nullptr;
    Timer* timer = heap_.front();
    remove(*timer);
    return timer;
  }

 private:
  friend class Timer;
  static bool before(const Timer* a, const Timer* b) {
    return a->due_us_ != b->due_us_ ? a->due_us_ < b->due_us_ : a->seq_ < b->seq_;
  }
  void place(Timer* timer, std::size_t at) {
    heap_[at] = timer;
    timer->index_ = at;
  }
  void up(std::size_t at) {
    Timer* timer = heap_[at];
    for (; at > 0 && before(timer, heap_[(at - 1) / 2]); at = (at - 1) / 2)
      place(heap_[(at - 1) / 2], at);
    place(timer, at);
  }
  void down(std::size_t at) {
    Timer* timer = heap_[at];
    for (std::size_t child; (child = 2 * at + 1) < heap_.size(); at = child) {
      if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
      if (!before(heap_[child], timer)) break;
      place(heap_[child], at);
    }
    place(timer, at);
  }
  void remove(Timer& timer) {
    const std::size_t at = timer.index_;
    Timer* last = heap_.back();
    heap_.pop_back();
    timer.heap_ = nullptr;
    if (last == &timer) return;
    place(last, at);
    up(at);
    down(last->index_);
  }
  std::vector<Timer*> heap_;
  std::uint64_t seq_ = 0;
};

inline void Timer::stop() {
  if (heap_) heap_->remove(*this);
}

}  // namespace kith
