// SPDX-License-Identifier: MIT
// How FIPS 180-4 feeds a message to SHA-1 and SHA-256 alike: blocks of 64 bytes, the padding of
// 5.1.1, big-endian words in and out. Private to sha1.cpp and sha256.cpp; knows no round function.
#pragma once
#include <kith/bytes.h>

#include <array>

namespace kith::wire {

inline constexpr std::size_t kShaBlockBytes = 64;

inline std::uint32_t read_sha_word(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         at[3];
}

// absorb(state, block) for each block of the padded message; then the state as bytes.
template <std::size_t words, class Absorb>
std::array<std::uint8_t, 4 * words> digest_blocks(std::array<std::uint32_t, words> state,
                                                  Bytes bytes, Absorb absorb) {
  const std::uint64_t bit_count = std::uint64_t{bytes.size()} * 8;
  for (; bytes.size() >= kShaBlockBytes; bytes = bytes.subspan(kShaBlockBytes)) {
    absorb(state, bytes.data());
  }
  // 5.1.1: a one bit, zeros, and the length in 64 bits fill one block more, or two.
  std::array<std::uint8_t, 2 * kShaBlockBytes> tail{};
  if (!bytes.empty()) std::memcpy(tail.data(), bytes.data(), bytes.size());
  tail[bytes.size()] = 0x80;
  const std::size_t tail_bytes = bytes.size() < kShaBlockBytes - 8 ? kShaBlockBytes : tail.size();
  for (std::size_t i = 0; i < 8; ++i) {
    tail[tail_bytes - 1 - i] = static_cast<std::uint8_t>(bit_count >> (8 * i));
  }
  for (std::size_t at = 0; at < tail_bytes; at += kShaBlockBytes) absorb(state, tail.data() + at);

  std::array<std::uint8_t, 4 * words> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace kith::wire
