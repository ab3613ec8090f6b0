// SPDX-License-Identifier: MIT
// What a peer lacks of a ledger, worked out from the tips that it named. Reads the ledger, keeps
// nothing and sends nothing.
#pragma once
#include "engine/store/ledger.h"

namespace kith::protocols {

// Entries of one lane, both ends included.
struct Stretch {
  std::uint32_t lane = 0;
  std::uint64_t from = 0, to = 0;
};

// In an order in which each can be kept: a lane before those that branch off it. What the peer has
// is what a tip of its proves, found again in the lane; a lane without such a tip is lacked whole.
// One exception: of a feed that has not forked here, a peer that is ahead is taken to have what is
// here. Should it be on another branch, the fork shows as soon as one of the two is sent the
// other's run, and both are asked anew. `tips` are sorted. The ledger must outlive the task; it may
// grow meanwhile.
Task<std::vector<Stretch>> lacked_by_peer(store::Ledger& ledger,
                                          const std::vector<store::Tip>& tips);

// The tips of one feed, lowest seq first; a view of `tips`.
std::span<const store::Tip> tips_of(const std::vector<store::Tip>& tips, const store::Digest& feed);

// The run that holds this seq of a lane, from that seq on, and its last seq. Throws Fault,
// ledger_error::damaged where the store gives back something else.
struct LoadedRun {
  store::RunBytes bytes;
  std::uint64_t last_seq = 0;
};
Task<LoadedRun> load_run(store::Ledger& ledger, std::uint32_t lane, std::uint64_t seq);

}  // namespace kith::protocols
