// SPDX-License-Identifier: MIT
// PeerState: what this router holds of one connected peer: its streams, what it subscribes to, what
// it asked and promised since the last heartbeat. Owned by the roster. A number, not an address,
// tells two of them apart.
#pragma once
#include <set>

#include "plugins/routers/gossipsub/message_id.h"
#include "plugins/routers/gossipsub/outbox.h"
#include "plugins/routers/gossipsub/reader.h"
#include "plugins/routers/gossipsub/score.h"
#include "plugins/routers/gossipsub/seen.h"

namespace kith::gossip {

// In the order in which they are proposed. Older protocols have larger numbers.
enum class Speaks : std::uint8_t { kMeshsub12, kMeshsub11, kMeshsub10, kFloodsub };
inline constexpr const char* kProtocols[] = {"/meshsub/1.2.0", "/meshsub/1.1.0", "/meshsub/1.0.0",
                                             "/floodsub/1.0.0"};

// It said (by IHAVE) that it has a message, and we asked for it.
struct Promise {
  Fingerprint id;
  std::uint64_t until_us;
};

struct PeerState {
  PeerState(const wire::PeerId& given_id, std::uint64_t given_number, FrameSink& sink,
            std::size_t unwanted_max, std::uint64_t unwanted_us)
      : id(given_id),
        number(given_number),
        reader(sink, *this),
        unwanted(unwanted_us, unwanted_max) {}

  const wire::PeerId id;
  const std::uint64_t number;
  ScoreBook::Record* score = nullptr;

  // As identify said.
  bool identified = false;
  bool dialed = false;  // by us: counts for d_out
  std::vector<const char*> offers;
  std::uint64_t known_since_us = 0;
  IdForm form = IdForm::kSpec;
  bool form_seen = false;  // in its ids, which outweighs its agent

  // Streams.
  Reader reader;
  Outbox outbox;
  Speaks speaks = Speaks::kFloodsub;
  Scope opener;  // the task that opens the outbound stream
  bool opening = false;
  unsigned open_tries = 0;
  std::uint64_t next_open_us = 0;
  bool spoke = false;  // its first RPC has arrived

  std::set<std::string, std::less<>> topics;
  Seen unwanted;  // by IDONTWANT
  std::vector<Promise> promises;

  // Since the last heartbeat.
  unsigned ihaves = 0, iwants = 0;
  std::size_t asked = 0, unwanted_ids = 0;
  std::uint64_t dropped_before = 0, dropped_logged = 0, logged_us = 0;

  bool can_mesh() const { return outbox.is_open() && speaks != Speaks::kFloodsub; }
  bool knows_idontwant() const { return outbox.is_open() && speaks == Speaks::kMeshsub12; }
};

}  // namespace kith::gossip
