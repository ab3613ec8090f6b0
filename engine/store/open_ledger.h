// SPDX-License-Identifier: MIT
// OpenLedger: a Ledger over a KeyValue. What everyone may see (lanes, tips, observers) moves once a
// run is synced; `ends_` is ahead of it by what the Committer still writes, so that the next run
// follows without waiting. Made and owned by Ledgers; ends when idle, or just before its Committer.
#pragma once
#include <deque>
#include <list>
#include <set>

#include "engine/store/beside.h"
#include "engine/store/ledgers.h"
#include "engine/store/stored_runs.h"
#include "engine/store/taking.h"

namespace kith::store {

// What the ledgers of one store share.
struct LedgersShared {
  explicit LedgersShared(LedgersSetup given);
  LedgersSetup setup;
  crypto::Key32 author;  // this node's
  std::uint32_t next_lane = 1;
  std::vector<LedgerObserver*> observers;
  bool is_retired = false;
};

// What is further ahead of this node's clock than this is early: kept, but not shown or linked.
inline constexpr std::uint64_t kEarlyUs = 60'000'000;

// The end of a lane, or a place inside of it.
struct LaneEnd {
  std::uint64_t seq = 0;
  std::uint64_t time_us = 0;
  Digest entry{};
};

class OpenLedger final : public Ledger {
 public:
  // Reads what the store holds of it; `ledger number` names it there. Throws Fault(damaged).
  OpenLedger(LedgersShared& shared, std::uint32_t number, ByteVector genesis_block,
             std::string name);
  ~OpenLedger() override;

  const Digest& id() const override { return id_; }
  const std::string& name() const override { return name_; }
  Bytes genesis_block() const override { return genesis_block_; }
  std::uint64_t entries() const override { return entries_; }
  std::size_t feeds() const override { return lanes_.feeds(); }
  Task<Appended> append(NewEntry entry) override;
  std::vector<Tip> tips() const override { return lanes_.tips(); }
  const TipSet& tip_set() const override { return tip_set_; }
  const Lanes& lanes() const override { return lanes_; }
  Task<std::size_t> take(ByteVector opening_block, ByteVector entries, ByteVector bodies) override;
  Task<RunBytes> load(std::uint32_t lane, std::uint64_t seq) override;
  std::uint64_t synced_arrival() const override { return synced_arrival_; }
  Task<Place> place_of(std::uint64_t arrival) override;
  void heard_of(const Tip& tip) override;
  Task<Page> read(Query query) override;
  Task<Verdict> verify(Progress progress) override;

  // For Ledgers.
  void load_lane(std::uint32_t lane, LaneRecord record, const TipRecord& tip);
  void load_rest();  // once all its lanes are: arrivals and the own feed
  bool idle() const;
  std::uint32_t number() const { return number_; }
  bool is_open = false;  // since the start, by a config or an app

 private:
  struct Waiting {  // an append
    NewEntry entry;
    std::shared_ptr<Parked::Slot> slot;
    Appended result;
    std::string refused;
  };
  using Appends = std::vector<std::shared_ptr<Waiting>>;
  // A run that the Committer was given.
  struct Submission {
    OpenLedger* ledger;
    std::list<Submission>::iterator self;
    std::uint64_t number;
    std::uint32_t lane;
    std::uint64_t first_arrival, entries;
    LaneEnd end;
    bool is_new_branch, is_own;
    Appends appends;
    std::shared_ptr<Parked::Slot> taken;
    bool is_kept = false;
  };

  void load_own_feed();

  // submitting.cpp
  LaneEnd end_of(const Lane& lane) const;
  Submission& submit(Lane& lane, const Run& run, RunBytes bytes, const Digest& last, Batch batch);
  static void on_kept(void* ctx, std::int64_t r, const void* result);
  static void on_synced(void* ctx, std::int64_t r, const void* result);
  void kept(Submission& submission, bool is_good);
  void synced(Submission& submission);
  void failed(const std::string& sentence);
  void answer(Submission& submission, std::int64_t r);
  void check_open() const;
  void tell_observers(const std::function<void(LedgerObserver&)>& tell);

  // own_feed.cpp
  std::string clock_refusal() const;
  void form_runs();
  void form_run(std::uint64_t now_us);
  Appends next_appends();
  Lane& own_lane(std::uint64_t now_us, Batch& batch);
  void leave_own_feed(std::string_view why);
  std::vector<LaneEnd> seen_tips(std::uint64_t now_us);
  Task<void> compare_heard(Tip tip);

  // taking.cpp
  Opening judge_opening(Bytes block) const;
  std::optional<FeedPlace> quick_place(const JudgeWork& judged) const;
  Task<FeedPlace> find_place(std::shared_ptr<JudgeWork> judged);
  Task<void> all_kept();
  Submission& keep(const FeedPlace& at, JudgeWork& judged, ByteVector opening_block);

  LedgersShared& shared_;
  const std::uint32_t number_;
  const ByteVector genesis_block_;
  const Digest id_;
  const std::string name_;

  Lanes lanes_;
  TipSet tip_set_;  // the ends of lanes_
  std::map<std::uint32_t, LaneEnd> ends_;  // of lanes with runs that are not synced yet
  std::uint64_t entries_ = 0, synced_arrival_ = 0, next_arrival_ = 1, highest_us_ = 0;
  std::list<Submission> in_flight_;
  std::uint64_t submitted_ = 0, kept_ = 0;
  struct Barrier {
    std::uint64_t number;
    std::shared_ptr<Parked::Slot> slot;
  };
  std::deque<Barrier> barriers_;
  std::string failure_;  // of the store; nothing is kept any more

  std::deque<std::shared_ptr<Waiting>> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t own_in_flight_ = 0;
  Loop::TurnHook turn_;
  Timer retry_;
  std::shared_ptr<std::size_t> takes_ = std::make_shared<std::size_t>(0);

  std::uint32_t own_lane_ = 0;     // 0: the next append opens a feed
  bool is_own_fresh_ = false;      // opened since the start, so no honest peer can be ahead of it
  std::uint32_t left_lane_ = 0;    // the end of the own feed before
  std::uint64_t own_time_us_ = 0;  // of the newest own entry, in any own feed
  std::set<std::uint32_t> seen_;   // lanes of others that grew since the own last entry
  bool is_comparing_ = false;
  Scope scope_;  // last: its tasks end first
};

}  // namespace kith::store
