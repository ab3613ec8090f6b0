// SPDX-License-Identifier: MIT
// Offers: the lazy half of gossipsub. IHAVE to some who are outside of the mesh, IWANT for what we
// lack, the answer to theirs, and what they asked not to be sent. All of it bounded a peer and a
// heartbeat (v1.1 "Spam Protection Measures").
#pragma once
#include "plugins/routers/gossipsub/relay.h"

namespace kith::gossip {

class Offers {
 public:
  Offers(Core& core, Mesh& mesh, Relay& relay) : core_(core), mesh_(mesh), relay_(relay) {}

  void on_ihave(PeerState& peer, const Rpc& rpc);
  void on_iwant(PeerState& peer, const Rpc& rpc);
  void on_idontwant(PeerState& peer, const Rpc& rpc);
  void beat();  // promises are judged, counters start anew, IHAVE goes out

 private:
  void judge_promises(PeerState& peer);
  std::vector<PeerState*> choose(const Topic& topic) const;
  void tell(PeerState& peer, const std::vector<std::string_view>& topics);

  Core& core_;
  Mesh& mesh_;
  Relay& relay_;
};

}  // namespace kith::gossip
