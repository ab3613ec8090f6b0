// SPDX-License-Identifier: MIT
// Retaining: which bodies of a ledger are held here. Drops them by age, by size and on request,
// knows which of those dropped peers are asked for, and takes what they give. Entries, digest and
// chain stay as they are. Owned by its ledger; loop thread. README.md, "Retention".
#pragma once
#include <deque>

#include "engine/store/beside.h"
#include "engine/store/body_jobs.h"
#include "engine/store/committer.h"
#include "engine/store/ledger.h"

namespace kith::store {

struct RetainingSetup {
  Loop& loop;
  Log log;
  Committer& committer;
  const bool& is_retired;
  std::uint32_t number = 0;  // the ledger's
  Ledger& ledger;
  std::function<void()> tell;  // that other bodies are held or lacked than before
};

class Retaining {
 public:
  explicit Retaining(RetainingSetup setup);
  Retaining(const Retaining&) = delete;
  Retaining& operator=(const Retaining&) = delete;

  void load();                                           // throws Fault(damaged)
  void settle(const LedgerSettings::Retention& bounds);  // the first pass is soon
  bool idle() const { return !is_writing_; }
  std::uint64_t filled() const { return filled_; }  // bodies that came back since the start
  std::uint64_t bytes() const { return bytes_; }    // of bodies held

  // ---- of a run that is about to be kept
  bool shed(Run& run, FeedKind kind) const;  // what is too old already; true: something was
  void add(const RunKey& key, const Run& run, std::uint64_t arrival, Batch& batch);

  // ---- on request; how many bodies it is about. Throw Fault(KITH_ABSENT, KITH_REFUSED).
  Task<std::uint64_t> drop(Held entry);  // for good: no peer is asked for it again
  Task<std::uint64_t> drop_before(std::uint64_t time_us);
  Task<std::uint64_t> want(Held entry);  // even if it was dropped on request
  Task<std::uint64_t> want_all();        // but those that were

  // ---- for sync
  // Changes when peers are to be asked for more than before; 0: for nothing.
  std::uint64_t lacks_version();
  std::uint64_t requests() const { return requests_; }  // to ask at once, by people
  struct Lacks {
    std::vector<Lack> found;
    RunKey next;  // to go on with
    bool is_end = false;
  };
  Task<Lacks> lacks(RunKey after);
  // How many were lacked. Throws Fault(body_mismatch) where one is not what its entry says: then
  // none of its run is taken.
  Task<std::uint64_t> fill(std::uint32_t lane, FillBodies::Came came);
  // For a peer; none where it is not held, or when there were as many bytes as may be.
  Task<std::vector<std::optional<ByteVector>>> read(std::vector<ReadBodies::At> at,
                                                    std::size_t bytes_max);
  // What a run that was held already has in a lane, up to a seq.
  Task<std::uint64_t> fill_from(std::uint32_t lane, const Run& run, std::uint64_t to_seq);

 private:
  class Changing;
  BodySetup setup_now() const;
  std::uint64_t due_us() const;
  OneBody::At place_of(const Held& entry) const;
  void put_bytes(Batch& batch) const;

  // ---- changes
  Task<void> work_off(std::shared_ptr<BodyWork> work);
  Task<void> begin();  // once it is the only one
  Task<void> commit(BodyWork& work);
  Task<std::uint64_t> ask_for(std::shared_ptr<BodyWork> work);
  void wanted(std::uint64_t bodies);
  static void on_written(void* self, std::int64_t r, const void*);
  static void on_turn(void* self, std::int64_t, const void*);

  // ---- by itself
  void pass_soon();
  static void on_time(void* self, std::int64_t, const void*);
  static Task<void> pass(Retaining& self);
  Task<void> drop_due();
  Task<void> drop_surplus();
  Task<void> reclaim();

  RetainingSetup setup_;
  LedgerSettings::Retention bounds_;
  std::uint64_t bytes_ = 0, filled_ = 0;
  std::uint64_t dropped_to_us_ = 0;       // by age; what comes later is shed before it is kept
  std::uint64_t dropped_to_arrival_ = 1;  // by size
  std::map<std::uint32_t, BodyWork::Freed> freed_;  // not yet given back to the disk
  std::uint64_t freed_bytes_ = 0;
  bool was_asked_ = false;  // to drop something, since the last pass

  std::uint64_t lacks_version_ = 0, requests_ = 0;
  std::deque<std::uint64_t> lacking_;  // arrivals of runs that lack bodies and are not synced yet

  // One change at a time: each looks at what the one before it left.
  bool is_changing_ = false, is_writing_ = false;
  std::deque<std::shared_ptr<Parked::Slot>> waiting_;
  std::shared_ptr<Parked::Slot> written_;

  bool is_passing_ = false, is_soon_ = false;
  Timer time_{{&on_time, this}}, turn_{{&on_turn, this}};
  Scope scope_;  // last: its tasks end first
};

}  // namespace kith::store
