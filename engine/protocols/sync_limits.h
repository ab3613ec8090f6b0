// SPDX-License-Identifier: MIT
// The bounds of /kith/sync/1 (engine/store/README.md "Sync"), beside those that all of sync's rooms
// share (engine/base/limits.h). Units last.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kith::protocols::sync_limits {

// Of who asks, to one peer.
inline constexpr std::size_t kComparedMax = 16;          // ledgers that are compared at once
inline constexpr std::size_t kLackedMax = 16'384;        // tips of a ledger that wait to be fetched
inline constexpr std::size_t kPathsMax = 64;             // of the tree, in a round trip
inline constexpr std::size_t kPathsWaitingMax = 16'384;  // that differ and were not asked for yet
inline constexpr std::size_t kWantsMax = 256;            // feeds that are fetched at once
inline constexpr std::size_t kWindowBytes = 4 * 1024 * 1024;  // of runs on their way
inline constexpr std::size_t kTakingMax = 4;            // runs that are judged and kept at once
inline constexpr std::size_t kBadRunsMax = 3;           // then the peer is disconnected
inline constexpr std::uint32_t kStallMs = 10'000;       // without a run: others may fetch its feeds
inline constexpr std::uint32_t kPatienceMs = 60'000;    // others may fetch a feed as well of which
inline constexpr std::size_t kPatienceEntries = 1'024;  // it brings fewer in that time
inline constexpr std::uint32_t kAgainFirstMs = 100;     // doubles up to kBackoffMaxMs
inline constexpr std::uint32_t kAgainEveryMs = 300'000;  // a fifth of it more or less
inline constexpr std::size_t kShownMax = 4'096;  // feeds of which a peer's newest seq is remembered
inline constexpr std::size_t kRestartsMax = 4;   // of a sketch, since the peer's tips changed
// Runs in a row that were all known here; what an honest peer on another branch may send goes on,
// but slowly.
inline constexpr std::size_t kUselessRunsMax = 1'024;
inline constexpr std::uint64_t kUselessRestUs = 10'000;

// Of who answers, on one stream.
inline constexpr std::size_t kRequestBytesMax = 64 * 1024;
inline constexpr std::size_t kOutboxBytesMax = 1024 * 1024;  // no request is read meanwhile
inline constexpr std::size_t kWantsWaitingMax = 1'024;
inline constexpr std::size_t kGrantedBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kPushBytesMax = 64 * 1024;  // of a larger run only the tip is told

// Of both.
inline constexpr std::size_t kFarTips = 512;       // tips more or less than the other: no sketch
inline constexpr std::size_t kItemsMax = 512;      // of a sketch, that may be asked for
inline constexpr std::size_t kWholeTipsMax = 128;  // below a path, where the asker has none

// Bodies that were dropped.
inline constexpr std::size_t kBodiesAskedMax = 16;           // questions that wait for an answer
inline constexpr std::size_t kBodiesBytesMax = 1024 * 1024;  // in one, or a single body
inline constexpr std::uint64_t kBodiesRestUs = 10'000'000;   // from one walk to the next; doubles
inline constexpr std::uint64_t kBodiesRestMaxUs = 300'000'000;  // while nothing comes

// Receipts: a signature to verify is 64 us.
inline constexpr std::size_t kReceiptsMax = 256;               // in a message
inline constexpr std::size_t kReceiptsQueuedMax = 1'024;       // told of and not judged yet
inline constexpr std::uint64_t kReceiptsTakenPerSecond = 200;  // of a peer; the rest waits
inline constexpr std::uint64_t kReceiptsPushedPerSecond = 128;
inline constexpr std::size_t kReceiptsShownMax = 4'096;  // of a peer, not sent back to it

}  // namespace kith::protocols::sync_limits
