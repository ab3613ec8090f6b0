// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/gossipsub.h"

#include <algorithm>
#include <iterator>

namespace kith::gossip {

namespace {

constexpr std::uint64_t kFirstBeatUs = 100'000;
constexpr std::uint64_t kReopenUs = 1'000'000;

}  // namespace

Gossipsub::Gossipsub(Host given)
    : Router(given),
      core_(given),
      mesh_(core_),
      relay_(core_, mesh_),
      offers_(core_, mesh_, relay_),
      intake_(core_, mesh_, relay_, offers_) {
  for (const char* protocol : kProtocols)
    handled_.push_back(
        host.handle(protocol, [this](Pipe stream) { accept_stream(std::move(stream)); }));
  static constexpr kith_command kPeers{
      sizeof(kith_command),
      KITH_COMMAND_READ,
      "gossip.peers",
      "What this node thinks of each peer it gossips with.",
      "a list of {peer_id, topics, mesh, score, queue_bytes, dropped}",
      nullptr,
      0};
  command_ = host.command(kPeers, [this](kith_call* call, Bytes) {
    const ByteVector rows = peer_rows();
    host.bus().end(host.raw(), call, 0, c_bytes(Bytes(rows)));
  });
  arm_beat(std::min(kFirstBeatUs, core_.options.heartbeat_us));
}

Gossipsub::~Gossipsub() = default;

Result<void> Gossipsub::configure(Bytes given, bool commit) {
  const auto value = wire::decode_body(given);
  if (!value) return value.error();
  auto options = read_options(*value);
  if (!options) return options.error();
  if (!commit) return {};
  core_.options = std::move(*options);
  core_.seen.set_lifetime(core_.options.seen_ttl_us);
  core_.cache.set_windows(core_.options.history_length);
  return {};
}

int Gossipsub::join(std::string_view topic) {
  if (topic.empty() || topic.size() > limits::kTopicBytesMax) return KITH_BAD;
  mesh_.join(topic);
  return 0;
}

int Gossipsub::leave(std::string_view topic) { return mesh_.leave(topic) ? 0 : KITH_ABSENT; }

void Gossipsub::verdict(std::uint64_t ticket, int v) { intake_.verdict(ticket, v); }

void Gossipsub::topic_peers(std::string_view name, std::uint32_t& subscribed, std::uint32_t& mesh) {
  const Topic* topic = mesh_.find(name);
  subscribed = topic ? static_cast<std::uint32_t>(topic->subscribers.size()) : 0;
  mesh = topic ? static_cast<std::uint32_t>(topic->mesh.size()) : 0;
}

// A peer without subscriptions need not send any RPC; a while after identify that is its answer.
bool Gossipsub::settled(Bytes peer) {
  const auto id = wire::PeerId::from_bytes(peer);
  const PeerState* known = id ? core_.peers.find(*id) : nullptr;
  if (!known || !known->identified) return false;
  return known->spoke || known->offers.empty() ||
         core_.now() >= known->known_since_us + limits::kSettleUs;
}

// ---- Publishing.

int Gossipsub::publish(std::string_view topic, Buffer data, kith_message& made) {
  if (topic.empty() || topic.size() > limits::kTopicBytesMax) return KITH_BAD;
  if (data.bytes().size() > core_.options.message_bytes_max) return KITH_LIMIT;
  const Stored stored = make_message(topic, data.bytes());
  core_.see(stored);
  core_.cache.put(stored);
  int sent = 0;
  for (PeerState* peer : mesh_.publish_to(topic))
    sent += peer->outbox.send_urgent(stored.frame) ? 1 : 0;
  made = {};
  made.size = sizeof made;
  made.topic = c_bytes(stored.message.topic);
  made.id = c_bytes(stored.id);
  made.data = c_bytes(stored.message.data);
  made.from = c_bytes(stored.message.from);
  made.via = c_bytes(stored.via);
  made.seqno = core_.options.sign ? last_seqno_ : 0;
  made.received_us = host.wall_us();
  made.hold = stored.frame.get();
  return sent;
}

Stored Gossipsub::make_message(std::string_view topic, Bytes data) {
  using View = MessageView;
  View message;
  message.data = data;
  message.topic = as_bytes(topic);
  message.present = View::kData | View::kTopic;
  if (!core_.options.sign) {
    std::array<std::uint8_t, 32> id;
    host.crypto().sha256(host.raw(), c_bytes(data), id.data());
    return store_message(message, id, host.self(), core_.fingerprints.of(id));
  }
  last_seqno_ = std::max(last_seqno_ + 1, host.wall_us() * 1'000);
  std::array<std::uint8_t, kSeqnoBytes> seqno;
  for (std::size_t i = 0; i < kSeqnoBytes; ++i)
    seqno[i] = static_cast<std::uint8_t>(last_seqno_ >> (56 - 8 * i));
  message.from = host.self();
  message.seqno = seqno;
  message.present |= View::kFrom | View::kSeqno;
  ByteVector unsigned_bytes;
  append_message(unsigned_bytes, message, kSignedFields);
  std::array<std::uint8_t, 64> signature;
  host.crypto().sign(host.raw(), kSignDomain, c_bytes(Bytes(unsigned_bytes)), signature.data());
  message.signature = signature;
  message.key = view(host.crypto().public_key(host.raw()));  // js and go send it, too
  message.present |= View::kSignature | View::kKey;
  const ByteVector id = spec_id(message);
  return store_message(message, id, host.self(), core_.fingerprints.of(id));
}

// ---- Peers.

PeerState& Gossipsub::meet(const wire::PeerId& id) {
  if (PeerState* known = core_.peers.find(id)) return *known;
  // IDONTWANTs are kept for as many heartbeats as messages are.
  const std::uint64_t unwanted_us = core_.options.heartbeat_us * core_.options.history_length;
  PeerState& peer = core_.peers.add(std::make_unique<PeerState>(
      id, ++last_number_, intake_, limits::kUnwantedIdsMax * core_.options.history_length,
      unwanted_us));
  peer.score = &core_.scores.arrive(id);
  peer.known_since_us = core_.now();
  return peer;
}

void Gossipsub::part(const wire::PeerId& id) {
  PeerState* peer = core_.peers.find(id);
  if (!peer) return;
  mesh_.forget(*peer);
  peer->opener.clear();
  peer->reader.close(KITH_CLOSED);
  peer->outbox.close(KITH_CLOSED);
  core_.scores.leave(id, core_.now());
  core_.peers.retire(id);
}

void Gossipsub::peer(int event, const kith_peer& said) {
  const auto id = wire::PeerId::from_bytes(view(said.id));
  if (!id) return;
  if (event == KITH_PEER_GONE) return part(*id);
  PeerState& peer = meet(*id);
  if (!peer.identified) peer.known_since_us = core_.now();
  peer.identified = true;
  peer.dialed = (said.flags & KITH_PIPE_DIALED) != 0;
  peer.offers.clear();
  for (const char* protocol : kProtocols)
    for (std::size_t i = 0; i < said.n_protocols; ++i)
      if (text(said.protocols[i]) == protocol) peer.offers.push_back(protocol);
  if (!peer.form_seen) peer.form = form_of_agent(text(said.agent));
  const auto address = wire::Multiaddr::from_bytes(view(said.addr));
  core_.scores.place(*peer.score, address ? *address : wire::Multiaddr());
  core_.scores.set_app(*peer.score, said.app_score, core_.now());
  peer.open_tries = 0;
  speak_to(peer);
}

// A peer that opens a stream before identify has told of it counts, too.
void Gossipsub::accept_stream(Pipe stream) {
  const auto id = wire::PeerId::from_bytes(view(stream.info().peer));
  if (!id) return;
  PeerState& peer = meet(*id);
  peer.reader.open(std::move(stream));
  speak_to(peer);
}

void Gossipsub::speak_to(PeerState& peer) {
  if (peer.opening || peer.outbox.is_open() || core_.now() < peer.next_open_us) return;
  if (peer.open_tries == limits::kOpenTriesMax) return;
  if (peer.identified && peer.offers.empty() && !peer.reader.is_open()) return;
  ++peer.open_tries;
  peer.opening = true;
  peer.opener.spawn(speak(*this, peer));
}

Task<void> Gossipsub::speak(Gossipsub& router, PeerState& peer) {
  std::vector<const char*> offers = peer.offers;
  if (offers.empty()) offers.assign(std::begin(kProtocols), std::end(kProtocols));
  const Bytes id = peer.id.bytes();
  const std::span<const char* const> protocols(offers);
  Pipe stream = co_await open_stream(router.host, id, protocols, limits::kOpenMs);
  peer.opening = false;
  // Also after a success: who takes a stream and breaks it at once is not asked at once.
  peer.next_open_us = router.core_.now() + (kReopenUs << peer.open_tries);
  if (!stream) co_return;
  const std::string_view spoken = text(stream.info().protocol);
  const auto found = std::find(std::begin(kProtocols), std::end(kProtocols), spoken);
  peer.speaks = found == std::end(kProtocols) ? Speaks::kFloodsub
                                              : static_cast<Speaks>(found - std::begin(kProtocols));
  peer.outbox.open(std::move(stream));
  router.mesh_.greet(peer);
}

// ---- The heartbeat.

void Gossipsub::arm_beat(std::uint64_t us) {
  const auto fire = [](void* self, std::int64_t, const void*) {
    auto* router = static_cast<Gossipsub*>(self);
    router->beat_.forget();
    router->arm_beat(router->core_.options.heartbeat_us);
    router->beat();
  };
  beat_ = host.after(us, kith_done{fire, this});
}

void Gossipsub::beat() {
  core_.peers.sweep();
  core_.expire_seen();
  read_app_scores();
  beat_peers();
  core_.scores.beat(core_.now(), static_cast<double>(core_.options.heartbeat_us) / 1e6);
  mesh_.beat();
  offers_.beat();
  intake_.beat();
  core_.cache.shift();
}

void Gossipsub::beat_peers() {
  std::vector<wire::PeerId> gone;
  for (const auto& [id, peer] : core_.peers.all()) {
    charge_slow(*peer);
    if (peer->outbox.take_failure()) mesh_.unlink(*peer);
    if (peer->outbox.is_open() && core_.now() >= peer->next_open_us) peer->open_tries = 0;
    if (!peer->identified && !peer->reader.is_open() && !peer->opening)
      gone.push_back(id);
    else
      speak_to(*peer);
  }
  for (const auto& id : gone) part(id);
}

// What a peer is too slow for is lost to it; it is told of in the log, and counts a little.
void Gossipsub::charge_slow(PeerState& peer) {
  constexpr double kSlowPenalty = 0.2;
  constexpr std::uint64_t kLogUs = 10'000'000;
  const std::uint64_t dropped = peer.outbox.dropped();
  if (dropped > peer.dropped_before) core_.charge(peer, kSlowPenalty);
  peer.dropped_before = dropped;
  if (dropped == peer.dropped_logged) return;
  if (peer.logged_us != 0 && core_.now() < peer.logged_us + kLogUs) return;
  host.warn("gossip dropped peer=" + peer.id.short_text() +
            " frames=" + std::to_string(dropped - peer.dropped_logged) +
            " queue_bytes=" + std::to_string(peer.outbox.bytes()) + " cause=slow");
  peer.dropped_logged = dropped;
  peer.logged_us = core_.now();
}

// Apps score peers at any time; nobody tells a router of it.
void Gossipsub::read_app_scores() {
  const auto read = [](void* self, const kith_peer* said) {
    auto* router = static_cast<Gossipsub*>(self);
    const auto id = wire::PeerId::from_bytes(view(said->id));
    PeerState* peer = id ? router->core_.peers.find(*id) : nullptr;
    if (peer) router->core_.scores.set_app(*peer->score, said->app_score, router->core_.now());
    return 0;
  };
  host.peers().each(host.raw(), read, this);
}

ByteVector Gossipsub::peer_rows() const {
  std::map<std::uint64_t, std::int64_t> meshes;
  for (const auto& [name, topic] : mesh_.all())
    for (const MeshLink& link : topic.mesh) ++meshes[link.peer->number];
  wire::Value::List rows;
  for (const auto& [id, peer] : core_.peers.all()) {
    if (!peer->outbox.is_open() && !peer->reader.is_open()) continue;
    wire::Value row;
    row["peer_id"] = id.text();
    row["topics"] = static_cast<std::uint64_t>(peer->topics.size());
    row["mesh"] = meshes[peer->number];
    row["score"] = peer->score->value;
    row["queue_bytes"] = static_cast<std::uint64_t>(peer->outbox.bytes());
    row["dropped"] = peer->outbox.dropped();
    rows.push_back(std::move(row));
  }
  return wire::encode_cbor(rows);
}

}  // namespace kith::gossip
