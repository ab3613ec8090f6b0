// SPDX-License-Identifier: MIT
// SyncAsking: what it reads, and what becomes of it.
#include "engine/protocols/sync_asking.h"

#include "engine/base/limits.h"
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_plan.h"

namespace kith::protocols {

SyncAsking::SyncAsking(SyncShared& shared, SyncPeer& peer, Pipe stream)
    : shared_(shared), peer_(peer), stream_(std::move(stream)), bell_(shared.loop) {
  peer_.asking = this;
  for (store::Ledger* ledger : shared_.ledgers.all()) ask(*ledger);
  shared_.loop.start(every_, every_us());
}

SyncAsking::~SyncAsking() {
  peer_.asking = nullptr;
  for (const auto& [feed, wanted] : wanted_) leave(feed);
  wake_others();
}

Task<void> SyncAsking::run() {
  Scope writing([this](const std::exception& thrown) {
    const auto* fault = dynamic_cast<const Fault*>(&thrown);
    end(fault ? fault->error() : Error(KITH_IO, thrown.what()));
  });
  writing.spawn(write(*this));
  for (;;) {
    if (why_) throw Fault(*why_);
    stream_.deadline(KITH_RD, 0);  // no news is no fault; what is waited for is watched
    const ByteVector line = co_await read_line(stream_, limits::kSyncLineMax);
    if (why_) throw Fault(*why_);
    if (line.empty()) co_return;
    const SyncAnswer answer = decode_sync_answer(line).value();
    is_taking_ = true;
    co_await take(answer);
    is_taking_ = false;
    bell_.ring();
  }
}

// Ends the stream where it is read.
void SyncAsking::end(Error why) {
  if (!why_) why_ = std::move(why);
  stream_.deadline(KITH_RD, 1);
}

void SyncAsking::ask(store::Ledger& ledger) {
  for (const auto& kept : kept_)
    if (&kept->ledger == &ledger) return;
  kept_.push_back(std::make_unique<Kept>(ledger));
  bell_.ring();
}

void SyncAsking::is_kept(const store::Digest& id) {
  for (const auto& kept : kept_) {
    if (kept->ledger.id() != id || !std::exchange(kept->is_unkept, false)) continue;
    kept->is_due = kept->is_rested = true;
    bell_.ring();
  }
}

SyncAsking::Kept& SyncAsking::kept_at(std::uint64_t at) {
  if (at >= kept_.size()) throw Fault(sync_error::not_asked);
  return *kept_[at];
}

Task<void> SyncAsking::take(const SyncAnswer& answer) {
  if (const auto* run = std::get_if<SyncRun>(&answer)) {
    co_await take_run(*run);
    co_return;
  }
  std::visit([this](const auto& one) { told(one); }, answer);
}

void SyncAsking::told(const SyncSame& same) {
  Kept& kept = kept_at(same.at);
  if (!kept.difference.is_waiting()) throw Fault(sync_error::not_asked);
  --compared_;
  answered_us_ = shared_.loop.now_us();
  again_ms_ = sync_limits::kAgainFirstMs;
  kept.difference.end();
}

void SyncAsking::told(const SyncUnkept& unkept) {
  told(SyncSame{unkept.at, 0});
  kept_at(unkept.at).is_unkept = true;
}

template <class Answer>
void SyncAsking::told(const Answer& answer) {
  SyncDifference& difference = kept_at(answer.at).difference;
  const auto next = difference.told(answer);
  answered_us_ = shared_.loop.now_us();
  if (!difference.is_waiting()) --compared_;
  if (!difference.is_waiting() && !difference.is_resting() && !difference.is_doubtful())
    again_ms_ = sync_limits::kAgainFirstMs;
  if (!next) return;
  SyncRequest request = *next;
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.at; }) one.at = answer.at;
      },
      request);
  send(request);
}

void SyncAsking::told(const SyncNews& news) {
  Kept& kept = kept_at(news.at);
  kept.difference.lack(news.tip);
  if (kept.difference.is_doubtful()) again_soon(kept);
}

void SyncAsking::told(const SyncAbsent& absent) {
  const auto at = wanted_.find(absent.feed);
  if (at == wanted_.end() || at->second.at != absent.at) throw Fault(sync_error::not_asked);
  run_us_ = shared_.loop.now_us();
  is_stalled_ = false;
  drop(at);
  charge(Error(sync_error::bad_message, "it does not hold a tip that it told of"));
}

// Judged before the next line is read.
Task<void> SyncAsking::take_run(const SyncRun& run) {
  Kept& kept = kept_at(run.at);
  const auto shape = store::parse_run(run.entries, run.bodies);
  if (!shape) {
    charge(shape.error());
    co_return;
  }
  const store::Digest feed = shape->feed;
  const auto found = wanted_.find(feed);
  const bool is_wanted = run.part != SyncRun::Part::pushed;
  if (is_wanted && (found == wanted_.end() || found->second.at != run.at)) {
    charge(Error(sync_error::not_asked, "a run"));
    co_return;
  }
  std::optional<Error> why;
  std::size_t fresh = 0;
  const bool is_spoiled = is_wanted && found->second.is_spoiled;
  const store::Tip to = is_wanted ? found->second.want.to() : store::Tip();
  if (!is_spoiled) {
    const store::Feed* known = kept.ledger.lanes().find_feed(feed);
    auto opening = run.opening.empty() && known ? known->opening_block : to_vector(run.opening);
    auto entries = to_vector(run.entries);
    auto bodies = to_vector(run.bodies);
    if (opening.empty() && !is_wanted) co_return again_soon(kept);
    try {
      const std::size_t taken =
          co_await kept.ledger.take(std::move(opening), std::move(entries), std::move(bodies));
      fresh = taken;
      peer_.show(feed, shape->last_seq());
    } catch (const Fault& fault) {  // a border: what strangers sent ends here, or the stream
      why = fault.error();
    }
  }
  kept.gained += fresh;
  if (is_wanted && !is_spoiled) renew(run.entries.size() + run.bodies.size());
  judge_run(run, why, feed);
  if (is_wanted && run.part == SyncRun::Part::last && !is_spoiled && !why) {
    const bool is_held = co_await holds(kept.ledger, to);
    if (!is_held) charge(Error(sync_error::not_asked, "runs that do not lead to its tip"));
  }
  peer_.useless_runs = fresh > 0 ? 0 : peer_.useless_runs + 1;
  if (peer_.useless_runs < sync_limits::kUselessRunsMax) co_return;
  Nap nap(shared_.loop, sync_limits::kUselessRestUs);
  co_await nap;
}

// What a taken run means for what else is asked of the peer.
void SyncAsking::judge_run(const SyncRun& run, const std::optional<Error>& why,
                           const store::Digest& feed) {
  using store::ledger_error;
  const auto at = wanted_.find(feed);
  if (run.part != SyncRun::Part::pushed && at != wanted_.end()) {
    run_us_ = shared_.loop.now_us();
    is_stalled_ = false;
    if (why) at->second.is_spoiled = true;
    if (run.part == SyncRun::Part::last) drop(at);
  }
  if (!why || why->is(ledger_error::unknown_version)) return;  // of a later kith: it waits
  if (is_theirs(*why)) return charge(*why);
  if (!why->is(ledger_error::gap) && !why->is(KITH_LIMIT)) throw Fault(*why);
  again_soon(kept_at(run.at));
}

void SyncAsking::charge(const Error& why) {
  shared_.log.debug("bad run peer={} err={}", peer_.id.short_text(), why.message());
  if (++peer_.bad_runs >= sync_limits::kBadRunsMax)
    throw Fault(Error(sync_error::bad_runs, why.message()));
}

// A window of runs: what was taken may come again.
void SyncAsking::renew(std::size_t bytes) {
  taken_bytes_ += bytes;
  if (taken_bytes_ < sync_limits::kWindowBytes / 4) return;
  send(SyncGrant{std::exchange(taken_bytes_, 0)});
}

}  // namespace kith::protocols
