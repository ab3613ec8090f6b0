// SPDX-License-Identifier: MIT
// The two orders of reading.h: by arrival, and by (time, CID).
#include <algorithm>

#include "engine/store/reading.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kEnd = UINT64_MAX;

class ByArrival final : public PageWork {
 public:
  using PageWork::PageWork;

 private:
  void begin() {
    scan_ = setup_.store->scan(Column::arrivals);
    const ArrivalKey from{setup_.ledger, setup_.query.newest ? kEnd : setup_.query.after + 1};
    scan_->seek_back(encode(from));
    if (setup_.query.newest || is_row()) return;
    scan_->seek(encode(ArrivalKey{setup_.ledger, 0}));
  }
  bool is_row() {
    if (!scan_->valid()) return false;
    const auto key = decode_arrival_key(scan_->key());
    const auto record = decode_arrival_record(scan_->value());
    if (!key || !record || key->ledger != setup_.ledger) return false;
    first_ = key->arrival;
    record_ = *record;
    return true;
  }
  bool go_on() override {
    if (!scan_) begin();
    for (; has_budget(); setup_.query.newest ? scan_->back() : scan_->next()) {
      if (is_over(*scan_) || !is_row()) return finish(false);
      const bool is_done = setup_.query.newest ? add_newest() : add_run();
      if (is_done) return true;
    }
    return false;
  }
  bool add_run() {
    const std::uint64_t end = first_ + record_.entries;
    for (std::uint64_t at = std::max(first_, next_ + 1); at < end && wants(record_.run.lane);
         ++at) {
      const std::uint64_t seq = record_.run.first_seq + (at - first_);
      const StoredRun* run = run_holding(record_.run.lane, seq);
      if (!run) return true;
      if (!has_room(*run, seq)) return finish(true);
      add(*run, seq);
      next_ = at;
    }
    next_ = std::max(next_, end - 1);
    return false;
  }
  bool add_newest() {
    next_ = std::max(next_, first_ + record_.entries - 1);
    for (std::uint64_t at = first_ + record_.entries; at-- > first_ && wants(record_.run.lane);) {
      if (at <= setup_.query.after) return finish(false);
      const std::uint64_t seq = record_.run.first_seq + (at - first_);
      const StoredRun* run = run_holding(record_.run.lane, seq);
      if (!run) return true;
      if (!has_room(*run, seq)) return finish(false);
      add(*run, seq);
    }
    return first_ <= setup_.query.after + 1 ? finish(false) : false;
  }
  void close() override { scan_.reset(); }

  std::unique_ptr<Scan> scan_;
  std::uint64_t first_ = 0;
  ArrivalRecord record_;
};

// Entries of one time are put in order of their ids. Where a page ends between two of them, `next`
// holds in its upper bits how many of them it gave.
constexpr int kTimeBits = 53;
constexpr std::uint64_t kGivenMax = (1u << (64 - kTimeBits)) - 1;
// Of one time; an author would need as many feeds to make more. Then the rest is seen by arrival.
constexpr std::size_t kSameTimeMax = 4'096;

class ByTime final : public PageWork {
 public:
  explicit ByTime(PageSetup setup)
      : PageWork(std::move(setup)),
        from_us_(setup_.query.after & kIntegerMax),
        given_(setup_.query.after >> kTimeBits) {}

 private:
  struct Place {
    Digest id;
    std::uint32_t lane;
    std::uint64_t seq;
  };
  void begin() {
    scan_ = setup_.store->scan(Column::times);
    if (setup_.query.newest) {
      scan_->seek_back(encode(TimeKey{setup_.ledger, setup_.due_us, UINT32_MAX, kEnd}));
    } else {
      scan_->seek(encode(TimeKey{setup_.ledger, from_us_, 0, 0}));
    }
  }
  bool is_row() {
    if (is_over(*scan_)) return false;
    const auto key = decode_time_key(scan_->key());
    if (!key || key->ledger != setup_.ledger) return false;
    row_ = *key;
    return row_.time_us >= from_us_ && row_.time_us <= setup_.due_us;
  }
  bool go_on() override {
    if (!scan_) begin();
    for (; has_budget(); setup_.query.newest ? scan_->back() : scan_->next()) {
      const bool is_end = !is_row();
      if (error()) return true;
      if (!same_.empty() && (is_end || row_.time_us != same_us_) && !add_same()) return true;
      if (is_end) return finish(false);
      if (!wants(row_.lane)) continue;
      const StoredRun* run = run_holding(row_.lane, row_.seq);
      if (!run) return true;
      same_us_ = row_.time_us;
      same_.push_back({run->id(row_.seq), row_.lane, row_.seq});
      if (same_.size() >= 2 * kSameTimeMax) sort_same();
    }
    return false;
  }
  void sort_same() {
    const bool newest = setup_.query.newest;
    std::sort(same_.begin(), same_.end(), [newest](const Place& a, const Place& b) {
      return newest ? b.id < a.id : a.id < b.id;
    });
    if (same_.size() > kSameTimeMax) same_.resize(kSameTimeMax);
  }
  // False: it is over.
  bool add_same() {
    sort_same();
    const std::vector<Place> all = std::exchange(same_, {});
    const std::uint64_t skipped = !setup_.query.newest && same_us_ == from_us_ ? given_ : 0;
    for (std::uint64_t i = skipped; i < all.size(); ++i) {
      const StoredRun* run = run_holding(all[i].lane, all[i].seq);
      if (!run) return false;
      if (!has_room(*run, all[i].seq)) return !finish(true);
      add(*run, all[i].seq);
      if (!setup_.query.newest) go_past(i + 1, all.size());
    }
    return true;
  }
  void go_past(std::uint64_t given, std::size_t of) {
    const bool is_split = given < of && given <= kGivenMax;
    next_ = is_split ? same_us_ | given << kTimeBits : same_us_ + 1;
  }
  void close() override { scan_.reset(); }

  std::uint64_t from_us_, given_;
  std::unique_ptr<Scan> scan_;
  TimeKey row_;
  std::uint64_t same_us_ = 0;  // of what waits for its order
  std::vector<Place> same_;
};

}  // namespace

std::shared_ptr<PageWork> page_by_arrival(PageSetup setup) {
  return std::make_shared<ByArrival>(std::move(setup));
}
std::shared_ptr<PageWork> page_by_time(PageSetup setup) {
  return std::make_shared<ByTime>(std::move(setup));
}

}  // namespace kith::store
