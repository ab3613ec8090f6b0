// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/seen.h"

#include <algorithm>
#include <bit>

namespace kith::gossip {

namespace {

constexpr std::size_t kFirstEntries = 32;

struct Sip {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

std::uint64_t little_endian(const std::uint8_t* from, std::size_t n) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < n; ++i) word |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return word;
}

}  // namespace

Fingerprint Fingerprints::of(Bytes id) const {
  Sip sip{key_[0] ^ 0x736f6d6570736575u, key_[1] ^ 0x646f72616e646f6du,
          key_[0] ^ 0x6c7967656e657261u, key_[1] ^ 0x7465646279746573u};
  std::size_t at = 0;
  for (; at + 8 <= id.size(); at += 8) sip.take(little_endian(id.data() + at, 8));
  sip.take(little_endian(id.data() + at, id.size() - at) | static_cast<std::uint64_t>(id.size())
                                                               << 56);
  sip.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) sip.round();
  const std::uint64_t made = sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
  return made == 0 ? 1 : made;
}

std::size_t Seen::find(Fingerprint id) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = id & mask;
  while (slots_[at] != 0 && slots_[at] != id) at = (at + 1) & mask;
  return at;
}

void Seen::push(const Entry& entry, std::uint64_t until_us) {
  if (size_ == ring_.size()) grow();
  Entry& placed = ring_[(first_ + size_) % ring_.size()];
  placed = entry;
  placed.until_us = until_us;
  ++size_;
  slots_[find(entry.id)] = entry.id;
}

Seen::Entry Seen::pop() {
  const Entry ended = ring_[first_];
  first_ = (first_ + 1) % ring_.size();
  --size_;
  erase(ended.id);
  if (size_ == 0) {  // idle owns nothing
    slots_ = {};
    ring_ = {};
    first_ = 0;
  }
  return ended;
}

// Linear probing without tombstones: what probed past the hole moves back into it.
void Seen::erase(Fingerprint id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = find(id);
  slots_[hole] = 0;
  for (std::size_t at = (hole + 1) & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = slots_[at] & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = std::exchange(slots_[at], 0);
    hole = at;
  }
}

void Seen::grow() {
  std::vector<Entry> ring(std::max(kFirstEntries, ring_.size() * 2));
  for (std::size_t i = 0; i < size_; ++i) ring[i] = ring_[(first_ + i) % ring_.size()];
  ring_ = std::move(ring);
  first_ = 0;
  slots_.assign(ring_.size() * 2, 0);
  for (std::size_t i = 0; i < size_; ++i) slots_[find(ring_[i].id)] = ring_[i].id;
}

}  // namespace kith::gossip
