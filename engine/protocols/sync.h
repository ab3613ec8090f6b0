// SPDX-License-Identifier: MIT
// Sync (/kith/sync/1): each node opens one stream to every peer that speaks it, finds what it lacks
// of each ledger that both keep, fetches it, and is then told what is new as it happens. Owned by
// the Node; ends before the Swarm.
#pragma once
#include "engine/net/swarm.h"
#include "engine/protocols/clocks.h"
#include "engine/store/ledgers.h"

namespace kith::protocols {

bool speaks_sync(const net::PeerRecord& record);  // as it is connected now

class Sync final : private net::SwarmObserver, private store::LedgerObserver {
 public:
  Sync(net::Swarm& swarm, store::Ledgers& ledgers);
  ~Sync();
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;

  // A ledger was opened: every peer is asked for it.
  void opened(store::Ledger& ledger);
  Clocks& clocks();

 private:
  struct State;
  std::unique_ptr<State> state_;
  void on_peer(int event, const net::PeerRecord& record) override;
  void on_run(store::Ledger& ledger, std::uint64_t first_arrival, std::uint64_t entries) override;
  void on_bodies(store::Ledger& ledger) override;
  void on_receipts(store::Ledger& ledger) override;
  void on_fork(store::Ledger&, const store::Digest&, const crypto::Key32&, std::uint64_t,
               bool) override {}
  void on_rights(store::Ledger& ledger) override;
};

}  // namespace kith::protocols
