// SPDX-License-Identifier: MIT
// OpenLedger: appends, and the feed that they go to. All that wait when a turn ends become runs;
// the next ones wait until those are kept. README.md, "Own feed".
#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/open_ledger.h"
#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kDayUs = 24ull * 3600 * 1'000'000;
constexpr std::uint64_t kEarliestUs = 1'767'225'600ull * 1'000'000;  // 2026: kith is no older
constexpr int kRunsPerTurn = 16;  // what is hashed on the loop before others have theirs
constexpr std::uint64_t kRetryUs = 10'000;

[[noreturn]] void refuse(kith_err code, std::string why) {
  throw Fault(Error(code, std::move(why)));
}

void judge_entry(const NewEntry& entry) {
  if (!is_type_valid(entry.type))
    refuse(KITH_BAD, "an entry's type is 1 to 64 of a-z 0-9 . _ / -, such as \"note\"");
  if (entry.type.starts_with("ledger/"))
    refuse(KITH_BAD, "types that begin with ledger/ are the ledger's own; choose another");
  if (entry.body.size() > kBodyBytesMax)
    refuse(KITH_LIMIT, "a body of " + std::to_string(entry.body.size()) +
                           " bytes is too large: at most 262144. Keep it as a file and append "
                           "what points to it");
}

class Flagged {
 public:
  explicit Flagged(bool& flag) : flag_(flag) { flag_ = true; }
  Flagged(const Flagged&) = delete;
  Flagged& operator=(const Flagged&) = delete;
  ~Flagged() { flag_ = false; }

 private:
  bool& flag_;
};

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

Task<Appended> OpenLedger::append(NewEntry entry) {
  check_open();
  judge_entry(entry);
  if (std::string why = clock_refusal(); !why.empty()) refuse(KITH_REFUSED, std::move(why));
  const std::size_t bytes = entry.body.size();
  if (waiting_.size() >= limits::kAppendsWaitingMax ||
      waiting_bytes_ + bytes > limits::kCommitQueueMax)
    refuse(KITH_LIMIT, "too many appends wait for the disk; wait for some of them first");
  const auto waiting = std::make_shared<Waiting>();
  Parked parked;
  waiting->entry = std::move(entry);
  waiting->slot = parked.slot();
  waiting_.push_back(waiting);
  waiting_bytes_ += bytes;
  shared_.setup.loop.mark_dirty(turn_);
  const std::int64_t r = co_await parked;
  if (r < 0) refuse(KITH_IO, waiting->refused);
  co_return waiting->result;
}

std::string OpenLedger::clock_refusal() const {
  const std::uint64_t now_us = shared_.setup.loop.wall_us();
  if (now_us < kEarliestUs) return "this machine's clock is before 2026: set it, then append again";
  if (now_us + kDayUs < own_time_us_)
    return "this machine's clock is over a day before the newest entry of this node in " + name_ +
           ": set it, then append again";
  return {};
}

void OpenLedger::form_runs() {
  if (own_in_flight_ > 0) return;
  const std::uint64_t now_us = shared_.setup.loop.wall_us();
  for (int runs = 0; runs < kRunsPerTurn && !waiting_.empty(); ++runs) {
    if (shared_.setup.committer.is_full()) {
      if (own_in_flight_ == 0) shared_.setup.loop.start(retry_, kRetryUs);
      return;
    }
    form_run(now_us);
  }
}

OpenLedger::Appends OpenLedger::next_appends() {
  Appends taken;
  std::size_t bytes = 0;
  while (!waiting_.empty() && taken.size() < kRunEntriesSigned) {
    const std::size_t body_bytes = waiting_.front()->entry.body.size();
    if (!taken.empty() && bytes + body_bytes > kRunBodiesSigned) break;
    bytes += body_bytes;
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  return taken;
}

void OpenLedger::form_run(std::uint64_t now_us) {
  Batch batch;
  Lane& lane = own_lane(now_us, batch);
  const LaneEnd end = end_of(lane);
  Appends appends = next_appends();
  Run run;
  run.feed = lane.feed->id;
  run.first_seq = end.seq + 1;
  run.prev = end.seq == 0 ? run.feed : end.entry;
  std::uint64_t time_us = std::max(now_us, end.time_us + 1);
  std::vector<Digest> links;
  for (const LaneEnd& seen : seen_tips(now_us)) {
    links.push_back(seen.entry);
    time_us = std::max(time_us, seen.time_us + 1);
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
  const std::vector<Digest> ids = rebuild_run(run).value();
  run.signature = sign_head(shared_.setup.identity, {run.feed, run.last_seq(), ids.back()});
  for (std::size_t i = 0; i < appends.size(); ++i)
    appends[i]->result = {ids[i], run.feed, run.first_seq + i, run.rows[i].time_us,
                          next_arrival_ + i};
  if (end.seq == 0) {
    lane.first_entry = ids[0];
    const LaneRecord record{number_, 0, 1, run.feed, ids[0], lane.feed->opening_block};
    batch.put(Column::meta, meta_key(MetaKind::lane, lane.number), encode(record));
  }
  Submission& submission = submit(lane, run, encode(run), ids.back(), std::move(batch));
  submission.is_own = true;
  submission.appends = std::move(appends);
  own_time_us_ = std::max(own_time_us_, submission.end.time_us);
  ++own_in_flight_;
}

// The feed that goes on, or a new one.
Lane& OpenLedger::own_lane(std::uint64_t now_us, Batch& batch) {
  if (own_lane_ != 0) {
    Lane& lane = *lanes_.find(own_lane_);
    if (end_of(lane).time_us <= now_us + kEarlyUs) return lane;
    leave_own_feed("its newest entry is ahead of the clock");
  }
  Opening opening;
  opening.ledger = id_;
  opening.author = shared_.author;
  shared_.setup.loop.entropy(opening.nonce);
  ByteVector block = encode(opening);
  const Digest id = digest_block(block);
  Feed& feed = lanes_.add_feed(id, opening, std::move(block));
  Lane& lane = lanes_.add_lane(feed, shared_.next_lane++, 0, 1);
  batch.put(Column::meta, meta_key(MetaKind::own, number_),
            encode(OwnRecord{id, shared_.setup.origin}));
  own_lane_ = lane.number;
  is_own_fresh_ = true;
  return lane;
}

void OpenLedger::leave_own_feed(std::string_view why) {
  shared_.setup.log.info("own feed left for a new one ledger={} feed={} why=\"{}\"", name_,
                         cid_text(lanes_.find(own_lane_)->feed->id), why);
  left_lane_ = std::exchange(own_lane_, 0);
  Batch batch;
  batch.erase(Column::meta, meta_key(MetaKind::own, number_));
  if (!shared_.setup.committer.is_full()) shared_.setup.committer.commit(std::move(batch), {}, {});
}

// What the next entry links to: the newest tips of other feeds since the last one, and the end of
// the own feed before. What is early is not linked, for that would make this node's entry early.
std::vector<LaneEnd> OpenLedger::seen_tips(std::uint64_t now_us) {
  std::vector<LaneEnd> tips;
  const std::uint32_t left = std::exchange(left_lane_, 0);
  if (left != 0) seen_.insert(left);
  for (const std::uint32_t number : std::exchange(seen_, {})) {
    const LaneEnd end = end_of(*lanes_.find(number));
    if (number != own_lane_ && end.seq > 0 && end.time_us <= now_us + kEarlyUs) tips.push_back(end);
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

void OpenLedger::heard_of(const Tip& tip) {
  if (own_lane_ == 0) return;
  const Lane& lane = *lanes_.find(own_lane_);
  // Nobody has proven it. Of a feed that was opened since the start no copy can be ahead, so that a
  // liar costs one feed a start at most.
  if (tip.feed != lane.feed->id || is_own_fresh_) return;
  if (tip.seq > lane.seq || (tip.seq == lane.seq && tip.entry != lane.entry))
    return leave_own_feed("a peer holds other entries of it");
  if (tip.seq < lane.seq && tip.seq > 0 && !is_comparing_) scope_.spawn(compare_heard(tip));
}

Task<void> OpenLedger::compare_heard(Tip tip) {
  const Flagged comparing(is_comparing_);
  const std::uint32_t lane = own_lane_;
  auto work = std::make_shared<CompareWork>(
      CompareWork{StoredRuns(shared_.setup.committer.share()), lane, tip});
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (work->is_other && own_lane_ == lane) leave_own_feed("a peer holds other entries of it");
}

}  // namespace kith::store
