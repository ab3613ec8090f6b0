// SPDX-License-Identifier: MIT
// Core: what the parts of the router share: the host, the options, the tables, the peers. Owned by
// Gossipsub; decides nothing itself.
#pragma once
#include <kith/host.h>

#include "plugins/routers/gossipsub/cache.h"
#include "plugins/routers/gossipsub/limits.h"
#include "plugins/routers/gossipsub/options.h"
#include "plugins/routers/gossipsub/peer_state.h"
#include "plugins/routers/gossipsub/replay.h"

namespace kith::gossip {

// Connected peers, in the order of their ids. A state that was taken out lives on until the next
// heartbeat, since a frame of its may be at work.
class Roster {
 public:
  PeerState* find(const wire::PeerId& id) const;
  PeerState& add(std::unique_ptr<PeerState> peer);
  void retire(const wire::PeerId& id);
  void sweep() { retired_.clear(); }
  const std::map<wire::PeerId, std::unique_ptr<PeerState>>& all() const { return peers_; }

 private:
  std::map<wire::PeerId, std::unique_ptr<PeerState>> peers_;
  std::vector<std::unique_ptr<PeerState>> retired_;
};

struct Core {
  explicit Core(const Host& given);

  Host host;
  Options options;
  Fingerprints fingerprints;
  Seen seen;
  Replay replay;
  Cache cache;
  ScoreBook scores;
  Roster peers;
  Rpc out;  // for the RPC being written; never held across a call

  std::uint64_t now() const { return host.now_us(); }
  void see(const Stored& stored);
  void expire_seen();
  // The fingerprint of an id as a peer wrote it.
  Fingerprint fingerprint_of(Bytes id) const;
  // An id that the peer made itself (IHAVE, IDONTWANT; its IWANT echoes ours) shows its form.
  void learn_form(PeerState& peer, Bytes id) const;
  // The id as this peer writes it. `kept` owns what had to be made.
  Bytes id_for(const PeerState& peer, const Stored& stored, std::deque<ByteVector>& kept) const;
  void charge(PeerState& peer, double weight) { scores.penalty(*peer.score, weight, now()); }

  std::size_t below(std::size_t n) const;  // a random number in [0, n)
  template <class T>
  void shuffle(std::vector<T>& list) const {
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[below(i)]);
  }
};

}  // namespace kith::gossip
