// SPDX-License-Identifier: MIT
#include "engine/store/lanes.h"

#include <algorithm>

namespace kith::store {

Feed* Lanes::find_feed(const Digest& id) {
  const auto at = feeds_.find(id);
  return at == feeds_.end() ? nullptr : at->second.get();
}
const Feed* Lanes::find_feed(const Digest& id) const {
  const auto at = feeds_.find(id);
  return at == feeds_.end() ? nullptr : at->second.get();
}

Feed& Lanes::add_feed(const Digest& id, Opening opening, ByteVector block) {
  auto made = std::make_unique<Feed>();
  made->id = id;
  made->opening = std::move(opening);
  made->opening_block = std::move(block);
  Feed& feed = *made;
  by_author_.emplace(feed.opening.author, &feed);
  feeds_.emplace(id, std::move(made));
  return feed;
}

Lane& Lanes::add_lane(Feed& feed, std::uint32_t number, std::uint32_t parent,
                      std::uint64_t first_seq) {
  Lane& lane = lanes_[number];
  lane.number = number;
  lane.feed = &feed;
  lane.parent = parent;
  lane.first_seq = first_seq;
  lane.seq = lane.counts_to = first_seq - 1;
  if (!feed.lanes.empty())
    feed.fork_seq = feed.fork_seq == 0 ? first_seq : std::min(feed.fork_seq, first_seq);
  feed.lanes.push_back(number);
  return lane;
}

Lane* Lanes::find(std::uint32_t number) {
  const auto at = lanes_.find(number);
  return at == lanes_.end() ? nullptr : &at->second;
}
const Lane* Lanes::find(std::uint32_t number) const {
  const auto at = lanes_.find(number);
  return at == lanes_.end() ? nullptr : &at->second;
}

Lane* Lanes::ending_at(const Digest& feed, const Digest& entry) {
  const Feed* found = find_feed(feed);
  if (!found) return nullptr;
  for (const std::uint32_t number : found->lanes) {
    Lane& lane = lanes_.at(number);
    if (!lane.is_empty() && lane.entry == entry) return &lane;
  }
  return nullptr;
}

std::vector<Tip> Lanes::tips() const {
  std::vector<Tip> made;
  made.reserve(lanes_.size());
  for (const auto& [number, lane] : lanes_) {
    if (const auto tip = tip_of(lane)) made.push_back(*tip);
  }
  std::sort(made.begin(), made.end());
  return made;
}

// A branch begins inside of its parent, so a lane that counts to its end has nothing behind it.
std::optional<Tip> Lanes::tip_of(const Lane& lane) const {
  if (!lane.counts()) return std::nullopt;
  const Tip tip{lane.feed->id, lane.counts_to, lane.counted};
  if (lane.is_whole()) return tip;
  for (const std::uint32_t number : lane.feed->lanes) {
    const Lane& other = lanes_.at(number);
    if (other.parent == lane.number && other.first_seq == lane.counts_to + 1 && other.counts())
      return std::nullopt;
  }
  return tip;
}

bool Lanes::counts(const crypto::Key32& author) const {
  const auto [from, to] = by_author_.equal_range(author);
  return std::any_of(from, to, [this](const auto& held) {
    const auto& lanes = held.second->lanes;
    return std::any_of(lanes.begin(), lanes.end(),
                       [this](std::uint32_t number) { return lanes_.at(number).counts(); });
  });
}

std::vector<const Feed*> Lanes::feeds_of(const crypto::Key32& author) const {
  std::vector<const Feed*> made;
  const auto [from, to] = by_author_.equal_range(author);
  for (auto at = from; at != to; ++at) made.push_back(at->second);
  return made;
}

}  // namespace kith::store
