// SPDX-License-Identifier: MIT
// Gate: may this peer pass? Asked once a peer is proven, before any protocol runs, on both
// directions; and of an address before it is dialed. Allow and deny lists from the config, then
// guards in the order they were added. No I/O.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/net/cidr.h"
#include "engine/wire/multiaddr.h"

namespace kith::net {

class Gate {
 public:
  struct Lists {
    std::vector<std::string>
        allow;  // peer ids, IP addresses or CIDRs; not empty: nobody else passes
    std::vector<std::string> deny;  // wins over allow
  };
  Result<void> set(const Lists& lists);  // KITH_BAD names the entry that is neither

  using Guard =
      std::function<bool(const wire::PeerId&, const wire::Multiaddr& remote, bool dialed)>;
  std::size_t add(Guard guard);
  void remove(std::size_t id);

  bool admits(const wire::PeerId& peer, const wire::Multiaddr& remote, bool dialed) const;
  bool admits_address(const wire::Multiaddr& remote) const;  // before the handshake: deny by IP

 private:
  struct List {
    std::set<wire::PeerId> peers;
    std::vector<Cidr> blocks;
    bool empty() const { return peers.empty() && blocks.empty(); }
    bool holds(const wire::Multiaddr& address) const;
    bool holds(const wire::PeerId& peer, const wire::Multiaddr& address) const;
  };
  static Result<List> read(const std::vector<std::string>& entries, std::string_view name);

  List allow_, deny_;
  std::map<std::size_t, Guard> guards_;  // by id, so in the order they were added
  std::size_t last_id_ = 0;
};

}  // namespace kith::net
