// SPDX-License-Identifier: MIT
// Bounds of the Lua runner that are no options. Units last.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kith::lua {

inline constexpr std::size_t kSourceBytesMax = 1024 * 1024;  // of a script, or of text to load()
inline constexpr std::size_t kPatternBytesMax = 640;         // of an event's name
inline constexpr std::size_t kHooksMax = 1'024;            // handlers, timers, commands of one app
inline constexpr std::uint64_t kPeriodMinUs = 1'000;       // of a repeating timer
inline constexpr std::size_t kWaitsMax = 64;               // outstanding, of one app
inline constexpr int kCoroutinesMax = 256;                 // of a script's own making, alive
inline constexpr std::uint64_t kLoadWaitUs = 10'000'000;   // that a top level may wait, in all
inline constexpr int kWritesMax = 1'000;                   // of one kith.store.tx
inline constexpr std::size_t kListBytesMax = 1024 * 1024;  // of one kith.store.list
inline constexpr std::size_t kHeadersMax = 64;             // of one request
inline constexpr std::uint64_t kHttpMsMax = 300'000;       // that one request may take
inline constexpr std::uint64_t kActiveUs = 1'000;          // by then what has loaded is active
inline constexpr std::uint32_t kFollowEntriesMax = 64;     // that one ledger:on reads ahead
inline constexpr std::uint64_t kFollowRetryUs = 10'000'000;  // until a read that failed is repeated
inline constexpr std::size_t kLogLineMax = 4 * 1024;
inline constexpr int kStrikesMax = 3;
inline constexpr std::uint64_t kSuspendFirstUs = 10'000'000;
inline constexpr std::uint64_t kSuspendMaxUs = 600'000'000;

}  // namespace kith::lua
