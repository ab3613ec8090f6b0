// SPDX-License-Identifier: MIT
#include "engine/store/clock_rules.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kDayUs = 24ull * 3600 * 1'000'000;
constexpr std::uint64_t kEarliestUs = 1'767'225'600ull * 1'000'000;  // 2026: kith is no older

}  // namespace

std::string clock_refusal(std::uint64_t now_us, std::uint64_t newest_own_us,
                          std::string_view ledger) {
  if (now_us < kEarliestUs) return "this machine's clock is before 2026: set it, then append again";
  if (now_us + kDayUs >= newest_own_us) return {};
  return "this machine's clock is over a day before the newest entry of this node in " +
         std::string(ledger) + ": set it, then append again";
}

}  // namespace kith::store
