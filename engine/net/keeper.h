// SPDX-License-Identifier: MIT
// Keeper: the peers that are dialed again whenever they are gone, with a back-off that doubles from
// limits::kBackoffFirstMs to kBackoffMaxMs, a quarter more or less by chance. Owned by the Swarm.
#pragma once
#include "engine/net/dialer.h"

namespace kith::net {

class Keeper {
 public:
  Keeper(Shared& shared, Dialer& dialer) : shared_(shared), dialer_(dialer) {}
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void keep(const wire::PeerId& peer, bool connected);  // the first dial goes out at once
  void unkeep(const wire::PeerId& peer);
  void clear() { kept_.clear(); }
  void connected(const wire::PeerId& peer);  // dialed or come by itself
  // The last connection is gone. One that did not outlast the back-off does not end it.
  void disconnected(const wire::PeerId& peer, std::uint64_t lived_us);

 private:
  struct Kept {
    Kept(Keeper& by, const wire::PeerId& which);
    Keeper& keeper;
    const wire::PeerId peer;
    std::uint64_t backoff_ms;
    Timer timer;
    Scope scope;
  };
  static Task<void> redial(Kept& kept);
  void redial_later(Kept& kept);

  Shared& shared_;
  Dialer& dialer_;
  std::map<wire::PeerId, Kept> kept_;
};

}  // namespace kith::net
