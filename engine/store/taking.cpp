// SPDX-License-Identifier: MIT
#include "engine/store/taking.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/stored_ledger.h"

namespace kith::store {
namespace {

// Of one ledger: a branch costs as much memory as a feed, and anybody may fork his own.
constexpr std::size_t kLanesMax = 2 * limits::kFeedsMax;

}  // namespace

bool JudgeWork::step() {
  if (const auto good = judge(); !good) error_ = good.error();
  return true;
}

Result<void> JudgeWork::judge() {
  auto parsed = parse_run(given_.entries, given_.bodies);
  if (!parsed) return parsed.error();
  run_ = *std::move(parsed);
  if (run_.feed != given_.feed)
    return Error(ledger_error::unknown_feed, "the run is of another feed than its opening");
  const bool is_first = run_.first_seq == 1;
  if (run_.first_seq - 1 > given_.held_to)
    return Error(ledger_error::gap, "entry " + std::to_string(run_.first_seq));
  if (given_.opening.kind == FeedKind::control)
    for (const Row& row : run_.rows)
      if (row.is_dropped) return Error(ledger_error::bad_run, "grants without their bodies");
  const Before before{is_first ? given_.feed : run_.prev, run_.first_seq - 1,
                      is_first ? given_.genesis_us : 0};
  auto judged = judge_run(run_, given_.opening, before);
  if (!judged) return judged.error();
  ids_ = std::move(judged->ids);
  return {};
}

Run JudgeWork::after(std::uint64_t seq) const {
  return seq < run_.first_seq ? run_ : tail_of(run_, seq + 1, id(seq));
}

RunBytes JudgeWork::bytes_after(std::uint64_t seq) {
  if (seq >= run_.first_seq) return encode(after(seq));
  return {given_.entries, given_.bodies};
}

std::optional<std::uint64_t> SearchWork::time_where_same(std::uint32_t lane, std::uint64_t seq) {
  const auto run = runs_.holding(lane, seq);
  if (!run) {
    error_ = run.error();
    return std::nullopt;
  }
  if ((*run)->id(seq) != judged_->id(seq)) return std::nullopt;
  return (*run)->row(seq).time_us;
}

bool SearchWork::step() {
  const std::uint64_t prev_seq = judged_->run().first_seq - 1;
  if (prev_seq == 0) {
    walk_up({});
    return true;
  }
  if (next_ == lanes_.size()) return true;
  const LaneSpan& lane = lanes_[next_++];
  if (prev_seq < lane.first_seq || prev_seq > lane.seq) return false;
  const auto time_us = time_where_same(lane.number, prev_seq);
  if (time_us) walk_up({lane.number, prev_seq, *time_us});
  return time_us || error_;
}

// Whether the lane holds the run's next entry after this one.
bool SearchWork::goes_to(const LaneSpan& lane, const FeedPlace& from) {
  const std::uint64_t seq = from.seq + 1;
  if (seq > lane.seq) return false;
  if (lane.number == from.lane) return time_where_same(lane.number, seq).has_value();
  return lane.parent == from.lane && lane.first_seq == seq && lane.first_entry == judged_->id(seq);
}

// From an entry that both have, on as far as both have the same.
void SearchWork::walk_up(FeedPlace from) {
  const Run& run = judged_->run();
  for (bool is_moving = true; is_moving && from.seq < run.last_seq();) {
    const auto next = std::find_if(lanes_.begin(), lanes_.end(), [&](const LaneSpan& lane) {
      return !error_ && goes_to(lane, from);
    });
    is_moving = next != lanes_.end();
    const std::uint64_t seq = from.seq + 1;
    if (is_moving) from = {next->number, seq, run.rows[seq - run.first_seq].time_us};
  }
  if (!error_) found_ = from;
}

Opening StoredLedger::judge_opening(Bytes block, const Digest& id) const {
  const Feed* known = lanes_.find_feed(id);  // then its author's key was judged already
  Opening opening = known ? known->opening : decode_opening(block).value();
  if (opening.ledger != id_)
    throw Fault(Error(ledger_error::wrong_ledger, cid_text(opening.ledger)));
  if (genesis_.is_open() && (opening.kind != FeedKind::data || opening.grant))
    throw Fault(Error(ledger_error::bad_block, "an open ledger has neither grants nor control"));
  const Access& access = counting_.access();
  if (opening.grant && !access.find_grant(*opening.grant))
    throw Fault(Error(ledger_error::unknown_grant, cid_text(*opening.grant)));
  if (!access.right_of(id, opening).counts_at_all)
    throw Fault(Error(ledger_error::is_void, "feed " + cid_text(id)));
  return opening;
}

// What lies behind a feed's cut is not taken; where the cut's own entry is held, nothing more is.
// A run that only ends behind the cut is: what counts of it is proven by all of it.
void StoredLedger::check_cut(const JudgeWork& judged) const {
  const Right right = counting_.access().right_of(judged.feed(), judged.opening());
  const Feed* feed = lanes_.find_feed(judged.feed());
  const bool is_cut_held = feed && feed->cut_lane != 0;
  if (right.counts_at_all &&
      (!right.cut || (!is_cut_held && judged.run().first_seq <= right.cut->seq)))
    return;
  throw Fault(Error(ledger_error::is_void, "entry " + std::to_string(judged.run().first_seq) +
                                               " of feed " + cid_text(judged.feed())));
}

Task<std::size_t> StoredLedger::take(ByteVector opening_block, ByteVector entries,
                                     ByteVector bodies) {
  check_open();
  if (*takes_ >= limits::kTakesMax)
    throw Fault(Error(KITH_LIMIT, "too many runs are being judged; try again"));
  const Counted counted(takes_);
  const Digest id = digest_block(opening_block);
  Opening opening = judge_opening(opening_block, id);
  // Where another run of the feed is being judged, this one may follow it.
  std::uint64_t held_to = judging_->contains(id) ? kIntegerMax : 0;
  if (const Feed* feed = lanes_.find_feed(id)) {
    for (const std::uint32_t lane : feed->lanes)
      held_to = std::max(held_to, end_of(*lanes_.find(lane)).seq);
  } else if (lanes_.feeds() >= limits::kFeedsMax) {
    throw Fault(Error(KITH_LIMIT, "this ledger has as many feeds as this node keeps"));
  }
  std::optional<Listed> listed(std::in_place, judging_, id);
  auto judged = std::make_shared<JudgeWork>(GivenRun{std::move(opening), id, std::move(entries),
                                                     std::move(bodies), held_to,
                                                     genesis_.time_us.value_or(0)});
  auto mine = judged;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (judged->error()) throw Fault(*judged->error());
  mine = judged;
  const FeedPlace at = co_await find_place(std::move(mine));
  const Run& run = judged->run();
  if (at.seq >= run.first_seq && retaining_.lacks_version() != 0) {
    co_await all_kept();
    co_await retaining_.fill_from(at.lane, run, at.seq);
  }
  if (at.seq == run.last_seq()) co_return 0;
  if (at.seq + 1 < run.first_seq)
    throw Fault(Error(ledger_error::gap, "entry " + std::to_string(run.first_seq)));
  if (at.seq + 1 == run.first_seq && run.rows.front().time_us <= at.time_us)
    throw Fault(Error(ledger_error::time_not_after, "entry " + std::to_string(run.first_seq)));
  check_open();
  check_cut(*judged);
  Parked parked;
  keep(at, *judged, std::move(opening_block)).taken = parked.slot();
  listed.reset();
  const std::int64_t r = co_await parked;
  if (r < 0) throw Fault(Error(KITH_IO, failure_));
  co_return run.last_seq() - at.seq;
}

// Where a lane's end shows it, without a look at the store.
std::optional<FeedPlace> StoredLedger::quick_place(const JudgeWork& judged) const {
  const Feed* feed = lanes_.find_feed(judged.feed());
  if (!feed || feed->lanes.empty()) return FeedPlace();
  for (const std::uint32_t number : feed->lanes) {
    const LaneEnd end = end_of(*lanes_.find(number));
    if (end.seq > 0 && judged.spans(end.seq) && judged.id(end.seq) == end.entry)
      return FeedPlace{number, end.seq, end.time_us};
  }
  return std::nullopt;
}

// A place once found stays true: a (lane, seq) names one entry for ever. What may have changed
// while the store was looked at is a lane's end, or that somebody brought the same branch.
Task<FeedPlace> StoredLedger::find_place(std::shared_ptr<JudgeWork> judged) {
  for (;;) {
    if (const auto quick = quick_place(*judged)) co_return *quick;
    const Feed& feed = *lanes_.find_feed(judged->feed());
    const std::size_t lanes = feed.lanes.size();
    std::vector<LaneSpan> spans;
    for (const std::uint32_t number : feed.lanes) {
      const Lane& lane = *lanes_.find(number);
      spans.push_back({number, lane.parent, lane.first_seq, end_of(lane).seq, lane.first_entry});
    }
    co_await all_kept();
    auto search =
        std::make_shared<SearchWork>(shared_.setup.committer.share(), judged, std::move(spans));
    auto mine = search;
    co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
    if (search->error()) throw Fault(*search->error());
    const auto found = search->found();
    if (found && found->seq == judged->run().last_seq()) co_return *found;
    if (const auto quick = quick_place(*judged)) co_return *quick;
    if (feed.lanes.size() != lanes) continue;
    if (!found) throw Fault(Error(ledger_error::gap, "its prev is not among the branches held"));
    co_return *found;
  }
}

// All that was submitted so far is in the store.
Task<void> StoredLedger::all_kept() {
  if (kept_ == submitted_) co_return;
  Parked parked;
  barriers_.push_back({submitted_, parked.slot()});
  const std::int64_t r = co_await parked;
  if (r < 0) throw Fault(Error(KITH_IO, failure_));
}

StoredLedger::Submission& StoredLedger::keep(const FeedPlace& at, JudgeWork& judged,
                                             ByteVector opening_block) {
  Committer& committer = shared_.setup.committer;
  if (committer.is_full()) throw Fault(Error(KITH_LIMIT, "too much waits for the disk; try again"));
  Batch batch;
  Feed* feed = lanes_.find_feed(judged.feed());
  OwnFeed* own = nullptr;
  for (OwnFeed* one : {&own_, &own_control_})
    if (feed && one->lane != 0 && lanes_.find(one->lane)->feed == feed) own = one;
  Lane* lane = at.lane == 0 ? nullptr : lanes_.find(at.lane);
  const bool is_branch = feed && !feed->lanes.empty() && (!lane || end_of(*lane).seq != at.seq);
  if (is_branch && feed->lanes.size() >= limits::kLanesPerFeedMax)
    throw Fault(Error(KITH_LIMIT, "this feed has as many branches as this node keeps"));
  if (is_branch && lanes_.all().size() >= kLanesMax)
    throw Fault(Error(KITH_LIMIT, "this ledger has as many branches as this node keeps"));
  if (!lane || is_branch) {
    const std::uint64_t first_seq = at.seq + 1;
    const Digest& first = judged.id(first_seq);
    LaneRecord record{number_, at.lane, first_seq, judged.feed(), first, {}};
    if (!is_branch) record.opening = opening_block;
    if (!feed) {
      feed = &lanes_.add_feed(judged.feed(), judged.opening(), std::move(opening_block));
      counting_.add_feed(*feed);
    }
    lane = &lanes_.add_lane(*feed, shared_.next_lane++, at.lane, first_seq);
    lane->first_entry = first;
    batch.put(Column::meta, meta_key(MetaKind::lane, lane->number), encode(record));
  }
  if (own) leave(*own, "a peer holds other entries of it");
  Run run = judged.after(at.seq);
  const bool is_shed = retaining_.shed(run, judged.opening().kind);
  RunBytes bytes = is_shed ? encode(run) : judged.bytes_after(at.seq);
  Submission& made =
      submit(*lane, run, std::move(bytes), judged.ids_after(at.seq), std::move(batch));
  made.is_new_branch = is_branch;
  return made;
}

}  // namespace kith::store
