// SPDX-License-Identifier: MIT
// Gossipsub: the router plugin's face (libp2p/specs pubsub/gossipsub v1.2 over v1.1 and v1.0, and
// floodsub). Owns the parts, the peers' comings and goings, the heartbeat and what this node
// publishes itself. Sees the node only through the SDK.
#pragma once
#include <kith/plugin.h>

#include "plugins/routers/gossipsub/intake.h"

namespace kith::gossip {

class Gossipsub final : public Router {
 public:
  static constexpr const char* kName = "gossipsub";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary =
      "Publishes and relays messages by topic (GossipSub 1.0 to 1.2, floodsub).";
  static constexpr kith_option kOptions[] = {
      {"sign", "string", "\"strict\"",
       "\"strict\": every message is signed by its author; \"none\": by nobody."},
      {"message_id", "string", "\"auto\"", "How ids look towards a peer: auto, spec, js or rust."},
      {"d", "int", "6", "Peers in the mesh of a topic."},
      {"d_low", "int", "4", "Below this many more are grafted."},
      {"d_high", "int", "12", "Above this many some are pruned."},
      {"d_lazy", "int", "6", "Peers outside of the mesh that hear of messages, at least."},
      {"heartbeat", "duration", "\"1s\"", "How often the mesh is looked after."},
      {"history_length", "int", "5", "Heartbeats for which a message can be asked for."},
      {"history_gossip", "int", "3", "Heartbeats for which a message is offered."},
      {"fanout_ttl", "duration", "\"60s\"",
       "How long peers of a topic that is not joined are remembered."},
      {"prune_backoff", "duration", "\"60s\"", "How long a pruned peer stays out of the mesh."},
      {"seen_ttl", "duration", "\"120s\"", "How long the id of a message is remembered."},
      {"message_bytes_max", "size", "\"1MiB\"", "A larger message is refused."},
      {"flood_publish", "bool", "true",
       "Own messages go to every subscriber, not to the mesh alone."},
      {"gossip_threshold", "number", "-10", "Below this score a peer is offered nothing."},
      {"publish_threshold", "number", "-50", "Below this score a peer gets no own messages."},
      {"graylist_threshold", "number", "-80", "Below this score a peer is not listened to."},
      {}};

  explicit Gossipsub(Host given);
  ~Gossipsub() override;

  Result<void> configure(Bytes options, bool commit);
  int join(std::string_view topic) override;
  int leave(std::string_view topic) override;
  int publish(std::string_view topic, Buffer data, kith_message& made) override;
  void verdict(std::uint64_t ticket, int v) override;
  void peer(int event, const kith_peer& peer) override;
  void topic_peers(std::string_view topic, std::uint32_t& subscribed, std::uint32_t& mesh) override;
  bool settled(Bytes peer) override;

 private:
  PeerState& meet(const wire::PeerId& id);
  void part(const wire::PeerId& id);
  void accept_stream(Pipe stream);
  void speak_to(PeerState& peer);
  static Task<void> speak(Gossipsub& router, PeerState& peer);

  Stored make_message(std::string_view topic, Bytes data);
  void arm_beat(std::uint64_t us);
  void beat();
  void beat_peers();
  void charge_slow(PeerState& peer);
  void read_app_scores();
  ByteVector peer_rows() const;

  Core core_;
  Mesh mesh_;
  Relay relay_;
  Offers offers_;
  Intake intake_;
  std::uint64_t last_number_ = 0, last_seqno_ = 0;
  std::vector<Op> handled_;
  Op command_, beat_;
};

}  // namespace kith::gossip
