// SPDX-License-Identifier: MIT
// Loop: the one thread that owns all state of a node, and the only way to time, wall clock, chance
// and waiting. Two bodies: the real one (engine/node, over Asio) and the virtual one (engine/sim, a
// heap of (time, seq)). Everything here is called on the loop thread, but post().
#pragma once
#include <kith/bytes.h>
#include <kith/task.h>

#include <memory>

#include "engine/base/timers.h"

namespace kith {

class Loop {
 public:
  virtual ~Loop() = default;

  virtual std::uint64_t now_us() const = 0;   // monotonic
  virtual std::uint64_t wall_us() const = 0;  // since 1970
  virtual void random(MutableBytes to) = 0;   // for choices; repeats by seed in the virtual loop
  virtual void entropy(MutableBytes to) = 0;  // for keys and nonces; by seed in the virtual loop

  // Fires timer.done once with r = 0 after `us`, unless it is started anew or destroyed. Never from
  // inside start.
  virtual void start(Timer& timer, std::uint64_t us) = 0;

  virtual void post(kith_done done) = 0;  // [any]

  // Readiness of an fd that somebody else owns. ready.fn(ctx, direction bits) once for each arm of
  // a direction. Destroying the Watch unregisters. nullptr in the virtual loop.
  class Watch {
   public:
    virtual ~Watch() = default;
    virtual void arm(unsigned rd_wr) = 0;
  };
  virtual std::unique_ptr<Watch> watch(int fd, kith_done ready) = 0;

  // Runs work(arg) beside the loop (inline, answered in a later turn, in the virtual one), then
  // done with its result on the loop. One thread each, in order. False: the queue is full.
  enum class Beside {
    brief,    // under 5 ms: verification, reads of the store
    lengthy,  // cut into steps by whoever asks
    commit    // the store's one writer, which waits for the disk
  };
  virtual bool offload(std::int64_t (*work)(void*), void* arg, kith_done done, Beside where) = 0;

  // Addresses of a DNS name: done.result = const std::vector<std::string>* of literal IP addresses,
  // r = their number, or r < 0. Destroying the Lookup cancels. At most 5 s.
  class Lookup {
   public:
    virtual ~Lookup() = default;
  };
  virtual std::unique_ptr<Lookup> resolve(const std::string& name, kith_done done) = 0;

  // Called once at the end of each turn in which `dirty` was set: connections seal and write there.
  // The hook is unlinked by its destructor.
  struct TurnHook {
    kith_done end_turn{nullptr, nullptr};
    bool dirty = false;
    Loop* loop = nullptr;
    TurnHook* next = nullptr;
    ~TurnHook() {
      if (dirty && loop) loop->forget(*this);
    }
  };
  void mark_dirty(TurnHook& hook) {
    if (hook.dirty) return;
    hook.dirty = true;
    hook.loop = this;
    hook.next = dirty_;
    dirty_ = &hook;
    wake_for_turn();
  }

  // One buffer for all: valid until the current callback returns. 1 MiB.
  MutableBytes scratch() { return scratch_; }
  MutableBytes scratch_out() { return scratch_out_; }

 protected:
  // Called by the bodies when a turn ends. Hooks marked while it runs are run too.
  void end_turn() {
    while (TurnHook* hook = dirty_) {
      dirty_ = hook->next;
      hook->dirty = false;
      hook->end_turn.fn(hook->end_turn.ctx, 0, nullptr);
    }
  }
  bool turn_pending() const { return dirty_ != nullptr; }
  virtual void wake_for_turn() {}

 private:
  void forget(TurnHook& hook) {
    for (TurnHook** at = &dirty_; *at; at = &(*at)->next) {
      if (*at == &hook) {
        *at = hook.next;
        break;
      }
    }
    hook.dirty = false;
  }
  TurnHook* dirty_ = nullptr;
  ByteVector scratch_ = ByteVector(1 << 20);
  ByteVector scratch_out_ = ByteVector(1 << 20);
};

// `Nap nap(loop, us); co_await nap;`
class Nap {
 public:
  Nap(Loop& loop, std::uint64_t us) {
    timer_.done = completion_.done();
    loop.start(timer_, us);
  }
  bool await_ready() const noexcept { return completion_.await_ready(); }
  void await_suspend(std::coroutine_handle<> waiter) { completion_.await_suspend(waiter); }
  void await_resume() const noexcept {}

 private:
  Completion completion_;
  Timer timer_;
};

}  // namespace kith
