// SPDX-License-Identifier: MIT
// VerifyWork over the indexes. As many rows with the same sum are taken as the same rows: this
// finds what was lost, not what was forged, for who can write the store can write its indexes. Only
// where they differ each row is looked up, so that the sentence names it.
#include <algorithm>

#include "engine/store/verifying.h"

namespace kith::store {
namespace {

constexpr int kRowsPerStep = 65'536;
constexpr int kRunsPerStep = 16;  // with a look-up an entry

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

void VerifyWork::Sum::add(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
  ++rows;
  mixed += mix(mix(mix(mix(a + 1) + b) + c) + d);
}

bool VerifyWork::is_later(std::uint32_t lane, std::uint64_t seq) const {
  const LaneFacts* known = lane_of(lane);
  if (known) return seq > known->seq;
  return setup_.lanes.empty() || lane > setup_.lanes.back().number;
}

bool VerifyWork::step_times() {
  if (!index_) {
    index_ = setup_.store->scan(Column::times);
    index_->seek(encode(TimeKey{setup_.ledger, 0, 0, 0}));
  }
  for (int rows = 0; rows < kRowsPerStep; ++rows, index_->next()) {
    const auto key = index_->valid() ? decode_time_key(index_->key()) : std::nullopt;
    if (!key || key->ledger != setup_.ledger) {
      index_.reset();
      return true;
    }
    if (!is_later(key->lane, key->seq)) times_found_.add(key->time_us, key->lane, key->seq, 0);
  }
  return false;
}

bool VerifyWork::step_arrivals() {
  if (!index_) {
    index_ = setup_.store->scan(Column::arrivals);
    index_->seek(encode(ArrivalKey{setup_.ledger, 0}));
  }
  for (int rows = 0; rows < kRowsPerStep; ++rows, index_->next()) {
    const auto key = index_->valid() ? decode_arrival_key(index_->key()) : std::nullopt;
    const auto record = key ? decode_arrival_record(index_->value()) : std::nullopt;
    if (!record || key->ledger != setup_.ledger) {
      index_.reset();
      return true;
    }
    if (!is_later(record->run.lane, record->run.first_seq))
      arrivals_found_.add(key->arrival, record->run.lane, record->run.first_seq, record->entries);
  }
  return false;
}

// The runs once more; what they do not explain is a row too many.
bool VerifyWork::step_blame() {
  for (int runs = 0; runs < kRunsPerStep && lane_ < setup_.lanes.size();) {
    if (!is_begun_) begin_lane();
    if (next_run()) {
      ++runs;
    } else {
      is_begun_ = false;
      ++lane_;
    }
  }
  if (lane_ < setup_.lanes.size()) return false;
  if (verdict_.ok())
    verdict_.problems.push_back("the indexes hold rows of entries that are not there: " +
                                std::to_string(times_found_.rows) + " by time, " +
                                std::to_string(times_kept_.rows) + " entries");
  return true;
}

void VerifyWork::blame_run(const LaneFacts& lane, const Run& run, const RunHeader& header) {
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const TimeKey key{setup_.ledger, run.rows[i].time_us, lane.number, run.first_seq + i};
    const auto row = setup_.store->get(Column::times, encode(key));
    if (!row || !*row) say(lane, run.first_seq + i, "its row in the order of time is missing");
  }
  const auto stored =
      setup_.store->get(Column::arrivals, encode(ArrivalKey{setup_.ledger, header.arrival}));
  const auto record = stored && *stored ? decode_arrival_record(**stored) : std::nullopt;
  if (!record || record->run.lane != lane.number || record->run.first_seq != run.first_seq ||
      record->entries != run.rows.size())
    say(lane, run.first_seq, "its row in the order of arrival is missing");
}

}  // namespace kith::store
