// SPDX-License-Identifier: MIT
#include "engine/store/stats.h"

#include <algorithm>

namespace kith::store {
namespace {

constexpr std::uint64_t kEntriesPerStep = 2'048;

void count(Stats& stats, const Run& run, bool is_new_feed) {
  stats.feeds += is_new_feed ? 1 : 0;
  stats.entries += run.rows.size();
  for (const Row& row : run.rows) stats.bytes += row.body_bytes;
  const std::uint64_t first_us = run.rows.front().time_us;
  stats.oldest_us = stats.oldest_us == 0 ? first_us : std::min(stats.oldest_us, first_us);
  stats.newest_us = std::max(stats.newest_us, run.rows.back().time_us);
}

}  // namespace

bool StatsWork::step() {
  bool is_over = false;
  for (const std::uint64_t until = all_.entries + kEntriesPerStep; all_.entries < until;) {
    const auto run = walk_.next();
    if (!run) error_ = run.error();
    is_over = !run || !*run;
    if (is_over) break;
    const LaneFacts& lane = walk_.lane();
    const bool is_new_feed = walk_.begins_lane() && lane.is_feeds_first;
    count(all_, (*run)->run, is_new_feed);
    count(authors_[lane.author], (*run)->run, is_new_feed);
  }
  walk_.rest();
  return is_over;
}

}  // namespace kith::store
