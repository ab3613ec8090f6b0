// SPDX-License-Identifier: MIT
// Subscriptions, GRAFT and PRUNE as they arrive. The heartbeat's part is in upkeep.cpp.
#include "plugins/routers/gossipsub/mesh.h"

#include <algorithm>

namespace kith::gossip {

namespace {

constexpr std::uint64_t kBackoffMaxS = 3'600;  // what a peer may impose on us

}  // namespace

MeshLink* Topic::link(const PeerState& peer) {
  for (MeshLink& link : mesh)
    if (link.peer->number == peer.number) return &link;
  return nullptr;
}

Topic* Mesh::find(std::string_view topic) {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : &found->second;
}

Topic* Mesh::joined(std::string_view topic) {
  Topic* found = find(topic);
  return found && found->joined ? found : nullptr;
}

Topic* Mesh::known(std::string_view topic) {
  if (Topic* found = find(topic)) return found;
  if (topics_.size() >= limits::kTopicsMax) return nullptr;
  return &topics_[std::string(topic)];
}

void Mesh::drop_if_unused(std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  const Topic& topic = found->second;
  if (!topic.joined && topic.subscribers.empty() && topic.backoff.empty()) topics_.erase(found);
}

bool Mesh::join(std::string_view name) {
  Topic& topic = topics_[std::string(name)];  // own topics are not bounded by strangers'
  if (topic.joined) return true;
  topic.joined = true;
  announce(name, true);
  std::vector<PeerState*> first = std::exchange(topic.fanout, {});
  for (PeerState* peer : candidates(topic)) first.push_back(peer);
  for (PeerState* peer : first) {
    if (topic.mesh.size() >= core_.options.d) break;
    if (topic.link(*peer) || !graftable(topic, *peer)) continue;
    add_link(name, topic, *peer);
    send_graft(*peer, name);
  }
  return true;
}

bool Mesh::leave(std::string_view name) {
  Topic* topic = joined(name);
  if (!topic) return false;
  topic->joined = false;
  announce(name, false);
  const auto links = topic->mesh;
  for (const MeshLink& link : links) {
    remove_link(name, *topic, *link.peer);
    send_prune(*link.peer, name, core_.options.unsubscribe_backoff_us);
    back_off(*topic, link.peer->id, core_.options.unsubscribe_backoff_us);
  }
  drop_if_unused(name);
  return true;
}

void Mesh::announce(std::string_view name, bool subscribe) {
  core_.out.clear();
  core_.out.subscriptions.push_back({subscribe, name});
  const Buffer frame = frame_rpc(core_.out);
  for (const auto& [id, peer] : core_.peers.all()) peer->outbox.send_urgent(frame);
}

void Mesh::greet(PeerState& peer) {
  core_.out.clear();
  for (const auto& [name, topic] : topics_)
    if (topic.joined) core_.out.subscriptions.push_back({true, name});
  peer.outbox.send_urgent(frame_rpc(core_.out));
  core_.out.clear();
  for (const auto& name : peer.topics) {
    Topic* topic = joined(name);
    if (!topic || topic->mesh.size() >= core_.options.d || !graftable(*topic, peer)) continue;
    add_link(name, *topic, peer);
    core_.out.graft.push_back(name);
  }
  if (!core_.out.empty()) peer.outbox.send_urgent(frame_rpc(core_.out));
}

void Mesh::unlink(PeerState& peer) {
  for (auto& [name, topic] : topics_) {
    remove_link(name, topic, peer);
    std::erase(topic.fanout, &peer);
  }
}

void Mesh::forget(PeerState& peer) {
  unlink(peer);
  for (const auto& name : peer.topics) {
    if (Topic* topic = find(name)) std::erase(topic->subscribers, &peer);
    drop_if_unused(name);
  }
  peer.topics.clear();
}

void Mesh::on_subscriptions(PeerState& peer, const Rpc& rpc) {
  std::vector<std::string_view> grafts;
  for (const auto& said : rpc.subscriptions) {
    if (said.topic.empty() || said.topic.size() > limits::kTopicBytesMax) continue;
    const bool had = peer.topics.contains(said.topic);
    if (had == said.subscribe) continue;
    if (!said.subscribe) {
      peer.topics.erase(peer.topics.find(said.topic));
      Topic* topic = find(said.topic);
      std::erase(topic->subscribers, &peer);
      std::erase(topic->fanout, &peer);
      remove_link(said.topic, *topic, peer);
      drop_if_unused(said.topic);
      continue;
    }
    if (peer.topics.size() >= limits::kTopicsPerPeerMax) continue;
    Topic* topic = known(said.topic);
    if (!topic) continue;
    peer.topics.emplace(said.topic);
    topic->subscribers.push_back(&peer);
    // At once, as js does, so that what is published next is not lost until a heartbeat.
    if (!topic->joined || topic->mesh.size() >= core_.options.d || !graftable(*topic, peer))
      continue;
    add_link(said.topic, *topic, peer);
    grafts.push_back(said.topic);
  }
  if (grafts.empty()) return;
  core_.out.clear();
  core_.out.graft = std::move(grafts);
  peer.outbox.send_urgent(frame_rpc(core_.out));
}

void Mesh::on_graft(PeerState& peer, const Rpc& rpc) {
  for (const std::string_view name : rpc.graft) {
    Topic* topic = joined(name);  // an unknown topic gets no answer: v1.1 "Spam Protection"
    if (!topic || topic->link(peer) || !peer.can_mesh()) continue;
    if (accept_graft(name, *topic, peer)) continue;
    back_off(*topic, peer.id, core_.options.prune_backoff_us);
    send_prune(peer, name, core_.options.prune_backoff_us);
  }
}

bool Mesh::accept_graft(std::string_view name, Topic& topic, PeerState& peer) {
  if (const auto found = topic.backoff.find(peer.id); found != topic.backoff.end()) {
    if (core_.now() < found->second) {
      core_.charge(peer, 1);
      return false;
    }
  }
  if (peer.score->value < 0) return false;
  if (topic.mesh.size() >= core_.options.d_high && !peer.dialed) return false;
  if (!peer.topics.contains(name)) {  // a GRAFT says so, too
    if (peer.topics.size() >= limits::kTopicsPerPeerMax) return false;
    peer.topics.emplace(name);
    topic.subscribers.push_back(&peer);
  }
  add_link(name, topic, peer);
  return true;
}

void Mesh::on_prune(PeerState& peer, const Rpc& rpc) {
  for (const auto& prune : rpc.prune) {
    Topic* topic = joined(prune.topic);
    if (!topic) continue;
    remove_link(prune.topic, *topic, peer);
    const std::uint64_t seconds = std::min(prune.backoff_s, kBackoffMaxS);
    back_off(*topic, peer.id, seconds > 0 ? seconds * 1'000'000 : core_.options.prune_backoff_us);
  }
}

// Towards ourselves a back-off lasts a heartbeat longer, so that a GRAFT never comes too early by
// the other side's clock.
bool Mesh::graftable(const Topic& topic, const PeerState& peer) const {
  if (!peer.can_mesh() || peer.score->value < 0) return false;
  const auto found = topic.backoff.find(peer.id);
  return found == topic.backoff.end() || core_.now() >= found->second + core_.options.heartbeat_us;
}

std::vector<PeerState*> Mesh::candidates(const Topic& topic) const {
  std::vector<PeerState*> list;
  for (PeerState* peer : topic.subscribers) {
    const bool linked = std::any_of(topic.mesh.begin(), topic.mesh.end(),
                                    [peer](const MeshLink& link) { return link.peer == peer; });
    if (!linked && graftable(topic, *peer)) list.push_back(peer);
  }
  core_.shuffle(list);
  return list;
}

void Mesh::add_link(std::string_view name, Topic& topic, PeerState& peer) {
  topic.mesh.push_back({&peer, core_.now(), 0, 0, 0});
  core_.scores.graft(*peer.score, name, core_.now());
}

void Mesh::remove_link(std::string_view name, Topic& topic, const PeerState& peer) {
  MeshLink* link = topic.link(peer);
  if (!link) return;
  topic.mesh.erase(topic.mesh.begin() + (link - topic.mesh.data()));
  core_.scores.prune(*peer.score, name, core_.now());
}

void Mesh::back_off(Topic& topic, const wire::PeerId& peer, std::uint64_t us) {
  const std::uint64_t until = core_.now() + us;
  const auto found = topic.backoff.find(peer);
  if (found != topic.backoff.end()) {
    found->second = std::max(found->second, until);
  } else if (topic.backoff.size() < limits::kBackoffsMax) {
    topic.backoff.emplace(peer, until);
  }
}

void Mesh::send_graft(PeerState& peer, std::string_view name) {
  core_.out.clear();
  core_.out.graft.push_back(name);
  peer.outbox.send_urgent(frame_rpc(core_.out));
}

void Mesh::send_prune(PeerState& peer, std::string_view name, std::uint64_t backoff_us) {
  core_.out.clear();
  core_.out.prune.push_back({name, backoff_us / 1'000'000});
  peer.outbox.send_urgent(frame_rpc(core_.out));
}

}  // namespace kith::gossip
