// SPDX-License-Identifier: MIT
// The source of one author's entries: his lanes merged. A lane is opened only when the merge gets
// to where it may have something, by halving, so neither depth nor what others wrote plays a part.
#include <map>

#include "engine/store/reading_spots.h"
#include "engine/store/run_glance.h"
#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

using Drawn = SpotSource::Drawn;

class LaneSpots final : public SpotSource {
 public:
  LaneSpots(SharedStore store, std::vector<LaneBound> lanes, bool by_time, std::string type,
            SpotRange range)
      : store_(std::move(store)), by_time_(by_time), type_(std::move(type)), range_(range) {
    for (const LaneBound& lane : lanes) {
      const std::uint64_t newest = by_time ? std::min(lane.newest_us, range.last) : range.last;
      if (newest < range.first || range.first > range.last) continue;
      walks_[{range.is_backwards ? newest : range.first, lane.number}] = Walk{lane};
    }
  }

  Result<Drawn> draw(Spot& to) override {
    if (walks_.empty()) return Drawn::end;
    if (!scan_) scan_ = store_->scan(Column::runs);
    const auto first = range_.is_backwards ? std::prev(walks_.end()) : walks_.begin();
    auto walk = walks_.extract(first);
    Walk& lane = walk.mapped();
    const bool is_spot = lane.is_spot;
    if (is_spot) {
      to = {walk.key().first, lane.bound.number,
            lane.run.first_seq + static_cast<std::uint64_t>(lane.at)};
      lane.at += step();
    }
    const auto key = go_on(lane);
    if (!key) return key.error();
    if (*key) {
      walk.key().first = **key;
      walks_.insert(std::move(walk));
    }
    return is_spot ? Drawn::spot : Drawn::nothing_yet;
  }

 private:
  struct Walk {
    LaneBound bound;
    bool is_begun = false;
    bool is_spot = false;  // its key is that of the entry at `at`; else nothing comes before it
    RunGlance run;
    std::int64_t at = 0;
  };
  using Key = std::optional<std::uint64_t>;

  std::int64_t step() const { return range_.is_backwards ? -1 : 1; }
  std::uint64_t key_of(const RunBeginning& run) const {
    return by_time_ ? run.first_us : run.arrival;
  }

  // To the next entry of the run at hand, or into the next run. None: the lane has no more.
  Result<Key> go_on(Walk& walk) {
    const auto size = static_cast<std::int64_t>(walk.run.times_us.size());
    if (walk.at < 0 || walk.at >= size) {
      const auto found = walk.is_begun ? next_run(walk) : begin(walk);
      if (!found) return found.error();
      if (!*found) return Key();
    }
    return settle(walk);
  }

  Key settle(Walk& walk) const {
    const RunGlance& run = walk.run;
    const auto size = static_cast<std::int64_t>(run.times_us.size());
    std::uint64_t key = 0;
    for (; walk.at >= 0 && walk.at < size; walk.at += step()) {
      const auto i = static_cast<std::size_t>(walk.at);
      key = by_time_ ? run.times_us[i] : run.arrival + i;
      if (range_.is_past(key)) return Key();
      if (!range_.holds(key)) continue;
      if (run.first_seq + i > walk.bound.last_seq) {
        if (range_.is_backwards) continue;
        return Key();
      }
      walk.is_spot = type_.empty() || run.types[run.type[i]] == type_;
      if (walk.is_spot) return key;
    }
    walk.is_spot = false;
    return key;
  }

  // The run that the scan stands at, if it is this lane's.
  Result<std::optional<RunBeginning>> here(const Walk& walk) {
    if (const auto status = scan_->status(); !status) return status.error();
    const auto key = scan_->valid() ? decode_run_key(scan_->key()) : std::nullopt;
    if (!key || key->lane != walk.bound.number) return std::optional<RunBeginning>();
    const auto run = glance_beginning(scan_->value());
    if (!run || run->first_seq != key->first_seq) return damaged(walk, key->first_seq);
    return run;
  }
  Error damaged(const Walk& walk, std::uint64_t seq) const {
    return damage("lane " + std::to_string(walk.bound.number), seq, "the run is not whole");
  }
  void seek_back(const Walk& walk, std::uint64_t seq) {
    scan_->seek_back(encode(RunKey{walk.bound.number, seq}));
  }

  // Reads the run that the scan stands at.
  Result<bool> enter(Walk& walk) {
    const auto beginning = here(walk);
    if (!beginning) return beginning.error();
    if (!*beginning) return false;
    auto run = glance_run(scan_->value());
    if (!run) return damaged(walk, (*beginning)->first_seq);
    walk.run = *std::move(run);
    walk.at = range_.is_backwards ? static_cast<std::int64_t>(walk.run.times_us.size()) - 1 : 0;
    return true;
  }

  Result<bool> next_run(Walk& walk) {
    if (!range_.is_backwards) {
      scan_->seek(encode(RunKey{walk.bound.number, walk.run.last_seq() + 1}));
    } else {
      if (walk.run.first_seq <= 1) return false;
      seek_back(walk, walk.run.first_seq - 1);
    }
    return enter(walk);
  }

  Result<bool> begin(Walk& walk) {
    walk.is_begun = true;
    const std::uint64_t key = range_.is_backwards ? range_.last : range_.first;
    seek_back(walk, walk.bound.last_seq);
    const auto newest = here(walk);
    if (!newest) return newest.error();
    if (!*newest) return false;
    if (key_of(**newest) <= key) return enter(walk);
    scan_->seek(encode(RunKey{walk.bound.number, 0}));
    const auto oldest = here(walk);
    if (!oldest) return oldest.error();
    if (!*oldest) return false;
    if (key_of(**oldest) > key) return range_.is_backwards ? Result<bool>(false) : enter(walk);
    return halve(walk, key, **oldest, (*newest)->first_seq - 1);
  }

  // To the last run that begins at the key or before it, between one that does and a seq.
  Result<bool> halve(Walk& walk, std::uint64_t key, RunBeginning low, std::uint64_t high) {
    while (low.last_seq() < high) {
      seek_back(walk, low.last_seq() + 1 + (high - low.last_seq() - 1) / 2);
      const auto middle = here(walk);
      if (!middle) return middle.error();
      if (!*middle || (*middle)->first_seq <= low.first_seq)
        return damaged(walk, low.last_seq() + 1);
      if (key_of(**middle) <= key) {
        low = **middle;
      } else {
        high = (*middle)->first_seq - 1;
      }
    }
    seek_back(walk, low.first_seq);
    return enter(walk);
  }

  const SharedStore store_;
  const bool by_time_;
  const std::string type_;
  const SpotRange range_;
  std::unique_ptr<Scan> scan_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, Walk> walks_;  // by key, then lane
};

}  // namespace

std::unique_ptr<SpotSource> spots_of_lanes(SharedStore store, std::vector<LaneBound> lanes,
                                           bool by_time, std::string type, SpotRange range) {
  return std::make_unique<LaneSpots>(std::move(store), std::move(lanes), by_time, std::move(type),
                                     range);
}

}  // namespace kith::store
