// SPDX-License-Identifier: MIT
// BodyFetch: asks one peer for the bodies that this node lacks, a walk over them after the other,
// and gives what comes to the ledger (engine/store/README.md, "Retention"). Owned by the stream
// that asks, which sends for it. bodies_of is what answers it.
#pragma once
#include "engine/protocols/bell.h"
#include "engine/protocols/sync_plan.h"
#include "engine/protocols/sync_shared.h"
#include "engine/store/retaining.h"

namespace kith::protocols {

class BodyFetch {
 public:
  BodyFetch(SyncShared& shared, Bell& bell);  // rung when there may be more to ask
  ~BodyFetch();
  BodyFetch(const BodyFetch&) = delete;
  BodyFetch& operator=(const BodyFetch&) = delete;

  // What to ask of a ledger next; nothing: the window is full, or there is no more for now.
  Task<std::optional<SyncLacks>> next(std::uint64_t at, store::Ledger& ledger);
  // Throws Fault: not_asked; of what is in it, whatever Retaining::fill says.
  Task<void> take(SyncBodies bodies);
  void again();  // what the peer did not have it may have by now
  bool is_waiting() const { return !asked_.empty(); }
  std::uint64_t asked_us() const { return asked_us_; }  // since when nothing came
  void heard() { asked_us_ = shared_.loop.now_us(); }

 private:
  struct Walk {  // over what a ledger lacks
    bool is_begun = false, is_end = false;
    bool is_again = false;                    // once more, after a rest
    std::uint64_t version = 0, requests = 0;  // as it began
    std::uint64_t began_us = 0, rest_us = sync_limits::kBodiesRestUs;
    bool has_gained = false;
    store::RunKey next;
    std::deque<store::Lack> found;
  };
  struct Asked {
    std::uint64_t at;
    store::Ledger* ledger;
    store::RunKey run;
    std::vector<std::uint64_t> seqs;
    std::size_t bytes;
  };
  bool begin(Walk& walk, store::Retaining& retaining);
  bool is_rested(const Walk& walk);
  std::optional<SyncLacks> ask(std::uint64_t at, store::Ledger& ledger, Walk& walk);

  SyncShared& shared_;
  Timer rested_;
  std::map<std::uint64_t, Walk> walks_;  // by the ledger's number on the stream
  std::deque<Asked> asked_;              // answered in this order
  std::size_t asked_bytes_ = 0;
  std::uint64_t asked_us_ = 0;
};

// In the order of what is asked for; none where a body is not held, or all would be too much.
Task<std::vector<std::optional<ByteVector>>> bodies_of(store::Ledger& ledger, SyncLacks lacks);

}  // namespace kith::protocols
