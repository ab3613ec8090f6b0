// SPDX-License-Identifier: MIT
// Dialer: from a peer and some addresses to a connection. One attempt a peer, which all who ask
// share; an attempt tries one address after the other, a slow one only for as long as its head
// start. Owned by the Swarm, which does the reaching. Never redials by itself (see Keeper).
#pragma once
#include <deque>
#include <list>
#include <map>
#include <memory>

#include "engine/net/gate.h"
#include "engine/net/peers.h"
#include "engine/net/upgrade.h"
#include "engine/net/waits.h"

namespace kith::net {

// What a Dialer leaves to its owner.
class Reach {
 public:
  // A literal address becomes a connection that is past the gate. `expected` may be empty. Throws
  // Fault.
  virtual Task<Connection*> reach(wire::PeerId expected, wire::Multiaddr address,
                                  std::string dns_name) = 0;
  virtual Connection* open_to(const wire::PeerId& peer) = 0;  // or nullptr

 protected:
  ~Reach() = default;
};

class Dialer {
 public:
  using Answer = Result<Connection*>;
  using Line = Waits<Answer>;
  Dialer(Shared& shared, Peers& peers, Gate& gate, Reach& reach);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Whom `peer` and the /p2p parts of the addresses mean together; empty: whoever answers.
  static Result<wire::PeerId> meant(const wire::PeerId& peer,
                                    const std::vector<wire::Multiaddr>& addresses);
  // Starts or joins an attempt. The line is answered in a later turn; wait in it at once.
  Result<Line*> start(const wire::PeerId& peer, const std::vector<wire::Multiaddr>& addresses);
  // The peer came by itself: who waits for it is answered; no further address is tried.
  void arrived(const wire::PeerId& peer);
  void cancel(const wire::PeerId& peer);  // who waits is told that it was closed
  void cancel_all();
  std::size_t under_way() const { return started_; }
  bool idle() const { return attempts_.empty(); }

 private:
  struct Attempt;
  struct Try;
  struct Candidate {
    wire::Multiaddr address;  // literal, or to be resolved
    wire::Multiaddr written;  // as it was known or given
    std::string dns_name;
  };

  std::vector<wire::Multiaddr> ordered(const wire::PeerId& peer,
                                       const std::vector<wire::Multiaddr>& given) const;
  void add(Attempt& attempt, const std::vector<wire::Multiaddr>& addresses);
  void begin(Attempt& attempt);
  void next_try(Attempt& attempt);
  static Task<void> run(Try& one);
  static Task<void> resolve(Try& one);
  void settle(Attempt& attempt);
  void reap(Attempt& attempt);
  static Error failure_of(const Attempt& attempt);
  void conclude(Attempt& attempt, Answer answer);

  Shared& shared_;
  Peers& peers_;
  Gate& gate_;
  Reach& reach_;
  std::map<std::string, std::unique_ptr<Attempt>> attempts_;
  std::deque<Attempt*> queued_;
  std::size_t started_ = 0;
};

}  // namespace kith::net
