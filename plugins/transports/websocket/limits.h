// SPDX-License-Identifier: MIT
// What a stranger may make this transport hold or wait for. Units last.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kith::websocket {

inline constexpr std::uint32_t kUpgradeMs = 10'000;    // the whole HTTP exchange, both directions
inline constexpr std::size_t kUpgradesMax = 256;       // inbound, under way at once
inline constexpr std::size_t kUpgradesPerIpMax = 32;   // but for private addresses
inline constexpr std::size_t kFrameBytes = 64 * 1024;  // of payload, in one frame that is sent
inline constexpr std::uint32_t kLingerMs = 10'000;     // a closed link that still has bytes to send
inline constexpr std::size_t kLingeringMax = 256;

}  // namespace kith::websocket
