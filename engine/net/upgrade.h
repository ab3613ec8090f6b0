// SPDX-License-Identifier: MIT
// Upgrade: a raw link becomes a Connection. multistream-select -> Noise XX -> Yamux, with the
// early-muxer extension and without. One coroutine, under one deadline (limits::kUpgradeMs); a link
// that fails is dropped. Never dials.
#pragma once
#include <memory>
#include <optional>

#include "engine/base/log.h"
#include "engine/base/loop.h"
#include "engine/crypto/noise.h"
#include "engine/net/connection.h"

namespace kith::net {

// What all connections of one node share. Outlives them.
struct Shared {
  Loop& loop;
  Log log;
  const crypto::Identity& identity;
  crypto::Cipher cipher;                // one a loop
  crypto::Key32 noise_secret;           // X25519 static key of this run
  std::size_t windows_grown_bytes = 0;  // against limits::kWindowsTotalMax
  bool early_muxer = true;              // false: send no extension (tests)
  bool scratch_taken = false;           // the loop's scratch() holds frames under way
};

struct UpgradeRequest {
  Pipe link;
  bool dialed = false;
  std::optional<wire::PeerId> expected;  // refused before message C when another is proven
  wire::Multiaddr local, remote;         // remote as dialed or as the link says, without /p2p
};

Task<std::unique_ptr<Connection>> upgrade(Shared& shared, UpgradeRequest request);  // throws Fault

}  // namespace kith::net
