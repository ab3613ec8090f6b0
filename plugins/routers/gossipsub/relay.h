// SPDX-License-Identifier: MIT
// Relay: passes a message on along the mesh, once, to who may not have it; tells the mesh what need
// not be sent (IDONTWANT, v1.2); and finds out who does not pass on (MeshLink's probes).
#pragma once
#include "plugins/routers/gossipsub/mesh.h"

namespace kith::gossip {

class Relay {
 public:
  Relay(Core& core, Mesh& mesh) : core_(core), mesh_(mesh) {}

  // A new message, its author proven, before anyone here judges what it says. `source` may be gone.
  void arrived(const Stored& stored, const PeerState* source);
  // It came from `peer`, for the first time or again.
  void delivered(std::string_view topic, Fingerprint id, PeerState& peer);
  void forward(const Stored& stored, const PeerState* source);
  void drop(const Stored& stored);  // judged: not to be passed on
  // The peer asked for messages that it was offered; of a probe that is an answer.
  void asked(const PeerState& peer, const Stored& stored);

 private:
  bool wants(const PeerState& peer, const Stored& stored, const PeerState* source) const;
  void offer(MeshLink& link, const Stored& stored);

  Core& core_;
  Mesh& mesh_;
};

}  // namespace kith::gossip
