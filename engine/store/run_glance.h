// SPDX-License-Identifier: MIT
// RunGlance: what a stored run says of its entries without their bodies: arrival, times, types.
// Nothing is rebuilt or hashed, so it chooses what is worth reading and is never shown itself.
// Pure; any thread.
#pragma once
#include "engine/store/places.h"

namespace kith::store {

// The first numbers of a run, in a row of Column::runs.
struct RunBeginning {
  std::uint64_t arrival = 0, first_seq = 0, entries = 0, first_us = 0;
  std::uint64_t last_seq() const { return first_seq + entries - 1; }
};
std::optional<RunBeginning> glance_beginning(Bytes stored);

struct RunGlance {
  std::uint64_t arrival = 0, first_seq = 0;
  std::vector<std::uint64_t> times_us;
  std::vector<std::string> types;   // the distinct ones
  std::vector<std::uint16_t> type;  // of each entry its place in `types`
  std::uint64_t last_seq() const { return first_seq + times_us.size() - 1; }
};
// None: it is damaged.
std::optional<RunGlance> glance_run(Bytes stored);

}  // namespace kith::store
