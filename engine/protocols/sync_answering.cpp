// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_answering.h"

#include "engine/base/limits.h"
#include "engine/protocols/sync_asking.h"
#include "engine/protocols/sync_bodies.h"
#include "engine/protocols/sync_line.h"
#include "engine/store/receipts.h"

namespace kith::protocols {
namespace {

using store::Digest;

constexpr std::size_t kControlSymbols = 32;  // at first: control feeds seldom differ in more

}  // namespace

SyncAnswering::SyncAnswering(SyncShared& shared, Pipe stream)
    : shared_(shared),
      stream_(std::move(stream)),
      peer_(wire::PeerId::from_bytes(view(stream_.info().peer)).value()),
      bell_(shared.loop),
      drained_(shared.loop),
      receipts_pace_(shared.loop, sync_limits::kReceiptsPushedPerSecond) {
  receipts_again_.done = {
      [](void* self, std::int64_t, const void*) { static_cast<SyncAnswering*>(self)->wake(); },
      this};
}

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

// What is compared of it.
const store::TipSet& SyncAnswering::tips_at(std::uint64_t at) {
  const store::Ledger& ledger = named_at(at);
  return named_.at(at).is_control ? ledger.control_tip_set() : ledger.tip_set();
}

void SyncAnswering::asked(const SyncHello& hello) {
  const bool is_new = !named_.contains(hello.at);
  if (is_new && named_.size() >= limits::kLedgersMax) throw Fault(sync_error::too_much);
  Named& named = named_[hello.at];
  if (!is_new && named.ledger != hello.ledger)
    throw Fault(Error(sync_error::bad_message, "two ledgers of one number"));
  named.ledger = hello.ledger;
  if (shared_.is_identified(peer_)) shared_.clocks.heard(peer_, hello.now_us);
  store::Ledger* ledger = shared_.ledgers.find(hello.ledger);
  if (!ledger) return send(SyncUnkept{hello.at});
  if (!std::exchange(named.is_kept, true)) {
    named.cursor = ledger->synced_arrival();
    named.receipts_told = ledger->receipts().table().newest();
  }
  const auto peer = shared_.peers.find(peer_);
  if (peer != shared_.peers.end() && peer->second->asking)
    peer->second->asking->is_kept(hello.ledger);
  const std::uint64_t now_us = shared_.loop.wall_us();
  const Digest& control = ledger->control_tip_set().digest();
  named.is_control = hello.control && *hello.control != control;
  if (ledger->tip_set().digest() == hello.digest) return send(SyncSame{hello.at, now_us});
  const store::TipSet& tips = tips_at(hello.at);
  send(SyncDiffers{.at = hello.at,
                   .control = named.is_control ? std::optional(control) : std::nullopt,
                   .digest = ledger->tip_set().digest(),
                   .tips = tips.size(),
                   .entries = ledger->entries(),
                   .now_us = now_us,
                   .version = tips.version()});
  if (named.is_control) {
    if (is_control_sketched(*hello.control, control)) send_symbols(hello.at, 0, kControlSymbols);
  } else if (is_sketched(hello.tips, tips.size())) {
    send_symbols(hello.at, 0, first_symbols(hello, tips.size(), ledger->entries()));
  }
}

// As many again as were sent; all anew where the tips changed meanwhile.
void SyncAnswering::asked(const SyncMore& more) {
  const std::size_t from = std::min<std::uint64_t>(more.from, store::kSymbolsMax);
  if (more.version == tips_at(more.at).version()) {
    send_symbols(more.at, from, std::max<std::size_t>(from, 1));
  } else {
    send_symbols(more.at, 0, from * 2);
  }
}

void SyncAnswering::send_symbols(std::uint64_t at, std::uint64_t from, std::size_t count) {
  const store::TipSet& tips = tips_at(at);
  const auto rest = tips.sketch().symbols().subspan(from);
  const auto some = rest.first(std::min(count, rest.size()));
  send(SyncSymbols{at, tips.version(), from, {some.begin(), some.end()}});
}

void SyncAnswering::asked(const SyncItems& items) {
  send(SyncTips{items.at, tips_at(items.at).find(items.items)});
}

void SyncAnswering::asked(const SyncPaths& paths) {
  const store::TipSet& tips = tips_at(paths.at);
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

void SyncAnswering::asked(SyncLacks lacks) {
  named_at(lacks.at);
  if (lacks_.size() >= sync_limits::kBodiesAskedMax) throw Fault(sync_error::too_much);
  lacks_.push_back(std::move(lacks));
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
    const bool is_asked = !self.lacks_.empty();
    if (is_asked) co_await self.send_bodies();
    bool is_telling = false;
    for (auto& [at, named] : self.named_) {
      const bool is_new = co_await self.send_news(named, at);
      const bool is_vouched = co_await self.send_receipts(named, at);
      is_telling |= is_new || is_vouched;
    }
    if (is_sending || is_asked || is_telling || !self.outbox_.empty()) continue;
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

Task<void> SyncAnswering::send_bodies() {
  SyncLacks lacks = std::move(lacks_.front());
  lacks_.pop_front();
  SyncBodies answer{lacks.at, {}};
  store::Ledger& ledger = named_at(answer.at);
  const auto bodies = co_await bodies_of(ledger, std::move(lacks));
  for (const auto& body : bodies)
    answer.bodies.push_back(body ? std::optional<Bytes>(*body) : std::nullopt);
  ByteVector line = encode(answer);
  co_await write_line(stream_, std::move(line));
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
