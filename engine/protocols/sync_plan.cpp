// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_plan.h"

#include <algorithm>

namespace kith::protocols {
namespace {

using store::Lane;
using store::Tip;

Task<bool> is_in_lane(store::Ledger& ledger, std::uint32_t lane, Tip tip) {
  if (ledger.lanes().find(lane)->seq == tip.seq)
    co_return ledger.lanes().find(lane)->entry == tip.entry;
  const LoadedRun loaded = co_await load_run(ledger, lane, tip.seq);
  auto run = store::parse_run(loaded.bytes.entries, loaded.bytes.bodies).value();
  const auto ids = store::rebuild_run(run).value();
  co_return !ids.empty() && ids.front() == tip.entry;
}

// The lane that holds this entry; 0: none does.
Task<std::uint32_t> lane_of(store::Ledger& ledger, Tip tip) {
  std::vector<std::uint32_t> spanning;
  const store::Feed* feed = ledger.lanes().find_feed(tip.feed);
  if (!feed) co_return 0;
  for (const std::uint32_t number : feed->lanes) {
    const Lane* lane = ledger.lanes().find(number);
    if (lane->first_seq <= tip.seq && tip.seq <= lane->seq) spanning.push_back(number);
  }
  for (const std::uint32_t number : spanning) {
    const bool is_in = co_await is_in_lane(ledger, number, tip);
    if (is_in) co_return number;
  }
  co_return 0;
}

}  // namespace

bool is_lane_end(const store::Ledger& ledger, const Tip& tip) {
  const store::Feed* feed = ledger.lanes().find_feed(tip.feed);
  if (!feed) return false;
  return std::any_of(feed->lanes.begin(), feed->lanes.end(), [&](std::uint32_t number) {
    const Lane& lane = *ledger.lanes().find(number);
    return !lane.is_empty() && lane.tip() == tip;
  });
}

Task<bool> holds(store::Ledger& ledger, Tip tip) {
  const std::uint32_t lane = co_await lane_of(ledger, tip);
  co_return lane != 0;
}

Task<std::optional<SyncWant>> want_of(store::Ledger& ledger, Tip tip) {
  const bool is_held = co_await holds(ledger, tip);
  if (is_held || tip.seq == 0) co_return std::nullopt;
  SyncWant want;
  want.after.feed = tip.feed;
  want.to_seq = tip.seq;
  want.to_entry = tip.entry;
  const store::Feed* feed = ledger.lanes().find_feed(tip.feed);
  if (!feed) co_return want;
  for (const std::uint32_t number : feed->lanes) {
    const Lane& lane = *ledger.lanes().find(number);
    if (!lane.is_empty() && lane.seq < tip.seq && lane.seq > want.after.seq)
      want.after = lane.tip();
  }
  co_return want;
}

Task<std::vector<Stretch>> way_of(store::Ledger& ledger, SyncWant want) {
  std::vector<Stretch> way;
  const std::uint32_t last = co_await lane_of(ledger, want.to());
  std::uint64_t to = want.to_seq;
  for (const Lane* lane = ledger.lanes().find(last); lane;
       lane = ledger.lanes().find(lane->parent)) {
    way.push_back({lane->number, lane->first_seq, to});
    to = lane->first_seq - 1;
  }
  std::reverse(way.begin(), way.end());
  const auto at = std::find_if(way.begin(), way.end(), [&](const Stretch& stretch) {
    return stretch.from <= want.after.seq && want.after.seq <= stretch.to;
  });
  if (at == way.end()) co_return way;
  const bool is_on_way = co_await is_in_lane(ledger, at->lane, want.after);
  if (!is_on_way) co_return way;
  at->from = want.after.seq + 1;
  way.erase(way.begin(), at->from > at->to ? at + 1 : at);
  co_return way;
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
