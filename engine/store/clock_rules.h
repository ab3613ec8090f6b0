// SPDX-License-Identifier: MIT
// When this machine's clock forbids to append (README.md "Clocks"). Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace kith::store {

// A sentence, or nothing. newest_own_us: of this node's newest entry in that ledger; 0: none.
std::string clock_refusal(std::uint64_t now_us, std::uint64_t newest_own_us,
                          std::string_view ledger);

}  // namespace kith::store
