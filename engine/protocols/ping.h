// SPDX-License-Identifier: MIT
// Ping (/ipfs/ping/1.0.0, libp2p/specs ping): echoes 32 bytes for whoever asks, and asks others.
// Owned by the Node; ends before the Swarm.
#pragma once
#include "engine/net/swarm.h"
#include "engine/protocols/taken.h"

namespace kith::protocols {

class Ping {
 public:
  explicit Ping(net::Swarm& swarm);
  ~Ping();
  Ping(const Ping&) = delete;
  Ping& operator=(const Ping&) = delete;

  // Microseconds of one round trip to a connected peer, under limits::kPingMs in all; also kept as
  // the peer's rtt_us. Throws Fault.
  Task<std::uint64_t> ping(wire::PeerId peer);

 private:
  Task<void> echo(Pipe stream, Taken::Place place);

  net::Swarm& swarm_;
  Taken serving_;
  Scope scope_;
};

}  // namespace kith::protocols
