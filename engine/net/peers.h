// SPDX-License-Identifier: MIT
// Peers: what is known of each peer, connected or not; bounded (limits::kPeersMax, least recently
// useful go first, never connected or kept ones). Owned by the Swarm. Deterministic order.
#pragma once
#include <map>
#include <optional>

#include "engine/wire/multiaddr.h"

namespace kith::net {

// What a peer said of itself in identify, already judged (key hashes to the proven id, envelope
// verified).
struct Identified {
  std::string agent, protocol_version;
  std::vector<std::string> protocols;
  std::vector<wire::Multiaddr>
      addresses;      // of its signed record where it sent one, else as claimed
  ByteVector record;  // the signed envelope, or empty
  bool push = false;  // an identify/push: absent fields keep what stands
};

struct PeerRecord {
  wire::PeerId id;
  std::string agent, protocol_version;
  std::vector<std::string> protocols;
  std::vector<wire::Multiaddr> addresses;  // best first: those that worked, then proven, then hints
  ByteVector record;
  double app_score = 0;
  bool identified = false;
  bool kept = false;
  std::size_t connections = 0;
  std::uint64_t rtt_us = 0;  // of the last ping
  std::uint64_t last_useful_us = 0;
};

class Peers {
 public:
  PeerRecord* find(const wire::PeerId& id);
  PeerRecord& get(const wire::PeerId& id);  // made when absent; may evict another
  // An unverified address. False: refused by a bound.
  bool hint(const wire::PeerId& id, const wire::Multiaddr& address);
  const std::map<wire::PeerId, PeerRecord>& all() const { return table_; }
  std::size_t size() const { return table_.size(); }

 private:
  std::map<wire::PeerId, PeerRecord> table_;
};

}  // namespace kith::net
