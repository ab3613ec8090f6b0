// SPDX-License-Identifier: MIT
// Parked: a coroutine that waits for an answer, and may be destroyed before it comes. beside: runs
// work on another thread in steps and waits for its end; whoever stops waiting leaves a step that
// is under way to end for itself. Loop thread.
#pragma once
#include <memory>

#include "engine/base/loop.h"

namespace kith::store {

// `Parked parked; list.push_back(parked.slot()); const auto r = co_await parked;`
class Parked {
 public:
  class Slot {
   public:
    void answer(std::int64_t r) {
      if (Parked* parked = std::exchange(parked_, nullptr)) parked->done_.fire(r, nullptr);
    }

   private:
    friend class Parked;
    Parked* parked_ = nullptr;
  };
  Parked() { slot_->parked_ = this; }
  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;
  ~Parked() { slot_->parked_ = nullptr; }
  const std::shared_ptr<Slot>& slot() const { return slot_; }

  bool await_ready() const noexcept { return done_.await_ready(); }
  void await_suspend(std::coroutine_handle<> waiter) { done_.await_suspend(waiter); }
  std::int64_t await_resume() const noexcept { return done_.await_resume(); }

 private:
  std::shared_ptr<Slot> slot_ = std::make_shared<Slot>();
  Completion done_;
};

// One of a counted number, while it lives; whose count it is may end first.
class Counted {
 public:
  explicit Counted(std::shared_ptr<std::size_t> count) : count_(std::move(count)) { ++*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*count_; }

 private:
  std::shared_ptr<std::size_t> count_;
};

// While it lives, the flag is up.
class Flagged {
 public:
  explicit Flagged(bool& flag) : flag_(flag) { flag_ = true; }
  Flagged(const Flagged&) = delete;
  Flagged& operator=(const Flagged&) = delete;
  ~Flagged() { flag_ = false; }

 private:
  bool& flag_;
};

// A step of work: what the other thread holds, whatever becomes of who waits.
template <class Work>
struct Step {
  std::shared_ptr<Work> work;
  std::shared_ptr<Parked::Slot> slot;
  static std::int64_t run(void* arg) { return static_cast<Step*>(arg)->work->step() ? 1 : 0; }
  static void done(void* arg, std::int64_t r, const void*) {
    const std::unique_ptr<Step> step(static_cast<Step*>(arg));
    step->slot->answer(r);
  }
};

// One step: true when there is nothing left to do. Work::step() runs beside the loop and throws
// nothing.
template <class Work>
Task<bool> step_beside(Loop& loop, std::shared_ptr<Work> work, Loop::Beside where) {
  Parked parked;
  auto step = std::make_unique<Step<Work>>();
  step->work = std::move(work);
  step->slot = parked.slot();
  if (!loop.offload(&Step<Work>::run, step.get(), {&Step<Work>::done, step.get()}, where))
    throw Fault(Error(KITH_LIMIT, "too much waits to be read or verified; try again"));
  step.release();  // NOLINT: done() takes it back
  const std::int64_t r = co_await parked;
  co_return r == 1;
}

template <class Work>
Task<void> beside(Loop& loop, std::shared_ptr<Work> work, Loop::Beside where) {
  for (;;) {
    auto mine = work;
    const bool is_done = co_await step_beside(loop, std::move(mine), where);
    if (is_done) co_return;
  }
}

}  // namespace kith::store
