// SPDX-License-Identifier: MIT
// Sync (/kith/sync/0): each node opens one stream to every peer that speaks it, says what it keeps
// (every ledger with all its tips), and is sent the runs it lacks, then new ones as they happen.
// Owned by the Node; ends before the Swarm. A later protocol replaces the difference by digests.
#pragma once
#include "engine/net/swarm.h"
#include "engine/store/ledgers.h"

namespace kith::protocols {

class Sync final : private net::SwarmObserver, private store::LedgerObserver {
 public:
  Sync(net::Swarm& swarm, store::Ledgers& ledgers);
  ~Sync();
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;

  // A ledger was opened: every peer is asked for it.
  void opened(store::Ledger& ledger);

 private:
  struct State;
  std::unique_ptr<State> state_;
  void on_peer(int event, const net::PeerRecord& record) override;
  void on_run(store::Ledger& ledger, std::uint64_t first_arrival, std::uint64_t entries) override;
  void on_fork(store::Ledger& ledger, const store::Digest& feed, const crypto::Key32& author,
               std::uint64_t seq, bool is_own) override;
};

}  // namespace kith::protocols
