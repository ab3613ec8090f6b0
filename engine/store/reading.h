// SPDX-License-Identifier: MIT
// The jobs of reading a ledger: a page by arrival or by time, one run, one arrival's place. Each
// owns what it looks at and goes in steps of some milliseconds; any one thread. Who wrote an entry
// and whether his feed forked is not theirs: the ledger adds it on the loop.
#pragma once
#include <set>

#include "engine/store/ledger.h"
#include "engine/store/stored_runs.h"

namespace kith::store {

struct PageSetup {
  std::shared_ptr<const KeyValue> store;
  std::uint32_t ledger = 0;
  Query query;
  std::uint64_t due_us = 0;                      // what is later is early
  std::optional<std::set<std::uint32_t>> lanes;  // the author's; none: all
};

// What both orders share: the page that fills up.
class PageWork {
 public:
  explicit PageWork(PageSetup setup);
  virtual ~PageWork() = default;
  bool step();
  const std::optional<Error>& error() const { return error_; }
  struct Found {
    Held held;
    std::uint32_t lane;
  };
  std::vector<Found>& found() { return found_; }
  bool more() const { return more_; }
  std::uint64_t next() const { return next_; }

 protected:
  // Until the end, or until `has_budget` says no. True at the end.
  virtual bool go_on() = 0;
  virtual void close() = 0;  // the scan, on the thread that made it
  bool has_budget();
  bool wants(std::uint32_t lane) const { return !setup_.lanes || setup_.lanes->contains(lane); }
  bool has_room(const StoredRun& run, std::uint64_t seq) const;
  void add(const StoredRun& run, std::uint64_t seq);
  const StoredRun* run_holding(std::uint32_t lane, std::uint64_t seq);
  bool fail(Error error);  // true: it is over
  bool finish(bool is_full);
  bool is_over(const Scan& scan);  // no row is there: the end, or damage

  PageSetup setup_;
  std::uint32_t limit_;
  std::uint64_t next_;

 private:
  StoredRuns runs_;
  std::vector<Found> found_;
  std::size_t bytes_ = 0;
  bool more_ = false;
  std::optional<Error> error_;
  std::uint64_t rows_ = 0, rows_max_ = 0, rebuilt_max_ = 0;
};

std::shared_ptr<PageWork> page_by_arrival(PageSetup setup);
std::shared_ptr<PageWork> page_by_time(PageSetup setup);

class LoadWork {
 public:
  LoadWork(std::shared_ptr<const KeyValue> store, std::uint32_t lane, std::uint64_t seq)
      : runs_(std::move(store)), lane_(lane), seq_(seq) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  RunBytes& bytes() { return bytes_; }

 private:
  StoredRuns runs_;
  std::uint32_t lane_;
  std::uint64_t seq_;
  RunBytes bytes_;
  std::optional<Error> error_;
};

class PlaceWork {
 public:
  PlaceWork(std::shared_ptr<const KeyValue> store, ArrivalKey at)
      : store_(std::move(store)), at_(at) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  const Ledger::Place& place() const { return place_; }

 private:
  std::shared_ptr<const KeyValue> store_;
  ArrivalKey at_;
  Ledger::Place place_;
  std::optional<Error> error_;
};

}  // namespace kith::store
