// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/replay.h"

#include <algorithm>

namespace kith::gossip {

namespace {
constexpr std::uint64_t kJump = 1ull << 60;
}

bool Replay::is_old(Fingerprint author, std::uint64_t seqno) const {
  const auto found = authors_.find(author);
  return found != authors_.end() && !found->second->jumps && seqno <= found->second->floor;
}

void Replay::observe(Fingerprint id, std::uint64_t seqno) {
  Author& known = author(id);
  const std::uint64_t gap = std::max(known.highest, seqno) - std::min(known.highest, seqno);
  if (known.highest > 0 && gap > kJump) known.jumps = true;
  known.highest = std::max(known.highest, seqno);
}

void Replay::raise(Fingerprint id, std::uint64_t seqno) {
  const auto found = authors_.find(id);
  Author& known = found != authors_.end() ? *found->second : author(id);
  known.floor = std::max(known.floor, seqno);
}

Replay::Author& Replay::author(Fingerprint id) {
  if (const auto found = authors_.find(id); found != authors_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return *found->second;
  }
  if (authors_.size() == authors_max_) {
    authors_.erase(order_.back().id);
    order_.pop_back();
  }
  order_.push_front(Author{id, 0, 0, false});
  authors_.emplace(id, order_.begin());
  return order_.front();
}

}  // namespace kith::gossip
