// SPDX-License-Identifier: MIT
// Mailbox and Worker: the only place where threads meet. A worker runs jobs one after the other and
// puts each answer into the mailbox, which the loop empties. Nothing else is shared.
#pragma once
#include <kith/kith.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace kith::node {

struct Answer {
  kith_done done;
  std::int64_t r = 0;
  std::shared_ptr<void> keeps;  // what done.ctx points into, where nobody else holds it
};

class Mailbox {
 public:
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}
  void put(Answer answer);  // [any] wakes the loop for the first one; dropped after close()
  std::vector<Answer> take();
  void close();  // wake is never called again

 private:
  std::mutex mutex_;
  std::vector<Answer> answers_;
  std::function<void()> wake_;
};

struct Job {
  std::int64_t (*work)(void*);
  void* arg;
  kith_done done;
  std::shared_ptr<void> keeps;
};

class Worker {
 public:
  enum class Ending {
    waits,   // the destructor waits for the job under way
    leaves,  // it does not: for calls that cannot be cut short and touch nothing of the node's
  };
  Worker(std::shared_ptr<Mailbox> answers, Ending ending);
  ~Worker();          // jobs that have not begun are dropped
  bool add(Job job);  // false: limits::kOffloadQueueMax are waiting. The first starts the thread

 private:
  struct Queue;
  static void run(const std::shared_ptr<Queue>& queue);
  std::shared_ptr<Queue> queue_;
  std::thread thread_;
  Ending ending_;
};

}  // namespace kith::node
