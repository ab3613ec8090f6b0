// SPDX-License-Identifier: MIT
// Which runs lie between what one node has of a feed and a tip of another's. Reads the ledger,
// keeps nothing and sends nothing. The ledger must outlive each task; it may grow meanwhile.
#pragma once
#include "engine/protocols/sync_message.h"
#include "engine/store/ledger.h"

namespace kith::protocols {

// Entries of one lane, both ends included.
struct Stretch {
  std::uint32_t lane = 0;
  std::uint64_t from = 0, to = 0;
};

// A lane's end, in memory. The entry may be held all the same: holds() looks further.
bool is_lane_end(const store::Ledger& ledger, const store::Tip& tip);
Task<bool> holds(store::Ledger& ledger, store::Tip tip);

// How to ask for what leads to a tip; nothing where it is held.
Task<std::optional<SyncWant>> want_of(store::Ledger& ledger, store::Tip tip);

// What answers it, in an order in which each can be kept: from the entry that the asker has, or
// from the feed's first where that is on another branch. Nothing where the end is not held.
Task<std::vector<Stretch>> way_of(store::Ledger& ledger, SyncWant want);

// The run that holds this seq of a lane, from that seq on, and its last seq. Throws Fault,
// ledger_error::damaged where the store gives back something else.
struct LoadedRun {
  store::RunBytes bytes;
  std::uint64_t last_seq = 0;
};
Task<LoadedRun> load_run(store::Ledger& ledger, std::uint32_t lane, std::uint64_t seq);

}  // namespace kith::protocols
