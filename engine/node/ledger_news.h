// SPDX-License-Identifier: MIT
// LedgerNews: what the ledgers tell, as events: entry/NAME for each entry that is kept and synced,
// in order of arrival, ledger/fork, ledger/void and ledger/clock. Owned by the Node; loop thread.
// Reads back only what somebody hears, a page at a time, so that it holds no queue.
#pragma once
#include "engine/bus/bus.h"
#include "engine/protocols/clocks.h"
#include "engine/store/ledgers.h"

namespace kith::node {

// An entry as events and commands tell it.
wire::Value entry_body(const store::Held& held);

class LedgerNews final : private store::LedgerObserver {
 public:
  LedgerNews(bus::Bus& bus, store::Ledgers& ledgers, protocols::Clocks& clocks, Log log);
  ~LedgerNews();
  LedgerNews(const LedgerNews&) = delete;
  LedgerNews& operator=(const LedgerNews&) = delete;

 private:
  // Arrival numbers: the last that was told or that nobody heard, and the last that may be.
  struct Teller {
    std::uint64_t told = 0, until = 0;
    bool is_running = false;
  };
  void on_run(store::Ledger& ledger, std::uint64_t first_arrival, std::uint64_t entries) override;
  void on_fork(store::Ledger& ledger, const store::Digest& feed, const crypto::Key32& author,
               std::uint64_t seq, bool is_own) override;
  void on_void(store::Ledger& ledger, const store::Lane& lane, std::uint64_t first_seq,
               std::uint64_t last_seq, bool counts) override;
  void on_clock(const protocols::ClockVerdict& verdict);
  static Task<void> tell(LedgerNews& self, store::Ledger& ledger, Teller& teller);

  bus::Bus& bus_;
  store::Ledgers& ledgers_;
  protocols::Clocks& clocks_;
  Log log_;
  std::map<store::Digest, Teller> tellers_;
  Scope scope_;
};

}  // namespace kith::node
