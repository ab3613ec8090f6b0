// SPDX-License-Identifier: MIT
// VirtualLoop: time that moves only when nothing else is to do. One heap of timers, one queue of
// posted calls, chance by seed; no fds, no threads (offload runs inline and answers in a later
// turn). Thousands of nodes may share one.
#pragma once
#include <deque>
#include <functional>
#include <map>

#include "engine/base/loop.h"

namespace kith::sim {

class VirtualLoop final : public Loop {
 public:
  explicit VirtualLoop(std::uint64_t seed);

  std::uint64_t now_us() const override { return now_us_; }
  std::uint64_t wall_us() const override;  // starts at 2026-01-01T00:00:00Z
  void random(MutableBytes to) override;
  void entropy(MutableBytes to) override;
  void start(Timer& timer, std::uint64_t us) override;
  void post(kith_done done) override;
  std::unique_ptr<Watch> watch(int fd, kith_done ready) override;  // nullptr
  bool offload(std::int64_t (*work)(void*), void* arg, kith_done done, Beside where) override;
  std::unique_ptr<Lookup> resolve(const std::string& name,
                                  kith_done done) override;  // from names()
  std::map<std::string, std::vector<std::string>>& names() { return names_; }

  // Runs turns until nothing is left or `us` of virtual time have passed (then now is exactly that
  // much later).
  void run_for(std::uint64_t us);
  // Runs until `done()` or until `us` have passed; whether it became true.
  bool run_until(const std::function<bool()>& done, std::uint64_t us);
  std::uint64_t turns() const { return turns_; }

  // A hash of everything that scenes and rooms reported: two runs by one seed must end equal.
  void trace(std::string_view fact);
  std::uint64_t trace_hash() const { return trace_hash_; }

 private:
  bool turn(std::uint64_t until_us);  // false: nothing to do before until_us
  struct Call {
    kith_done done;
    std::int64_t r;
  };
  TimerHeap timers_;
  std::deque<Call> posted_;
  std::deque<Call> answers_;  // of offload: posted when the next turn begins
  std::map<std::string, std::vector<std::string>> names_;
  std::uint64_t now_us_ = 0, turns_ = 0, random_state_, entropy_state_,
                trace_hash_ = 0xcbf29ce484222325u;
};

}  // namespace kith::sim
