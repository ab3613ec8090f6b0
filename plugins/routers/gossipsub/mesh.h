// SPDX-License-Identifier: MIT
// Mesh: who subscribes to what, and over which links a topic's messages travel (gossipsub v1.0 and
// v1.1: mesh, fan-out, GRAFT, PRUNE, back-off). Owned by Gossipsub. Every choice is by the host's
// chance or by order of arrival, never by address or hash.
#pragma once
#include "plugins/routers/gossipsub/core.h"

namespace kith::gossip {

// A mesh peer that has not delivered for a while is probed: one message that came from others is
// offered (IHAVE) instead of sent. Whoever forwards delivers it; whoever hears only from us asks
// for it, which is no fault; whoever does neither let it pass, and P3 counts that.
struct MeshLink {
  PeerState* peer;
  std::uint64_t delivered_us = 0;  // or proven to have nothing to deliver
  unsigned others = 0;             // messages of others since then
  Fingerprint probe = 0;           // 0 = none under way
  std::uint64_t probe_until_us = 0;
};

struct Topic {
  bool joined = false;
  std::vector<PeerState*> subscribers;  // in order of arrival
  std::vector<MeshLink> mesh;
  std::vector<PeerState*> fanout;
  std::uint64_t published_us = 0;                 // without having joined
  std::map<wire::PeerId, std::uint64_t> backoff;  // until when

  MeshLink* link(const PeerState& peer);
};

class Mesh {
 public:
  using Topics = std::map<std::string, Topic, std::less<>>;
  explicit Mesh(Core& core) : core_(core) {}

  Topic* find(std::string_view topic);
  Topic* joined(std::string_view topic);  // nullptr unless this node has joined it
  const Topics& all() const { return topics_; }

  bool join(std::string_view topic);
  bool leave(std::string_view topic);

  void greet(PeerState& peer);   // its outbound stream stands: the first RPC, then grafts
  void unlink(PeerState& peer);  // its outbound stream is gone
  void forget(PeerState& peer);  // the peer is gone
  void on_subscriptions(PeerState& peer, const Rpc& rpc);
  void on_graft(PeerState& peer, const Rpc& rpc);
  void on_prune(PeerState& peer, const Rpc& rpc);
  void beat();

  // Where an own message goes: all subscribers, or mesh or fan-out, and the floodsub peers.
  std::vector<PeerState*> publish_to(std::string_view topic);

 private:
  Topic* known(std::string_view topic);  // made where the table has room
  void drop_if_unused(std::string_view topic);
  bool graftable(const Topic& topic, const PeerState& peer) const;
  std::vector<PeerState*> candidates(const Topic& topic) const;  // shuffled
  void add_link(std::string_view name, Topic& topic, PeerState& peer);
  void remove_link(std::string_view name, Topic& topic, const PeerState& peer);
  void back_off(Topic& topic, const wire::PeerId& peer, std::uint64_t us);
  void send_graft(PeerState& peer, std::string_view name);
  void send_prune(PeerState& peer, std::string_view name, std::uint64_t backoff_us);
  void announce(std::string_view name, bool subscribe);
  bool accept_graft(std::string_view name, Topic& topic, PeerState& peer);

  void maintain(std::string_view name, Topic& topic);
  void graft_some(std::string_view name, Topic& topic, std::size_t n, auto&& fits);
  void prune_one(std::string_view name, Topic& topic, PeerState& peer);
  void prune_excess(std::string_view name, Topic& topic);
  void graft_better(std::string_view name, Topic& topic);
  void judge_probes(std::string_view name, Topic& topic);
  void maintain_fanout(Topic& topic);

  Core& core_;
  Topics topics_;
  std::uint64_t beats_ = 0;
};

}  // namespace kith::gossip
