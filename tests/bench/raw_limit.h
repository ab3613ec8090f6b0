// SPDX-License-Identifier: MIT
// What the machine itself allows, in the same run: sealed frames, and a plain ping-pong, over
// loopback TCP with blocking sockets and nothing else.
#pragma once
#include <cstddef>
#include <vector>

namespace kith::bench {

double raw_sealed_mb_per_s(
    std::size_t bytes);  // ChaCha20-Poly1305 frames of 65,519 bytes, opened at the receiver
std::vector<double> raw_echo_us(std::size_t rounds, std::size_t size);  // round trips

}  // namespace kith::bench
