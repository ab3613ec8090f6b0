// SPDX-License-Identifier: MIT
// Counting: how far each lane of a ledger counts, and the tips of that. Gives the access rules what
// control feeds hold and carries their verdicts into the ledger's Lanes; in an open ledger all
// counts. Asks the store nothing itself: which ids stand at a cut, a CutWork finds out. Owned by a
// ledger; loop thread.
#pragma once
#include <functional>

#include "engine/store/access.h"
#include "engine/store/stored_runs.h"
#include "engine/store/tip_set.h"

namespace kith::store {

// What a control run holds, up to the first entry whose body is malformed. is_hiding: 16 random
// bytes stand before each body.
std::vector<ControlEntry> control_entries(const Run& run, std::span<const Digest> ids,
                                          bool is_hiding);

// A run that was added to a lane, for a ledger with a founder; in an open one none is looked at.
struct Grown {
  std::uint64_t first_seq = 0;
  std::vector<Digest> ids;
  std::vector<ControlEntry> control;
};

// A feed of which it must be known what its lanes hold at its cut.
struct CutAsk {
  Digest feed{};
  Cut cut;
  std::vector<std::uint32_t> lanes;  // those that reach to its seq
  std::vector<Digest> found;         // by these
};
class CutWork {
 public:
  CutWork(std::shared_ptr<const KeyValue> store, std::vector<CutAsk> asks)
      : runs_(std::move(store)), asks_(std::move(asks)) {}
  bool step();  // some feeds
  const std::optional<Error>& error() const { return error_; }
  const std::vector<CutAsk>& asks() const { return asks_; }

 private:
  StoredRuns runs_;
  std::vector<CutAsk> asks_;
  std::size_t next_ = 0;
  std::optional<Error> error_;
};

class Counting {
 public:
  // rule: of the ledger whose grants govern this one, if it is another; outlives this.
  Counting(const Genesis& genesis, Lanes& lanes, Counting* rule);
  ~Counting();
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

  bool is_open() const { return genesis_.is_open(); }
  // The last seq that counts of each lane that does not count to its end.
  const std::map<std::uint32_t, std::uint64_t>& void_after() const { return void_after_; }
  const Access& access() const { return access_; }
  const TipSet& tips() const { return tips_; }
  const TipSet& control_tips() const { return control_tips_; }
  // This ledger and those that it rules.
  void each_ruled(const std::function<void(const Counting&)>& fn) const;
  const Lanes& lanes() const { return lanes_; }
  std::vector<const Feed*> feeds_under(const Digest& grant) const;
  std::vector<const Feed*> data_feeds() const;

  void add_feed(const Feed& feed);
  // The lane is longer. After a control run: settle().
  void grow(Lane& lane, const LaneEnd& end, const Grown& run);
  // As read back when a node starts: what of it counts is known once all is there and was counted.
  void load(Lane& lane, const LaneEnd& end, const Grown& run);
  void mark_all();
  // The access rules have what came since; asks for a count of what that may have changed.
  void settle();

  // Counts what may have changed: all that needs no look into the store; gives the rest. Empty:
  // nothing is left to count.
  std::vector<CutAsk> count();
  void count(const CutAsk& found);
  bool is_stale() const { return !stale_.empty(); }
  // Rings whenever something became stale; also from the ledger that rules this one.
  std::function<void()> on_stale;

  struct Change {  // of what counted before
    std::uint32_t lane = 0;
    std::uint64_t first_seq = 0, last_seq = 0;
    bool counts = false;
  };
  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }

  // The rules as they would be with one more entry of a control feed.
  std::unique_ptr<Access> trial(const Digest& feed, const Opening& opening,
                                ControlEntry entry) const;

 private:
  struct Control {  // a control feed, as it is held
    Opening opening;
    std::vector<ControlEntry> entries;
  };
  void mark_under(const std::vector<Digest>& grants);
  void mark(const Digest& feed);
  void take_control(const Lane& lane, const Grown& run);
  void count_growth(Lane& lane, const Grown& run);
  void count_control(Feed& feed);
  void change(const Lane& lane, std::uint64_t before);
  void set(Feed& feed, std::span<const std::uint64_t> counts_to, const CutAsk* found);
  void note(const Lane& lane);
  void take_tips(const Feed& feed);
  void give_tips(const Feed& feed);
  TipSet* control_of(const Feed& feed) {
    return feed.opening.kind == FeedKind::control ? &control_tips_ : nullptr;
  }

  const Genesis genesis_;
  Lanes& lanes_;
  Counting* rule_;
  std::vector<Counting*> ruled_;
  Access access_;
  TipSet tips_, control_tips_;
  std::multimap<Digest, Digest> feeds_under_;         // grant: feeds
  std::map<Digest, Control> control_;                 // by feed
  std::map<std::uint32_t, std::vector<Digest>> ids_;  // of control lanes, from their first seq
  std::map<std::uint32_t, std::uint64_t> fresh_;      // control lanes that grew: since which seq
  std::set<Digest> stale_;                            // feeds
  std::map<std::uint32_t, std::uint64_t> void_after_;
  std::vector<Change> changes_;
};

}  // namespace kith::store
