// SPDX-License-Identifier: MIT
// LoneLedger: one ledger over RocksDB on a real loop, and nothing else of a node. What a node of
// the same folder would find is what this leaves.
#pragma once
#include "engine/node/real_loop.h"
#include "engine/store/ledgers.h"
#include "tests/bench/stage.h"

namespace kith::bench {

class LoneLedger {
 public:
  LoneLedger(const std::string& folder, std::string_view name, store::Durability durability);
  ~LoneLedger();  // once all is synced

  store::Ledger& ledger() { return *ledger_; }
  store::KeyValue& kept() { return *kept_; }
  node::RealLoop& loop() { return loop_; }

  // Runs what `start` spawns to its end; the seconds that it took.
  using Start = std::function<void(Scope&)>;
  double run(const Start& start);
  // So many at once, and the next when all of them are kept.
  void append(std::size_t entries, std::size_t at_once, std::size_t body_bytes);

 private:
  Quiet log_;
  crypto::Identity author_;
  std::shared_ptr<store::KeyValue> kept_;
  node::RealLoop loop_;
  store::Committer committer_;
  store::Ledgers ledgers_;
  store::Ledger* ledger_;
};

// One after the other.
Task<void> append_each(store::Ledger& ledger, Bodies& bodies, std::size_t entries);

}  // namespace kith::bench
