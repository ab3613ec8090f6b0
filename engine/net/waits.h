// SPDX-License-Identifier: MIT
// Waits: a line of coroutines that wait for one answer, each with a limit of its own. Owned by
// whoever will answer. Either side may end first: a Wait leaves the line when it ends, and a line
// that ends resumes nobody.
#pragma once
#include <optional>

#include "engine/base/loop.h"

namespace kith::net {

template <class T>
class Waits {
 public:
  // `Wait wait(line, loop, us); auto answer = co_await wait;` Nothing: `us` have passed (0: no
  // limit).
  class Wait {
   public:
    Wait(Waits& line, Loop& loop, std::uint64_t us = 0) {
      join(line);
      timer_.done = kith_done{&Wait::expired, this};
      if (us > 0) loop.start(timer_, us);
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() { leave(); }

    bool await_ready() const noexcept { return ready_; }
    void await_suspend(std::coroutine_handle<> waiter) { waiter_ = waiter; }
    std::optional<T> await_resume() { return std::move(answer_); }

   private:
    friend class Waits;
    static void expired(void* self, std::int64_t, const void*) {
      auto* wait = static_cast<Wait*>(self);
      wait->leave();
      wait->resume();
    }
    void join(Waits& line) {
      line_ = &line;
      previous_ = line.last_;
      (previous_ ? previous_->next_ : line.first_) = this;
      line.last_ = this;
    }
    void leave() {
      if (!line_) return;
      (previous_ ? previous_->next_ : line_->first_) = next_;
      (next_ ? next_->previous_ : line_->last_) = previous_;
      line_ = nullptr;
      next_ = previous_ = nullptr;
    }
    void resume() {
      ready_ = true;
      timer_.stop();
      if (auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
    }

    Waits* line_ = nullptr;
    Wait* next_ = nullptr;
    Wait* previous_ = nullptr;
    std::coroutine_handle<> waiter_;
    std::optional<T> answer_;
    bool ready_ = false;
    Timer timer_;
  };

  Waits() = default;
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;
  ~Waits() {
    while (first_) first_->leave();
  }

  bool empty() const { return first_ == nullptr; }
  // All that wait now, in the order they came. This line may be ended by what they do.
  void answer(const T& value) {
    Waits taken;
    while (first_) {
      Wait* wait = first_;
      wait->leave();
      wait->join(taken);
    }
    while (taken.first_) {
      Wait* wait = taken.first_;
      wait->leave();
      wait->answer_ = value;
      wait->resume();
    }
  }

 private:
  Wait* first_ = nullptr;
  Wait* last_ = nullptr;
};

}  // namespace kith::net
