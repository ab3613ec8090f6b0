// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/relay.h"

namespace kith::gossip {

namespace {

constexpr std::size_t kUnwantedDataMin = 512;  // an IDONTWANT for less costs more than it saves
// Who has not delivered for this long, while this many came from others, is probed.
constexpr std::uint64_t kProbeAfterUs = 10'000'000;
constexpr unsigned kProbeAfterMessages = 20;
constexpr std::uint64_t kProbeUs = 3'000'000;  // as long as an IWANT promise

}  // namespace

void Relay::arrived(const Stored& stored, const PeerState* source) {
  Topic* topic = mesh_.joined(stored.topic());
  if (!topic) return;
  const std::uint64_t now = core_.now();
  for (MeshLink& link : topic->mesh) {
    if (source && link.peer->number == source->number) continue;
    ++link.others;
    const bool due = link.others >= kProbeAfterMessages && now >= link.delivered_us + kProbeAfterUs;
    if (due && link.probe == 0 && !equal(link.peer->id.bytes(), stored.message.from)) {
      link.probe = stored.fingerprint;
      link.probe_until_us = 0;  // runs from the offer on
      continue;
    }
    if (stored.message.data.size() < kUnwantedDataMin || !link.peer->knows_idontwant()) continue;
    std::deque<ByteVector> kept;
    core_.out.clear();
    core_.out.open(core_.out.idontwant);
    core_.out.add_id(core_.out.idontwant, core_.id_for(*link.peer, stored, kept));
    link.peer->outbox.send_urgent(frame_rpc(core_.out));
  }
}

void Relay::delivered(std::string_view name, Fingerprint id, PeerState& peer) {
  Topic* topic = mesh_.joined(name);
  MeshLink* link = topic ? topic->link(peer) : nullptr;
  if (!link || (link->probe != 0 && link->probe != id)) return;
  link->probe = 0;
  link->others = 0;
  link->delivered_us = core_.now();
  core_.scores.delivery(*peer.score, name);
}

bool Relay::wants(const PeerState& peer, const Stored& stored, const PeerState* source) const {
  if (source && peer.number == source->number) return false;
  return !equal(peer.id.bytes(), stored.message.from) &&
         !peer.unwanted.contains(stored.fingerprint);
}

void Relay::forward(const Stored& stored, const PeerState* source) {
  Topic* topic = mesh_.joined(stored.topic());
  if (!topic) return;
  for (MeshLink& link : topic->mesh) {
    if (link.probe == stored.fingerprint) {
      offer(link, stored);
    } else if (wants(*link.peer, stored, source)) {
      link.peer->outbox.send_relayed(stored.frame);
    }
  }
  for (PeerState* peer : topic->subscribers) {
    if (peer->can_mesh() || peer->score->value < core_.options.publish_threshold) continue;
    if (wants(*peer, stored, source)) peer->outbox.send_relayed(stored.frame);
  }
}

void Relay::offer(MeshLink& link, const Stored& stored) {
  std::deque<ByteVector> kept;
  core_.out.clear();
  core_.out.open(core_.out.ihave, stored.topic());
  core_.out.add_id(core_.out.ihave, core_.id_for(*link.peer, stored, kept));
  link.peer->outbox.send_urgent(frame_rpc(core_.out));
  link.probe_until_us = core_.now() + kProbeUs;
}

void Relay::drop(const Stored& stored) {
  Topic* topic = mesh_.joined(stored.topic());
  if (!topic) return;
  for (MeshLink& link : topic->mesh)
    if (link.probe == stored.fingerprint) link.probe = 0;
}

void Relay::asked(const PeerState& peer, const Stored& stored) {
  Topic* topic = mesh_.joined(stored.topic());
  MeshLink* link = topic ? topic->link(peer) : nullptr;
  if (!link || link->probe != stored.fingerprint) return;
  link->probe = 0;
  link->others = 0;
  link->delivered_us = core_.now();
}

}  // namespace kith::gossip
