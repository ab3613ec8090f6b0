// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_plan.h"

#include <algorithm>

namespace kith::protocols {
namespace {

using store::Lane;
using store::Tip;

// Of one lane; an honest peer has one tip inside of a lane.
constexpr std::size_t kTipsTriedMax = 8;

// How far the peer has each lane.
class Credit {
 public:
  explicit Credit(const store::Lanes& lanes) : lanes_(lanes) {}
  // Up to seq of this lane, and so all that it branched off.
  void give(std::uint32_t number, std::uint64_t seq) {
    for (const Lane* lane = lanes_.find(number); lane; lane = lanes_.find(lane->parent)) {
      std::uint64_t& has = has_[lane->number];
      has = std::max(has, seq);
      seq = lane->first_seq - 1;
    }
  }
  std::uint64_t of(std::uint32_t number) const {
    const auto at = has_.find(number);
    return at == has_.end() ? 0 : at->second;
  }

 private:
  const store::Lanes& lanes_;
  std::map<std::uint32_t, std::uint64_t> has_;
};

// Tips that may lie inside of the stretch, the highest first.
std::vector<Tip> inner_tips(std::span<const Tip> tips, const Stretch& stretch) {
  std::vector<Tip> inner;
  for (auto tip = tips.rbegin(); tip != tips.rend() && inner.size() < kTipsTriedMax; ++tip) {
    if (tip->seq >= stretch.from && tip->seq < stretch.to) inner.push_back(*tip);
  }
  return inner;
}

Task<bool> is_in_lane(store::Ledger& ledger, std::uint32_t lane, const Tip& tip) {
  const LoadedRun loaded = co_await load_run(ledger, lane, tip.seq);
  auto run = store::parse_run(loaded.bytes.entries, loaded.bytes.bodies).value();
  const auto ids = store::rebuild_run(run).value();
  co_return !ids.empty() && ids.front() == tip.entry;
}

}  // namespace

std::span<const Tip> tips_of(const std::vector<Tip>& tips, const store::Digest& feed) {
  const auto before = [](const Tip& tip, const store::Digest& id) { return tip.feed < id; };
  const auto first = std::lower_bound(tips.begin(), tips.end(), feed, before);
  auto last = first;
  const auto after = [](const store::Digest& id, const Tip& tip) { return id < tip.feed; };
  last = std::upper_bound(first, tips.end(), feed, after);
  return {first, last};
}

Task<std::vector<Stretch>> lacked_by_peer(store::Ledger& ledger, const std::vector<Tip>& tips) {
  const store::Lanes& lanes = ledger.lanes();
  Credit credit(lanes);
  std::vector<Stretch> all;
  for (const auto& [number, lane] : lanes.all()) {
    if (lane.seq < lane.first_seq) continue;
    all.push_back({number, lane.first_seq, lane.seq});
    const auto theirs = tips_of(tips, lane.feed->id);
    const bool is_ahead =
        lane.feed->fork_seq == 0 && !theirs.empty() && theirs.back().seq > lane.seq;
    const Tip end{lane.feed->id, lane.seq, lane.entry};
    if (is_ahead || std::binary_search(theirs.begin(), theirs.end(), end))
      credit.give(number, lane.seq);
  }
  for (const Stretch& stretch : all) {
    if (credit.of(stretch.lane) >= stretch.to) continue;
    const store::Digest feed = lanes.find(stretch.lane)->feed->id;
    for (const Tip& tip : inner_tips(tips_of(tips, feed), stretch)) {
      const bool is_in = co_await is_in_lane(ledger, stretch.lane, tip);
      if (!is_in) continue;
      credit.give(stretch.lane, tip.seq);
      break;
    }
  }
  std::vector<Stretch> lacked;
  for (Stretch stretch : all) {
    stretch.from = std::max(stretch.from, credit.of(stretch.lane) + 1);
    if (stretch.from <= stretch.to) lacked.push_back(stretch);
  }
  co_return lacked;
}

Task<LoadedRun> load_run(store::Ledger& ledger, std::uint32_t lane, std::uint64_t seq) {
  LoadedRun loaded;
  auto bytes = co_await ledger.load(lane, seq);
  loaded.bytes = std::move(bytes);
  const auto run = store::parse_run(loaded.bytes.entries, loaded.bytes.bodies);
  if (!run || run->rows.empty() || run->first_seq != seq)
    throw Fault(Error(store::ledger_error::damaged,
                      "a run of " + ledger.name() + " is not what was kept: kith ledger verify " +
                          ledger.name()));
  loaded.last_seq = run->last_seq();
  co_return loaded;
}

}  // namespace kith::protocols
