// SPDX-License-Identifier: MIT
// Swarm: who this node is connected to. Owns transports' registrations, listeners, connections, the
// peer table, dialer and gate; negotiates streams and hands each to the protocol's handler. Knows
// nothing of any protocol above it.
#pragma once
#include <functional>
#include <map>
#include <set>

#include "engine/net/gate.h"
#include "engine/net/peers.h"
#include "engine/net/upgrade.h"

namespace kith::net {

using StreamHandler = std::function<void(Pipe stream)>;  // stream.info() tells peer and protocol

class SwarmObserver {
 public:
  virtual void on_connected(Connection&) {}  // proven and past the gate; not yet identified
  virtual void on_disconnected(Connection&) {}
  virtual void on_peer(int /*event*/, const PeerRecord&) {
  }  // KITH_PEER_...: identified, updated, gone (last connection closed)
  virtual void on_listening() {}  // listen addresses changed
 protected:
  ~SwarmObserver() = default;
};

class Swarm {
 public:
  explicit Swarm(Shared& shared);
  ~Swarm();  // closes all; nothing fires afterwards
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // ---- transports and listening
  Result<void> add_transport(const kith_transport* ops, void* me);  // KITH_REFUSED: suffix taken
  void remove_transport(void* me);  // closes its listeners and pending dials
  Result<wire::Multiaddr> listen(const wire::Multiaddr& address);  // the bound one
  std::vector<wire::Multiaddr> listen_addresses() const;           // as bound (may be 0.0.0.0)

  // ---- protocols
  Result<void> handle(std::string protocol, StreamHandler handler);  // KITH_REFUSED: taken
  void unhandle(std::string_view protocol);
  std::vector<std::string> protocols() const;
  // A negotiated stream to a connected peer, on its best connection.
  Task<Pipe> open(wire::PeerId peer, std::vector<std::string> protocols,
                  std::uint32_t ms);  // throws Fault

  // ---- connections
  // Joins a dial that is under way to the same peer; gives the open connection when there is one.
  // `addresses` are tried in order after those known, each under limits::kDialMs; empty peer:
  // whoever answers. The error names every address tried.
  Task<Connection*> dial(wire::PeerId peer,
                         std::vector<wire::Multiaddr> addresses);  // throws Fault
  // dial, then wait until the peer is identified (within ms).
  Task<Connection*> connect(wire::PeerId peer, std::vector<wire::Multiaddr> addresses,
                            std::uint32_t ms);
  void keep(
      const wire::PeerId& peer);  // redial with back-off (1 s doubling to 5 min, jitter) while kept
  void unkeep(const wire::PeerId& peer);
  void disconnect(const wire::PeerId& peer, std::string_view why);  // closes and forgets keep
  Connection* best(const wire::PeerId& peer);                       // nullptr when not connected
  std::vector<Connection*> connections() const;

  Peers& peers() { return peers_; }
  Gate& gate() { return gate_; }
  Shared& shared() { return shared_; }
  void observe(SwarmObserver& observer);
  void unobserve(SwarmObserver& observer);

  // ---- for identify
  void identified(Connection& connection,
                  Identified what);               // judged; updates the peer table, tells observers
  void observed(const wire::Multiaddr& address);  // how a peer sees this node; kept, bounded

 private:
  Shared& shared_;
  Peers peers_;
  Gate gate_;
};

}  // namespace kith::net
