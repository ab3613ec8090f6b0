// SPDX-License-Identifier: MIT
// StoredLedger: a Ledger over a KeyValue. What everyone may see (lanes, tips, observers) moves once
// a run is synced; `ends_` is ahead of it by what the Committer still writes, so that the next run
// follows without waiting. Made and owned by Ledgers; ends when idle, or just before its Committer.
#pragma once
#include <deque>
#include <list>
#include <set>

#include "engine/store/beside.h"
#include "engine/store/counting.h"
#include "engine/store/finding.h"
#include "engine/store/ledgers.h"
#include "engine/store/receipts.h"
#include "engine/store/retaining.h"
#include "engine/store/stored_runs.h"
#include "engine/store/taking.h"

namespace kith::store {

struct PageSetup;
class PageWork;

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

class StoredLedger final : public Ledger {
 public:
  // `number` names it in the store; rule: the ledger whose grants govern it, if it is another.
  // What the store holds of it comes by load_lane and load_rest, which throw Fault(damaged).
  StoredLedger(LedgersShared& shared, std::uint32_t number, ByteVector genesis_block,
               std::string name, StoredLedger* rule);
  ~StoredLedger() override;

  const Digest& id() const override { return id_; }
  const std::string& name() const override { return name_; }
  const Genesis& genesis() const override { return genesis_; }
  Bytes genesis_block() const override { return genesis_block_; }
  std::uint64_t entries() const override { return entries_; }
  std::size_t feeds() const override { return lanes_.feeds(); }
  void settle(LedgerSettings settings) override {
    settings_ = std::move(settings);
    receipts_.settle(settings_);
    retaining_.settle(settings_.retention);
  }
  const LedgerSettings& settings() const override { return settings_; }
  Receipts& receipts() override { return receipts_; }
  Retaining& retaining() override { return retaining_; }
  Task<Appended> append(NewEntry entry) override;
  std::vector<Member> members() const override;
  Task<Appended> grant(Grant grant) override;
  Task<Appended> revoke(Revoke revoke) override;
  Task<std::vector<SignedHead>> heads_under(Digest grant) override;
  Fall fall_of(const Revoke& revoke) const override;
  std::vector<Tip> tips() const override { return lanes_.tips(); }
  const TipSet& tip_set() const override { return counting_.tips(); }
  const TipSet& control_tip_set() const override { return counting_.control_tips(); }
  const Lanes& lanes() const override { return lanes_; }
  Task<std::size_t> take(ByteVector opening_block, ByteVector entries, ByteVector bodies) override;
  Task<RunBytes> load(std::uint32_t lane, std::uint64_t seq) override;
  std::uint64_t synced_arrival() const override { return synced_arrival_; }
  Task<Place> place_of(std::uint64_t arrival) override;
  void heard_of(const Tip& tip) override;
  Task<Page> read(Query query) override;
  Task<std::optional<Held>> find(Digest entry) override;
  Task<Verdict> verify(Progress progress) override;

  // For Ledgers.
  void load_lane(std::uint32_t lane, LaneRecord record, const TipRecord& tip);
  void load_rest();  // once all its lanes are: arrivals and the own feed
  bool idle() const;
  std::uint32_t number() const { return number_; }
  bool is_open = false;  // since the start, by a config or an app
  bool is_kept = false;  // opened at each start, as a command asked for

 private:
  struct Waiting {  // an append
    NewEntry entry;
    std::shared_ptr<Parked::Slot> slot;
    Appended result;
    std::string refused;
  };
  using Appends = std::vector<std::shared_ptr<Waiting>>;
  // A feed of this node's own, and what is to be appended to it.
  struct OwnFeed {
    const FeedKind kind;
    std::uint32_t lane = 0;  // 0: the next entry opens a feed
    bool is_fresh = false;   // opened since the start, so no honest peer can be ahead of it
    std::uint32_t left = 0;  // the end of the one before, until it is linked to
    bool is_comparing = false;
    std::deque<std::shared_ptr<Waiting>> waiting;
    std::size_t waiting_bytes = 0, in_flight = 0;
    MetaKind key() const { return kind == FeedKind::data ? MetaKind::own : MetaKind::own_control; }
  };
  // A run that the Committer was given.
  struct Submission {
    StoredLedger* ledger;
    std::list<Submission>::iterator self;
    std::uint64_t number;
    std::uint32_t lane;
    std::uint64_t first_arrival, entries;
    LaneEnd end;
    Grown grown;
    bool is_new_branch;
    OwnFeed* own;  // whose appends these are; nullptr: what was taken
    Appends appends;
    std::shared_ptr<Parked::Slot> taken;
    bool is_kept = false;
  };

  Grown control_of(const Lane& lane, const LaneEnd& end);
  void count_all();
  void load_own_feed(OwnFeed& own);

  // granting.cpp
  void count_soon();
  Task<void> count();
  void tell_changes();
  void leave_cut(OwnFeed& own);
  std::optional<Digest> own_grant() const;  // under which a feed of this node's would count
  std::string right_refusal() const;
  std::uint16_t own_number() const;
  void check_may_issue(std::uint16_t rank) const;

  // submitting.cpp
  LaneEnd end_of(const Lane& lane) const;
  Submission& submit(Lane& lane, const Run& run, RunBytes bytes, std::span<const Digest> ids,
                     Batch batch);
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
  void judge_entry(const NewEntry& entry) const;
  Task<Appended> append_to(OwnFeed& own, NewEntry entry);
  void form_runs();
  void form_runs_of(OwnFeed& own, std::uint64_t now_us);
  void form_run(OwnFeed& own, std::uint64_t now_us);
  Run make_run(OwnFeed& own, const Lane& lane, const Appends& appends, std::uint64_t now_us);
  static Appends next_appends(OwnFeed& own);
  static void refuse_all(OwnFeed& own, const std::string& why, kith_err code);
  Lane& own_lane(OwnFeed& own, std::uint64_t now_us, Batch& batch);
  void leave(OwnFeed& own, std::string_view why);
  std::vector<LaneEnd> seen_tips(std::uint64_t now_us);
  void heard_of(OwnFeed& own, const Tip& tip);
  Task<void> compare_heard(OwnFeed& own, Tip tip);

  // reading.cpp
  PageSetup page_setup(Query query) const;
  Page page_of(PageWork& work) const;

  // taking.cpp
  Opening judge_opening(Bytes block, const Digest& id) const;
  void check_cut(const JudgeWork& judged) const;
  std::optional<FeedPlace> quick_place(const JudgeWork& judged) const;
  Task<FeedPlace> find_place(std::shared_ptr<JudgeWork> judged);
  Task<void> all_kept();
  Submission& keep(const FeedPlace& at, JudgeWork& judged, ByteVector opening_block);

  LedgersShared& shared_;
  const std::uint32_t number_;
  const ByteVector genesis_block_;
  const Genesis genesis_;
  const Digest id_;
  const std::string name_;
  LedgerSettings settings_;

  Lanes lanes_;
  Counting counting_;
  bool is_counting_ = false;
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

  Loop::TurnHook turn_;
  Timer retry_;
  std::shared_ptr<Listed::All> judging_ = std::make_shared<Listed::All>();
  std::shared_ptr<std::size_t> takes_ = std::make_shared<std::size_t>(0);

  OwnFeed own_{FeedKind::data}, own_control_{FeedKind::control};
  std::uint64_t own_time_us_ = 0;  // of the newest own entry, in any own feed
  bool is_loaded_ = false;
  std::set<std::uint32_t> seen_;  // lanes of others that grew since the own last entry
  Receipts receipts_;
  Retaining retaining_;
  EntryIndex index_;
  Scope scope_;  // last: its tasks end first
};

}  // namespace kith::store
