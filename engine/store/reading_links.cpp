// SPDX-License-Identifier: MIT
#include "engine/store/reading_links.h"

namespace kith::store {
namespace {

constexpr int kLooksPerStep = 128;

}  // namespace

Result<std::vector<RunKey>> places_like(Scan& index, std::uint32_t ledger, const Digest& id) {
  std::vector<RunKey> made;
  const IdKey wanted{ledger, check_of(id), 0, 0};
  for (index.seek(encode(wanted)); index.valid() && made.size() < kAlikeMax; index.next()) {
    const auto key = decode_id_key(index.key());
    if (!key || key->ledger != ledger || key->beginning != wanted.beginning) break;
    made.push_back({key->lane, key->seq});
  }
  if (const auto status = index.status(); !status) return status.error();
  return made;
}

LinkJudge::LinkJudge(SharedStore store, std::uint32_t ledger, const IndexRecord& index,
                     std::uint64_t arrivals)
    : store_(std::move(store)),
      ledger_(ledger),
      tail_after_(index.ids_to),
      arrivals_(arrivals),
      has_tail_(arrivals > index.ids_to && arrivals - index.ids_to <= kTailMax),
      runs_(store_) {}

void LinkJudge::ask(std::size_t entry, std::uint64_t time_us, const Digest& id,
                    const std::vector<Digest>& links) {
  for (const Digest& link : links) asked_.push_back({entry, time_us, id, link});
}

void LinkJudge::judge(const Asked& asked, std::uint64_t time_us) {
  if (std::tie(time_us, asked.link) > std::tie(asked.time_us, asked.id))
    odd_.push_back(asked.entry);
}

Result<bool> LinkJudge::step() {
  for (int looks = 0; looks < kLooksPerStep; ++looks) {
    if (next_ < asked_.size()) {
      const Asked& asked = asked_[next_++];
      const auto found = look_up(asked);
      if (!found) return found;
      if (*found || !has_tail_) continue;
      absent_.emplace(asked.link, asked);
      oldest_us_ = std::min(oldest_us_, asked.time_us);
      continue;
    }
    if (absent_.empty()) return true;
    const auto is_over = look_through();
    if (!is_over || *is_over) return is_over;
  }
  return false;
}

Result<bool> LinkJudge::look_up(const Asked& asked) {
  if (!index_) index_ = store_->scan(Column::index);
  const auto places = places_like(*index_, ledger_, asked.link);
  if (!places) return places.error();
  for (const RunKey& at : *places) {
    const auto time_us = time_of(at);
    if (!time_us) return time_us.error();
    if (*time_us < asked.time_us) continue;
    const auto run = runs_.holding(at.lane, at.first_seq);
    if (!run) return run.error();
    if ((*run)->id(at.first_seq) == asked.link) judge(asked, *time_us);
  }
  return !places->empty();
}

Result<std::uint64_t> LinkJudge::time_of(const RunKey& at) {
  const auto holds = [&](const RunGlance& run) {
    return at.first_seq >= run.first_seq && at.first_seq <= run.last_seq();
  };
  if (!glanced_ || glanced_->first != at.lane || !holds(glanced_->second)) {
    glanced_.reset();
    if (!rows_) rows_ = store_->scan(Column::runs);
    rows_->seek_back(encode(at));
    if (const auto status = rows_->status(); !status) return status.error();
    const auto key = rows_->valid() ? decode_run_key(rows_->key()) : std::nullopt;
    auto run = key && key->lane == at.lane ? glance_run(rows_->value()) : std::nullopt;
    if (!run || !holds(*run))
      return damage("lane " + std::to_string(at.lane), at.first_seq, "the run is not whole");
    glanced_.emplace(at.lane, *std::move(run));
  }
  const RunGlance& run = glanced_->second;
  return run.times_us[at.first_seq - run.first_seq];
}

Result<bool> LinkJudge::look_through() {
  const ByteVector prefix = ledger_prefix(ledger_);
  if (tail_) {
    tail_->next();
  } else {
    tail_ = store_->scan(Column::arrivals);
    tail_->seek(arrival_after(prefix, tail_after_ + 1));
  }
  if (const auto status = tail_->status(); !status) return status.error();
  const auto arrival = tail_->valid() ? arrival_behind(prefix, tail_->key()) : std::nullopt;
  const auto place = arrival ? decode_run_place(tail_->value()) : std::nullopt;
  if (!place || *arrival > arrivals_) return true;
  const std::uint64_t last_seq = place->run.first_seq + place->entries - 1;
  const auto last_us = time_of({place->run.lane, last_seq});
  if (!last_us) return last_us.error();
  if (*last_us < oldest_us_) return false;
  const auto held = runs_.holding(place->run.lane, last_seq);
  if (!held) return held.error();
  const StoredRun& run = **held;
  for (std::size_t i = 0; i < run.ids.size(); ++i) {
    const auto [from, to] = absent_.equal_range(run.ids[i]);
    for (auto at = from; at != to; ++at) judge(at->second, run.run.rows[i].time_us);
  }
  return false;
}

}  // namespace kith::store
