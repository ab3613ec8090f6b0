// SPDX-License-Identifier: MIT
// SyncShared: what the streams of sync have in common: whom this node asks, and who fetches which
// feed. Owned by Sync; its rooms' own.
#pragma once
#include <set>

#include "engine/net/swarm.h"
#include "engine/protocols/clocks.h"
#include "engine/protocols/sync_limits.h"
#include "engine/protocols/sync_message.h"
#include "engine/store/ledgers.h"

namespace kith::protocols {

inline constexpr const char* kSyncProtocol = "/kith/sync/1";

class SyncAsking;

// A peer that is asked, for as long as it is connected.
struct SyncPeer {
  explicit SyncPeer(const wire::PeerId& given) : id(given) {}
  const wire::PeerId id;
  bool is_over = false;          // it is asked no more
  SyncAsking* asking = nullptr;  // the stream that stands, if any
  std::size_t bad_runs = 0;
  std::size_t useless_runs = 0;                  // in a row
  std::map<store::Digest, std::uint64_t> shown;  // feed: the newest seq that it sent
  std::set<std::uint64_t> receipts;              // items of those that it sent

  void show(const store::Digest& feed, std::uint64_t seq) {
    if (shown.size() >= sync_limits::kShownMax) shown.clear();  // it comes back to it: no harm
    std::uint64_t& newest = shown[feed];
    newest = std::max(newest, seq);
  }
  void bring(std::uint64_t receipt) {
    if (receipts.size() >= sync_limits::kReceiptsShownMax) receipts.clear();  // as with shown
    receipts.insert(receipt);
  }
  bool has_shown(const store::Digest& feed, std::uint64_t seq) const {
    const auto at = shown.find(feed);
    return at != shown.end() && at->second >= seq;
  }
};

struct SyncShared {
  SyncShared(net::Swarm& given_swarm, store::Ledgers& given_ledgers)
      : swarm(given_swarm),
        ledgers(given_ledgers),
        loop(swarm.shared().loop),
        log(swarm.shared().log.in("sync")) {}
  net::Swarm& swarm;
  store::Ledgers& ledgers;
  Loop& loop;
  Log log;
  std::map<wire::PeerId, std::shared_ptr<SyncPeer>> peers;
  std::map<store::Digest, const SyncAsking*> fetched;  // feed: by whom
  // Stored runs (ledger, lane, first seq) of which some peer is asked for bodies, once a question.
  using BodyAsked = std::tuple<store::Digest, std::uint32_t, std::uint64_t>;
  std::multiset<BodyAsked> bodies_asked;
  Clocks clocks{loop};  // of peers that are connected and identified

  // Whether it is told when the peer goes.
  bool is_identified(const wire::PeerId& peer) const {
    const auto* record = swarm.peers().find(peer);
    return record && record->identified;
  }
};

// Whether the peer is to blame; else this node is, or chance.
bool is_theirs(const Error& error);

}  // namespace kith::protocols
