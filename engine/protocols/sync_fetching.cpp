// SPDX-License-Identifier: MIT
// SyncAsking: what it writes: hellos, the next question of each ledger, and wants; and its timers.
#include "engine/base/limits.h"
#include "engine/protocols/sync_asking.h"
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_plan.h"

namespace kith::protocols {

Task<void> SyncAsking::write(SyncAsking& self) {
  for (;;) {
    for (std::size_t at = 0; at < self.kept_.size(); ++at) {
      co_await self.step(at);
      co_await self.ask_bodies(at);
    }
    self.watch();
    while (!self.outbox_.empty()) {
      ByteVector line = std::move(self.outbox_.front());
      self.outbox_.pop_front();
      co_await write_line(self.stream_, std::move(line));
    }
    co_await self.bell_.heard();
  }
}

void SyncAsking::send(const SyncRequest& request) {
  outbox_.push_back(encode(request));
  bell_.ring();
}

Task<void> SyncAsking::step(std::size_t at) {
  Kept& kept = *kept_[at];
  SyncDifference& difference = kept.difference;
  do {
    co_await fetch(at);
  } while (take_back(kept));
  if (difference.is_resting() && compared_ < sync_limits::kComparedMax) {
    if (auto next = difference.go_on()) {
      std::get<SyncPaths>(*next).at = at;
      ++compared_;
      answered_us_ = shared_.loop.now_us();
      send(*next);
    }
  }
  const bool is_busy = difference.is_waiting() || difference.is_resting() || kept.wants > 0 ||
                       !difference.lacked().empty() || !kept.left.empty();
  if (is_busy || compared_ >= sync_limits::kComparedMax) co_return;
  if (difference.is_of_control()) {  // what it brought is here: now all the rest
    difference.leave_control();
    kept.is_due = kept.is_rested = true;
  }
  if (!difference.is_of_control() && std::exchange(kept.is_vouching_due, false))
    vouching_.compare(at, kept.ledger);
  if (difference.is_doubtful() && !kept.is_due) again_soon(kept);
  if (kept.is_due && (kept.is_rested || kept.gained > 0)) greet(at);
}

void SyncAsking::greet(std::size_t at) {
  Kept& kept = *kept_[at];
  kept.is_due = kept.is_rested = false;
  kept.is_vouching_due = true;
  kept.gained = 0;
  ++compared_;
  answered_us_ = kept.greeted_us = shared_.loop.now_us();
  SyncHello hello = kept.difference.hello(shared_.loop.wall_us());
  hello.at = at;
  send(hello);
}

Task<void> SyncAsking::fetch(std::size_t at) {
  Kept& kept = *kept_[at];
  std::vector<SyncWant> wants;
  auto& lacked = kept.difference.lacked();
  while (!lacked.empty() && !is_stalled_ && wanted_.size() < sync_limits::kWantsMax) {
    const store::Tip tip = lacked.front();
    lacked.pop_front();
    co_await plan(at, tip, wants);
  }
  if (wants.empty()) co_return;
  if (!std::exchange(is_granted_, true)) send(SyncGrant{sync_limits::kWindowBytes});
  send(SyncWants{at, std::move(wants)});
}

// After the entries, so that no peer is asked for what comes anyway.
Task<void> SyncAsking::ask_bodies(std::size_t at) {
  Kept& kept = *kept_[at];
  const bool is_busy =
      kept.difference.is_waiting() || kept.wants > 0 || !kept.difference.lacked().empty();
  if (!kept.is_common || is_busy || !taking_.empty()) co_return;
  for (;;) {
    auto asks = co_await bodies_.next(at, kept.ledger);
    if (!asks) co_return;
    send(*asks);
  }
}

// A feed has one source at a time.
Task<void> SyncAsking::plan(std::size_t at, store::Tip tip, std::vector<SyncWant>& to) {
  Kept& kept = *kept_[at];
  kept.ledger.heard_of(tip);
  if (wanted_.contains(tip.feed) || shared_.fetched.contains(tip.feed)) {
    if (kept.left.size() < sync_limits::kLackedMax) {
      kept.left.push_back(tip);
    } else {
      again_soon(kept);
    }
    co_return;
  }
  if (wanted_.empty()) run_us_ = shared_.loop.now_us();
  Wanted& wanted = wanted_.emplace(tip.feed, Wanted{at, {}, shared_.loop.now_us()}).first->second;
  wanted.want.after.feed = tip.feed;
  shared_.fetched[tip.feed] = this;
  ++kept.wants;
  const auto want = co_await want_of(kept.ledger, tip);
  const auto still = wanted_.find(tip.feed);
  if (still == wanted_.end()) co_return;  // the peer spoke of it unasked
  if (!want) co_return drop(still);
  still->second.want = *want;
  to.push_back(*want);
}

// Of what was left, that which is nobody's by now. False: nothing.
bool SyncAsking::take_back(Kept& kept) {
  auto& lacked = kept.difference.lacked();
  if (!lacked.empty() || kept.left.empty() || kept.wants > 0 || is_stalled_) return false;
  std::vector<store::Tip> still;
  for (const store::Tip& tip : kept.left) {
    if (is_lane_end(kept.ledger, tip)) continue;
    const bool is_fetched = wanted_.contains(tip.feed) || shared_.fetched.contains(tip.feed);
    if (is_fetched) {
      still.push_back(tip);
    } else {
      lacked.push_back(tip);
    }
  }
  kept.left = std::move(still);
  return !lacked.empty() && wanted_.size() < sync_limits::kWantsMax;
}

void SyncAsking::drop(std::map<store::Digest, Wanted>::iterator at) {
  --kept_[at->second.at]->wants;
  leave(at->first);
  wanted_.erase(at);
  if (wanted_.empty()) wake_others();
}

void SyncAsking::leave(const store::Digest& feed) {
  const auto at = shared_.fetched.find(feed);
  if (at != shared_.fetched.end() && at->second == this) shared_.fetched.erase(at);
}

void SyncAsking::wake_others() {
  for (const auto& [id, peer] : shared_.peers) {
    if (peer->asking && peer->asking != this) peer->asking->wake();
  }
}

// ---- time

std::uint64_t SyncAsking::every_us() const {
  std::uint8_t chance[2];
  shared_.loop.random(chance);
  const std::uint64_t drawn = std::uint64_t{chance[0]} << 8 | chance[1];
  const std::uint64_t part = drawn * 400 / 65'536;
  return sync_limits::kAgainEveryMs * (800 + part);
}

void SyncAsking::on_every(void* self, std::int64_t, const void*) {
  auto& asking = *static_cast<SyncAsking*>(self);
  for (const auto& kept : asking.kept_) kept->is_due = kept->is_rested = true;
  asking.bodies_.again();
  asking.shared_.loop.start(asking.every_, asking.every_us());
  asking.bell_.ring();
}

// Something does not fit. Until all does, each round comes later than the one before.
void SyncAsking::again_soon(Kept& kept) {
  kept.is_due = true;
  if (again_.armed()) return;
  shared_.loop.start(again_, again_ms_ * 1'000ull);
  again_ms_ = std::min(again_ms_ * 2, limits::kBackoffMaxMs);
}

void SyncAsking::on_again(void* self, std::int64_t, const void*) {
  auto& asking = *static_cast<SyncAsking*>(self);
  for (const auto& kept : asking.kept_) {
    if (kept->is_due) kept->is_rested = true;
  }
  asking.bell_.ring();
}

void SyncAsking::watch() {
  if (compared_ == 0 && wanted_.empty() && !bodies_.is_waiting()) return watch_.stop();
  if (!watch_.armed()) shared_.loop.start(watch_, sync_limits::kStallMs * 1'000ull);
}

void SyncAsking::on_watch(void* self, std::int64_t, const void*) {
  auto& asking = *static_cast<SyncAsking*>(self);
  const std::uint64_t now_us = asking.shared_.loop.now_us();
  const std::uint64_t stall_us = sync_limits::kStallMs * 1'000ull;
  std::uint64_t next_us = stall_us;
  asking.leave_slow(now_us);
  const auto since = [&](std::uint64_t then_us) { return now_us - then_us; };
  if (!asking.is_taking_ && asking.taking_.empty()) {
    const std::uint64_t gone_us = limits::kSyncAnswerMs * 1'000ull;
    const std::uint64_t quiet_us = asking.wanted_.empty() ? 0 : since(asking.run_us_);
    std::uint64_t mute_us = asking.compared_ == 0 ? 0 : since(asking.answered_us_);
    if (asking.bodies_.is_waiting()) mute_us = std::max(mute_us, since(asking.bodies_.asked_us()));
    if (std::max(quiet_us, mute_us) >= gone_us) return asking.end(sync_error::stalled);
    if (quiet_us >= stall_us) asking.stall();
    next_us = std::min(gone_us - std::max(quiet_us, mute_us),
                       quiet_us >= stall_us ? gone_us : stall_us - quiet_us);
  }
  asking.shared_.loop.start(asking.watch_, next_us);
  asking.watch();
}

// Who sends a little now and then would keep a feed from all others.
void SyncAsking::leave_slow(std::uint64_t now_us) {
  bool is_left = false;
  for (auto& [feed, wanted] : wanted_) {
    if (now_us - wanted.since_us < sync_limits::kPatienceMs * 1'000ull) continue;
    if (wanted.gained < sync_limits::kPatienceEntries) {
      leave(feed);
      is_left = true;
    }
    wanted.since_us = now_us;
    wanted.gained = 0;
  }
  if (is_left) wake_others();
}

// Others may fetch what this peer does not send; should it come all the same, it is taken.
void SyncAsking::stall() {
  if (std::exchange(is_stalled_, true)) return;
  shared_.log.debug("stalled peer={} feeds={}", peer_.id.short_text(), wanted_.size());
  for (const auto& [feed, wanted] : wanted_) leave(feed);
  wake_others();
}

}  // namespace kith::protocols
