// SPDX-License-Identifier: MIT
// Bounds of the hooks app: what it keeps for a receiver that is slow or gone, and how it comes
// back. Units last.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kith::hooks {

inline constexpr std::size_t kHooksMax = 64;
inline constexpr std::size_t kTopicBytesMax = 512;
inline constexpr std::size_t kUrlBytesMax = 8 * 1024;
inline constexpr std::size_t kWaitingMax = 1'000;  // messages of one hook
inline constexpr std::size_t kWaitingBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kTestsMax = 8;  // of `hooks.test`, under way at once
inline constexpr std::uint32_t kPostMs = 15'000;
inline constexpr std::uint32_t kReplyBytesMax = 1024 * 1024;
// Before the second try, the third and so on; the last stands for all that follow.
inline constexpr std::uint64_t kRetryDelaysS[] = {0, 5, 30, 120, 300};
inline constexpr std::size_t kTriesMax = 10;
inline constexpr std::uint64_t kRetryAfterMaxS = 3'600;
inline constexpr std::uint64_t kDropNoticeUs = 60'000'000;  // between two lines about drops

}  // namespace kith::hooks
