// SPDX-License-Identifier: MIT
#include "engine/store/verifying.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/stored_ledger.h"

namespace kith::store {
namespace {

constexpr int kRunsPerStep = 64;

}  // namespace

VerifyWork::VerifyWork(VerifySetup setup) : setup_(std::move(setup)) {
  verdict_.feeds = setup_.feeds.size();
  for (const LaneFacts& lane : setup_.lanes)
    if (lane.parent != 0) branches_[{lane.parent, lane.first_seq - 1}] = {};
}

// Of a run; the second walk says them no second time.
void VerifyWork::problem(const LaneFacts& lane, std::uint64_t seq, std::string_view what) {
  if (!is_blaming_) say(lane, seq, what);
}

void VerifyWork::say(const LaneFacts& lane, std::uint64_t seq, std::string_view what) {
  if (verdict_.problems.size() >= limits::kProblemsMax) return;
  verdict_.problems.push_back("feed " + cid_text(setup_.feeds[lane.feed].id) + " seq " +
                              std::to_string(seq) + ": " + std::string(what));
}

const VerifyWork::LaneFacts* VerifyWork::lane_of(std::uint32_t number) const {
  const auto before = [](const LaneFacts& lane, std::uint32_t at) { return lane.number < at; };
  const auto& lanes = setup_.lanes;
  const auto found = std::lower_bound(lanes.begin(), lanes.end(), number, before);
  return found != lanes.end() && found->number == number ? &*found : nullptr;
}

bool VerifyWork::step() {
  switch (phase_) {
    case Phase::runs:
      if (step_runs()) phase_ = Phase::times;
      return false;
    case Phase::times:
      if (step_times()) phase_ = Phase::arrivals;
      return false;
    case Phase::arrivals:
      if (!step_arrivals()) return false;
      is_blaming_ = times_kept_ != times_found_ || arrivals_kept_ != arrivals_found_;
      phase_ = is_blaming_ ? Phase::blame : Phase::over;
      lane_ = 0;
      break;
    case Phase::blame:
      if (step_blame()) phase_ = Phase::over;
      break;
    case Phase::over: break;
  }
  if (phase_ != Phase::over) return false;
  runs_.reset();
  bodies_.reset();
  index_.reset();
  return true;
}

bool VerifyWork::step_runs() {
  if (!runs_) {
    runs_ = setup_.store->scan(Column::runs);
    bodies_ = setup_.store->scan(Column::bodies);
  }
  for (int runs = 0; runs < kRunsPerStep && lane_ < setup_.lanes.size();) {
    if (!is_begun_) begin_lane();
    if (next_run()) {
      ++runs;
    } else {
      end_lane();
    }
  }
  return lane_ == setup_.lanes.size();
}

void VerifyWork::begin_lane() {
  const LaneFacts& lane = setup_.lanes[lane_];
  is_begun_ = true;
  const ByteVector key = encode(RunKey{lane.number, lane.first_seq});
  runs_->seek(key);
  bodies_->seek(key);
  follows_ = {setup_.feeds[lane.feed].id, 0, setup_.genesis_us};
  if (lane.parent != 0) follows_ = branches_[{lane.parent, lane.first_seq - 1}];
  follows_.seq = lane.first_seq - 1;
}

void VerifyWork::end_lane() {
  const LaneFacts& lane = setup_.lanes[lane_];
  if (follows_.seq < lane.seq) {
    if (!follows_.is_cut) problem(lane, follows_.seq + 1, "it and what follows is missing");
  } else if (follows_.entry &&
             (*follows_.entry != lane.entry || follows_.time_us != lane.time_us)) {
    problem(lane, lane.seq, "it is not what the feed's tip says");
  }
  is_begun_ = false;
  ++lane_;
}

bool VerifyWork::next_run() {
  const LaneFacts& lane = setup_.lanes[lane_];
  if (follows_.seq >= lane.seq) return false;
  if (const auto status = runs_->status(); !status) {
    problem(lane, follows_.seq + 1, status.error().message());
    return false;
  }
  const auto key = runs_->valid() ? decode_run_key(runs_->key()) : std::nullopt;
  if (!key || key->lane != lane.number || key->first_seq > lane.seq) return false;
  const std::uint64_t expected = follows_.seq + 1;
  if (key->first_seq != expected) {
    if (!follows_.is_cut)
      problem(lane, std::min(key->first_seq, expected),
              key->first_seq > expected ? "it is missing" : "it is there twice");
    follows_ = {std::nullopt, key->first_seq - 1, 0};
  }
  while (bodies_->valid() && std::ranges::lexicographical_compare(bodies_->key(), runs_->key()))
    bodies_->next();
  if (bodies_->valid() && equal(bodies_->key(), runs_->key())) {
    judge(lane, *key, runs_->value(), bodies_->value());
  } else {
    const auto status = bodies_->status();
    problem(lane, key->first_seq, status ? "its bodies are missing" : status.error().message());
    follows_ = {std::nullopt, key->first_seq, 0, true};
  }
  runs_->next();
  return true;
}

void VerifyWork::judge(const LaneFacts& lane, const RunKey& key, Bytes stored, Bytes bodies) {
  const auto header = decode_run_header(stored);
  auto run = header ? parse_run(stored.subspan(kRunHeaderBytes), bodies)
                    : Result<Run>(Error(ledger_error::bad_run, "cut off"));
  RunBytes now;  // what the walks show may be of two moments
  if (!run) {
    auto read = read_run(*setup_.store, key);
    if (read && *read && (*read)->entries.size() >= kRunHeaderBytes) {
      now = *std::move(*read);
      run = parse_run(Bytes(now.entries).subspan(kRunHeaderBytes), now.bodies);
    }
  }
  if (!run || run->first_seq != key.first_seq) {
    problem(lane, key.first_seq, run ? "it lies in another's place" : run.error().message());
    follows_ = {std::nullopt, key.first_seq, 0, true};
    return;
  }
  if (is_blaming_) {
    blame_run(lane, *run, *header);
    follows_ = {std::nullopt, run->last_seq(), 0};
    return;
  }
  const VerifySetup::FeedFacts& feed = setup_.feeds[lane.feed];
  const Before before{follows_.entry.value_or(run->prev), follows_.seq, follows_.time_us};
  const auto judged = judge_run(*run, feed.opening, before);
  if (!judged) {
    problem(lane, key.first_seq, judged.error().message());
    follows_ = {std::nullopt, run->last_seq(), 0};
    return;
  }
  if (check_of(judged->ids.back()) != header->check)
    problem(lane, run->last_seq(), "it is not what its run was kept as");
  pass(lane, *run, *header, judged->ids);
}

// It is good: what the indexes should hold of it.
void VerifyWork::pass(const LaneFacts& lane, const Run& run, const RunHeader& header,
                      const std::vector<Digest>& ids) {
  for (std::size_t i = 0; i < run.rows.size(); ++i)
    times_kept_.add(run.rows[i].time_us, lane.number, run.first_seq + i, 0);
  arrivals_kept_.add(header.arrival, lane.number, run.first_seq, run.rows.size());
  verdict_.entries += run.rows.size();
  for (auto at = branches_.lower_bound({lane.number, run.first_seq});
       at != branches_.end() && at->first <= std::pair(lane.number, run.last_seq()); ++at) {
    const std::uint64_t i = at->first.second - run.first_seq;
    at->second = {ids[i], at->first.second, run.rows[i].time_us};
  }
  follows_ = {ids.back(), run.last_seq(), run.rows.back().time_us};
}

Task<Verdict> StoredLedger::verify(Progress progress) {
  VerifySetup setup;
  setup.store = shared_.setup.committer.share();
  setup.ledger = number_;
  setup.genesis_us = genesis_.time_us.value_or(0);
  std::map<const Feed*, std::size_t> places;
  std::uint64_t of = 0;
  for (const auto& [number, lane] : lanes_.all()) {
    if (lane.is_empty()) continue;
    const auto [place, is_new] = places.emplace(lane.feed, setup.feeds.size());
    if (is_new) setup.feeds.push_back({lane.feed->id, lane.feed->opening});
    setup.lanes.push_back(
        {number, lane.parent, lane.first_seq, lane.seq, lane.time_us, lane.entry, place->second});
    of += lane.seq - lane.first_seq + 1;
  }
  auto work = std::make_shared<VerifyWork>(std::move(setup));
  for (;;) {
    auto mine = work;
    const bool is_over =
        co_await step_beside(shared_.setup.loop, std::move(mine), Loop::Beside::lengthy);
    if (progress) progress(work->verdict().entries, of);
    if (is_over) break;
  }
  co_return std::move(work->verdict());
}

}  // namespace kith::store
