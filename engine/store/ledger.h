// SPDX-License-Identifier: MIT
// Ledger: a set of feeds, each one author's hash chain of entries; what counts is a function of the
// blocks held, never of arrival order or a clock. Open, or with a founder whose grants say who may
// write. Made and owned by Ledgers; loop thread. Knows no network: sync asks it what it has and
// gives it runs.
#pragma once
#include <functional>
#include <map>

#include "engine/store/committer.h"
#include "engine/store/grants.h"
#include "engine/store/lanes.h"
#include "engine/store/run.h"
#include "engine/store/tip_set.h"

namespace kith::store {

struct Appended {
  Digest id{};
  Digest feed{};
  std::uint64_t seq = 0, time_us = 0, arrival = 0;
};
struct NewEntry {
  std::string type;
  ByteVector body;
};

struct Query {
  bool by_time = false;  // the timeline, equal everywhere; else by arrival, this node's own order
  bool newest = false;   // the last `limit`, oldest of them first
  // By arrival: entries after it. By time: of this time_us and later, or the `next` of a page.
  std::uint64_t after = 0;
  // By arrival: entries before it. By time: earlier than this time_us, or the `before` of a page.
  // 0: no bound.
  std::uint64_t before = 0;
  std::uint32_t limit = 0;  // 1 to kPageEntriesMax, 0 = that
  std::optional<crypto::Key32> author;
  std::string type;  // only such; empty: all
};
// One entry that was read; owns what it shows.
struct Held {
  Digest id{}, feed{};
  crypto::Key32 author{};
  std::uint64_t seq = 0, time_us = 0, arrival = 0;
  std::string type;
  ByteVector body;  // without the 16 random bytes of a ledger that hides
  std::uint32_t body_bytes = 0;
  std::vector<Digest> links;
  unsigned flags = 0;  // KITH_ENTRY_...
};
inline constexpr std::uint32_t kPageEntriesMax = 1'000;
inline constexpr std::size_t kPageBytesMax = 4 * 1024 * 1024;
struct Page {
  std::vector<Held> entries;
  bool more = false;
  std::uint64_t next = 0;  // `after` of the next page; by time it may be more than a time
  // Of the newest: `before` of the page before this one; by time it may be more than a time.
  // 0: nothing is before it.
  std::uint64_t before = 0;
};

// What the operator set for a ledger; may change at any time.
struct LedgerSettings {
  struct Retention {  // 0: no bound
    std::uint64_t max_age_s = 0, max_bytes = 0;
  };
  bool witness = false;                  // signs receipts for what it holds of others
  std::vector<crypto::Key32> witnesses;  // whose receipts are believed, beside members'
  Retention retention;
};

// A grant of a ledger with a founder, as it stands.
struct Member {
  Digest grant{};  // its entry
  Grant given;
  bool counts = false;
  bool is_revoked = false;  // it counts, but its feeds are cut
};
// What a revoke would make void here.
struct Fall {
  std::uint64_t entries = 0;   // of data feeds
  std::vector<Member> grants;  // that were issued under it, and what follows from those
};

struct Verdict {
  std::uint64_t feeds = 0, entries = 0;
  std::vector<std::string> problems;  // sentences that name feed and seq; at most kProblemsMax
  bool ok() const { return problems.empty(); }
};
using Progress = std::function<void(std::uint64_t entries, std::uint64_t of)>;

class Ledger;
class Receipts;
class Retaining;
// What sync and the node's events are built on. Told once a run is kept and synced, in order of
// arrival: nothing leaves the node before.
class LedgerObserver {
 public:
  virtual void on_run(Ledger& ledger, std::uint64_t first_arrival, std::uint64_t entries) = 0;
  virtual void on_fork(Ledger& ledger, const Digest& feed, const crypto::Key32& author,
                       std::uint64_t seq, bool is_own) = 0;
  // Other entries of a lane count than before: from first_seq to last_seq they no longer do, or do
  // again. Told before on_rights.
  virtual void on_void(Ledger&, const Lane&, std::uint64_t /*first_seq*/,
                       std::uint64_t /*last_seq*/, bool /*counts*/) {}
  // Some were kept and may leave.
  virtual void on_receipts(Ledger&) {}
  // Grants or revokes changed who may write, so a peer may have what was refused before.
  virtual void on_rights(Ledger&) {}
  // Bodies were dropped or came back, or peers are to be asked for more of them.
  virtual void on_bodies(Ledger&) {}

 protected:
  ~LedgerObserver() = default;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual const Digest& id() const = 0;
  virtual const std::string& name() const = 0;
  virtual const Genesis& genesis() const = 0;
  virtual Bytes genesis_block() const = 0;
  virtual std::uint64_t entries() const = 0;  // held, void ones too
  virtual std::size_t feeds() const = 0;

  // Into this node's own feed. All that wait while a commit is under way become one run: one
  // signature, one sync. Answers once it is kept as durably as the config asks. Throws Fault: a bad
  // type, a body over kBodyBytesMax, a store that failed.
  virtual Task<Appended> append(NewEntry entry) = 0;

  virtual void settle(LedgerSettings settings) = 0;
  virtual const LedgerSettings& settings() const = 0;
  // Who vouches for what (receipts.h).
  virtual Receipts& receipts() = 0;
  virtual Retaining& retaining() = 0;  // which bodies are held

  // ---- access; of an open ledger empty, or Fault(KITH_REFUSED)
  virtual std::vector<Member> members() const = 0;  // by rank, then by grant
  // Into this node's own control feed. Throws Fault(KITH_REFUSED) where it has no right to, with
  // what to do.
  virtual Task<Appended> grant(Grant grant) = 0;
  virtual Task<Appended> revoke(Revoke revoke) = 0;
  // The signed ends of what counts of a grant's feeds here: a revoke's `keep` that keeps them.
  virtual Task<std::vector<SignedHead>> heads_under(Digest grant) = 0;
  virtual Fall fall_of(const Revoke& revoke) const = 0;

  // ---- for sync
  virtual std::vector<Tip> tips() const = 0;          // of what counts
  virtual const TipSet& tip_set() const = 0;          // the same tips
  virtual const TipSet& control_tip_set() const = 0;  // those of control feeds alone
  virtual const Lanes& lanes() const = 0;
  // Judges a run (beside the loop) and keeps what of it is new. Gives the number of new entries.
  // Throws Fault: `gap` where its prev is not held (nobody is charged for that), any other
  // ledger_error is the sender's fault, a store_error or a kith_err ours.
  virtual Task<std::size_t> take(ByteVector opening_block, ByteVector entries,
                                 ByteVector bodies) = 0;
  // The run that holds this seq of a lane, from that seq on. Read beside the loop.
  virtual Task<RunBytes> load(std::uint32_t lane, std::uint64_t seq) = 0;
  // The newest arrival number that is synced and may leave; 0: none.
  virtual std::uint64_t synced_arrival() const = 0;
  // Where the run lies that begins at or holds this arrival number.
  struct Place {
    std::uint32_t lane = 0;
    std::uint64_t first_seq = 0, last_seq = 0;
    std::uint64_t next_arrival = 0;  // of the run after it
  };
  virtual Task<Place> place_of(std::uint64_t arrival) = 0;  // throws Fault(KITH_ABSENT)
  // A peer told of a tip: when it is of this node's own feed and not held, that feed is left for a
  // new one before the next append (a copied home, a restored backup).
  virtual void heard_of(const Tip& tip) = 0;

  // ---- reads, beside the loop; of what counts
  virtual Task<Page> read(Query query) = 0;
  // The entry of that id; none: it is not held, or does not count.
  virtual Task<std::optional<Held>> find(Digest entry) = 0;
  // Everything: every run rebuilt, chained, its bodies hashed and its signature checked, and that
  // index and tips agree with the runs. `progress` is called on the loop.
  virtual Task<Verdict> verify(Progress progress) = 0;
};

}  // namespace kith::store
