// SPDX-License-Identifier: MIT
// Said: what crash_child tells whoever kills it, as it lies in memory; both are built together.
#pragma once
#include <cstdint>

namespace kith::test {

struct Said {
  std::uint64_t is_told = 0;  // 1: all up to this arrival may have left; else this entry was kept
  std::uint64_t arrival = 0;
  std::uint8_t id[32] = {};
};

}  // namespace kith::test
