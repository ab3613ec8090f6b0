// SPDX-License-Identifier: MIT
// Later: what the bus does in a later turn, in order. Owned by the Bus; what is left when it ends
// is dropped without being run. Its users bound what they push.
#pragma once
#include <deque>
#include <functional>

#include "engine/base/loop.h"

namespace kith::bus {

class Later {
 public:
  explicit Later(Loop& loop) : loop_(loop), timer_({&Later::run, this}) {}
  void push(std::function<void()> job) {
    jobs_.push_back(std::move(job));
    if (!timer_.armed()) loop_.start(timer_, 0);
  }

 private:
  // Only what stood there when the turn began: a job that pushes itself does not hold the loop.
  static void run(void* self, std::int64_t, const void*) {
    auto& later = *static_cast<Later*>(self);
    for (std::size_t n = later.jobs_.size(); n > 0; --n) {
      const auto job = std::move(later.jobs_.front());
      later.jobs_.pop_front();
      job();
    }
    if (!later.jobs_.empty() && !later.timer_.armed()) later.loop_.start(later.timer_, 0);
  }
  Loop& loop_;
  Timer timer_;
  std::deque<std::function<void()>> jobs_;
};

}  // namespace kith::bus
