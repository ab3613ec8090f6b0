// SPDX-License-Identifier: MIT
// RealLoop: the Loop of a running node: the machine's clock, its chance, its fds and four threads
// beside it (brief jobs, lengthy jobs, commits, names). Asio does the waiting and stays inside the
// .cpp. What was offloaded and not answered when the loop ends is never answered.
#pragma once
#include "engine/base/loop.h"

namespace kith::node {

class RealLoop final : public Loop {
 public:
  RealLoop();
  ~RealLoop() override;  // every Watch and Lookup must be gone before

  std::uint64_t now_us() const override;
  std::uint64_t wall_us() const override;
  void random(MutableBytes to) override;
  void entropy(MutableBytes to) override;
  void start(Timer& timer, std::uint64_t us) override;
  void post(kith_done done) override;  // [any]
  // Makes the fd non-blocking as long as it is watched; nullptr for what is no fd. A regular file
  // is always ready.
  std::unique_ptr<Watch> watch(int fd, kith_done ready) override;
  bool offload(std::int64_t (*work)(void*), void* arg, kith_done done, Beside where) override;
  std::unique_ptr<Lookup> resolve(const std::string& name, kith_done done) override;

  // each.fn(ctx, number) on the loop, every time until the loop ends.
  void on_signal(int number, kith_done each);

  void run();   // turns until stop(); may be called again
  void stop();  // [any] run() returns when the turn under way has ended

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::node
