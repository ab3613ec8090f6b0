// SPDX-License-Identifier: MIT
// OpenLedger: how a run reaches the disk, and what is moved and told once it is there.
#include <algorithm>

#include "engine/store/open_ledger.h"

namespace kith::store {

LaneEnd OpenLedger::end_of(const Lane& lane) const {
  const auto ahead = ends_.find(lane.number);
  if (ahead != ends_.end()) return ahead->second;
  return {lane.seq, lane.time_us, lane.entry};
}

void OpenLedger::check_open() const {
  if (shared_.is_retired) throw Fault(Error(KITH_CLOSED, "the node is stopping"));
  if (!failure_.empty()) throw Fault(Error(KITH_IO, failure_));
}

// `batch` holds what must be kept with it: a new lane, a new own feed.
OpenLedger::Submission& OpenLedger::submit(Lane& lane, const Run& run, RunBytes bytes,
                                           const Digest& last, Batch batch) {
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
  next_arrival_ += count;
  Committer& committer = shared_.setup.committer;
  const kith_done kept{&OpenLedger::on_kept, &made}, synced{&OpenLedger::on_synced, &made};
  const bool is_told_once = committer.durability() == Durability::sync;
  committer.commit(std::move(batch), is_told_once ? kith_done{} : kept, synced);
  return made;
}

void OpenLedger::on_kept(void* ctx, std::int64_t r, const void* result) {
  auto& submission = *static_cast<Submission*>(ctx);
  OpenLedger& ledger = *submission.ledger;
  if (r < 0) ledger.failed(to_string(*static_cast<const kith_bytes*>(result)));
  ledger.kept(submission, r >= 0);
  ledger.answer(submission, r);
}

void OpenLedger::on_synced(void* ctx, std::int64_t r, const void* result) {
  auto& submission = *static_cast<Submission*>(ctx);
  OpenLedger& ledger = *submission.ledger;
  if (r < 0) ledger.failed(to_string(*static_cast<const kith_bytes*>(result)));
  if (!submission.is_kept) ledger.kept(submission, r >= 0);
  std::list<Submission> ended;
  ended.splice(ended.end(), ledger.in_flight_, submission.self);
  if (r >= 0) ledger.synced(submission);
  ledger.answer(submission, r);
}

void OpenLedger::kept(Submission& submission, bool is_good) {
  submission.is_kept = true;
  kept_ = submission.number;
  if (is_good) entries_ += submission.entries;
  if (submission.is_own && --own_in_flight_ == 0 && !waiting_.empty())
    shared_.setup.loop.mark_dirty(turn_);
}

void OpenLedger::synced(Submission& submission) {
  Lane& lane = *lanes_.find(submission.lane);
  if (!lane.is_empty()) tip_set_.remove(lane.tip());
  lane.seq = submission.end.seq;
  lane.entry = submission.end.entry;
  lane.time_us = submission.end.time_us;
  tip_set_.add(lane.tip());
  const auto ahead = ends_.find(lane.number);
  if (ahead != ends_.end() && ahead->second.seq == lane.seq) ends_.erase(ahead);
  synced_arrival_ = submission.first_arrival + submission.entries - 1;
  if (!submission.is_own) seen_.insert(lane.number);
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
}

void OpenLedger::failed(const std::string& sentence) {
  if (failure_.empty()) failure_ = sentence;
  for (const auto& waiting : std::exchange(waiting_, {})) {
    waiting->refused = failure_;
    waiting->slot->answer(KITH_IO);
  }
  waiting_bytes_ = 0;
}

// What waits for it may append, take or stop waiting for others while it is resumed.
void OpenLedger::answer(Submission& submission, std::int64_t r) {
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

void OpenLedger::tell_observers(const std::function<void(LedgerObserver&)>& tell) {
  const std::vector<LedgerObserver*> all = shared_.observers;
  for (LedgerObserver* observer : all) {
    const auto& now = shared_.observers;
    if (std::find(now.begin(), now.end(), observer) != now.end()) tell(*observer);
  }
}

}  // namespace kith::store
