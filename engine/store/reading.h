// SPDX-License-Identifier: MIT
// The jobs of reading a ledger: a page by arrival or by time, one run, one arrival's place. Each
// owns what it looks at and goes in steps of some milliseconds; any one thread. Who wrote an entry
// and whether his feed forked is not theirs: the ledger adds it on the loop.
#pragma once
#include <map>

#include "engine/store/ledger.h"
#include "engine/store/reading_links.h"
#include "engine/store/reading_spots.h"
#include "engine/store/stored_runs.h"

namespace kith::store {

struct AuthorLanes {
  std::vector<LaneBound> lanes;  // by number
  std::uint64_t entries = 0;     // in them, at most
};
struct PageSetup {
  SharedStore store;
  std::uint32_t ledger = 0;
  Query query;
  std::uint64_t due_us = 0;    // what is later is early
  std::uint64_t arrivals = 0;  // how many there are: what comes later is for another page
  IndexRecord index;
  std::optional<AuthorLanes> author;                  // none: all
  std::map<std::uint32_t, std::uint64_t> void_after;  // the last seq that counts, where not all do
};

// A page that fills up from a source.
class PageWork {
 public:
  explicit PageWork(PageSetup setup);
  PageWork(PageSetup setup, std::unique_ptr<SpotSource> source);
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
  std::uint64_t before() const { return before_; }

 private:
  // Of one time, before they are put in order.
  struct Place {
    Digest id;
    std::uint32_t lane;
    std::uint64_t seq;
  };
  bool fill();         // true: the page is made
  bool judge_links();  // true: all are judged
  bool has_budget();
  std::uint64_t rebuilt() const { return runs_.rebuilt() + source_->rebuilt(); }
  bool wants(const Spot& spot) const;
  bool has_room(const Row& row) const;
  bool take(const Spot& spot);
  bool take_same();
  void sort_same();
  bool add(std::uint32_t lane, std::uint64_t seq);
  void go_past(const Spot& spot);
  void go_past(std::uint64_t given, std::size_t of);
  bool finish(bool is_full);
  bool fail(Error error);

  PageSetup setup_;
  std::unique_ptr<SpotSource> source_;
  StoredRuns runs_;
  std::uint32_t limit_;
  std::uint64_t next_ = 0, before_ = 0;
  bool more_ = false;
  std::uint64_t back_ = 0;     // what `before` would be now
  std::uint64_t same_us_ = 0;  // of what waits for its order
  std::vector<Place> same_;
  std::vector<Found> found_;
  std::size_t bytes_ = 0;
  LinkJudge links_;
  std::optional<Error> error_;
  std::uint64_t rows_ = 0, rows_max_ = 0, rebuilt_max_ = 0;
};

class LoadWork {
 public:
  LoadWork(SharedStore store, std::uint32_t lane, std::uint64_t seq)
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
  PlaceWork(SharedStore store, ArrivalKey at) : store_(std::move(store)), at_(at) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  const Ledger::Place& place() const { return place_; }

 private:
  SharedStore store_;
  ArrivalKey at_;
  Ledger::Place place_;
  std::optional<Error> error_;
};

}  // namespace kith::store
