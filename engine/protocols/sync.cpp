// SPDX-License-Identifier: MIT
#include "engine/protocols/sync.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/protocols/sync_answering.h"
#include "engine/protocols/sync_asking.h"
#include "engine/protocols/taken.h"
#include "engine/store/retaining.h"

namespace kith::protocols {
bool speaks_sync(const net::PeerRecord& record) {
  const auto& all = record.protocols;
  return record.identified && record.connections > 0 &&
         std::find(all.begin(), all.end(), kSyncProtocol) != all.end();
}

bool is_theirs(const Error& error) {
  using store::ledger_error;
  for (const auto ours : {ledger_error::gap, ledger_error::unknown_version, ledger_error::damaged,
                          ledger_error::unknown_grant, ledger_error::is_void})
    if (error.is(ours)) return false;
  for (int code = 1; code <= static_cast<int>(ledger_error::damaged); ++code)
    if (error.is(static_cast<ledger_error>(code))) return true;
  for (const auto theirs :
       {sync_error::bad_message, sync_error::not_asked, sync_error::bad_runs, sync_error::too_much})
    if (error.is(theirs)) return true;
  return false;
}

struct Sync::State : SyncShared {
  using SyncShared::SyncShared;

  void ask(const net::PeerRecord& record);
  void forget(const wire::PeerId& peer);
  static Task<void> follow(State& self, std::shared_ptr<SyncPeer> peer);
  static Task<void> hear(State& self, SyncPeer& peer);
  static Task<void> serve(State& self, Pipe stream, Taken::Place place);
  // False: the peer is to blame, and is disconnected.
  bool judge(const wire::PeerId& peer, const Error& why);

  Taken serving{limits::kSyncStreamsPerPeerMax};
  std::map<std::uint64_t, SyncAnswering*> served;  // in the order they came
  std::uint64_t last_serial = 0;
  Scope scope{[this](const std::exception& why) { log.error("task failed err={}", why.what()); }};
};

bool Sync::State::judge(const wire::PeerId& peer, const Error& why) {
  if (!is_theirs(why)) {
    log.debug("stream ended peer={} err={}", peer.short_text(), why.message());
    return true;
  }
  log.warn("disconnecting peer={} err={}", peer.short_text(), why.message());
  swarm.disconnect(peer, "it broke the rules of sync: " + why.message());
  return false;
}

void Sync::State::ask(const net::PeerRecord& record) {
  if (!speaks_sync(record) || peers.contains(record.id) || ledgers.all().empty()) return;
  auto made = std::make_shared<SyncPeer>(record.id);
  peers[record.id] = made;
  scope.spawn(follow(*this, std::move(made)));
}

void Sync::State::forget(const wire::PeerId& peer) {
  const auto at = peers.find(peer);
  if (at == peers.end()) return;
  at->second->is_over = true;
  peers.erase(at);
}

// One stream after the other, with a rest in between that doubles while they are of no use.
Task<void> Sync::State::follow(State& self, std::shared_ptr<SyncPeer> peer) {
  for (std::uint32_t rest_ms = limits::kBackoffFirstMs; !peer->is_over;) {
    const std::uint64_t began_us = self.loop.now_us();
    std::optional<Error> why;
    try {
      co_await hear(self, *peer);
    } catch (const Fault& fault) {  // the root of what a stream brings: it decides how to go on
      why = fault.error();
    }
    if (peer->is_over || (why && !self.judge(peer->id, *why))) co_return;
    if (why && why->is(net::net_error::no_common_protocol)) {
      self.forget(peer->id);
      co_return;
    }
    if (self.loop.now_us() - began_us > 2 * limits::kSyncAnswerMs * 1'000ull)
      rest_ms = limits::kBackoffFirstMs;
    Nap nap(self.loop, rest_ms * 1'000ull);
    co_await nap;
    rest_ms = std::min(rest_ms * 2, limits::kBackoffMaxMs);
  }
}

Task<void> Sync::State::hear(State& self, SyncPeer& peer) {
  std::vector<std::string> protocols(1, kSyncProtocol);
  Pipe stream = co_await self.swarm.open(peer.id, std::move(protocols), limits::kSyncAnswerMs);
  SyncAsking asking(self, peer, std::move(stream));
  co_await asking.run();
}

Task<void> Sync::State::serve(State& self, Pipe stream, Taken::Place place) {
  const Taken::Place held = std::move(place);
  SyncAnswering answering(self, std::move(stream));
  struct Listed {
    State& state;
    const std::uint64_t serial;
    ~Listed() { state.served.erase(serial); }
  } const listed{self, ++self.last_serial};
  self.served[listed.serial] = &answering;
  try {
    co_await answering.run();
  } catch (const Fault& fault) {  // the root of what a stream brings
    self.judge(answering.peer(), fault.error());
  }
}

// ---- what it is told

Sync::Sync(net::Swarm& swarm, store::Ledgers& ledgers)
    : state_(std::make_unique<State>(swarm, ledgers)) {
  State& state = *state_;
  const auto handler = [&state](Pipe stream) {
    const auto peer = wire::PeerId::from_bytes(view(stream.info().peer)).value();
    if (auto place = state.serving.take(peer))
      state.scope.spawn(State::serve(state, std::move(stream), std::move(*place)));
  };
  swarm.handle(kSyncProtocol, handler).value();
  swarm.observe(*this);
  ledgers.observe(*this);
}

Sync::~Sync() {
  state_->ledgers.unobserve(*this);
  state_->swarm.unobserve(*this);
  state_->swarm.unhandle(kSyncProtocol);
  state_->scope.clear();
}

Clocks& Sync::clocks() { return state_->clocks; }

void Sync::opened(store::Ledger& ledger) {
  for (const auto& [id, peer] : state_->peers)
    if (peer->asking) peer->asking->ask(ledger);
  std::vector<wire::PeerId> peers;  // what is asked of them may change the table
  for (const auto& [id, record] : state_->swarm.peers().all())
    if (speaks_sync(record)) peers.push_back(id);
  for (const auto& id : peers)
    if (const auto* record = state_->swarm.peers().find(id)) state_->ask(*record);
}

void Sync::on_peer(int event, const net::PeerRecord& record) {
  if (event == KITH_PEER_GONE) state_->clocks.forget(record.id);
  if (event == KITH_PEER_GONE) return state_->forget(record.id);
  state_->ask(record);
}

// What was refused before may count now, or is wanted no more: each peer is asked anew.
void Sync::on_rights(store::Ledger& ledger) {
  for (const auto& [id, peer] : state_->peers)
    if (peer->asking) peer->asking->ask_again(ledger);
}

void Sync::on_run(store::Ledger&, std::uint64_t, std::uint64_t) {
  for (const auto& [serial, answering] : state_->served) answering->wake();
}

void Sync::on_bodies(store::Ledger& ledger) {
  if (ledger.retaining().lacks_version() == 0) return;
  for (const auto& [id, peer] : state_->peers)
    if (peer->asking) peer->asking->wake();
}

void Sync::on_receipts(store::Ledger&) {
  for (const auto& [serial, answering] : state_->served) answering->wake();
}

}  // namespace kith::protocols
