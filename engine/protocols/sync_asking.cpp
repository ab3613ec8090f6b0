// SPDX-License-Identifier: MIT
// SyncAsking: what it reads, and what becomes of it.
#include "engine/protocols/sync_asking.h"

#include "engine/base/limits.h"
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_plan.h"

namespace kith::protocols {

SyncAsking::SyncAsking(SyncShared& shared, SyncPeer& peer, Pipe stream)
    : shared_(shared),
      peer_(peer),
      stream_(std::move(stream)),
      bell_(shared.loop),
      taken_(shared.loop),
      bodies_(shared, bell_),
      vouching_(
          shared, peer, [this](const SyncRequest& request) { send(request); },
          [this](Error why) { end(std::move(why)); }),
      taking_([this](const std::exception& thrown) { failed(thrown); }) {
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
  Scope writing([this](const std::exception& thrown) { failed(thrown); });
  writing.spawn(write(*this));
  writing.spawn(SyncVouching::run(vouching_));
  for (;;) {
    if (why_) throw Fault(*why_);
    stream_.deadline(KITH_RD, 0);  // no news is no fault; what is waited for is watched
    ByteVector line;
    try {
      auto read = co_await read_line(stream_, limits::kSyncLineMax);
      line = std::move(read);
    } catch (const Fault&) {  // end() cuts the reading off: its reason is the one that counts
      if (!why_) throw;
    }
    if (why_) throw Fault(*why_);
    if (line.empty()) break;
    bodies_.heard();
    const SyncAnswer answer = decode_sync_answer(line).value();
    is_taking_ = true;
    co_await take(answer);
    is_taking_ = false;
    bell_.ring();
  }
  while (!taking_.empty() && !why_) co_await taken_.heard();
  if (why_) throw Fault(*why_);
}

void SyncAsking::failed(const std::exception& thrown) {
  const auto* fault = dynamic_cast<const Fault*>(&thrown);
  end(fault ? fault->error() : Error(KITH_IO, thrown.what()));
}

// Ends the stream where it is read.
void SyncAsking::end(Error why) {
  if (!why_) why_ = std::move(why);
  taken_.ring();
  stream_.deadline(KITH_RD, 1);
}

void SyncAsking::ask(store::Ledger& ledger) {
  for (const auto& kept : kept_)
    if (&kept->ledger == &ledger) return;
  kept_.push_back(std::make_unique<Kept>(ledger));
  bell_.ring();
}

void SyncAsking::ask_again(store::Ledger& ledger) {
  for (const auto& kept : kept_) {
    if (&kept->ledger != &ledger || kept->is_unkept) continue;
    kept->is_due = kept->is_rested = true;
    bell_.ring();
  }
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
  if (const auto* bodies = std::get_if<SyncBodies>(&answer)) {
    co_await take_bodies(*bodies);
    co_return;
  }
  std::visit([this](const auto& one) { told(one); }, answer);
}

void SyncAsking::told(const SyncSame& same) {
  Kept& kept = kept_at(same.at);
  if (!kept.difference.is_waiting()) throw Fault(sync_error::not_asked);
  --compared_;
  answered_us_ = shared_.loop.now_us();
  told_time(kept, same.now_us);
  again_ms_ = sync_limits::kAgainFirstMs;
  kept.difference.end();
  kept.is_common = true;
}

void SyncAsking::told(const SyncUnkept& unkept) {
  told(SyncSame{unkept.at, 0});
  kept_at(unkept.at).is_unkept = true;
  kept_at(unkept.at).is_common = false;
  kept_at(unkept.at).is_vouching_due = false;
}

void SyncAsking::told_time(const Kept& kept, std::uint64_t now_us) {
  const std::uint64_t round_trip_us = shared_.loop.now_us() - kept.greeted_us;
  if (!peer_.is_over) shared_.clocks.answered(peer_.id, now_us, round_trip_us);
}

template <class Answer>
void SyncAsking::told(const Answer& answer) {
  SyncDifference& difference = kept_at(answer.at).difference;
  const auto next = difference.told(answer);
  kept_at(answer.at).is_common = true;
  answered_us_ = shared_.loop.now_us();
  if constexpr (requires { answer.now_us; }) told_time(kept_at(answer.at), answer.now_us);
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

void SyncAsking::told(const SyncWitnesses& told) { vouching_.told(told, kept_at(told.at).ledger); }

void SyncAsking::told(const SyncReceipts& told) { vouching_.told(told, kept_at(told.at).ledger); }

void SyncAsking::told(const SyncAbsent& absent) {
  const auto at = wanted_.find(absent.feed);
  if (at == wanted_.end() || at->second.at != absent.at) throw Fault(sync_error::not_asked);
  run_us_ = shared_.loop.now_us();
  is_stalled_ = false;
  drop(at);
  charge(Error(sync_error::bad_message, "it does not hold a tip that it told of"));
}

// Some runs are judged and kept at once. They end in the order in which they came.
Task<void> SyncAsking::take_run(const SyncRun& run) {
  Kept& kept = kept_at(run.at);
  if (peer_.useless_runs >= sync_limits::kUselessRunsMax) {
    Nap nap(shared_.loop, sync_limits::kUselessRestUs);
    co_await nap;
  }
  const auto shape = store::parse_run(run.entries, run.bodies);
  if (!shape) {
    charge(shape.error());
    co_return;
  }
  TakenRun taken{.at = run.at,
                 .part = run.part,
                 .feed = shape->feed,
                 .last_seq = shape->last_seq(),
                 .bytes = run.entries.size() + run.bodies.size()};
  if (taken.is_wanted()) {
    const auto found = wanted_.find(taken.feed);
    if (found == wanted_.end() || found->second.at != run.at) {
      charge(Error(sync_error::not_asked, "a run"));
      co_return;
    }
    taken.to = found->second.want.to();
    taken.is_spoiled = found->second.is_spoiled;
  }
  if (taken.is_spoiled) {
    const std::optional<Error> why;
    co_return co_await end_run(taken, 0, why);
  }
  while (!may_begin(run, taken.feed)) co_await taken_.heard();
  const store::Feed* known = kept.ledger.lanes().find_feed(taken.feed);
  auto opening = run.opening.empty() && known ? known->opening_block : to_vector(run.opening);
  if (opening.empty() && !taken.is_wanted()) {
    ++peer_.useless_runs;
    co_return again_soon(kept);
  }
  auto entries = to_vector(run.entries);
  auto bodies = to_vector(run.bodies);
  taking_.spawn(keep_run(taken, std::move(opening), std::move(entries), std::move(bodies)));
}

// Beside those that are not kept yet: of which one may bring the opening, or the grant.
bool SyncAsking::may_begin(const SyncRun& run, const store::Digest& feed) const {
  if (why_ || taking_.empty()) return true;
  if (taking_.size() >= sync_limits::kTakingMax) return false;
  const store::Ledger& ledger = kept_[run.at]->ledger;
  const store::Feed* known = ledger.lanes().find_feed(feed);
  if (!known) return ledger.genesis().is_open() && !run.opening.empty();
  return known->opening.kind == store::FeedKind::data;
}

Task<void> SyncAsking::keep_run(TakenRun run, ByteVector opening, ByteVector entries,
                                ByteVector bodies) {
  struct Under {
    SyncAsking& asking;
    ~Under() {
      asking.taken_.ring();
      asking.bell_.ring();
    }
  } const under{*this};
  std::optional<Error> why;
  std::size_t fresh = 0;
  try {
    const std::size_t taken = co_await kept_at(run.at).ledger.take(
        std::move(opening), std::move(entries), std::move(bodies));
    fresh = taken;
    peer_.show(run.feed, run.last_seq);
  } catch (const Fault& fault) {  // a border: what strangers sent ends here, or the stream
    why = fault.error();
  }
  co_await end_run(run, fresh, why);
}

Task<void> SyncAsking::end_run(const TakenRun& run, std::size_t fresh,
                               const std::optional<Error>& why) {
  Kept& kept = kept_at(run.at);
  kept.gained += fresh;
  if (const auto at = wanted_.find(run.feed); at != wanted_.end()) at->second.gained += fresh;
  if (run.is_wanted() && !run.is_spoiled) renew(run.bytes);
  judge_run(run, why);
  if (run.part == SyncRun::Part::last && !run.is_spoiled && !why) {
    const bool is_held = co_await holds(kept.ledger, run.to);
    if (!is_held) charge(Error(sync_error::not_asked, "runs that do not lead to its tip"));
  }
  peer_.useless_runs = fresh > 0 ? 0 : peer_.useless_runs + 1;
}

// What a taken run means for what else is asked of the peer.
void SyncAsking::judge_run(const TakenRun& run, const std::optional<Error>& why) {
  using store::ledger_error;
  const auto at = wanted_.find(run.feed);
  if (run.is_wanted() && at != wanted_.end()) {
    run_us_ = shared_.loop.now_us();
    is_stalled_ = false;
    if (why) at->second.is_spoiled = true;
    if (run.part == SyncRun::Part::last) drop(at);
  }
  if (!why || why->is(ledger_error::unknown_version)) return;  // of a later kith: it waits
  if (is_theirs(*why)) return charge(*why);
  bool is_later = why->is(KITH_LIMIT);
  for (const auto error : {ledger_error::gap, ledger_error::unknown_grant, ledger_error::is_void})
    is_later |= why->is(error);
  if (!is_later) throw Fault(*why);
  again_soon(kept_at(run.at));
}

// Wrong ones count as a bad run.
Task<void> SyncAsking::take_bodies(const SyncBodies& bodies) {
  std::optional<Error> why;
  try {
    co_await bodies_.take(bodies);
  } catch (const Fault& fault) {  // a border: what strangers sent ends here, or the stream
    why = fault.error();
  }
  if (!why || why->is(KITH_LIMIT)) co_return;
  if (!why->is(store::ledger_error::body_mismatch)) throw Fault(*why);
  charge(*why);
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
