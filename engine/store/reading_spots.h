// SPDX-License-Identifier: MIT
// SpotSource: where entries lie, in the order in which a page shows them, or backwards. A page
// draws from one until it is full, so a source is what a read costs. It may name entries that are
// not wanted and leaves out none that is. Owned by one page, on its thread.
#pragma once
#include "engine/store/places.h"

namespace kith::store {

struct Spot {
  std::uint64_t key = 0;  // its arrival, or its time_us
  std::uint32_t lane = 0;
  std::uint64_t seq = 0;
};
struct SpotRange {
  std::uint64_t first = 0, last = 0;  // keys, both included
  bool is_backwards = false;
  bool holds(std::uint64_t key) const { return key >= first && key <= last; }
  bool is_past(std::uint64_t key) const { return is_backwards ? key < first : key > last; }
};

class SpotSource {
 public:
  virtual ~SpotSource() = default;
  enum class Drawn { spot, nothing_yet, end };
  virtual Result<Drawn> draw(Spot& to) = 0;            // a few look-ups at most
  virtual std::uint64_t rebuilt() const { return 0; }  // entries that it rebuilt to find others
};

using SharedStore = std::shared_ptr<const KeyValue>;
// Rows of TimePlaces behind a prefix, and rows of runs by arrival.
std::unique_ptr<SpotSource> spots_by_time(SharedStore store, Column column, ByteVector prefix,
                                          SpotRange range);
std::unique_ptr<SpotSource> spots_by_arrival(SharedStore store, Column column, ByteVector prefix,
                                             SpotRange range);

// A lane, as far as a page looks at it. No entry up to last_seq is later than newest_us.
struct LaneBound {
  std::uint32_t number = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t newest_us = 0;
};
// The lanes merged; in a lane, times and arrivals ascend both. type: only such; empty: all.
std::unique_ptr<SpotSource> spots_of_lanes(SharedStore store, std::vector<LaneBound> lanes,
                                           bool by_time, std::string type, SpotRange range);

struct TypeSpots {
  std::uint32_t ledger = 0;
  std::string type;
  bool by_time = false;
  IndexRecord index;
  SpotRange range;
};
// What the index has of a type, and what arrived behind it.
std::unique_ptr<SpotSource> spots_of_type(SharedStore store, TypeSpots asked);

}  // namespace kith::store
