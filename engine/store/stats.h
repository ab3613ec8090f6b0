// SPDX-License-Identifier: MIT
// StatsWork: counts what a ledger holds, by author: a job that goes in steps beside the loop over
// what the ledger held when it was made. Any one thread.
#pragma once
#include <map>

#include "engine/store/exporting.h"

namespace kith::store {

struct Stats {
  std::uint64_t feeds = 0, entries = 0, bytes = 0;  // bytes of bodies, as their entries say
  std::uint64_t oldest_us = 0, newest_us = 0;       // 0: nothing
};

class StatsWork {
 public:
  StatsWork(std::shared_ptr<const KeyValue> store, std::shared_ptr<const LedgerFacts> facts)
      : walk_(std::move(store), std::move(facts)) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  std::uint64_t entries() const { return all_.entries; }
  const Stats& all() const { return all_; }
  const std::map<crypto::Key32, Stats>& authors() const { return authors_; }

 private:
  RunWalk walk_;
  Stats all_;
  std::map<crypto::Key32, Stats> authors_;
  std::optional<Error> error_;
};

}  // namespace kith::store
