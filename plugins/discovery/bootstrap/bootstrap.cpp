// SPDX-License-Identifier: MIT
// bootstrap: peers to know from the start. A static list is dialed and kept; a node with `bootnode
// = true` tells those who ask (/kith/peers/0) whom else it knows, by their own signed records.
// Never dials a stranger beyond `want`.
#include <kith/plugin.h>

#include <algorithm>
#include <map>

#include "engine/wire/multiaddr.h"
#include "engine/wire/peer_record.h"
#include "engine/wire/value.h"

namespace {

using kith::Bytes;
using kith::Error;
using kith::Op;
using kith::Pipe;
using kith::Result;
using kith::Task;
namespace wire = kith::wire;

constexpr const char* kProtocol = "/kith/peers/0";
constexpr std::uint32_t kAskMs = 10'000;
constexpr std::size_t kAnswerBytesMax = 256 * 1024;
constexpr std::size_t kRecordBytesMax = 8 * 1024;
constexpr std::size_t kToldMax = 32;     // records in one answer
constexpr std::size_t kServingMax = 16;  // answers under way

class Bootstrap final : public kith::Discovery {
 public:
  static constexpr const char* kName = "bootstrap";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary =
      "Dials a list of known peers and stays connected to them.";
  static constexpr kith_option kOptions[] = {
      {"peers", "strings", "[]", "Addresses to dial and keep, each ending in /p2p/PEER."},
      {"bootnode", "bool", "false", "Tell those who ask which peers this node knows."},
      {"want", "int", "8", "Connect to peers that a bootnode names until this many are connected."},
      {}};

  using Discovery::Discovery;

  Result<void> configure(Bytes options, bool commit) {
    const wire::Value given = wire::decode_body(options).value_or(wire::Value());
    std::vector<wire::Multiaddr> peers;
    const wire::Value* list = given.find("peers");
    if (list && list->list()) {
      for (const wire::Value& entry : *list->list()) {
        const std::string text = entry.string() ? *entry.string() : "";
        const auto address = wire::Multiaddr::from_text(text);
        if (!address) return Error(KITH_BAD, "peers: '" + text + "': " + address.error().message());
        if (!address->peer())
          return Error(KITH_BAD, "peers: '" + text + "' names no peer: end it with /p2p/PEER");
        peers.push_back(*address);
      }
    }
    const std::int64_t want = given.integer_or("want", 8);
    if (want < 0 || want > 1000) return Error(KITH_BAD, "want: a number from 0 to 1000");
    if (!commit) return {};
    want_ = static_cast<std::size_t>(want);
    is_bootnode_ = given.boolean_or("bootnode", false);
    if (is_bootnode_)
      serve_ = host.handle(kProtocol, [this](Pipe stream) { answer(std::move(stream)); });
    for (const wire::Multiaddr& peer : peers) keep(peer);
    return {};
  }

  void addresses(std::span<const kith_bytes>) override {}

 private:
  struct Known {
    kith::ByteVector id, record;
  };

  // The engine redials a kept peer by itself; the first answer is only for the log.
  void keep(const wire::Multiaddr& peer) {
    const auto tell = [](void* self, std::int64_t r, const void* why) {
      auto* bootstrap = static_cast<Bootstrap*>(self);
      if (r >= 0) return;
      const auto* sentence = static_cast<const kith_bytes*>(why);
      bootstrap->host.warn("bootstrap peer not reached yet, will retry: " +
                           (sentence ? kith::to_string(*sentence) : ""));
    };
    const kith_bytes id{nullptr, 0};
    const auto addr = kith::c_bytes(peer.bytes());
    const kith_done told{tell, this};
    kept_.push_back(host.own(
        host.peers().connect(host.raw(), id, addr, KITH_CONNECT_KEEP, told)));
  }

  void peer_event(int event, const kith_peer& peer) {
    if (event != KITH_PEER_IDENTIFIED || is_bootnode_) return;
    const std::span<const kith_bytes> protocols(peer.protocols, peer.n_protocols);
    const auto speaks = [](kith_bytes protocol) { return kith::text(protocol) == kProtocol; };
    if (std::none_of(protocols.begin(), protocols.end(), speaks)) return;
    if (connected().size() < want_) tasks_.spawn(ask(*this, kith::to_vector(kith::view(peer.id))));
  }

  std::vector<Known> connected() const {
    std::vector<Known> known;
    const auto collect = [](void* to, const kith_peer* peer) -> int {
      const Known one{kith::to_vector(kith::view(peer->id)),
                      kith::to_vector(kith::view(peer->record))};
      static_cast<std::vector<Known>*>(to)->push_back(one);
      return 0;
    };
    host.peers().each(host.raw(), collect, &known);
    return known;
  }

  void answer(Pipe stream) {
    if (tasks_.size() >= kServingMax) return;  // dropped: the asker comes again
    tasks_.spawn(tell_peers(*this, std::move(stream)));
  }

  // Records as varint-prefixed pieces, in an order that chance decides, then FIN.
  static Task<void> tell_peers(Bootstrap& self, Pipe stream) {
    stream.deadline(KITH_RD | KITH_WR, kAskMs);
    const Bytes asker = kith::view(stream.info().peer);
    std::vector<Known> known = self.connected();
    kith::ByteVector out;
    for (std::size_t told = 0; told < kToldMax && !known.empty();) {
      const std::size_t at = self.host.random_u64() % known.size();
      std::swap(known[at], known.back());
      const Known one = std::move(known.back());
      known.pop_back();
      if (one.record.empty() || one.record.size() > kRecordBytesMax || kith::equal(one.id, asker))
        continue;
      wire::append_prefixed(out, one.record);
      ++told;
    }
    const Bytes bytes(out);
    const int wrote = co_await kith::write_all(stream, bytes);
    if (wrote == 0) stream.close();
  }

  static Task<void> ask(Bootstrap& self, kith::ByteVector peer) {
    static constexpr const char* kProtocols[] = {kProtocol};
    const Bytes whom(peer);
    Pipe stream = co_await kith::open_stream(self.host, whom, kProtocols, kAskMs);
    if (!stream) co_return;
    stream.deadline(KITH_RD | KITH_WR, kAskMs);
    stream.shut();
    kith::ByteVector answer(kAnswerBytesMax);
    std::size_t have = 0;
    while (have < answer.size()) {
      const kith::MutableBytes room = kith::MutableBytes(answer).subspan(have);
      const std::int64_t n = co_await kith::read_some(stream, room);
      if (n < 0) co_return;
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    self.learn(Bytes(answer).first(have));
  }

  // A record's signature is not checked: whoever is dialed has to prove the id anyway.
  void learn(Bytes answer) {
    for (std::size_t told = 0; told < kToldMax && !answer.empty(); ++told) {
      const auto record = wire::read_prefixed(answer, kRecordBytesMax);
      if (!record) return;
      const auto envelope = wire::decode_envelope(*record);
      if (!envelope) continue;
      const auto said = wire::decode_routing_record(envelope->payload);
      if (!said || kith::equal(said->peer.bytes(), host.self())) continue;
      for (const wire::Multiaddr& address : said->addresses)
        hint(said->peer.bytes(), address.bytes());
      if (connected().size() + dials_.size() < want_) connect(said->peer);
    }
  }

  void connect(const wire::PeerId& peer) {
    auto& dial = dials_[peer.text()];
    if (dial) return;
    // The answer does not matter; that the dial has ended does.
    struct Ended {
      Bootstrap* self;
      std::string key;
    };
    auto ended = std::make_shared<Ended>(Ended{this, peer.text()});
    const auto fire = [](void* ctx, std::int64_t, const void*) {
      const Ended copy = *static_cast<Ended*>(ctx);
      copy.self->dials_.erase(copy.key);
    };
    const kith_bytes none{nullptr, 0};
    const auto id = kith::c_bytes(peer.bytes());
    dial = host.own(host.peers().connect(host.raw(), id, none, 0, kith_done{fire, ended.get()}));
    dial.keep(ended);
  }

  std::size_t want_ = 8;
  bool is_bootnode_ = false;
  std::vector<Op> kept_;
  std::map<std::string, Op> dials_;
  Op serve_;
  kith::Scope tasks_;
  Op peers_ =
      host.watch_peers([this](int event, const kith_peer& peer) { peer_event(event, peer); });
};

}  // namespace

KITH_PLUGIN(Bootstrap)
