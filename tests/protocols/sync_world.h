// SPDX-License-Identifier: MIT
// SyncWorld: a SwarmWorld of which every peer may keep ledgers in memory and sync them, or be
// played by hand, a line at a time.
#pragma once
#include <deque>

#include "engine/protocols/identify.h"
#include "engine/protocols/sync.h"
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_message.h"
#include "engine/protocols/sync_plan.h"
#include "tests/net/swarm_world.h"

namespace kith::test {

inline constexpr const char* kSync = "/kith/sync/1";

// What a node makes of a store, without a node.
struct Keeper {
  Keeper(Peer& peer, LogSink& sink, std::shared_ptr<store::KeyValue> kept,
         store::Durability durability, const crypto::Identity& author, std::string origin)
      : committer(peer.shared.loop, Log(sink, "store"), std::move(kept), durability),
        ledgers({peer.shared.loop, Log(sink, "ledger"), author, committer, std::move(origin)}),
        sync(std::in_place, *peer.swarm, ledgers) {}
  store::Ledger& open(std::string_view name) {
    store::Ledger& ledger = ledgers.open(name);
    sync->opened(ledger);
    return ledger;
  }
  store::Committer committer;
  store::Ledgers ledgers;
  std::optional<protocols::Sync> sync;
};

struct SyncWorld : SwarmWorld {
  SyncWorld() {
    for (auto& peer : peers) {
      const protocols::Identify::About about{"test", [] { return std::vector<std::string>(); }};
      identifies.push_back(std::make_unique<protocols::Identify>(*peer->swarm, about));
    }
  }
  ~SyncWorld() override {
    keepers.clear();
    identifies.clear();
  }
  Keeper& keep(Peer& peer, store::Durability durability = store::Durability::sync) {
    return keep(peer, store::make_memory_store(), durability, peer.identity, "");
  }
  Keeper& keep(Peer& peer, std::shared_ptr<store::KeyValue> kept, store::Durability durability,
               const crypto::Identity& author, std::string origin) {
    keepers.push_back(std::make_unique<Keeper>(peer, sink, std::move(kept), durability, author,
                                               std::move(origin)));
    return *keepers.back();
  }
  store::Appended append(store::Ledger& ledger, std::string_view text) {
    store::NewEntry entry{"note", to_vector(as_bytes(text))};
    return run(ledger.append(std::move(entry))).value();
  }
  // Bodies in the order of the timeline.
  std::vector<std::string> texts(store::Ledger& ledger) {
    store::Query query;
    query.by_time = true;
    std::vector<std::string> out;
    for (const store::Held& held : run(ledger.read(query)).value().entries)
      out.emplace_back(as_text(held.body));
    return out;
  }
  bool is_connected(Peer& from, Peer& to) { return from.swarm->best(to.id()) != nullptr; }

  // ---- a peer played by hand
  // Takes what others ask of it: the newest stream stands in `asked`.
  void play(Peer& peer) {
    peer.swarm->handle(kSync, [this](Pipe stream) { asked.push_back(std::move(stream)); }).value();
  }
  Pipe open(Peer& from, Peer& to) {
    return run(from.swarm->open(to.id(), std::vector<std::string>{kSync}, 5'000)).value();
  }
  void write(Pipe& stream, const ByteVector& message) {
    Running<int> writing(write_one(stream, message));
    loop.run_until([&] { return writing.ended(); }, 60'000'000);
  }
  static Task<int> write_one(Pipe& stream, ByteVector message) {
    co_await protocols::write_line(stream, std::move(message));
    co_return 0;
  }
  // The next line within a second, or nothing.
  std::optional<ByteVector> read(Pipe& stream) {
    stream.deadline(KITH_RD, 1'000);
    auto line = run(protocols::read_line(stream, limits::kSyncLineMax));
    stream.deadline(KITH_RD, 0);
    if (!line || line->empty()) return std::nullopt;
    bytes_read += line->size() + (line->size() < 128 ? 1 : line->size() < 16'384 ? 2 : 3);
    return *std::move(line);
  }
  // The next line as such a message; others are passed over.
  template <class Message>
  std::optional<Message> answer(Pipe& stream) {
    return next<Message>(stream, &protocols::decode_sync_answer);
  }
  template <class Message>
  std::optional<Message> request(Pipe& stream) {
    return next<Message>(stream, &protocols::decode_sync_request);
  }
  template <class Message, class Decode>
  std::optional<Message> next(Pipe& stream, Decode decode) {
    for (;;) {
      auto line = read(stream);
      if (!line) return std::nullopt;
      lines.push_back(*std::move(line));  // views of it go on
      const auto read = decode(lines.back()).value();
      if (const auto* message = std::get_if<Message>(&read)) return *message;
    }
  }
  void write(Pipe& stream, const protocols::SyncAnswer& answer) {
    write(stream, protocols::encode(answer));
  }
  void write(Pipe& stream, const protocols::SyncRequest& request) {
    write(stream, protocols::encode(request));
  }
  static store::Run shape_of(const protocols::SyncRun& run) {
    return store::parse_run(run.entries, run.bodies).value();
  }
  static protocols::SyncHello hello_of(store::Ledger& ledger) {
    protocols::SyncHello hello;
    hello.ledger = ledger.id();
    hello.digest = ledger.tip_set().digest();
    hello.tips = ledger.tip_set().size();
    hello.entries = ledger.entries();
    return hello;
  }
  // Of who has nothing.
  static protocols::SyncHello empty_hello(store::Ledger& ledger) {
    protocols::SyncHello hello;
    hello.ledger = ledger.id();
    return hello;
  }
  // What is wanted of a feed from its first entry up to where it ends.
  static protocols::SyncWants want_all(const store::Lane& lane) {
    protocols::SyncWant want;
    want.after.feed = lane.feed->id;
    want.to_seq = lane.seq;
    want.to_entry = lane.entry;
    return {0, {want}};
  }
  // Whether the other side has cut the stream off.
  bool is_cut(Pipe& stream) {
    std::uint8_t byte[1];
    const std::int64_t n = stream.read(byte);
    return n != KITH_AGAIN && n <= 0;
  }

  std::vector<std::unique_ptr<protocols::Identify>> identifies;
  std::vector<std::unique_ptr<Keeper>> keepers;
  std::deque<Pipe> asked;  // that a test looks at one while others come
  std::deque<ByteVector> lines;
  std::size_t bytes_read = 0;  // with the lengths before the lines
};

}  // namespace kith::test
