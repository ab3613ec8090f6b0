// SPDX-License-Identifier: MIT
// Committer: the one writer of a KeyValue. Batches that come while one is being written go out
// together as the next; a single thread beside the loop writes and syncs, but for small batches
// that wait for no sync, which the loop writes itself. Owned by the Node; loop thread. Never
// reorders.
#pragma once
#include <deque>

#include "engine/base/log.h"
#include "engine/base/loop.h"
#include "engine/store/key_value.h"

namespace kith::store {

enum class Durability {
  sync,     // a batch is answered once it is synced
  interval  // it is answered once it is written; synced within kSyncEveryMs
};

class Committer {
 public:
  Committer(Loop& loop, Log log, std::shared_ptr<KeyValue> store, Durability durability);
  ~Committer();  // what waits is dropped unanswered; a job under way is the loop's to wait for
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // kept: as durable as the config asks. synced: it survives a power cut (in sync mode the same
  // instant); nothing may leave the node before. Either may be {}. r < 0 with a sentence when the
  // store failed: then every later commit fails too, for what the disk holds is unknown.
  // KITH_LIMIT at once when limits::kCommitQueueMax bytes wait.
  void commit(Batch batch, kith_done kept, kith_done synced);
  bool idle() const;     // nothing waits, nothing is under way
  bool is_full() const;  // the next commit would be refused
  const KeyValue& store() const { return *store_; }
  std::shared_ptr<KeyValue> share() const { return store_; }  // for jobs beside the loop
  Durability durability() const { return durability_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  // What one commit() asks to be told.
  struct Asked {
    kith_done kept, synced;
  };
  struct Waiting {
    Batch batch;
    Asked asked;
    std::size_t cost;
  };
  // Told outside of commit(), in a turn of its own.
  struct Refused {
    Asked asked;
    Error why;
  };
  struct Job;
  template <void (Committer::*Act)()>
  static void call(void* self, std::int64_t, const void*) {
    (static_cast<Committer*>(self)->*Act)();
  }
  void go_on();
  std::shared_ptr<Job> next_job();
  void offer_job();
  static void job_done(void* ctx, std::int64_t r, const void* result);
  void written(Job& job);
  void failed(Job& job);
  void fire_refused();
  void sync_due();
  void tell(const std::vector<Asked>& all, const Error* why);

  std::shared_ptr<KeyValue> store_;
  Durability durability_;
  Loop& loop_;
  Log log_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_cost_ = 0;
  std::deque<Refused> refused_;
  std::vector<Asked> unsynced_;  // interval: kept, and to be told of the next sync
  bool is_unsynced_ = false;     // interval: something was written since the last sync
  bool is_sync_due_ = false;
  bool is_telling_ = false;       // what is committed by who is told goes out together
  std::shared_ptr<Job> job_;      // under way
  std::optional<Error> failure_;  // of the store: nothing is committed any more
  Timer refusals_{{&call<&Committer::fire_refused>, this}};
  Timer retry_{{&call<&Committer::offer_job>, this}};
  Timer sync_{{&call<&Committer::sync_due>, this}};
  // What is told may end this object.
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);
};

}  // namespace kith::store
