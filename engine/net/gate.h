// SPDX-License-Identifier: MIT
// Gate: may this peer pass? Asked once a peer is proven, before any protocol runs, on both
// directions; and of an address before it is dialed. Allow and deny lists from the config, then
// guards in the order they were added. No I/O.
#pragma once
#include <functional>
#include <list>
#include <set>
#include <string>

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
};

}  // namespace kith::net
