// SPDX-License-Identifier: MIT
// Sources over rows that lie in the order of a page: by arrival and by time, of a whole ledger or
// of one type.
#include <algorithm>

#include "engine/store/reading_spots.h"
#include "engine/store/run_glance.h"
#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

using Drawn = SpotSource::Drawn;

Result<Drawn> end_of(const Scan& scan) {
  if (const auto status = scan.status(); !status) return status.error();
  return Drawn::end;
}

class TimeRows final : public SpotSource {
 public:
  TimeRows(SharedStore store, Column column, ByteVector prefix, SpotRange range)
      : store_(std::move(store)), column_(column), prefix_(std::move(prefix)), range_(range) {}

  Result<Drawn> draw(Spot& to) override {
    move();
    if (!scan_->valid()) return end_of(*scan_);
    const Bytes key = scan_->key();
    const auto place = key.size() > prefix_.size() && equal(key.first(prefix_.size()), prefix_)
                           ? decode_time_place(key.subspan(prefix_.size()))
                           : std::nullopt;
    if (!place || !range_.holds(place->time_us)) return Drawn::end;
    to = {place->time_us, place->lane, place->seq};
    return Drawn::spot;
  }

 private:
  void move() {
    if (scan_) return range_.is_backwards ? scan_->back() : scan_->next();
    scan_ = store_->scan(column_);
    ByteVector key = prefix_;
    if (range_.is_backwards) {
      append(key, encode(TimePlace{range_.last, UINT32_MAX, UINT64_MAX}));
      scan_->seek_back(key);
    } else {
      append(key, encode(TimePlace{range_.first, 0, 0}));
      scan_->seek(key);
    }
  }

  const SharedStore store_;
  const Column column_;
  const ByteVector prefix_;
  const SpotRange range_;
  std::unique_ptr<Scan> scan_;
};

class RunRows final : public SpotSource {
 public:
  RunRows(SharedStore store, Column column, ByteVector prefix, SpotRange range)
      : store_(std::move(store)), column_(column), prefix_(std::move(prefix)), range_(range) {}

  Result<Drawn> draw(Spot& to) override {
    if (left_ == 0) {
      if (range_.first > range_.last) return Drawn::end;
      move();
      if (!is_row()) return end_of(*scan_);
      if (left_ == 0) return range_.is_past(arrival_) ? Drawn::end : Drawn::nothing_yet;
    }
    const std::uint64_t at = range_.is_backwards ? from_ + left_ - 1 : to_ - left_;
    --left_;
    to = {at, run_.run.lane, run_.run.first_seq + (at - arrival_)};
    return Drawn::spot;
  }

 private:
  void move() {
    if (scan_) return range_.is_backwards ? scan_->back() : scan_->next();
    scan_ = store_->scan(column_);
    scan_->seek_back(arrival_after(prefix_, range_.is_backwards ? range_.last : range_.first));
    if (range_.is_backwards || (scan_->valid() && arrival_behind(prefix_, scan_->key()))) return;
    scan_->seek(arrival_after(prefix_, 0));
  }
  // What of the row's run lies in the range.
  bool is_row() {
    if (!scan_->valid()) return false;
    const auto arrival = arrival_behind(prefix_, scan_->key());
    const auto run = decode_run_place(scan_->value());
    if (!arrival || !run) return false;
    arrival_ = *arrival;
    run_ = *run;
    from_ = std::max(arrival_, range_.first);
    to_ = std::min(arrival_ + run_.entries, range_.last + 1);
    left_ = from_ < to_ ? to_ - from_ : 0;
    return true;
  }

  const SharedStore store_;
  const Column column_;
  const ByteVector prefix_;
  const SpotRange range_;
  std::unique_ptr<Scan> scan_;
  std::uint64_t arrival_ = 0;  // of the run's first entry
  RunPlace run_;
  std::uint64_t from_ = 0, to_ = 0, left_ = 0;  // arrivals of the run, to_ not included
};

// One after the other.
class Chain final : public SpotSource {
 public:
  Chain(std::unique_ptr<SpotSource> first, std::unique_ptr<SpotSource> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  Result<Drawn> draw(Spot& to) override {
    if (is_first_over_) return second_->draw(to);
    const auto drawn = first_->draw(to);
    if (!drawn || *drawn != Drawn::end) return drawn;
    is_first_over_ = true;
    return Drawn::nothing_yet;
  }

 private:
  std::unique_ptr<SpotSource> first_, second_;
  bool is_first_over_ = false;
};

// Entries of a type that came behind the index: put in order once.
class TypeTail final : public SpotSource {
 public:
  TypeTail(SharedStore store, TypeSpots asked)
      : store_(std::move(store)), asked_(std::move(asked)) {}
  Result<Drawn> draw(Spot& to) override {
    if (!is_collected_) return collect();
    if (next_ == spots_.size()) return Drawn::end;
    to = spots_[next_++];
    return Drawn::spot;
  }

 private:
  Result<Drawn> collect() {
    const ByteVector prefix = ledger_prefix(asked_.ledger);
    if (scan_) {
      scan_->next();
    } else {
      scan_ = store_->scan(Column::arrivals);
      scan_->seek(arrival_after(prefix, asked_.index.typed_to() + 1));
    }
    const auto run = scan_->valid() && arrival_behind(prefix, scan_->key())
                         ? decode_run_place(scan_->value())
                         : std::nullopt;
    if (!run) return close();
    const auto stored = store_->get(Column::runs, encode(run->run));
    if (!stored) return stored.error();
    const auto glance = *stored ? glance_run(**stored) : std::nullopt;
    if (!glance)
      return damage("lane " + std::to_string(run->run.lane), run->run.first_seq, "it is missing");
    for (std::size_t i = 0; i < glance->times_us.size(); ++i) {
      if (glance->types[glance->type[i]] == asked_.type && asked_.range.holds(glance->times_us[i]))
        spots_.push_back({glance->times_us[i], run->run.lane, glance->first_seq + i});
    }
    return Drawn::nothing_yet;
  }
  Result<Drawn> close() {
    const auto ended = end_of(*scan_);
    if (!ended) return ended;
    scan_.reset();
    is_collected_ = true;
    std::sort(spots_.begin(), spots_.end(), [](const Spot& a, const Spot& b) {
      return std::tie(a.key, a.lane, a.seq) < std::tie(b.key, b.lane, b.seq);
    });
    if (asked_.range.is_backwards) std::reverse(spots_.begin(), spots_.end());
    return Drawn::nothing_yet;
  }

  const SharedStore store_;
  const TypeSpots asked_;
  std::unique_ptr<Scan> scan_;
  bool is_collected_ = false;
  std::vector<Spot> spots_;
  std::size_t next_ = 0;
};

// Two in one order; what both have comes once.
class Merged final : public SpotSource {
 public:
  Merged(std::unique_ptr<SpotSource> a, std::unique_ptr<SpotSource> b, bool is_backwards)
      : heads_{Head{std::move(a)}, Head{std::move(b)}}, is_backwards_(is_backwards) {}
  Result<Drawn> draw(Spot& to) override {
    for (Head& head : heads_) {
      if (head.drawn == Drawn::spot || head.drawn == Drawn::end) continue;
      const auto drawn = head.source->draw(head.spot);
      if (!drawn) return drawn;
      head.drawn = *drawn;
      if (head.drawn == Drawn::nothing_yet) return Drawn::nothing_yet;
    }
    Head* first = nullptr;
    for (Head& head : heads_) {
      if (head.drawn != Drawn::spot) continue;
      if (!first || comes_before(head.spot, first->spot)) {
        first = &head;
      } else if (!comes_before(first->spot, head.spot)) {
        head.drawn = Drawn::nothing_yet;  // the same
      }
    }
    if (!first) return Drawn::end;
    to = first->spot;
    first->drawn = Drawn::nothing_yet;
    return Drawn::spot;
  }

 private:
  struct Head {
    std::unique_ptr<SpotSource> source;
    Spot spot;
    Drawn drawn = Drawn::nothing_yet;
  };
  bool comes_before(const Spot& a, const Spot& b) const {
    const auto as_key = [](const Spot& spot) { return std::tie(spot.key, spot.lane, spot.seq); };
    return is_backwards_ ? as_key(b) < as_key(a) : as_key(a) < as_key(b);
  }
  std::array<Head, 2> heads_;
  const bool is_backwards_;
};

}  // namespace

std::unique_ptr<SpotSource> spots_by_time(SharedStore store, Column column, ByteVector prefix,
                                          SpotRange range) {
  return std::make_unique<TimeRows>(std::move(store), column, std::move(prefix), range);
}

std::unique_ptr<SpotSource> spots_by_arrival(SharedStore store, Column column, ByteVector prefix,
                                             SpotRange range) {
  return std::make_unique<RunRows>(std::move(store), column, std::move(prefix), range);
}

std::unique_ptr<SpotSource> spots_of_type(SharedStore store, TypeSpots asked) {
  const SpotRange all = asked.range;
  const auto prefix = [&](IndexKind kind) { return type_prefix(kind, asked.ledger, asked.type); };
  if (asked.by_time) {
    auto indexed = spots_by_time(store, Column::index, prefix(IndexKind::type_time), all);
    auto tail = std::make_unique<TypeTail>(std::move(store), std::move(asked));
    return std::make_unique<Merged>(std::move(indexed), std::move(tail), all.is_backwards);
  }
  SpotRange old = all, fresh = all;
  old.last = std::min(all.last, asked.index.typed_to());
  fresh.first = std::max(all.first, asked.index.typed_to() + 1);
  auto indexed = spots_by_arrival(store, Column::index, prefix(IndexKind::type_run), old);
  auto tail =
      spots_by_arrival(std::move(store), Column::arrivals, ledger_prefix(asked.ledger), fresh);
  if (all.is_backwards) std::swap(indexed, tail);
  return std::make_unique<Chain>(std::move(indexed), std::move(tail));
}

}  // namespace kith::store
