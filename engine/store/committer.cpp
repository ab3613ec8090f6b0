// SPDX-License-Identifier: MIT
#include "engine/store/committer.h"

#include "engine/base/limits.h"

namespace kith::store {
namespace {

// What a write and a commit take beside their bytes, so that empty ones are bounded too.
constexpr std::size_t kWriteCost = 64;
// A write that no sync belongs to is a copy into the log: a thread would take ten times as long to
// be asked and to answer.
constexpr std::size_t kHereBytesMax = 64 * 1024;
constexpr std::uint64_t kRetryUs = 10'000;  // the writer's queue is full: others share the loop

std::size_t cost_of(const Batch& batch) {
  return batch.bytes() + (batch.writes().size() + 1) * kWriteCost;
}
Error queue_is_full() {
  return Error(KITH_LIMIT, "64 MiB wait for the disk already: write less at once, or later");
}

}  // namespace

// Owns what it touches: a loop may end, and a Committer may go, with one under way. The writer's
// thread sees store, batch and result; the loop the rest.
struct Committer::Job {
  std::shared_ptr<KeyValue> store;
  Batch batch;
  bool is_sync_only = false;
  bool syncs = false;
  Result<void> result;

  std::vector<Asked> asked;
  Committer* owner = nullptr;
  std::shared_ptr<Job> self;  // once the owner is gone

  static std::int64_t run(void* arg) {
    auto& job = *static_cast<Job*>(arg);
    job.result = job.is_sync_only ? job.store->sync() : job.store->commit(job.batch, job.syncs);
    job.batch = Batch();
    job.store.reset();
    return 0;
  }
};

Committer::Committer(Loop& loop, Log log, std::shared_ptr<KeyValue> store, Durability durability)
    : store_(std::move(store)), durability_(durability), loop_(loop), log_(log) {}

Committer::~Committer() {
  *gone_ = true;
  if (!job_ || retry_.armed()) return;
  job_->owner = nullptr;
  job_->self = job_;
}

bool Committer::idle() const {
  return !job_ && waiting_.empty() && refused_.empty() && !is_unsynced_;
}

bool Committer::is_full() const { return waiting_cost_ >= limits::kCommitQueueMax; }

void Committer::commit(Batch batch, kith_done kept, kith_done synced) {
  const Asked asked{kept, synced};
  if (failure_ || is_full()) {
    Error why = failure_ ? *failure_ : queue_is_full();
    refused_.push_back({asked, std::move(why)});
    if (!refusals_.armed()) loop_.start(refusals_, 0);
    return;
  }
  const std::size_t cost = cost_of(batch);
  waiting_cost_ += cost;
  waiting_.push_back({std::move(batch), asked, cost});
  go_on();
}

void Committer::go_on() {
  if (job_ || is_telling_) return;
  job_ = next_job();
  if (job_) offer_job();
}

std::shared_ptr<Committer::Job> Committer::next_job() {
  if (!is_sync_due_ && waiting_.empty()) return nullptr;
  auto job = std::make_shared<Job>();
  job->store = store_;
  job->owner = this;
  job->syncs = is_sync_due_ || durability_ == Durability::sync;
  if (is_sync_due_) {
    is_sync_due_ = is_unsynced_ = false;
    job->is_sync_only = true;
    job->asked = std::exchange(unsynced_, {});
    return job;
  }
  std::size_t cost = 0;
  do {
    Waiting& first = waiting_.front();
    cost += first.cost;
    job->batch.append(std::move(first.batch));
    job->asked.push_back(first.asked);
    waiting_.pop_front();
  } while (!waiting_.empty() && cost + waiting_.front().cost <= limits::kCommitBatchMax);
  waiting_cost_ -= cost;
  return job;
}

void Committer::offer_job() {
  const kith_done done{&Committer::job_done, job_.get()};
  if (!job_->syncs && job_->batch.bytes() <= kHereBytesMax) {
    Job::run(job_.get());
    return loop_.post(done);
  }
  if (!loop_.offload(&Job::run, job_.get(), done, Loop::Beside::commit)) {
    loop_.start(retry_, kRetryUs);
  }
}

void Committer::job_done(void* ctx, std::int64_t, const void*) {
  std::shared_ptr<Job> job = std::move(static_cast<Job*>(ctx)->self);
  Committer* owner = static_cast<Job*>(ctx)->owner;
  if (!owner) return;
  job = std::move(owner->job_);
  const auto gone = owner->gone_;
  if (job->result) {
    owner->written(*job);
  } else {
    owner->failed(*job);
  }
  if (!*gone) owner->go_on();
}

void Committer::written(Job& job) {
  if (job.syncs) return tell(job.asked, nullptr);
  for (Asked& asked : job.asked) {
    if (asked.synced.fn) unsynced_.push_back({{}, std::exchange(asked.synced, {})});
  }
  is_unsynced_ = true;
  if (!sync_.armed()) loop_.start(sync_, std::uint64_t{limits::kSyncEveryMs} * 1'000);
  tell(job.asked, nullptr);
}

void Committer::sync_due() {
  if (!is_unsynced_ || failure_) return;
  is_sync_due_ = true;
  go_on();
}

void Committer::failed(Job& job) {
  const std::string said = job.result.error().message();
  log_.error("store failed, nothing is kept any more err=\"{}\"", said);
  failure_ = Error(KITH_IO, said + "; nothing is kept any more until the node is started again");
  std::vector<Asked> all = std::exchange(unsynced_, {});
  all.insert(all.end(), job.asked.begin(), job.asked.end());
  for (const Waiting& each : waiting_) all.push_back(each.asked);
  waiting_.clear();
  waiting_cost_ = 0;
  is_unsynced_ = is_sync_due_ = false;
  const Error why = *failure_;
  tell(all, &why);
}

void Committer::fire_refused() {
  const auto gone = gone_;
  const std::deque<Refused> refused = std::exchange(refused_, {});
  for (const Refused& each : refused) {
    tell({each.asked}, &each.why);
    if (*gone) return;
  }
  go_on();
}

// This object may be gone when it returns.
void Committer::tell(const std::vector<Asked>& all, const Error* why) {
  const auto gone = gone_;
  const std::string message = why ? why->message() : "";
  const kith_bytes sentence = c_bytes(message);
  const int r = why ? why->code() : 0;
  is_telling_ = true;
  for (const Asked& asked : all) {
    for (const kith_done& done : {asked.kept, asked.synced}) {
      if (done.fn) done.fn(done.ctx, r, why ? &sentence : nullptr);
      if (*gone) return;
    }
  }
  is_telling_ = false;
}

}  // namespace kith::store
