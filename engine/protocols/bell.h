// SPDX-License-Identifier: MIT
// Bell: wakes the one coroutine that waits for it, in a later turn, so that whoever rings is never
// ended by what it wakes. Rung while nobody waits, it is kept. Loop thread.
#pragma once
#include "engine/net/waits.h"

namespace kith::protocols {

class Bell {
 public:
  explicit Bell(Loop& loop) : loop_(loop) {
    timer_.done = {[](void* self, std::int64_t, const void*) {
                     static_cast<Bell*>(self)->waits_.answer(true);
                   },
                   this};
  }
  void ring() {
    is_rung_ = true;
    if (!timer_.armed()) loop_.start(timer_, 0);
  }
  Task<void> heard() {
    while (!is_rung_) {
      net::Waits<bool>::Wait wait(waits_, loop_);
      co_await wait;
    }
    is_rung_ = false;
  }

 private:
  Loop& loop_;
  Timer timer_;
  net::Waits<bool> waits_;
  bool is_rung_ = false;
};

}  // namespace kith::protocols
