// SPDX-License-Identifier: MIT
#include "engine/node/workers.h"

#include <utility>

#include "engine/base/limits.h"

namespace kith::node {

void Mailbox::put(Answer answer) {
  const std::lock_guard lock(mutex_);
  if (!wake_) return;
  answers_.push_back(std::move(answer));
  if (answers_.size() == 1) wake_();
}

std::vector<Answer> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
  answers_.clear();
}

// Shared with the thread, which may outlive the Worker.
struct Worker::Queue {
  std::shared_ptr<Mailbox> answers;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  bool ended = false;
};

Worker::Worker(std::shared_ptr<Mailbox> answers, Ending ending)
    : queue_(std::make_shared<Queue>()), ending_(ending) {
  queue_->answers = std::move(answers);
}

Worker::~Worker() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->ended = true;
    queue_->jobs.clear();
  }
  queue_->changed.notify_one();
  if (!thread_.joinable()) return;
  if (ending_ == Ending::waits) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

bool Worker::add(Job job) {
  {
    const std::lock_guard lock(queue_->mutex);
    if (queue_->jobs.size() >= limits::kOffloadQueueMax) return false;
    queue_->jobs.push_back(std::move(job));
  }
  if (thread_.joinable()) {
    queue_->changed.notify_one();
  } else {
    thread_ = std::thread([queue = queue_] { run(queue); });
  }
  return true;
}

void Worker::run(const std::shared_ptr<Queue>& queue) {
  for (;;) {
    std::unique_lock lock(queue->mutex);
    queue->changed.wait(lock, [&] { return queue->ended || !queue->jobs.empty(); });
    if (queue->ended) return;
    Job job = std::move(queue->jobs.front());
    queue->jobs.pop_front();
    lock.unlock();
    const std::int64_t r = job.work(job.arg);
    queue->answers->put({job.done, r, std::move(job.keeps)});
  }
}

}  // namespace kith::node
