// SPDX-License-Identifier: MIT
#include "engine/wire/sha1.h"

#include <bit>

#include "engine/wire/sha_blocks.h"

namespace kith::wire {
namespace {

using State = std::array<std::uint32_t, 5>;

// FIPS 180-4, 4.1.1 and 4.2.1
std::uint32_t mix(std::size_t t, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  if (t < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

// 6.1.2
void absorb(State& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 80> w;
  for (std::size_t t = 0; t < 16; ++t) w[t] = read_sha_word(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t) {
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < 80; ++t) {
    const std::uint32_t turned = std::rotl(a, 5) + mix(t, b, c, d) + e + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = turned;
  }
  const State turned = {a, b, c, d, e};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += turned[i];
}

}  // namespace

std::array<std::uint8_t, 20> sha1(Bytes bytes) {
  return digest_blocks(State{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, bytes,
                       &absorb);
}

}  // namespace kith::wire
