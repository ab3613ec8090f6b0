// SPDX-License-Identifier: MIT
#include "engine/protocols/sync.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/net/waits.h"
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_message.h"
#include "engine/protocols/sync_plan.h"
#include "engine/protocols/taken.h"

namespace kith::protocols {
namespace {

constexpr const char* kSync = "/kith/sync/0";
constexpr std::size_t kShownMax = 4'096;  // feeds of which a peer's newest seq is remembered
// Runs in a row that were all known here; what an honest peer on another branch may send goes on,
// but slowly.
constexpr std::size_t kUselessRunsMax = 1'024;
constexpr std::uint64_t kUselessRestUs = 10'000;

// Whether the peer is to blame; else this node is, or chance.
bool is_theirs(const Error& error) {
  using store::ledger_error;
  for (const auto ours : {ledger_error::gap, ledger_error::unknown_version, ledger_error::damaged})
    if (error.is(ours)) return false;
  for (int code = 1; code <= static_cast<int>(ledger_error::damaged); ++code)
    if (error.is(static_cast<ledger_error>(code))) return true;
  return error.is(sync_error::bad_message) || error.is(sync_error::not_asked);
}

bool speaks_sync(const net::PeerRecord& record) {
  const auto& all = record.protocols;
  return record.identified && record.connections > 0 &&
         std::find(all.begin(), all.end(), kSync) != all.end();
}

// This node's question to one peer, for as long as that is connected.
struct Asked {
  explicit Asked(const wire::PeerId& id) : peer(id) {}
  const wire::PeerId peer;
  Pipe stream;            // the one that stands, if any
  bool is_over = false;   // nobody is asked any more
  bool is_stale = false;  // a ledger was opened since the hello
  std::size_t useless = 0;
  std::map<store::Digest, std::uint64_t> shown;  // feed: the newest seq that it sent

  void show(const store::Digest& feed, std::uint64_t seq) {
    if (shown.size() >= kShownMax) shown.clear();  // what it sent comes back to it: no harm
    std::uint64_t& newest = shown[feed];
    newest = std::max(newest, seq);
  }
};

// One ledger of a peer's hello: what it lacked of it, then a cursor of arrivals.
struct Wanted {
  SyncHello::Kept kept;
  bool is_planned = false, is_done = false;
  std::vector<Stretch> lacked;
  std::size_t sent = 0;
  std::uint64_t cursor = 0;
};

// A peer's stream, for as long as it is answered.
struct Served {
  explicit Served(Pipe given) : stream(std::move(given)) {
    peer = wire::PeerId::from_bytes(view(stream.info().peer)).value();
  }
  void end() {
    is_over = true;
    news.answer(true);
  }
  bool wants(const store::Digest& ledger) const {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const Wanted& one) { return one.kept.ledger == ledger; });
  }
  wire::PeerId peer;
  Pipe stream;
  std::vector<Wanted> wanted;
  bool is_over = false, has_news = false;
  net::Waits<bool> news;
};

}  // namespace

struct Sync::State {
  State(net::Swarm& given_swarm, store::Ledgers& given_ledgers)
      : swarm(given_swarm),
        ledgers(given_ledgers),
        loop(swarm.shared().loop),
        log(swarm.shared().log.in("sync")) {}

  // ---- asking
  void ask(const net::PeerRecord& record);
  void forget(const wire::PeerId& peer);
  static Task<void> follow(State& self, std::shared_ptr<Asked> from);
  static Task<void> hear(State& self, Asked& from);
  static Task<void> take(State& self, Asked& from, Bytes line);
  ByteVector hello() const;

  // ---- answering
  static Task<void> serve(State& self, Pipe stream, Taken::Place place);
  static Task<void> answer(State& self, Served& to);
  static Task<void> send(State& self, Served& to, Wanted& wanted);
  static Task<std::uint64_t> send_run(Served& to, store::Ledger& ledger, std::uint32_t lane,
                                      std::uint64_t seq);
  bool is_known(const Served& to, const Wanted& wanted, const store::Feed& feed,
                std::uint64_t seq) const;
  void tell_soon(Served& to) {
    to.has_news = true;
    if (!telling.armed()) loop.start(telling, 0);
  }
  void tell();

  // False: the peer is to blame, and is disconnected.
  bool judge(const wire::PeerId& peer, const Error& why);

  net::Swarm& swarm;
  store::Ledgers& ledgers;
  Loop& loop;
  Log log;
  Taken serving{limits::kSyncStreamsPerPeerMax};
  std::map<wire::PeerId, std::shared_ptr<Asked>> asked;
  std::map<std::uint64_t, Served*> served;  // in the order they came
  std::uint64_t last_serial = 0;
  Timer telling{kith_done{
      [](void* self, std::int64_t, const void*) { static_cast<State*>(self)->tell(); }, this}};
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

// ---- asking

void Sync::State::ask(const net::PeerRecord& record) {
  if (!speaks_sync(record) || asked.contains(record.id) || ledgers.all().empty()) return;
  auto made = std::make_shared<Asked>(record.id);
  asked[record.id] = made;
  scope.spawn(follow(*this, std::move(made)));
}

void Sync::State::forget(const wire::PeerId& peer) {
  const auto at = asked.find(peer);
  if (at == asked.end()) return;
  at->second->is_over = true;
  asked.erase(at);
}

// One stream after the other, with a rest in between that doubles while they are of no use.
Task<void> Sync::State::follow(State& self, std::shared_ptr<Asked> from) {
  for (std::uint32_t rest_ms = limits::kBackoffFirstMs; !from->is_over;) {
    const std::uint64_t began_us = self.loop.now_us();
    std::optional<Error> why;
    try {
      co_await hear(self, *from);
    } catch (const Fault& fault) {  // the root of what a stream brings: it decides how to go on
      why = fault.error();
    }
    from->stream.reset();
    if (from->is_over || (why && !self.judge(from->peer, *why))) co_return;
    if (why && why->is(net::net_error::no_common_protocol)) {
      self.forget(from->peer);
      co_return;
    }
    if (std::exchange(from->is_stale, false)) continue;
    if (self.loop.now_us() - began_us > limits::kSyncAnswerMs * 1'000ull)
      rest_ms = limits::kBackoffFirstMs;
    Nap nap(self.loop, rest_ms * 1'000ull);
    co_await nap;
    rest_ms = std::min(rest_ms * 2, limits::kBackoffMaxMs);
  }
}

Task<void> Sync::State::hear(State& self, Asked& from) {
  std::vector<std::string> protocols(1, kSync);
  Pipe stream = co_await self.swarm.open(from.peer, std::move(protocols), limits::kSyncAnswerMs);
  from.stream = std::move(stream);
  from.is_stale = false;
  ByteVector hello = self.hello();
  co_await write_line(from.stream, std::move(hello));
  while (!from.is_stale) {
    from.stream.deadline(KITH_RD, 0);  // no news is no fault
    const ByteVector line = co_await read_line(from.stream);
    if (line.empty()) co_return;
    co_await take(self, from, line);
  }
}

Task<void> Sync::State::take(State& self, Asked& from, Bytes line) {
  const SyncNews news = decode_sync_news(line).value();
  const auto* run = std::get_if<SyncRun>(&news);
  const store::Digest& id = run ? run->ledger : std::get<SyncDone>(news).ledger;
  store::Ledger* ledger = self.ledgers.find(id);
  if (!ledger) throw Fault(sync_error::not_asked);
  if (!run) co_return;
  const auto shape = store::parse_run(run->entries, run->bodies).value();
  auto opening = to_vector(run->opening);
  auto entries = to_vector(run->entries);
  auto bodies = to_vector(run->bodies);
  std::size_t fresh = 0;
  try {
    const std::size_t taken =
        co_await ledger->take(std::move(opening), std::move(entries), std::move(bodies));
    fresh = taken;
    from.show(shape.feed, shape.last_seq());
  } catch (const Fault& fault) {  // what a later kith wrote waits; the rest goes on
    if (!fault.error().is(store::ledger_error::unknown_version)) throw;
  }
  from.useless = fresh > 0 ? 0 : from.useless + 1;
  if (from.useless < kUselessRunsMax) co_return;
  Nap nap(self.loop, kUselessRestUs);
  co_await nap;
}

// Every ledger is named, with as many tips as one message holds; of what is not named runs come
// twice.
ByteVector Sync::State::hello() const {
  SyncHello made;
  std::size_t room = (limits::kSyncLineMax - limits::kLedgersMax * 64) / kTipBytes;
  for (store::Ledger* ledger : ledgers.all()) {
    SyncHello::Kept kept{ledger->id(), ledger->tips()};
    if (kept.tips.size() > room) kept.tips.resize(room);
    room -= kept.tips.size();
    made.ledgers.push_back(std::move(kept));
  }
  const auto by_id = [](const auto& a, const auto& b) { return a.ledger < b.ledger; };
  std::sort(made.ledgers.begin(), made.ledgers.end(), by_id);
  return encode(made);
}

// ---- answering

Task<void> Sync::State::serve(State& self, Pipe stream, Taken::Place place) {
  const Taken::Place held = std::move(place);
  Served to(std::move(stream));
  struct Listed {
    State& state;
    const std::uint64_t serial;
    ~Listed() { state.served.erase(serial); }
  } const listed{self, ++self.last_serial};
  self.served[listed.serial] = &to;
  try {
    co_await answer(self, to);
  } catch (const Fault& fault) {  // the root of what a stream brings
    self.judge(to.peer, fault.error());
  }
}

Task<void> Sync::State::answer(State& self, Served& to) {
  to.stream.deadline(KITH_RD, limits::kSyncAnswerMs);
  const ByteVector line = co_await read_line(to.stream);
  if (line.empty()) co_return;
  SyncHello hello = decode_sync_hello(line).value();
  for (auto& kept : hello.ledgers) to.wanted.push_back({.kept = std::move(kept)});
  if (const auto at = self.asked.find(to.peer); at != self.asked.end()) at->second->shown.clear();
  // It has no more to say: whatever comes is its end.
  to.stream.deadline(KITH_RD, 0);
  const auto ended = [](void* one, std::int64_t, const void*) { static_cast<Served*>(one)->end(); };
  to.stream.want(KITH_RD, {ended, &to});
  while (!to.is_over) {
    to.has_news = false;
    for (Wanted& wanted : to.wanted) co_await send(self, to, wanted);
    if (to.is_over || to.has_news) continue;
    net::Waits<bool>::Wait wait(to.news, self.loop);
    co_await wait;
  }
}

// All that may leave now: a ledger shows nothing before it is on disk.
Task<void> Sync::State::send(State& self, Served& to, Wanted& wanted) {
  store::Ledger* ledger = self.ledgers.find(wanted.kept.ledger);
  if (!ledger) co_return;
  if (!std::exchange(wanted.is_planned, true)) {
    for (const store::Tip& tip : wanted.kept.tips) ledger->heard_of(tip);
    wanted.cursor = ledger->synced_arrival();
    auto lacked = co_await lacked_by_peer(*ledger, wanted.kept.tips);
    wanted.lacked = std::move(lacked);
  }
  for (; wanted.sent < wanted.lacked.size(); ++wanted.sent) {
    const Stretch stretch = wanted.lacked[wanted.sent];
    for (std::uint64_t seq = stretch.from; seq <= stretch.to && !to.is_over;) {
      const std::uint64_t next = co_await send_run(to, *ledger, stretch.lane, seq);
      seq = next;
    }
  }
  if (!std::exchange(wanted.is_done, true)) {
    const SyncDone done{ledger->id()};
    co_await write_line(to.stream, encode(done));
  }
  while (wanted.cursor < ledger->synced_arrival() && !to.is_over) {
    const auto place = co_await ledger->place_of(wanted.cursor + 1);
    wanted.cursor = place.next_arrival - 1;
    const store::Lane* lane = ledger->lanes().find(place.lane);
    if (!lane || self.is_known(to, wanted, *lane->feed, place.last_seq)) continue;
    co_await send_run(to, *ledger, place.lane, place.first_seq);
  }
}

Task<std::uint64_t> Sync::State::send_run(Served& to, store::Ledger& ledger, std::uint32_t lane,
                                          std::uint64_t seq) {
  const LoadedRun loaded = co_await load_run(ledger, lane, seq);
  SyncRun run;
  run.ledger = ledger.id();
  run.opening = ledger.lanes().find(lane)->feed->opening_block;
  run.entries = loaded.bytes.entries;
  run.bodies = loaded.bytes.bodies;
  co_await write_line(to.stream, encode(run));
  co_return loaded.last_seq + 1;
}

// The peer itself sent it, or said that it is further; where a feed forked a seq names no entry.
bool Sync::State::is_known(const Served& to, const Wanted& wanted, const store::Feed& feed,
                           std::uint64_t seq) const {
  if (feed.fork_seq != 0 && feed.fork_seq <= seq) return false;
  const auto theirs = tips_of(wanted.kept.tips, feed.id);
  if (!theirs.empty() && theirs.back().seq >= seq) return true;
  const auto at = asked.find(to.peer);
  if (at == asked.end()) return false;
  const auto shown = at->second->shown.find(feed.id);
  return shown != at->second->shown.end() && shown->second >= seq;
}

void Sync::State::tell() {
  std::vector<std::uint64_t> all;
  for (const auto& [serial, to] : served) all.push_back(serial);
  for (const std::uint64_t serial : all) {  // who is told may end, and others with it
    const auto at = served.find(serial);
    if (at != served.end() && at->second->has_news) at->second->news.answer(true);
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
  swarm.handle(kSync, handler).value();
  swarm.observe(*this);
  ledgers.observe(*this);
}

Sync::~Sync() {
  state_->ledgers.unobserve(*this);
  state_->swarm.unobserve(*this);
  state_->swarm.unhandle(kSync);
  state_->scope.clear();
}

void Sync::opened(store::Ledger& ledger) {
  for (const auto& [peer, from] : state_->asked) {
    from->is_stale = true;
    if (from->stream) from->stream.deadline(KITH_RD, 1);  // it stops waiting, and asks anew
  }
  std::vector<wire::PeerId> peers;  // what is asked of them may change the table
  for (const auto& [peer, record] : state_->swarm.peers().all())
    if (speaks_sync(record)) peers.push_back(peer);
  for (const auto& peer : peers)
    if (const auto* record = state_->swarm.peers().find(peer)) state_->ask(*record);
  for (const auto& [serial, to] : state_->served)
    if (to->wants(ledger.id())) state_->tell_soon(*to);
}

void Sync::on_peer(int event, const net::PeerRecord& record) {
  if (event == KITH_PEER_GONE) return state_->forget(record.id);
  state_->ask(record);
}

void Sync::on_run(store::Ledger& ledger, std::uint64_t, std::uint64_t) {
  for (const auto& [serial, to] : state_->served)
    if (to->wants(ledger.id())) state_->tell_soon(*to);
}

// What was planned took the feed for one chain: whoever follows it asks anew, by its tips of then.
void Sync::on_fork(store::Ledger& ledger, const store::Digest&, const crypto::Key32&, std::uint64_t,
                   bool) {
  for (const auto& [serial, to] : state_->served) {
    if (!to->wants(ledger.id())) continue;
    to->is_over = true;
    state_->tell_soon(*to);
  }
}

}  // namespace kith::protocols
