// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_answering.h"

#include "engine/base/limits.h"
#include "engine/protocols/sync_asking.h"
#include "engine/protocols/sync_line.h"

namespace kith::protocols {

SyncAnswering::SyncAnswering(SyncShared& shared, Pipe stream)
    : shared_(shared),
      stream_(std::move(stream)),
      peer_(wire::PeerId::from_bytes(view(stream_.info().peer)).value()),
      bell_(shared.loop),
      drained_(shared.loop) {}

Task<void> SyncAnswering::run() {
  Scope writing([this](const std::exception& thrown) {
    const auto* fault = dynamic_cast<const Fault*>(&thrown);
    why_ = fault ? fault->error() : Error(KITH_IO, thrown.what());
    stream_.deadline(KITH_RD, 1);
    drained_.ring();
  });
  writing.spawn(write(*this));
  for (bool is_first = true;; is_first = false) {
    if (why_) throw Fault(*why_);
    stream_.deadline(KITH_RD, is_first ? limits::kSyncAnswerMs : 0);
    const ByteVector line = co_await read_line(stream_, sync_limits::kRequestBytesMax);
    if (why_) throw Fault(*why_);
    if (line.empty()) co_return;
    const SyncRequest request = decode_sync_request(line).value();
    std::visit([this](const auto& one) { asked(one); }, request);
    bell_.ring();
    while (outbox_bytes_ > sync_limits::kOutboxBytesMax && !why_) co_await drained_.heard();
    Nap nap(shared_.loop, 0);  // who asks much leaves room for others
    co_await nap;
  }
}

// ---- what is asked

store::Ledger& SyncAnswering::named_at(std::uint64_t at) {
  const auto found = named_.find(at);
  if (found == named_.end() || !found->second.is_kept) throw Fault(sync_error::not_asked);
  return *shared_.ledgers.find(found->second.ledger);
}

void SyncAnswering::asked(const SyncHello& hello) {
  const bool is_new = !named_.contains(hello.at);
  if (is_new && named_.size() >= limits::kLedgersMax) throw Fault(sync_error::too_much);
  Named& named = named_[hello.at];
  if (!is_new && named.ledger != hello.ledger)
    throw Fault(Error(sync_error::bad_message, "two ledgers of one number"));
  named.ledger = hello.ledger;
  store::Ledger* ledger = shared_.ledgers.find(hello.ledger);
  if (!ledger) return send(SyncUnkept{hello.at});
  if (!std::exchange(named.is_kept, true)) named.cursor = ledger->synced_arrival();
  const auto peer = shared_.peers.find(peer_);
  if (peer != shared_.peers.end() && peer->second->asking)
    peer->second->asking->is_kept(hello.ledger);
  const store::TipSet& tips = ledger->tip_set();
  const std::uint64_t now_us = shared_.loop.wall_us();
  if (tips.digest() == hello.digest) return send(SyncSame{hello.at, now_us});
  send(SyncDiffers{.at = hello.at,
                   .digest = tips.digest(),
                   .tips = tips.size(),
                   .entries = ledger->entries(),
                   .now_us = now_us,
                   .version = tips.version()});
  if (!is_sketched(hello.tips, tips.size())) return;
  send_symbols(hello.at, *ledger, 0, first_symbols(hello, tips.size(), ledger->entries()));
}

// As many again as were sent; all anew where the tips changed meanwhile.
void SyncAnswering::asked(const SyncMore& more) {
  const store::Ledger& ledger = named_at(more.at);
  const std::size_t from = std::min<std::uint64_t>(more.from, store::kSymbolsMax);
  if (more.version == ledger.tip_set().version()) {
    send_symbols(more.at, ledger, from, std::max<std::size_t>(from, 1));
  } else {
    send_symbols(more.at, ledger, 0, from * 2);
  }
}

void SyncAnswering::send_symbols(std::uint64_t at, const store::Ledger& ledger, std::uint64_t from,
                                 std::size_t count) {
  const auto rest = ledger.tip_set().sketch().symbols().subspan(from);
  const auto some = rest.first(std::min(count, rest.size()));
  send(SyncSymbols{at, ledger.tip_set().version(), from, {some.begin(), some.end()}});
}

void SyncAnswering::asked(const SyncItems& items) {
  send(SyncTips{items.at, named_at(items.at).tip_set().find(items.items)});
}

void SyncAnswering::asked(const SyncPaths& paths) {
  const store::TipSet& tips = named_at(paths.at).tip_set();
  SyncNodes nodes{paths.at, tips.version(), {}};
  for (const SyncPath& path : paths.paths) {
    auto node = tips.node(path.nibbles);
    if (!node) throw Fault(Error(sync_error::bad_message, "no path"));
    SyncNode& told = nodes.nodes.emplace_back();
    if (path.is_whole && node->tips_below <= sync_limits::kWholeTipsMax) {
      told.tips = tips.below(path.nibbles, sync_limits::kWholeTipsMax);
    } else {
      told.children = std::move(node->children);
      told.tips = std::move(node->tips);
    }
  }
  send(nodes);
}

void SyncAnswering::asked(const SyncWants& wants) {
  named_at(wants.at);
  if (waiting_.size() + wants.wants.size() > sync_limits::kWantsWaitingMax)
    throw Fault(sync_error::too_much);
  for (const SyncWant& want : wants.wants) waiting_.push_back({wants.at, want, false, {}});
}

void SyncAnswering::asked(const SyncGrant& grant) {
  granted_bytes_ += static_cast<std::int64_t>(
      std::min<std::uint64_t>(grant.bytes, sync_limits::kGrantedBytesMax));
  if (granted_bytes_ > static_cast<std::int64_t>(sync_limits::kGrantedBytesMax))
    throw Fault(sync_error::too_much);
}

// ---- what is written

void SyncAnswering::send(const SyncAnswer& answer) {
  outbox_.push_back(encode(answer));
  outbox_bytes_ += outbox_.back().size();
}

// Answers go before runs, and what is new between two runs.
Task<void> SyncAnswering::write(SyncAnswering& self) {
  for (;;) {
    while (!self.outbox_.empty()) {
      ByteVector line = std::move(self.outbox_.front());
      self.outbox_.pop_front();
      self.outbox_bytes_ -= line.size();
      self.drained_.ring();
      co_await write_line(self.stream_, std::move(line));
    }
    const bool is_sending = !self.waiting_.empty() && self.granted_bytes_ > 0;
    if (is_sending) co_await self.send_wanted();
    bool is_telling = false;
    for (auto& [at, named] : self.named_) {
      const bool is_new = co_await self.send_news(named, at);
      is_telling |= is_new;
    }
    if (is_sending || is_telling || !self.outbox_.empty()) continue;
    co_await self.bell_.heard();
  }
}

// One run of the first want.
Task<void> SyncAnswering::send_wanted() {
  Waiting& first = waiting_.front();
  store::Ledger& ledger = named_at(first.at);
  if (!std::exchange(first.is_planned, true)) {
    const auto way = co_await way_of(ledger, first.want);
    first.way.assign(way.begin(), way.end());
  }
  if (first.way.empty()) {
    send(SyncAbsent{first.at, first.want.after.feed});
    waiting_.pop_front();
    co_return;
  }
  Stretch& stretch = first.way.front();
  const Stretch now = stretch;
  const LoadedRun loaded = co_await load_run(ledger, now.lane, now.from);
  stretch.from = loaded.last_seq + 1;
  if (stretch.from > stretch.to) first.way.pop_front();
  const bool is_last = first.way.empty();
  SyncRun run;
  run.at = first.at;
  run.part = is_last ? SyncRun::Part::last : SyncRun::Part::more_follow;
  if (is_last) waiting_.pop_front();
  granted_bytes_ -=
      static_cast<std::int64_t>(loaded.bytes.entries.size() + loaded.bytes.bodies.size());
  co_await send_run(ledger, loaded, now.lane, now.from, run);
}

Task<void> SyncAnswering::send_run(store::Ledger& ledger, const LoadedRun& loaded,
                                   std::uint32_t lane, std::uint64_t first_seq, SyncRun& run) {
  if (first_seq == 1) run.opening = ledger.lanes().find(lane)->feed->opening_block;
  run.entries = loaded.bytes.entries;
  run.bodies = loaded.bytes.bodies;
  ByteVector line = encode(run);
  co_await write_line(stream_, std::move(line));
}

// One run that came after the cursor; false: there is none.
Task<bool> SyncAnswering::send_news(Named& named, std::uint64_t at) {
  if (!named.is_kept) co_return false;
  store::Ledger& ledger = *shared_.ledgers.find(named.ledger);
  if (named.cursor >= ledger.synced_arrival()) co_return false;
  const auto place = co_await ledger.place_of(named.cursor + 1);
  named.cursor = place.next_arrival - 1;
  const store::Lane* lane = ledger.lanes().find(place.lane);
  if (!lane || is_known(*lane->feed, place.last_seq)) co_return true;
  const LoadedRun loaded = co_await load_run(ledger, place.lane, place.first_seq);
  if (loaded.bytes.entries.size() + loaded.bytes.bodies.size() <= sync_limits::kPushBytesMax) {
    SyncRun run;
    run.at = at;
    co_await send_run(ledger, loaded, place.lane, place.first_seq, run);
  } else if (lane->seq == place.last_seq) {  // else what follows in its lane tells of it
    send(SyncNews{at, lane->tip()});
  }
  co_return true;
}

// The peer itself sent it; where a feed forked a seq names no entry.
bool SyncAnswering::is_known(const store::Feed& feed, std::uint64_t seq) const {
  if (feed.fork_seq != 0 && feed.fork_seq <= seq) return false;
  const auto at = shared_.peers.find(peer_);
  return at != shared_.peers.end() && at->second->has_shown(feed.id, seq);
}

}  // namespace kith::protocols
