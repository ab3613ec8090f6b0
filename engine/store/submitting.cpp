// SPDX-License-Identifier: MIT
// StoredLedger: how a run reaches the disk, and what is moved and told once it is there.
#include <algorithm>

#include "engine/store/stored_ledger.h"

namespace kith::store {

LaneEnd StoredLedger::end_of(const Lane& lane) const {
  const auto ahead = ends_.find(lane.number);
  if (ahead != ends_.end()) return ahead->second;
  return {lane.seq, lane.time_us, lane.entry};
}

void StoredLedger::check_open() const {
  if (shared_.is_retired) throw Fault(Error(KITH_CLOSED, "the node is stopping"));
  if (!failure_.empty()) throw Fault(Error(KITH_IO, failure_));
}

// `batch` holds what must be kept with it: a new lane, a new own feed.
StoredLedger::Submission& StoredLedger::submit(Lane& lane, const Run& run, RunBytes bytes,
                                               std::span<const Digest> ids, Batch batch) {
  const Digest& last = ids.back();
  const RunKey key{lane.number, run.first_seq};
  const std::uint64_t count = run.rows.size();
  const RunHeader header{next_arrival_, highest_us_, check_of(last)};
  const std::uint64_t early_us = shared_.setup.loop.wall_us() + kEarlyUs;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const std::uint64_t time_us = run.rows[i].time_us;
    if (time_us <= early_us) highest_us_ = std::max(highest_us_, time_us);
    const TimeKey at{number_, time_us, lane.number, run.first_seq + i};
    batch.put(Column::times, encode(at), {});
  }
  const LaneEnd end{run.last_seq(), run.rows.back().time_us, last};
  const ByteVector place = encode(key);
  batch.put(Column::runs, place, with_header(header, bytes.entries));
  batch.put(Column::bodies, place, std::move(bytes.bodies));
  const ArrivalRecord arrived{key, static_cast<std::uint32_t>(count), highest_us_};
  batch.put(Column::arrivals, encode(ArrivalKey{number_, next_arrival_}), encode(arrived));
  retaining_.add(key, run, next_arrival_, batch);
  const TipRecord tip{end.seq, end.time_us, key.first_seq, end.entry};
  batch.put(Column::meta, meta_key(MetaKind::tip, lane.number), encode(tip));

  ends_[lane.number] = end;
  in_flight_.push_back({});
  Submission& made = in_flight_.back();
  made.ledger = this;
  made.self = std::prev(in_flight_.end());
  made.number = ++submitted_;
  made.lane = lane.number;
  made.first_arrival = next_arrival_;
  made.entries = count;
  made.end = end;
  if (!genesis_.is_open()) {
    made.grown = {run.first_seq, {ids.begin(), ids.end()}, {}};
    if (lane.feed->opening.kind == FeedKind::control)
      made.grown.control = control_entries(run, ids, genesis_.hide);
  }
  next_arrival_ += count;
  Committer& committer = shared_.setup.committer;
  const kith_done kept{&StoredLedger::on_kept, &made}, synced{&StoredLedger::on_synced, &made};
  const bool is_told_once = committer.durability() == Durability::sync;
  committer.commit(std::move(batch), is_told_once ? kith_done{} : kept, synced);
  return made;
}

void StoredLedger::on_kept(void* ctx, std::int64_t r, const void* result) {
  auto& submission = *static_cast<Submission*>(ctx);
  StoredLedger& ledger = *submission.ledger;
  if (r < 0) ledger.failed(to_string(*static_cast<const kith_bytes*>(result)));
  ledger.kept(submission, r >= 0);
  ledger.answer(submission, r);
}

void StoredLedger::on_synced(void* ctx, std::int64_t r, const void* result) {
  auto& submission = *static_cast<Submission*>(ctx);
  StoredLedger& ledger = *submission.ledger;
  if (r < 0) ledger.failed(to_string(*static_cast<const kith_bytes*>(result)));
  if (!submission.is_kept) ledger.kept(submission, r >= 0);
  std::list<Submission> ended;
  ended.splice(ended.end(), ledger.in_flight_, submission.self);
  if (r >= 0) ledger.synced(submission);
  ledger.answer(submission, r);
}

void StoredLedger::kept(Submission& submission, bool is_good) {
  submission.is_kept = true;
  kept_ = submission.number;
  if (is_good) entries_ += submission.entries;
  index_.arrived(entries_);
  if (submission.own && --submission.own->in_flight == 0 && !submission.own->waiting.empty())
    shared_.setup.loop.mark_dirty(turn_);
}

void StoredLedger::synced(Submission& submission) {
  Lane& lane = *lanes_.find(submission.lane);
  counting_.grow(lane, submission.end, submission.grown);
  if (lane.feed->opening.kind == FeedKind::control) counting_.settle();
  const auto ahead = ends_.find(lane.number);
  if (ahead != ends_.end() && ahead->second.seq == lane.seq) ends_.erase(ahead);
  synced_arrival_ = submission.first_arrival + submission.entries - 1;
  if (!submission.own) seen_.insert(lane.number);
  const Feed& feed = *lane.feed;
  if (submission.is_new_branch) {
    const bool is_own = feed.opening.author == shared_.author;
    shared_.setup.log.warn("feed forked ledger={} feed={} seq={} own={}", name_, cid_text(feed.id),
                           lane.first_seq, is_own);
    tell_observers([&](LedgerObserver& observer) {
      observer.on_fork(*this, feed.id, feed.opening.author, lane.first_seq, is_own);
    });
  }
  tell_observers([&](LedgerObserver& observer) {
    observer.on_run(*this, submission.first_arrival, submission.entries);
  });
  receipts_.grown(feed);
}

void StoredLedger::failed(const std::string& sentence) {
  if (failure_.empty()) failure_ = sentence;
  for (OwnFeed* own : {&own_, &own_control_}) refuse_all(*own, failure_, KITH_IO);
}

// What waits for it may append, take or stop waiting for others while it is resumed.
void StoredLedger::answer(Submission& submission, std::int64_t r) {
  const Appends appends = std::exchange(submission.appends, {});
  const auto taken = std::exchange(submission.taken, nullptr);
  std::vector<std::shared_ptr<Parked::Slot>> passed;
  while (!barriers_.empty() && barriers_.front().number <= kept_) {
    passed.push_back(barriers_.front().slot);
    barriers_.pop_front();
  }
  for (const auto& append : appends) {
    if (r < 0) append->refused = failure_;
    append->slot->answer(r);
  }
  if (taken) taken->answer(r);
  for (const auto& slot : passed) slot->answer(r);
}

void StoredLedger::tell_observers(const std::function<void(LedgerObserver&)>& tell) {
  const std::vector<LedgerObserver*> all = shared_.observers;
  for (LedgerObserver* observer : all) {
    const auto& now = shared_.observers;
    if (std::find(now.begin(), now.end(), observer) != now.end()) tell(*observer);
  }
}

}  // namespace kith::store
