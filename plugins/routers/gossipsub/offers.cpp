// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/offers.h"

#include <algorithm>

namespace kith::gossip {

namespace {

constexpr std::size_t kGossipDivisor = 4;  // v1.1 "Adaptive Gossip Dissemination": a quarter
constexpr std::uint64_t kPromiseUs = 3'000'000;
// What rust-libp2p reads of an RPC by default is 64 KiB, and its ids are the longest.
constexpr std::size_t kRustIdsPerIhave = 800;

}  // namespace

void Offers::on_ihave(PeerState& peer, const Rpc& rpc) {
  if (rpc.ihave.empty() || peer.score->value < core_.options.gossip_threshold) return;
  if (++peer.ihaves > limits::kIhavesPerBeat || peer.asked >= limits::kIdsMax) return;
  std::vector<Bytes> wanted;
  for (const auto& list : rpc.ihave) {
    if (!mesh_.joined(list.topic)) continue;
    if (!peer.form_seen && list.count > 0) core_.learn_form(peer, rpc.ids_of(list).front());
    for (const Bytes id : rpc.ids_of(list))
      if (!core_.seen.contains(core_.fingerprint_of(id))) wanted.push_back(id);
  }
  if (wanted.empty()) return;
  core_.shuffle(wanted);
  if (wanted.size() > limits::kIdsMax - peer.asked) wanted.resize(limits::kIdsMax - peer.asked);
  peer.asked += wanted.size();
  core_.out.clear();
  core_.out.open(core_.out.iwant);
  for (const Bytes id : wanted) core_.out.add_id(core_.out.iwant, id);
  if (!peer.outbox.send_urgent(frame_rpc(core_.out))) return;
  // One of them stands for all, by chance.
  if (peer.promises.size() < limits::kPromisesMax)
    peer.promises.push_back({core_.fingerprint_of(wanted.front()), core_.now() + kPromiseUs});
}

void Offers::on_iwant(PeerState& peer, const Rpc& rpc) {
  if (rpc.iwant.empty() || peer.score->value < core_.options.gossip_threshold) return;
  if (++peer.iwants > limits::kIwantsPerBeat) return;
  for (const auto& list : rpc.iwant) {
    for (const Bytes id : rpc.ids_of(list)) {
      const Fingerprint wanted = core_.fingerprint_of(id);
      const Stored* stored = core_.cache.find(wanted);
      if (!stored || peer.unwanted.contains(wanted)) continue;
      if (!core_.cache.count_answer(wanted, peer.number, limits::kResendsMax)) continue;
      relay_.asked(peer, *stored);
      peer.outbox.send_relayed(stored->frame);
    }
  }
}

void Offers::on_idontwant(PeerState& peer, const Rpc& rpc) {
  for (const auto& list : rpc.idontwant) {
    for (const Bytes id : rpc.ids_of(list)) {
      if (peer.unwanted_ids == limits::kUnwantedIdsMax) return;
      ++peer.unwanted_ids;
      if (!peer.form_seen) core_.learn_form(peer, id);
      peer.unwanted.insert(core_.fingerprint_of(id), core_.now());
    }
  }
}

void Offers::beat() {
  const std::uint64_t now = core_.now();
  std::map<std::uint64_t, std::pair<PeerState*, std::vector<std::string_view>>> plan;
  for (const auto& [name, topic] : mesh_.all()) {
    if (!topic.joined && topic.fanout.empty()) continue;
    for (PeerState* peer : choose(topic)) {
      auto& [who, topics] = plan[peer->number];
      who = peer;
      topics.push_back(name);
    }
  }
  for (const auto& [number, told] : plan) tell(*told.first, told.second);
  for (const auto& [id, peer] : core_.peers.all()) {
    judge_promises(*peer);
    peer->unwanted.expire(now);
    peer->ihaves = peer->iwants = 0;
    peer->asked = peer->unwanted_ids = 0;
  }
}

void Offers::judge_promises(PeerState& peer) {
  const std::uint64_t now = core_.now();
  std::size_t broken = 0;
  std::erase_if(peer.promises, [&](const Promise& promise) {
    const bool kept = core_.seen.contains(promise.id);
    if (!kept && now < promise.until_us) return false;
    broken += kept ? 0 : 1;
    return true;
  });
  if (broken > 0) core_.charge(peer, static_cast<double>(broken));
}

std::vector<PeerState*> Offers::choose(const Topic& topic) const {
  std::vector<PeerState*> list;
  for (PeerState* peer : topic.subscribers) {
    if (!peer->can_mesh() || peer->score->value < core_.options.gossip_threshold) continue;
    const auto is_peer = [peer](const MeshLink& link) { return link.peer == peer; };
    if (std::any_of(topic.mesh.begin(), topic.mesh.end(), is_peer)) continue;
    if (std::find(topic.fanout.begin(), topic.fanout.end(), peer) != topic.fanout.end()) continue;
    list.push_back(peer);
  }
  core_.shuffle(list);
  const std::size_t most = std::max(core_.options.d_lazy, list.size() / kGossipDivisor);
  if (list.size() > most) list.resize(most);
  return list;
}

// One RPC for all topics: peers count IHAVEs by RPC.
void Offers::tell(PeerState& peer, const std::vector<std::string_view>& topics) {
  std::deque<ByteVector> kept;
  core_.out.clear();
  Rpc& out = core_.out;
  const std::size_t most = peer.form == IdForm::kRust ? kRustIdsPerIhave : limits::kIdsMax;
  for (const std::string_view name : topics) {
    if (out.ids.size() >= most) break;
    const std::size_t before = out.ids.size();
    out.open(out.ihave, name);
    core_.cache.each_of(
        name, core_.options.history_gossip, most - before,
        [&](const Stored& stored) { out.add_id(out.ihave, core_.id_for(peer, stored, kept)); });
    if (out.ids.size() == before) out.ihave.pop_back();
  }
  if (!out.ihave.empty()) peer.outbox.send_urgent(frame_rpc(out));
}

}  // namespace kith::gossip
