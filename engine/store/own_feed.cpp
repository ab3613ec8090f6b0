// SPDX-License-Identifier: MIT
// StoredLedger: appends, and the feed that they go to. All that wait when a turn ends become runs;
// the next ones wait until those are kept. README.md, "Own feed".
#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/clock_rules.h"
#include "engine/store/stored_ledger.h"
#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

constexpr int kRunsPerTurn = 16;  // what is hashed on the loop before others have theirs
constexpr std::uint64_t kRetryUs = 10'000;

[[noreturn]] void refuse(kith_err code, std::string why) {
  throw Fault(Error(code, std::move(why)));
}

// One id of a lane, as it lies in the store, beside another that was told.
struct CompareWork {
  StoredRuns runs;
  std::uint32_t lane;
  Tip tip;
  bool is_other = false;
  bool step() {
    const auto run = runs.holding(lane, tip.seq);
    is_other = run && (*run)->id(tip.seq) != tip.entry;
    return true;
  }
};

}  // namespace

void StoredLedger::judge_entry(const NewEntry& entry) const {
  if (!is_type_valid(entry.type))
    refuse(KITH_BAD, "an entry's type is 1 to 64 of a-z 0-9 . _ / -, such as \"note\"");
  if (entry.type.starts_with("ledger/"))
    refuse(KITH_BAD, "types that begin with ledger/ are the ledger's own; choose another");
  const std::size_t most = kBodyBytesMax - (genesis_.hide ? kHiddenBytes : 0);
  if (entry.body.size() > most)
    refuse(KITH_LIMIT, "a body of " + std::to_string(entry.body.size()) +
                           " bytes is too large: at most " + std::to_string(most) +
                           ". Keep it as a file and append what points to it");
}

Task<Appended> StoredLedger::append(NewEntry entry) {
  check_open();
  judge_entry(entry);
  co_return co_await append_to(own_, std::move(entry));
}

Task<Appended> StoredLedger::append_to(OwnFeed& own, NewEntry entry) {
  if (std::string why = clock_refusal(); !why.empty()) refuse(KITH_REFUSED, std::move(why));
  if (std::string why = right_refusal(); !why.empty()) refuse(KITH_REFUSED, std::move(why));
  if (genesis_.hide) {
    std::array<std::uint8_t, kHiddenBytes> chance;
    shared_.setup.loop.entropy(chance);
    entry.body.insert(entry.body.begin(), chance.begin(), chance.end());
  }
  const std::size_t bytes = entry.body.size();
  if (own.waiting.size() >= limits::kAppendsWaitingMax ||
      own.waiting_bytes + bytes > limits::kCommitQueueMax)
    refuse(KITH_LIMIT, "too many appends wait for the disk; wait for some of them first");
  const auto waiting = std::make_shared<Waiting>();
  Parked parked;
  waiting->entry = std::move(entry);
  waiting->slot = parked.slot();
  own.waiting.push_back(waiting);
  own.waiting_bytes += bytes;
  shared_.setup.loop.mark_dirty(turn_);
  const std::int64_t r = co_await parked;
  if (r < 0) refuse(static_cast<kith_err>(r), waiting->refused);
  co_return waiting->result;
}

std::string StoredLedger::clock_refusal() const {
  return store::clock_refusal(shared_.setup.loop.wall_us(), own_time_us_, name_);
}

void StoredLedger::form_runs() {
  const std::uint64_t now_us = shared_.setup.loop.wall_us();
  for (OwnFeed* own : {&own_control_, &own_}) form_runs_of(*own, now_us);
}

void StoredLedger::form_runs_of(OwnFeed& own, std::uint64_t now_us) {
  if (own.in_flight > 0 || own.waiting.empty()) return;
  if (const std::string why = right_refusal(); !why.empty())
    return refuse_all(own, why, KITH_REFUSED);
  for (int runs = 0; runs < kRunsPerTurn && !own.waiting.empty(); ++runs) {
    if (shared_.setup.committer.is_full()) {
      if (own.in_flight == 0) shared_.setup.loop.start(retry_, kRetryUs);
      return;
    }
    form_run(own, now_us);
  }
}

void StoredLedger::refuse_all(OwnFeed& own, const std::string& why, kith_err code) {
  own.waiting_bytes = 0;
  for (const auto& waiting : std::exchange(own.waiting, {})) {
    waiting->refused = why;
    waiting->slot->answer(code);
  }
}

StoredLedger::Appends StoredLedger::next_appends(OwnFeed& own) {
  Appends taken;
  std::size_t bytes = 0;
  while (!own.waiting.empty() && taken.size() < kRunEntriesSigned) {
    const std::size_t body_bytes = own.waiting.front()->entry.body.size();
    if (!taken.empty() && bytes + body_bytes > kRunBodiesSigned) break;
    bytes += body_bytes;
    taken.push_back(std::move(own.waiting.front()));
    own.waiting.pop_front();
  }
  own.waiting_bytes -= bytes;
  return taken;
}

// Without its signature. What a grant says depends on nothing that was seen, so control entries
// link to nothing.
Run StoredLedger::make_run(OwnFeed& own, const Lane& lane, const Appends& appends,
                           std::uint64_t now_us) {
  const LaneEnd end = end_of(lane);
  Run run;
  run.feed = lane.feed->id;
  run.first_seq = end.seq + 1;
  run.prev = end.seq == 0 ? run.feed : end.entry;
  std::uint64_t time_us =
      std::max(now_us, (end.seq == 0 ? genesis_.time_us.value_or(0) : end.time_us) + 1);
  std::vector<Digest> links;
  if (own.kind == FeedKind::data) {
    for (const LaneEnd& seen : seen_tips(now_us)) {
      links.push_back(seen.entry);
      time_us = std::max(time_us, seen.time_us + 1);
    }
  }
  std::sort(links.begin(), links.end());
  for (const auto& append : appends) {
    Row row;
    row.time_us = time_us++;
    row.type = append->entry.type;
    row.links = std::exchange(links, {});
    row.body = append->entry.body;
    row.body_bytes = static_cast<std::uint32_t>(row.body.size());
    run.rows.push_back(std::move(row));
  }
  return run;
}

void StoredLedger::form_run(OwnFeed& own, std::uint64_t now_us) {
  Batch batch;
  Lane& lane = own_lane(own, now_us, batch);
  const bool is_first = end_of(lane).seq == 0;
  Appends appends = next_appends(own);
  Run run = make_run(own, lane, appends, now_us);
  const std::vector<Digest> ids = rebuild_run(run).value();
  run.signature = sign_head(shared_.setup.identity, {run.feed, run.last_seq(), ids.back()});
  for (std::size_t i = 0; i < appends.size(); ++i)
    appends[i]->result = {ids[i], run.feed, run.first_seq + i, run.rows[i].time_us,
                          next_arrival_ + i};
  if (is_first) {
    lane.first_entry = ids[0];
    const LaneRecord record{number_, 0, 1, run.feed, ids[0], lane.feed->opening_block};
    batch.put(Column::meta, meta_key(MetaKind::lane, lane.number), encode(record));
  }
  Submission& submission = submit(lane, run, encode(run), ids, std::move(batch));
  submission.own = &own;
  submission.appends = std::move(appends);
  own_time_us_ = std::max(own_time_us_, submission.end.time_us);
  ++own.in_flight;
}

// The feed that goes on, or a new one.
Lane& StoredLedger::own_lane(OwnFeed& own, std::uint64_t now_us, Batch& batch) {
  if (own.lane != 0) {
    Lane& lane = *lanes_.find(own.lane);
    if (end_of(lane).time_us <= now_us + kEarlyUs) return lane;
    leave(own, "its newest entry is ahead of the clock");
  }
  Opening opening;
  opening.ledger = id_;
  opening.author = shared_.author;
  opening.kind = own.kind;
  opening.grant = own_grant();
  shared_.setup.loop.entropy(opening.nonce);
  ByteVector block = encode(opening);
  const Digest id = digest_block(block);
  Feed& feed = lanes_.add_feed(id, opening, std::move(block));
  counting_.add_feed(feed);
  Lane& lane = lanes_.add_lane(feed, shared_.next_lane++, 0, 1);
  batch.put(Column::meta, meta_key(own.key(), number_),
            encode(OwnRecord{id, shared_.setup.origin}));
  own.lane = lane.number;
  own.is_fresh = true;
  return lane;
}

void StoredLedger::leave(OwnFeed& own, std::string_view why) {
  shared_.setup.log.info("own feed left for a new one ledger={} feed={} why=\"{}\"", name_,
                         cid_text(lanes_.find(own.lane)->feed->id), why);
  own.left = std::exchange(own.lane, 0);
  Batch batch;
  batch.erase(Column::meta, meta_key(own.key(), number_));
  if (!shared_.setup.committer.is_full()) shared_.setup.committer.commit(std::move(batch), {}, {});
}

// What the next entry links to: the newest tips of other feeds since the last one, and the end of
// the own feed before. What is early is not linked, for that would make this node's entry early;
// nor is what does not count.
std::vector<LaneEnd> StoredLedger::seen_tips(std::uint64_t now_us) {
  std::vector<LaneEnd> tips;
  const std::uint32_t left = std::exchange(own_.left, 0);
  if (left != 0) seen_.insert(left);
  for (const std::uint32_t number : std::exchange(seen_, {})) {
    const Lane& lane = *lanes_.find(number);
    const LaneEnd end = end_of(lane);
    if (number != own_.lane && end.seq > 0 && lane.is_whole() && end.time_us <= now_us + kEarlyUs)
      tips.push_back(end);
  }
  const LaneEnd last = left == 0 ? LaneEnd() : end_of(*lanes_.find(left));
  std::sort(tips.begin(), tips.end(), [&](const LaneEnd& a, const LaneEnd& b) {
    const bool a_first = a.entry == last.entry, b_first = b.entry == last.entry;
    if (a_first != b_first) return a_first;
    return a.time_us != b.time_us ? a.time_us > b.time_us : a.entry < b.entry;
  });
  if (tips.size() > kLinksMax) tips.resize(kLinksMax);
  return tips;
}

void StoredLedger::heard_of(const Tip& tip) {
  for (OwnFeed* own : {&own_, &own_control_}) heard_of(*own, tip);
}

void StoredLedger::heard_of(OwnFeed& own, const Tip& tip) {
  if (own.lane == 0) return;
  const Lane& lane = *lanes_.find(own.lane);
  // Nobody has proven it. Of a feed that was opened since the start no copy can be ahead, so that a
  // liar costs one feed a start at most.
  if (tip.feed != lane.feed->id || own.is_fresh) return;
  if (tip.seq > lane.seq || (tip.seq == lane.seq && tip.entry != lane.entry))
    return leave(own, "a peer holds other entries of it");
  if (tip.seq < lane.seq && tip.seq > 0 && !own.is_comparing) scope_.spawn(compare_heard(own, tip));
}

Task<void> StoredLedger::compare_heard(OwnFeed& own, Tip tip) {
  const Flagged comparing(own.is_comparing);
  const std::uint32_t lane = own.lane;
  auto work = std::make_shared<CompareWork>(
      CompareWork{StoredRuns(shared_.setup.committer.share()), lane, tip});
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (work->is_other && own.lane == lane) leave(own, "a peer holds other entries of it");
}

}  // namespace kith::store
