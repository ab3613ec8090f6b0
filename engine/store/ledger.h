// SPDX-License-Identifier: MIT
// Ledger: a set of feeds, each one author's hash chain of entries; what counts is a function of the
// blocks held, never of arrival order or a clock. This is an open one: every author may write. Made
// and owned by Ledgers; loop thread. Knows no network: sync asks it what it has and gives it runs.
#pragma once
#include <functional>
#include <map>

#include "engine/store/committer.h"
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
  std::uint32_t limit = 0;  // 1 to kPageEntriesMax, 0 = that
  std::optional<crypto::Key32> author;
};
// One entry that was read; owns what it shows.
struct Held {
  Digest id{}, feed{};
  crypto::Key32 author{};
  std::uint64_t seq = 0, time_us = 0, arrival = 0;
  std::string type;
  ByteVector body;
  std::uint32_t body_bytes = 0;
  unsigned flags = 0;  // KITH_ENTRY_...
};
inline constexpr std::uint32_t kPageEntriesMax = 1'000;
inline constexpr std::size_t kPageBytesMax = 4 * 1024 * 1024;
struct Page {
  std::vector<Held> entries;
  bool more = false;
  std::uint64_t next = 0;  // `after` of the next page; by time it may be more than a time
};

struct Verdict {
  std::uint64_t feeds = 0, entries = 0;
  std::vector<std::string> problems;  // sentences that name feed and seq; at most kProblemsMax
  bool ok() const { return problems.empty(); }
};
using Progress = std::function<void(std::uint64_t entries, std::uint64_t of)>;

class Ledger;
// What sync and the node's events are built on. Told once a run is kept and synced, in order of
// arrival: nothing leaves the node before.
class LedgerObserver {
 public:
  virtual void on_run(Ledger& ledger, std::uint64_t first_arrival, std::uint64_t entries) = 0;
  virtual void on_fork(Ledger& ledger, const Digest& feed, const crypto::Key32& author,
                       std::uint64_t seq, bool is_own) = 0;

 protected:
  ~LedgerObserver() = default;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual const Digest& id() const = 0;
  virtual const std::string& name() const = 0;
  virtual Bytes genesis_block() const = 0;
  virtual std::uint64_t entries() const = 0;
  virtual std::size_t feeds() const = 0;

  // Into this node's own feed. All that wait while a commit is under way become one run: one
  // signature, one sync. Answers once it is kept as durably as the config asks. Throws Fault: a bad
  // type, a body over kBodyBytesMax, a store that failed.
  virtual Task<Appended> append(NewEntry entry) = 0;

  // ---- for sync
  virtual std::vector<Tip> tips() const = 0;
  virtual const TipSet& tip_set() const = 0;  // the same tips
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

  // ---- reads, beside the loop
  virtual Task<Page> read(Query query) = 0;
  // Everything: every run rebuilt, chained, its bodies hashed and its signature checked, and that
  // index and tips agree with the runs. `progress` is called on the loop.
  virtual Task<Verdict> verify(Progress progress) = 0;
};

}  // namespace kith::store
