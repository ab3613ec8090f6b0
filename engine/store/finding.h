// SPDX-License-Identifier: MIT
// EntryIndex: from an entry's id, and from a type, to where it lies. Built behind the arrivals: in
// small steps beside the loop, never on the way of an append, and with rests, so that many entries
// at once are not slowed. What it lacks is looked through by whoever asks. Derived from the runs:
// it makes no node fail and no stop wait. Owned by a StoredLedger; loop thread.
#pragma once
#include "engine/store/beside.h"
#include "engine/store/places.h"
#include "engine/store/stored_runs.h"

namespace kith::store {

struct LedgersShared;

// Makes the rows of some runs that the index lacks.
class IndexWork {
 public:
  IndexWork(std::shared_ptr<const KeyValue> store, std::uint32_t ledger, IndexRecord from,
            std::uint64_t until)
      : store_(std::move(store)), ledger_(ledger), record_(std::move(from)), until_(until) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  Batch& batch() { return batch_; }
  const IndexRecord& record() const { return record_; }

 private:
  Result<void> go_on();
  bool begins_types(const Run& run);  // this run is the first with a second type
  void add(const StoredRun& run);
  void add_types(const StoredRun& run);

  const std::shared_ptr<const KeyValue> store_;
  const std::uint32_t ledger_;
  IndexRecord record_;
  const std::uint64_t until_;
  Batch batch_;
  std::optional<Error> error_;
};

class EntryIndex {
 public:
  EntryIndex(LedgersShared& shared, std::uint32_t ledger, std::string_view name);
  EntryIndex(const EntryIndex&) = delete;
  EntryIndex& operator=(const EntryIndex&) = delete;

  void load(std::uint64_t entries);     // at the start. Throws Fault: the store failed
  void arrived(std::uint64_t entries);  // so many are kept by now
  void hurry();                         // somebody asks for what it may lack: no rest
  const IndexRecord& record() const { return record_; }

 private:
  static void rested(void* self, std::int64_t, const void*);
  static void kept(void* self, std::int64_t r, const void*);
  void rest(std::uint64_t us);
  static Task<void> build(EntryIndex& self);
  static Task<void> build_to(EntryIndex& self, std::uint64_t until);

  LedgersShared& shared_;
  const std::uint32_t ledger_;
  IndexRecord record_;
  std::uint64_t entries_ = 0;
  std::uint64_t behind_since_us_ = 0;
  bool is_building_ = false, is_broken_ = false;
  Timer rest_;
  std::shared_ptr<Parked::Slot> committed_;
  Scope scope_;  // last: its tasks end first
};

}  // namespace kith::store
