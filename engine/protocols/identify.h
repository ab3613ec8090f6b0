// SPDX-License-Identifier: MIT
// Identify (/ipfs/id/1.0.0) and its push (/ipfs/id/push/1.0.0), libp2p/specs identify: asks every
// new connection who is there, answers the same, and tells peers when this node's protocols or
// addresses change. Judges; what stands it hands to the Swarm. Owned by the Node; ends before the
// Swarm.
#pragma once
#include <deque>
#include <list>

#include "engine/net/swarm.h"
#include "engine/protocols/taken.h"
#include "engine/wire/identify.h"

namespace kith::protocols {

class Identify final : public net::SwarmObserver {
 public:
  struct About {
    std::string agent;  // "kith/0.1.0"
    // Literal IP addresses of this machine, for listeners on 0.0.0.0 and ::.
    std::function<std::vector<std::string>()> interfaces;
  };
  Identify(net::Swarm& swarm, About about);
  ~Identify();
  Identify(const Identify&) = delete;
  Identify& operator=(const Identify&) = delete;

  // What this node says it may be reached at: its listeners, the unspecified ones expanded.
  std::vector<wire::Multiaddr> addresses() const;

 private:
  // One question to one connection.
  struct Asking {
    Identify& owner;
    net::Connection* connection;  // nullptr once it is closed
    wire::PeerId peer;
    bool done = false;
    Scope scope;
    Asking(Identify& given, net::Connection& asked);
  };
  // What this node says of itself, and since when.
  struct Own {
    std::vector<std::string> protocols;
    std::vector<wire::Multiaddr> addresses;
    ByteVector record;
    std::uint64_t seq = 0;
    std::uint64_t version = 0;
  };

  // Counts the pushes under way; the next begins when one ends.
  struct Pushing {
    explicit Pushing(Identify& by) : owner(by) { ++owner.pushing_; }
    Pushing(const Pushing&) = delete;
    Pushing& operator=(const Pushing&) = delete;
    ~Pushing() {
      --owner.pushing_;
      if (!owner.to_push_.empty()) owner.swarm_.shared().loop.start(owner.push_more_timer_, 0);
    }
    Identify& owner;
  };

  void on_connected(net::Connection& connection) override;
  void on_disconnected(net::Connection& connection) override;
  void on_peer(int event, const net::PeerRecord& record) override;
  void on_listening() override { changed(); }
  void on_protocols() override { changed(); }

  static Task<void> ask(Asking& asking);
  Task<void> answer(Pipe stream, Taken::Place place);
  Task<void> hear_push(Pipe stream, Taken::Place place);
  Task<void> push(wire::PeerId peer);
  void failed(Asking& asking, const std::exception& why);
  void reap();

  bool refresh();  // whether own_ changed
  void changed();
  void push_all();
  void push_to(const net::PeerRecord& record);
  void push_more();
  ByteVector message_for(const wire::Multiaddr& observed, bool pushed) const;

  net::Swarm& swarm_;
  About about_;
  Log log_;
  Own own_;
  std::map<wire::PeerId, std::uint64_t> told_;  // the version that each connected peer has
  std::deque<wire::PeerId> to_push_;
  std::size_t pushing_ = 0;
  Timer push_timer_, push_more_timer_, reap_timer_;
  Taken serving_, hearing_;
  std::list<std::unique_ptr<Asking>> asking_;
  Scope scope_;
};

}  // namespace kith::protocols
