// SPDX-License-Identifier: MIT
// Swarm: who this node is connected to. Owns transports' registrations, listeners, connections, the
// peer table, dialer and gate; negotiates streams and hands each to the protocol's handler. Knows
// nothing of any protocol above it.
#pragma once
#include <functional>
#include <map>
#include <set>

#include "engine/net/keeper.h"
#include "engine/net/transports.h"

namespace kith::net {

using StreamHandler = std::function<void(Pipe stream)>;  // stream.info() tells peer and protocol

class SwarmObserver {
 public:
  virtual void on_connected(Connection&) {}  // proven and past the gate; not yet identified
  virtual void on_disconnected(Connection&) {}
  virtual void on_peer(int /*event*/, const PeerRecord&) {
  }  // KITH_PEER_...: identified, updated, gone (last connection closed)
  virtual void on_listening() {}  // listen addresses changed
  virtual void on_protocols() {}  // handled protocols changed
 protected:
  ~SwarmObserver() = default;
};

class Swarm final : private Reach {
 public:
  explicit Swarm(Shared& shared);
  ~Swarm();  // closes all; nothing fires afterwards
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // ---- transports and listening
  // why: what the transport said of its newest refusal, or empty. KITH_REFUSED: suffix taken.
  Result<void> add_transport(const kith_transport* ops, void* me, Transports::Why why = {});
  void remove_transport(void* me);  // closes its listeners and pending dials
  Result<wire::Multiaddr> listen(const wire::Multiaddr& address);  // the bound one
  std::vector<wire::Multiaddr> listen_addresses() const;           // as bound (may be 0.0.0.0)

  // ---- links for who builds on them (a transport over another); never upgraded here
  // The address may hold a name. Within kDialMs is the caller's to see to. Throws Fault.
  Task<Pipe> dial_link(wire::Multiaddr address);
  Result<Transports::Below> listen_links(const wire::Multiaddr& address,
                                         std::function<void(Pipe)> each);
  void end_links(std::uint64_t id);  // that listener; fine when it has ended

  // ---- protocols
  Result<void> handle(std::string protocol, StreamHandler handler);  // KITH_REFUSED: taken
  void unhandle(std::string_view protocol);
  std::vector<std::string> protocols() const;
  // A negotiated stream to a connected peer, on its best connection.
  Task<Pipe> open(wire::PeerId peer, std::vector<std::string> protocols,
                  std::uint32_t ms);  // throws Fault
  // The same on this connection, for what belongs to one connection.
  Task<Pipe> open_on(Connection& connection, std::vector<std::string> protocols, std::uint32_t ms);

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
  // Of the config; those of base/limits.h until then. What is open already stays.
  void limit(std::size_t connections, std::size_t connections_per_peer);
  // Before the transports go: from now on no link arrives, is upgraded, dialed or redialed, and
  // every connection closes. Not from inside a task of the Swarm's. Done when idle(), turns later.
  void retire(std::string_view why);
  // The same at once, without a word to the peers, for who cannot wait. What is being dialed stays
  // until its transport is removed.
  void end(std::string_view why);
  bool idle() const;  // holds no link, proven or not

  Peers& peers() { return peers_; }
  Gate& gate() { return gate_; }
  Shared& shared() { return shared_; }
  void observe(SwarmObserver& observer);
  void unobserve(SwarmObserver& observer);

  // ---- for identify
  void identified(Connection& connection,
                  Identified what);  // judged; updates the peer table, tells observers
  void not_identified(Connection& connection, const Error& why);  // connect() reports it
  void observed(const wire::Multiaddr& address);  // how a peer sees this node; kept, bounded
  const std::vector<wire::Multiaddr>& observed_addresses() const { return observed_; }

 private:
  struct Live;      // a connection and what hangs on it
  class Upgrading;  // a place among the inbound links that are not yet proven
  struct Peered {   // the connections to one peer, oldest first
    std::vector<Live*> lives;
    Dialer::Line identified;
    std::optional<Error> refused;  // why the newest could not be identified
  };

  Task<Connection*> reach(wire::PeerId expected, wire::Multiaddr address,
                          std::string dns_name) override;
  Connection* open_to(const wire::PeerId& peer) override { return best(peer); }
  Task<Connection*> dial_within(wire::PeerId peer, std::vector<wire::Multiaddr> addresses,
                                std::uint64_t us);

  void arrived(Pipe link, const wire::Multiaddr& bound);
  Task<void> accept(UpgradeRequest request, std::string ip);
  Result<void> judge(const Connection& connection);
  Connection& admit(std::unique_ptr<Connection> connection);  // throws Fault
  void closed(Live& live, std::string_view why);
  void bury();
  static Task<void> negotiate(Live& live, Pipe stream);

  Live* find(const Connection& connection);
  Live* find(const wire::PeerId& peer, std::uint64_t serial);
  std::string_view intern(std::string_view protocol);
  template <class Fn>
  void tell(Fn fn);

  Shared& shared_;
  Peers peers_;
  Gate gate_;
  Log log_;
  std::vector<SwarmObserver*> observers_;  // nullptr: left while they were being told
  std::size_t telling_ = 0;
  std::map<std::string, StreamHandler, std::less<>> handlers_;
  std::set<std::string, std::less<>> names_;  // of protocols; connections keep views
  std::vector<wire::Multiaddr> observed_;
  std::map<std::string, std::size_t> upgrading_;  // by IP; "" for all together
  Transports transports_;
  std::list<std::unique_ptr<Live>> lives_, buried_;
  std::map<wire::PeerId, Peered> peered_;
  std::uint64_t last_serial_ = 0;
  std::size_t connections_max_, connections_per_peer_max_;
  bool retired_ = false;
  Timer burial_;
  Dialer dialer_;
  Keeper keeper_;
  Scope upgrades_;
};

}  // namespace kith::net
