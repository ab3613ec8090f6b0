// SPDX-License-Identifier: MIT
#include "engine/store/body_jobs.h"

#include <algorithm>

namespace kith::store {
namespace {

constexpr std::size_t kLacksPerStep = 16;
constexpr std::size_t kRowsPerStep = 4'096;

}  // namespace

ByteVector encode(const Marks& marks) {
  ByteVector made;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (!marks[i]) continue;
    made.resize(i / 8 + 1);
    made[i / 8] = static_cast<std::uint8_t>(made[i / 8] | 1u << (i % 8));
  }
  return made;
}

Marks decode_marks(Bytes stored) {
  Marks made;
  for (std::size_t i = 0; i < std::min(made.size(), stored.size() * 8); ++i)
    made[i] = (stored[i / 8] >> (i % 8) & 1) != 0;
  return made;
}

// ---- one run

Result<RunChange> RunChange::of(const BodySetup& setup, const StoredRun& stored) {
  RunChange made(setup, stored);
  const auto lacks = made.read(MetaKind::lack), removed = made.read(MetaKind::removed);
  if (!lacks || !removed) return (lacks ? removed : lacks).error();
  made.lacks = made.lacked_ = *lacks;
  made.removed = made.removed_ = *removed;
  return made;
}

Result<Marks> RunChange::read(MetaKind kind) const {
  const auto row = setup_.store->get(Column::meta, meta_key(kind, setup_.ledger, key_));
  if (!row) return row.error();
  return *row ? decode_marks(**row) : Marks();
}

void RunChange::drop(std::size_t place) {
  Row& row = run_.rows[place];
  if (row.is_dropped || row.body_bytes == 0) return;
  row.is_dropped = is_changed_ = true;
  row.body = {};
  gained_ -= row.body_bytes;
}

void RunChange::fill(std::size_t place, Bytes body) {
  Row& row = run_.rows[place];
  row.is_dropped = false;
  row.body = body;
  is_changed_ = true;
  gained_ += row.body_bytes;
  lacks.reset(place);
}

void RunChange::write(Batch& batch, MetaKind kind, const Marks& was, const Marks& now) const {
  if (was == now) return;
  const ByteVector key = meta_key(kind, setup_.ledger, key_);
  if (now.none()) {
    batch.erase(Column::meta, key);
  } else {
    batch.put(Column::meta, key, encode(now));
  }
}

std::int64_t RunChange::write(Batch& batch) {
  write(batch, MetaKind::lack, lacked_, lacks);
  write(batch, MetaKind::removed, removed_, removed);
  if (!is_changed_) return 0;
  RunBytes bytes = encode(run_);
  const ByteVector key = encode(key_);
  batch.put(Column::runs, key, with_header(stored_.header, bytes.entries));
  batch.put(Column::bodies, key, std::move(bytes.bodies));
  return gained_;
}

// ---- what all share

bool BodyWork::step() {
  bytes_ = runs_ = 0;
  StoredRuns runs(setup_.store);
  const auto over = go_on(runs);
  if (!over) error_ = over.error();
  is_over_ = !over || *over;
  return true;
}

Result<const StoredRun*> BodyWork::run_at(StoredRuns& runs, std::uint32_t lane, std::uint64_t seq) {
  const auto run = runs.holding(lane, seq);
  if (!run) return run;
  ++runs_;
  bytes_ += (*run)->stored.size() + (*run)->bodies.size();
  return run;
}

void BodyWork::keep(const StoredRun& stored, RunChange& change) {
  const std::int64_t gained = change.write(batch_);
  gained_ += gained;
  const std::uint64_t arrival = stored.header.arrival;
  if (gained > 0)
    first_arrival_ = first_arrival_ == 0 ? arrival : std::min(first_arrival_, arrival);
  if (gained >= 0) return;
  const std::uint64_t at = stored.run.first_seq;
  Freed& freed = freed_.try_emplace(stored.lane, Freed{at, at, 0}).first->second;
  freed.first_seq = std::min(freed.first_seq, at);
  freed.last_seq = std::max(freed.last_seq, at);
  freed.bytes += static_cast<std::uint64_t>(-gained);
}

Result<bool> BodyWork::walk_arrivals(StoredRuns& runs, std::uint64_t& next, const Look& look) {
  const auto scan = setup_.store->scan(Column::arrivals);
  std::size_t rows = 0;
  for (scan->seek(encode(ArrivalKey{setup_.ledger, next})); scan->valid(); scan->next()) {
    const auto key = decode_arrival_key(scan->key());
    const auto record = decode_arrival_record(scan->value());
    if (!key || !record || key->ledger != setup_.ledger) return true;
    const std::uint64_t after = key->arrival + record->entries;
    if (after > setup_.synced_arrival + 1) return true;
    if (!has_budget() || ++rows > kRowsPerStep) return false;
    if (!is_control(record->run.lane)) {
      const auto run = run_at(runs, record->run.lane, record->run.first_seq);
      if (!run) return run.error();
      const auto is_enough = look(**run);
      if (!is_enough) return is_enough.error();
      if (*is_enough) {
        next = after;
        return true;
      }
    }
    next = after;
  }
  if (const auto status = scan->status(); !status) return status.error();
  return true;
}

// ---- drops

Result<std::uint64_t> DropBefore::look(const StoredRun& stored) {
  auto change = RunChange::of(setup_, stored);
  if (!change) return change.error();
  std::size_t place = 0;
  for (; place < stored.run.rows.size(); ++place) {
    const Row& row = stored.run.rows[place];
    if (row.time_us >= setup_.due_us) break;  // times ascend
    if (row.body_bytes == 0) continue;
    if (!row.is_dropped) ++bodies_;
    change->drop(place);
    change->lacks.reset(place);
    if (is_for_good_) change->removed.set(place);
  }
  keep(stored, *change);
  return stored.run.first_seq + place - 1;
}

Result<bool> DropBefore::go_on(StoredRuns& runs) {
  const auto scan = setup_.store->scan(Column::times);
  std::map<std::uint32_t, std::uint64_t> done;  // lane: to which seq
  std::size_t rows = 0;
  for (scan->seek(encode(next_)); scan->valid(); scan->next()) {
    const auto key = decode_time_key(scan->key());
    if (!key || key->ledger != setup_.ledger || key->time_us >= setup_.due_us) break;
    next_ = *key;
    if (!has_budget() || ++rows > kRowsPerStep) return false;
    if (is_control(key->lane)) continue;
    const auto at = done.find(key->lane);
    if (at != done.end() && key->seq <= at->second) continue;
    const auto run = run_at(runs, key->lane, key->seq);
    if (!run) return run.error();
    if (!is_synced(**run)) return true;
    const auto to = look(**run);
    if (!to) return to.error();
    done[key->lane] = *to;
  }
  if (const auto status = scan->status(); !status) return status.error();
  next_ = {setup_.ledger, std::max(next_.time_us, setup_.due_us), 0, 0};
  return true;
}

Result<bool> DropOldest::go_on(StoredRuns& runs) {
  return walk_arrivals(runs, next_arrival_, [this](const StoredRun& stored) -> Result<bool> {
    auto change = RunChange::of(setup_, stored);
    if (!change) return change.error();
    for (std::size_t place = 0; place < stored.run.rows.size(); ++place) {
      const Row& row = stored.run.rows[place];
      if (row.is_dropped || row.body_bytes == 0) continue;
      change->drop(place);
      ++bodies_;
      surplus_bytes_ -= std::min<std::uint64_t>(surplus_bytes_, row.body_bytes);
    }
    change->lacks.reset();
    keep(stored, *change);
    return surplus_bytes_ == 0;
  });
}

// ---- what is asked for

Result<void> OneBody::change(const StoredRun& stored) {
  if (!is_synced(stored)) return Error(KITH_LIMIT, "the entry is not on disk yet; try again");
  auto change = RunChange::of(setup_, stored);
  if (!change) return change.error();
  const std::size_t place = at_.seq - stored.run.first_seq;
  const Row& row = stored.run.rows[place];
  if (row.body_bytes == 0) return {};
  if (!is_wanted_) {
    bodies_ += row.is_dropped ? 0 : 1;
    change->drop(place);
    change->removed.set(place);
    change->lacks.reset(place);
  } else if (row.is_dropped) {
    if (row.time_us < setup_.due_us)
      return Error(KITH_REFUSED,
                   "retention drops what is so old: raise max_age of this ledger first");
    ++bodies_;
    change->removed.reset(place);
    change->lacks.set(place);
  }
  keep(stored, *change);
  return {};
}

Result<bool> OneBody::go_on(StoredRuns& runs) {
  for (const std::uint32_t lane : at_.lanes) {
    const auto run = run_at(runs, lane, at_.seq);
    if (!run) return run.error();
    if ((*run)->id(at_.seq) != at_.entry) continue;
    const auto changed = change(**run);
    return changed ? Result<bool>(true) : Result<bool>(changed.error());
  }
  return Error(KITH_ABSENT, "no such entry is held here");
}

Result<bool> WantAll::go_on(StoredRuns& runs) {
  return walk_arrivals(runs, next_arrival_, [this](const StoredRun& stored) -> Result<bool> {
    auto change = RunChange::of(setup_, stored);
    if (!change) return change.error();
    for (std::size_t place = 0; place < stored.run.rows.size(); ++place) {
      const Row& row = stored.run.rows[place];
      if (!row.is_dropped || change->removed[place] || row.time_us < setup_.due_us) continue;
      change->lacks.set(place);
      ++bodies_;
    }
    keep(stored, *change);
    return false;
  });
}

// ---- what came

Result<bool> FillBodies::go_on(StoredRuns& runs) {
  while (next_ < came_.size()) {
    if (!has_budget()) return false;
    const auto run = run_at(runs, lane_, came_[next_].first);
    if (!run) return run.error();
    const StoredRun& stored = **run;
    auto change = RunChange::of(setup_, stored);
    if (!change) return change.error();
    for (; next_ < came_.size() && stored.holds(came_[next_].first); ++next_) {
      const auto& [seq, body] = came_[next_];
      const std::size_t place = seq - stored.run.first_seq;
      if (!change->is_dropped(place) || !change->lacks[place]) continue;
      const Row& row = stored.run.rows[place];
      if (body.size() != row.body_bytes || crypto::sha256(body) != row.body_digest)
        return Error(ledger_error::body_mismatch, "entry " + std::to_string(seq));
      change->fill(place, body);
      ++bodies_;
    }
    keep(stored, *change);
  }
  return true;
}

bool FindLacks::step() {
  if (const auto looked = look(); !looked) error_ = looked.error();
  return true;
}

Result<void> FindLacks::look() {
  StoredRuns runs(setup_.store);
  const auto scan = setup_.store->scan(Column::meta);
  scan->seek(meta_key(MetaKind::lack, setup_.ledger, {next_.lane, next_.first_seq + 1}));
  for (; scan->valid() && found_.size() < kLacksPerStep; scan->next()) {
    const auto key = run_of(scan->key(), MetaKind::lack, setup_.ledger);
    if (!key) break;
    const auto run = runs.holding(key->lane, key->first_seq);
    if (!run) return run.error();
    const Marks marks = decode_marks(scan->value());
    const StoredRun& stored = **run;
    Lack lack{*key, stored.run.feed, stored.ids.back(), stored.run.last_seq(), {}};
    for (std::size_t place = 0; place < stored.run.rows.size(); ++place) {
      const Row& row = stored.run.rows[place];
      if (marks[place] && row.is_dropped)
        lack.bodies.emplace_back(key->first_seq + place, row.body_bytes);
    }
    next_ = *key;
    if (!lack.bodies.empty()) found_.push_back(std::move(lack));
  }
  is_end_ = found_.size() < kLacksPerStep;
  return scan->status();
}

bool ReadBodies::step() {
  std::size_t bytes = 0;
  bool is_full = false;
  for (const At& at : at_) {
    auto& body = bodies_.emplace_back();
    if (is_full || at.lane == 0) continue;
    const auto run = runs_.holding(at.lane, at.seq);
    if (!run) {
      error_ = run.error();
      break;
    }
    const Row& row = (*run)->row(at.seq);
    is_full = bytes > 0 && bytes + row.body_bytes > bytes_max_;
    if (row.is_dropped || is_full) continue;
    body = to_vector(row.body);
    bytes += row.body_bytes;
  }
  return true;
}

}  // namespace kith::store
