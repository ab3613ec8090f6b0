// SPDX-License-Identifier: MIT
#include "engine/store/counting.h"

#include <algorithm>

namespace kith::store {
namespace {

constexpr std::uint64_t kRebuiltPerStep = 2'048;

std::vector<std::uint32_t> lanes_at(const Lanes& lanes, const Feed& feed, std::uint64_t seq) {
  std::vector<std::uint32_t> made;
  for (const std::uint32_t number : feed.lanes) {
    const Lane& lane = *lanes.find(number);
    if (lane.first_seq <= seq && seq <= lane.seq) made.push_back(number);
  }
  return made;
}

}  // namespace

std::vector<ControlEntry> control_entries(const Run& run, std::span<const Digest> ids,
                                          bool is_hiding) {
  std::vector<ControlEntry> made;
  Digest prev = run.prev;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    Bytes body = run.rows[i].body;
    if (is_hiding) body = body.size() < kHiddenBytes ? Bytes() : body.subspan(kHiddenBytes);
    auto decoded = decode_control(run.rows[i].type, body);
    if (!decoded) break;
    made.push_back({run.first_seq + i, ids[i], prev, *std::move(decoded)});
    prev = ids[i];
  }
  return made;
}

bool CutWork::step() {
  for (const std::uint64_t until = runs_.rebuilt() + kRebuiltPerStep; next_ < asks_.size();) {
    CutAsk& ask = asks_[next_];
    while (ask.found.size() < ask.lanes.size()) {
      const auto run = runs_.holding(ask.lanes[ask.found.size()], ask.cut.seq);
      if (!run) error_ = run.error();
      if (error_) return true;
      ask.found.push_back((*run)->id(ask.cut.seq));
      if (runs_.rebuilt() >= until) return false;
    }
    ++next_;
  }
  return true;
}

Counting::Counting(const Genesis& genesis, Lanes& lanes, Counting* rule)
    : genesis_(genesis),
      lanes_(lanes),
      rule_(rule),
      access_(genesis, rule ? &rule->access_ : nullptr) {
  if (rule_) rule_->ruled_.push_back(this);
}

Counting::~Counting() {
  if (rule_) std::erase(rule_->ruled_, this);
}

void Counting::each_ruled(const std::function<void(const Counting&)>& fn) const {
  fn(*this);
  for (const Counting* ruled : ruled_) ruled->each_ruled(fn);
}

std::vector<const Feed*> Counting::feeds_under(const Digest& grant) const {
  std::vector<const Feed*> made;
  const auto [from, to] = feeds_under_.equal_range(grant);
  for (auto at = from; at != to; ++at)
    if (const Feed* feed = lanes_.find_feed(at->second)) made.push_back(feed);
  return made;
}

// Those under a grant: the founder's own are never cut.
std::vector<const Feed*> Counting::data_feeds() const {
  std::vector<const Feed*> made;
  for (const auto& [grant, id] : feeds_under_) {
    const Feed* feed = lanes_.find_feed(id);
    if (feed && feed->opening.kind == FeedKind::data) made.push_back(feed);
  }
  return made;
}

void Counting::add_feed(const Feed& feed) {
  if (is_open()) return;
  if (feed.opening.grant) feeds_under_.emplace(*feed.opening.grant, feed.id);
  if (feed.opening.kind != FeedKind::control) return;
  control_.emplace(feed.id, Control{feed.opening, {}});
  access_.open(feed.id, feed.opening);
}

// ---- growth

void Counting::take_control(const Lane& lane, const Grown& run) {
  auto& ids = ids_[lane.number];
  fresh_.emplace(lane.number, run.first_seq);
  ids.insert(ids.end(), run.ids.begin(), run.ids.end());
  auto& held = control_.at(lane.feed->id).entries;
  // Behind an entry with a malformed body nothing counts, so the rules need not know it.
  for (const ControlEntry& entry : run.control) {
    held.push_back(entry);
    access_.add(lane.feed->id, entry);
  }
  mark(lane.feed->id);
}

void Counting::load(Lane& lane, const LaneEnd& end, const Grown& run) {
  lane.seq = end.seq;
  lane.entry = end.entry;
  lane.time_us = end.time_us;
  if (lane.feed->opening.kind == FeedKind::control) take_control(lane, run);
}

void Counting::mark_all() {
  for (const auto& [number, lane] : lanes_.all()) mark(lane.feed->id);
}

void Counting::grow(Lane& lane, const LaneEnd& end, const Grown& run) {
  Feed& feed = *lane.feed;
  const bool is_simple = is_open() || feed.lanes.size() == 1;
  if (!is_simple) {
    take_tips(feed);
  } else if (const auto tip = lanes_.tip_of(lane)) {
    tips_.remove(*tip);
    if (TipSet* control = control_of(feed)) control->remove(*tip);
  }
  const bool was_whole = lane.is_whole();
  lane.seq = end.seq;
  lane.entry = end.entry;
  lane.time_us = end.time_us;
  if (is_open()) {
    lane.counts_to = end.seq;
    lane.counted = end.entry;
  } else if (feed.opening.kind == FeedKind::control) {
    take_control(lane, run);
  } else if (was_whole && !stale_.contains(feed.id)) {
    count_growth(lane, run);
  }
  if (!is_open()) note(lane);
  if (!is_simple) return give_tips(feed);
  if (const auto tip = lanes_.tip_of(lane)) {
    tips_.add(*tip);
    if (TipSet* control = control_of(feed)) control->add(*tip);
  }
}

// Of a data feed whose lane counted to its end.
void Counting::count_growth(Lane& lane, const Grown& run) {
  const Feed& feed = *lane.feed;
  const Right right = access_.right_of(feed.id, feed.opening);
  if (!right.counts_at_all || feed.cut_lane != 0) return;
  lane.counts_to = right.cut ? std::clamp(right.cut->seq, run.first_seq - 1, lane.seq) : lane.seq;
  if (lane.counts_to == lane.seq) {
    lane.counted = lane.entry;
  } else if (lane.counts_to >= run.first_seq) {
    lane.counted = run.ids[lane.counts_to - run.first_seq];
  }
  // It may hold the cut's own entry: then less of the other lanes counts.
  if (right.cut && right.cut->seq >= run.first_seq && right.cut->seq <= lane.seq) mark(feed.id);
}

// ---- what changed

void Counting::mark(const Digest& feed) {
  stale_.insert(feed);
  if (on_stale) on_stale();
}

void Counting::mark_under(const std::vector<Digest>& grants) {
  for (const Digest& grant : grants) {
    const auto [from, to] = feeds_under_.equal_range(grant);
    for (auto at = from; at != to; ++at) mark(at->second);
  }
  for (Counting* ruled : ruled_) ruled->mark_under(grants);
}

void Counting::settle() {
  const Access::Changes changes = access_.settle();
  for (const Digest& feed : changes.feeds) mark(feed);
  mark_under(changes.grants);
  // At once, so that what is new is shown when it is told.
  std::erase_if(stale_, [this](const Digest& id) {
    Feed* feed = lanes_.find_feed(id);
    if (!feed || feed->opening.kind != FeedKind::control) return false;
    count_control(*feed);
    return true;
  });
}

// What is new never counted before.
void Counting::change(const Lane& lane, std::uint64_t before) {
  const std::uint64_t low = std::min(before, lane.counts_to);
  std::uint64_t high = std::max(before, lane.counts_to);
  const auto fresh = fresh_.find(lane.number);
  if (fresh != fresh_.end() && lane.counts_to > before) high = std::min(high, fresh->second - 1);
  if (low < high) changes_.push_back({lane.number, low + 1, high, lane.counts_to > before});
}

std::vector<CutAsk> Counting::count() {
  std::vector<CutAsk> asks;
  for (const Digest& id : std::exchange(stale_, {})) {
    Feed* feed = lanes_.find_feed(id);
    if (!feed) continue;
    if (feed->opening.kind == FeedKind::control) {
      count_control(*feed);
      continue;
    }
    const Right right = access_.right_of(id, feed->opening);
    if (!right.counts_at_all || !right.cut) {
      feed->cut_lane = 0;
      set(*feed, counted_to(right, lanes_, *feed, 0), nullptr);
    } else {
      asks.push_back({id, *right.cut, lanes_at(lanes_, *feed, right.cut->seq), {}});
    }
  }
  return asks;
}

void Counting::count(const CutAsk& found) {
  Feed* feed = lanes_.find_feed(found.feed);
  const Right right = access_.right_of(feed->id, feed->opening);
  if (right.cut != found.cut || lanes_at(lanes_, *feed, found.cut.seq) != found.lanes)
    return mark(feed->id);  // it changed meanwhile
  feed->cut_lane = 0;
  for (std::size_t i = 0; i < found.lanes.size(); ++i)
    if (found.found[i] == found.cut.entry) feed->cut_lane = found.lanes[i];
  set(*feed, counted_to(right, lanes_, *feed, feed->cut_lane), &found);
}

void Counting::count_control(Feed& feed) {
  std::vector<std::uint64_t> counts_to;
  for (const std::uint32_t number : feed.lanes) {
    const Lane& lane = *lanes_.find(number);
    const auto& ids = ids_[number];
    // An entry counts only if the one before it does.
    std::uint64_t none = 0, all = ids.size();
    while (none < all) {
      const std::uint64_t half = (none + all) / 2;
      const bool counts = access_.counts(feed.id, {lane.first_seq + half, ids[half]});
      (counts ? none : all) = counts ? half + 1 : half;
    }
    counts_to.push_back(lane.first_seq + none - 1);
  }
  set(feed, counts_to, nullptr);
}

void Counting::set(Feed& feed, std::span<const std::uint64_t> counts_to, const CutAsk* found) {
  take_tips(feed);
  for (std::size_t i = 0; i < feed.lanes.size(); ++i) {
    Lane& lane = *lanes_.find(feed.lanes[i]);
    const std::uint64_t before = std::exchange(lane.counts_to, counts_to[i]);
    change(lane, before);
    fresh_.erase(lane.number);
    lane.counted = {};
    const auto ids = ids_.find(lane.number);
    if (lane.is_whole()) {
      lane.counted = lane.entry;
    } else if (ids != ids_.end() && lane.counts()) {
      lane.counted = ids->second[lane.counts_to - lane.first_seq];
    } else if (found && lane.counts_to == found->cut.seq) {
      const auto at = std::find(found->lanes.begin(), found->lanes.end(), lane.number);
      if (at != found->lanes.end())
        lane.counted = found->found[static_cast<std::size_t>(at - found->lanes.begin())];
    }
  }
  for (const std::uint32_t number : feed.lanes) note(*lanes_.find(number));
  give_tips(feed);
}

void Counting::note(const Lane& lane) {
  if (lane.is_whole()) {
    void_after_.erase(lane.number);
  } else {
    void_after_[lane.number] = lane.counts_to;
  }
}

void Counting::take_tips(const Feed& feed) {
  for (const std::uint32_t number : feed.lanes) {
    const auto tip = lanes_.tip_of(*lanes_.find(number));
    if (!tip) continue;
    tips_.remove(*tip);
    if (TipSet* control = control_of(feed)) control->remove(*tip);
  }
}

void Counting::give_tips(const Feed& feed) {
  for (const std::uint32_t number : feed.lanes) {
    const auto tip = lanes_.tip_of(*lanes_.find(number));
    if (!tip) continue;
    tips_.add(*tip);
    if (TipSet* control = control_of(feed)) control->add(*tip);
  }
}

std::unique_ptr<Access> Counting::trial(const Digest& feed, const Opening& opening,
                                        ControlEntry entry) const {
  auto made = std::make_unique<Access>(genesis_);
  for (const auto& [id, control] : control_) made->open(id, control.opening);
  made->open(feed, opening);
  for (const auto& [id, control] : control_)
    for (const ControlEntry& held : control.entries) made->add(id, held);
  made->add(feed, std::move(entry));
  made->settle();
  return made;
}

}  // namespace kith::store
