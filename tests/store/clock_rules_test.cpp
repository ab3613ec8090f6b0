// SPDX-License-Identifier: MIT
#include "engine/store/clock_rules.h"

#include <gtest/gtest.h>

namespace kith::store {
namespace {

constexpr std::uint64_t kSecondUs = 1'000'000, kDayUs = 86'400 * kSecondUs;
constexpr std::uint64_t kYear2026Us = 1'767'225'600 * kSecondUs;

TEST(ClockRules, AClockBefore2026IsWrong) {
  EXPECT_EQ(clock_refusal(kYear2026Us, 0, "notes"), "");
  EXPECT_EQ(clock_refusal(kYear2026Us - 1, 0, "notes"),
            "this machine's clock is before 2026: set it, then append again");
  EXPECT_NE(clock_refusal(0, 0, "notes"), "");
}

TEST(ClockRules, SoIsOneOverADayBeforeTheNewestOwnEntry) {
  const std::uint64_t now_us = kYear2026Us + 10 * kDayUs;
  EXPECT_EQ(clock_refusal(now_us, now_us - kDayUs, "notes"), "");
  EXPECT_EQ(clock_refusal(now_us, now_us + kDayUs, "notes"), "");
  EXPECT_EQ(clock_refusal(now_us, now_us + kDayUs + 1, "notes"),
            "this machine's clock is over a day before the newest entry of this node in notes: "
            "set it, then append again");
}

}  // namespace
}  // namespace kith::store
