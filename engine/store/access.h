// SPDX-License-Identifier: MIT
// Access: which feeds of a ledger with a founder count, and how far. A pure function of the control
// entries held, worked out rank by rank and kept up to date entry by entry: it knows no clock and
// no order of arrival. It never looks at a data feed's entries; those are asked about by their
// feed's Right. Owned by a ledger. Specified in engine/store/README.md "Access".
#pragma once
#include <map>
#include <set>

#include "engine/store/grants.h"
#include "engine/store/lanes.h"

namespace kith::store {

// A place in a feed. Of several cuts the lowest holds.
struct Cut {
  std::uint64_t seq = 0;
  Digest entry{};
  friend auto operator<=>(const Cut&, const Cut&) = default;
};

// What of a feed counts. None of it, all of it, or what its cut leaves.
struct Right {
  bool counts_at_all = false;
  std::optional<Cut> cut;  // of seq 1 and up
  // Whether the entry at `seq` does, if the one before it does. leads_to_cut: the cut's own entry
  // and its ancestors; none: the feed does not hold the cut's entry at the cut's seq.
  bool covers(std::uint64_t seq, std::optional<bool> leads_to_cut) const;
  friend bool operator==(const Right&, const Right&) = default;
};

// The same for each of feed.lanes: the last seq of it that counts, or first_seq - 1. cut_lane: the
// lane that holds the cut's entry at the cut's seq; 0 = none does.
std::vector<std::uint64_t> counted_to(const Right& right, const Lanes& lanes, const Feed& feed,
                                      std::uint32_t cut_lane);

struct ControlEntry {
  std::uint64_t seq = 0;
  Digest id{};
  Digest prev{};  // at seq 1 the opening
  ControlBody body;
};

class Access {
 public:
  // rule: of the ledger whose grants govern this one, if it is another; outlives this.
  explicit Access(const Genesis& genesis, const Access* rule = nullptr);
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  ~Access();

  // What is held of this ledger's control feeds, in any order, once or more often. An entry whose
  // body is malformed is left out: neither it nor what follows it counts. A ledger that is open or
  // governed by another has no use for them.
  void open(const Digest& feed, const Opening& opening);
  void add(const Digest& feed, ControlEntry entry);  // the feed is open

  // Works off what came since; all questions are answered as of the last settle. The cost is that
  // of the entries that came and of the control feeds which they reach.
  struct Changes {
    std::vector<Digest> grants;  // feeds under them, here and where this rules, may have new rights
    std::vector<Digest> feeds;   // control feeds in which other entries count than before
    friend bool operator==(const Changes&, const Changes&) = default;
  };
  Changes settle();

  // Of any feed of this ledger, held or only offered.
  Right right_of(const Digest& feed, const Opening& opening) const;
  // A feed's issuer number: what it grants must be above. None: its grant is not held.
  std::optional<std::uint16_t> number_of(const Opening& opening) const;
  // An entry of a control feed that was added.
  bool counts(const Digest& feed, const Cut& entry) const;
  // Held, whether it counts or not; nullptr: it is not.
  const Grant* find_grant(const Digest& entry) const;
  // All that are held; `is_revoked`: it counts, but a revoke that counts acts on it.
  struct Stood {
    Digest id{};
    Grant grant;
    bool counts = false, is_revoked = false;
  };
  std::vector<Stood> grants() const;
  // Under which a new feed of the author's would count; the lowest rank first.
  std::vector<Digest> grants_to(const crypto::Key32& author) const;

 private:
  struct Standing;
  struct Issuer;
  struct Item;

  bool rules() const { return source_ == this && founder_; }
  Right right_of(const Issuer& issuer) const;
  void hold(const Digest& id, Grant grant);
  void mark(Issuer& issuer);
  void touch(Standing& standing);
  void judge(Issuer& issuer);
  void flip(const Issuer& issuer, Item& item);

  std::optional<crypto::Key32> founder_;
  const Access* source_;  // where grants stand: this, or what rules it
  std::map<Digest, Standing> standings_;
  std::map<Digest, Issuer> issuers_;
  std::map<std::uint16_t, std::vector<Issuer*>> unsettled_;  // by issuer number
  std::set<Digest> changed_grants_, changed_feeds_;
};

}  // namespace kith::store
