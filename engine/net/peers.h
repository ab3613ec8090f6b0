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
      addresses;                 // of its signed record where it sent one, else as claimed
  ByteVector record;             // the signed envelope, or empty
  std::uint64_t record_seq = 0;  // an older record than the one that stands changes nothing
  bool push = false;             // an identify/push: absent fields keep what stands
};

struct PeerRecord {
  wire::PeerId id;
  std::string agent, protocol_version;
  std::vector<std::string> protocols;
  // Best first: those that worked, then those that the peer itself named, then hints.
  std::vector<wire::Multiaddr> addresses;
  ByteVector record;
  std::uint64_t record_seq = 0;
  double app_score = 0;
  bool identified = false;
  bool kept = false;
  std::size_t connections = 0;
  std::uint64_t rtt_us = 0;  // of the last ping
  std::uint64_t last_useful_us = 0;

  std::size_t worked = 0;  // how many of the addresses have been dialed with success
};

class Peers {
 public:
  PeerRecord* find(const wire::PeerId& id);
  PeerRecord& get(const wire::PeerId& id);  // made when absent; may evict another
  // An unverified address. False: refused by a bound. A peer that was never of use makes room for a
  // hint, one that was does not.
  bool hint(const wire::PeerId& id, const wire::Multiaddr& address);
  // A dial to this address proved the peer, or did not.
  void worked(const wire::PeerId& id, const wire::Multiaddr& address, std::uint64_t now_us);
  void failed(const wire::PeerId& id, const wire::Multiaddr& address);
  // What the peer itself names replaces what it named before and all hints.
  static void named(PeerRecord& record, const std::vector<wire::Multiaddr>& addresses);

  const std::map<wire::PeerId, PeerRecord>& all() const { return table_; }
  std::size_t size() const { return table_.size(); }

 private:
  bool make_room(bool for_hint);

  std::map<wire::PeerId, PeerRecord> table_;
};

}  // namespace kith::net
