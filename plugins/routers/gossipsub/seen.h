// SPDX-License-Identifier: MIT
// Seen: which ids were met lately. A flat table of 64-bit keyed fingerprints, each kept for one
// lifetime or until `entries_max` newer ones came; memory grows by doubling and only when used.
// Keyed, so that nobody who picks ids can make two of them meet. Never looks at a clock itself.
#pragma once
#include <kith/bytes.h>

#include <array>

namespace kith::gossip {

using Fingerprint = std::uint64_t;  // never 0

// SipHash-2-4 under a key that the node drew at its start.
class Fingerprints {
 public:
  explicit Fingerprints(const std::array<std::uint64_t, 2>& key) : key_(key) {}
  Fingerprint of(Bytes id) const;

 private:
  std::array<std::uint64_t, 2> key_;
};

class Seen {
 public:
  // What an entry remembers of a message, handed back when the entry ends.
  struct Entry {
    Fingerprint id = 0;
    Fingerprint author = 0;
    std::uint64_t seqno = 0;
    std::uint64_t until_us = 0;
  };

  Seen(std::uint64_t lifetime_us, std::size_t entries_max)
      : lifetime_us_(lifetime_us), entries_max_(entries_max) {}

  void set_lifetime(std::uint64_t us) { lifetime_us_ = us; }  // of ids that come from now on
  bool contains(Fingerprint id) const { return !slots_.empty() && slots_[find(id)] != 0; }
  // False when it was there already. `ended(entry)` hears of the one that had to go for it.
  template <class Ended>
  bool insert(const Entry& entry, std::uint64_t now_us, Ended&& ended) {
    if (contains(entry.id)) return false;
    if (size_ == entries_max_) ended(pop());
    push(entry, now_us + lifetime_us_);
    return true;
  }
  bool insert(Fingerprint id, std::uint64_t now_us) {
    return insert(Entry{id, 0, 0, 0}, now_us, [](const Entry&) {});
  }
  template <class Ended>
  void expire(std::uint64_t now_us, Ended&& ended) {
    while (size_ > 0 && ring_[first_].until_us <= now_us) ended(pop());
  }
  void expire(std::uint64_t now_us) {
    expire(now_us, [](const Entry&) {});
  }
  std::size_t size() const { return size_; }
  std::size_t bytes() const {
    return slots_.size() * sizeof(Fingerprint) + ring_.size() * sizeof(Entry);
  }

 private:
  std::size_t find(Fingerprint id) const;  // its slot, or the empty one where it belongs
  void push(const Entry& entry, std::uint64_t until_us);
  Entry pop();
  void erase(Fingerprint id);
  void grow();

  std::uint64_t lifetime_us_;
  std::size_t entries_max_;
  std::vector<Fingerprint> slots_;  // a power of two, at most half full; 0 = empty
  std::vector<Entry> ring_;         // in order of arrival, so in order of their ends
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace kith::gossip
