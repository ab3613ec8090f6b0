// SPDX-License-Identifier: MIT
// run_until on a real loop, for the few tests that need sockets or threads: looks every
// millisecond.
#pragma once
#include <functional>

#include "engine/node/real_loop.h"

namespace kith::test {

class RealRun {
 public:
  explicit RealRun(node::RealLoop& loop) : loop_(loop) {}
  bool until(const std::function<bool()>& done, std::uint64_t us = 10'000'000) {
    done_ = &done;
    end_us_ = loop_.now_us() + us;
    is_true_ = false;
    loop_.start(timer_, 0);
    loop_.run();
    return is_true_;
  }
  void run_for(std::uint64_t us) {
    until([] { return false; }, us);
  }

 private:
  static void look(void* self, std::int64_t, const void*) {
    auto* run = static_cast<RealRun*>(self);
    run->is_true_ = (*run->done_)();
    if (run->is_true_ || run->loop_.now_us() >= run->end_us_) return run->loop_.stop();
    run->loop_.start(run->timer_, 1'000);
  }
  node::RealLoop& loop_;
  const std::function<bool()>* done_ = nullptr;
  std::uint64_t end_us_ = 0;
  bool is_true_ = false;
  Timer timer_{kith_done{&RealRun::look, this}};
};

}  // namespace kith::test
