// SPDX-License-Identifier: MIT
// Lanes: which feeds a ledger holds and how far. A lane is a stretch of one feed without a fork, by
// a number local to this store: the feed's first branch is one lane, every further branch one more
// that begins after its parent's entry. So a (lane, seq) names one entry, always. A plain table:
// no I/O, no signatures; owned by a Ledger.
#pragma once
#include <map>
#include <memory>

#include "engine/store/blocks.h"

namespace kith::store {

// An entry that nothing of the ledger follows.
struct Tip {
  Digest feed{};
  std::uint64_t seq = 0;
  Digest entry{};
  friend auto operator<=>(const Tip&, const Tip&) = default;
};

struct Feed {
  Digest id{};
  Opening opening;
  ByteVector opening_block;
  std::vector<std::uint32_t> lanes;  // the first branch first; a parent before its children
  std::uint64_t fork_seq = 0;        // the lowest seq that two entries have; 0 = none
  std::uint32_t cut_lane = 0;        // that which holds the entry of its cut; 0 = none does
};

struct Lane {
  std::uint32_t number = 0;
  Feed* feed = nullptr;
  std::uint32_t parent = 0;     // 0: it begins at the opening
  std::uint64_t first_seq = 1;  // its parent's entry before it is first_seq - 1
  Digest first_entry{};         // so that a branch is known without a look at the store
  std::uint64_t seq = 0;        // of its last entry; first_seq - 1 while it is empty
  Digest entry{};               // its last entry's id
  std::uint64_t time_us = 0;    // of its last entry
  // How far it counts; in an open ledger to its end, else as Access says.
  std::uint64_t counts_to = 0;  // first_seq - 1: none of it does
  Digest counted{};             // the entry there; zeros where it is inside and no tip
  bool is_empty() const { return seq < first_seq; }
  bool counts() const { return counts_to >= first_seq; }
  bool is_whole() const { return counts_to == seq; }  // nothing of it is void
  Tip tip() const { return {feed->id, seq, entry}; }  // what is held, where it is not empty
};

// The end of a lane, or a place inside of it.
struct LaneEnd {
  std::uint64_t seq = 0;
  std::uint64_t time_us = 0;
  Digest entry{};
};

class Lanes {
 public:
  Feed* find_feed(const Digest& id);
  const Feed* find_feed(const Digest& id) const;
  Feed& add_feed(const Digest& id, Opening opening, ByteVector block);
  Lane& add_lane(Feed& feed, std::uint32_t number, std::uint32_t parent, std::uint64_t first_seq);
  Lane* find(std::uint32_t number);
  const Lane* find(std::uint32_t number) const;
  // The lane whose last entry this is, or nullptr.
  Lane* ending_at(const Digest& feed, const Digest& entry);
  std::vector<Tip> tips() const;  // of what counts; sorted
  // The entry at which a lane stops to count, where nothing that counts follows it.
  std::optional<Tip> tip_of(const Lane& lane) const;
  std::vector<const Feed*> feeds_of(const crypto::Key32& author) const;
  bool counts(const crypto::Key32& author) const;  // something of theirs does
  std::size_t feeds() const { return feeds_.size(); }
  const std::map<std::uint32_t, Lane>& all() const { return lanes_; }

 private:
  std::map<Digest, std::unique_ptr<Feed>> feeds_;
  std::multimap<crypto::Key32, Feed*> by_author_;
  std::map<std::uint32_t, Lane> lanes_;
};

}  // namespace kith::store
