// SPDX-License-Identifier: MIT
#include "engine/store/finding.h"

#include <algorithm>
#include <set>

#include "engine/store/reading.h"
#include "engine/store/stored_ledger.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kEntriesPerStep = 4'096;
constexpr std::uint64_t kRestUs = 100'000;       // after the last arrival
constexpr std::uint64_t kRestMaxUs = 5'000'000;  // however many go on to arrive
constexpr std::uint64_t kRetryUs = 1'000'000;    // too much waits beside the loop
constexpr std::uint64_t kCommitterUs = 10'000;   // others write

}  // namespace

bool IndexWork::step() {
  if (const auto good = go_on(); !good) error_ = good.error();
  batch_.put(Column::meta, meta_key(MetaKind::index, ledger_), encode(record_));
  return true;
}

Result<void> IndexWork::go_on() {
  const ByteVector prefix = ledger_prefix(ledger_);
  const auto arrivals = store_->scan(Column::arrivals);
  StoredRuns runs(store_);
  arrivals->seek(arrival_after(prefix, record_.built_to() + 1));
  for (; runs.rebuilt() < kEntriesPerStep && record_.built_to() < until_; arrivals->next()) {
    if (const auto status = arrivals->status(); !status) return status.error();
    const auto place = arrivals->valid() && arrival_behind(prefix, arrivals->key())
                           ? decode_run_place(arrivals->value())
                           : std::nullopt;
    if (!place)
      return damage("arrival " + std::to_string(record_.built_to() + 1), 0, "its row is missing");
    const auto run = runs.holding(place->run.lane, place->run.first_seq);
    if (!run) return run.error();
    const bool is_turn = begins_types((*run)->run);
    add(**run);
    // The rows of types before it are still to be made.
    if (is_turn && record_.types_to < record_.ids_to) break;
  }
  return {};
}

bool IndexWork::begins_types(const Run& run) {
  if (record_.has_types) return false;
  if (record_.ids_to == 0) record_.only_type = run.rows.front().type;
  record_.has_types = std::any_of(run.rows.begin(), run.rows.end(),
                                  [&](const Row& row) { return row.type != record_.only_type; });
  if (record_.has_types) record_.only_type.clear();
  return record_.has_types;
}

void IndexWork::add(const StoredRun& run) {
  const std::uint64_t last = run.header.arrival + run.ids.size() - 1;
  if (last > record_.ids_to) {
    for (std::size_t i = 0; i < run.ids.size(); ++i) {
      const IdKey key{ledger_, check_of(run.ids[i]), run.lane, run.run.first_seq + i};
      batch_.put(Column::index, encode(key), {});
    }
    record_.ids_to = last;
  }
  if (record_.has_types && run.header.arrival == record_.types_to + 1) {
    add_types(run);
    record_.types_to = last;
  }
}

void IndexWork::add_types(const StoredRun& run) {
  std::set<std::string_view> types;
  std::uint64_t seq = run.run.first_seq;
  for (const Row& row : run.run.rows) {
    ByteVector key = type_prefix(IndexKind::type_time, ledger_, row.type);
    append(key, encode(TimePlace{row.time_us, run.lane, seq++}));
    batch_.put(Column::index, key, {});
    types.insert(row.type);
  }
  const RunPlace place{{run.lane, run.run.first_seq}, static_cast<std::uint32_t>(run.ids.size())};
  for (const std::string_view type : types) {
    const ByteVector prefix = type_prefix(IndexKind::type_run, ledger_, type);
    batch_.put(Column::index, arrival_after(prefix, run.header.arrival), encode(place));
  }
}

EntryIndex::EntryIndex(LedgersShared& shared, std::uint32_t ledger, std::string_view name)
    : shared_(shared),
      ledger_(ledger),
      rest_({&EntryIndex::rested, this}),
      scope_([this, name = std::string(name)](const std::exception& thrown) {
        const auto* fault = dynamic_cast<const Fault*>(&thrown);
        if (fault && fault->error().is(KITH_LIMIT)) return rest(kRetryUs);
        is_broken_ = true;
        shared_.setup.log.warn("index not built ledger={} err=\"{}\"", name, thrown.what());
      }) {}

void EntryIndex::load(std::uint64_t entries) {
  const KeyValue& store = shared_.setup.committer.store();
  const auto stored = store.get(Column::meta, meta_key(MetaKind::index, ledger_)).value();
  const auto record = stored ? decode_index_record(*stored) : std::nullopt;
  // Of more than there is, none of it can be trusted to be whole.
  if (record && record->ids_to <= entries && record->types_to <= record->ids_to) record_ = *record;
  arrived(entries);
}

void EntryIndex::arrived(std::uint64_t entries) {
  entries_ = entries;
  if (is_building_ || is_broken_ || record_.built_to() == entries_) return;
  const std::uint64_t now_us = shared_.setup.loop.now_us();
  if (!rest_.armed()) behind_since_us_ = now_us;
  rest(std::min(kRestUs, behind_since_us_ + kRestMaxUs - now_us));
}

void EntryIndex::hurry() {
  if (is_building_ || is_broken_ || record_.built_to() == entries_) return;
  rest(0);
}

void EntryIndex::rest(std::uint64_t us) { shared_.setup.loop.start(rest_, us); }

void EntryIndex::rested(void* self, std::int64_t, const void*) {
  auto& index = *static_cast<EntryIndex*>(self);
  if (!index.shared_.is_retired) index.scope_.spawn(build(index));
}

void EntryIndex::kept(void* self, std::int64_t r, const void*) {
  static_cast<EntryIndex*>(self)->committed_->answer(r);
}

Task<void> EntryIndex::build(EntryIndex& self) {
  const Flagged building(self.is_building_);
  Loop& loop = self.shared_.setup.loop;
  Committer& committer = self.shared_.setup.committer;
  while (self.record_.built_to() < self.entries_) {
    auto work =
        std::make_shared<IndexWork>(committer.share(), self.ledger_, self.record_, self.entries_);
    auto mine = work;
    co_await step_beside(loop, std::move(mine), Loop::Beside::lengthy);
    if (work->error()) throw Fault(*work->error());
    while (committer.is_full() && !self.shared_.is_retired) {
      Nap nap(loop, kCommitterUs);
      co_await nap;
    }
    if (self.shared_.is_retired) co_return;
    Parked parked;
    self.committed_ = parked.slot();
    committer.commit(std::move(work->batch()), {&EntryIndex::kept, &self}, {});
    const std::int64_t r = co_await parked;
    self.is_broken_ = r < 0;  // the store told its owner
    if (self.is_broken_) co_return;
    self.record_ = work->record();
  }
}

// ---- by its id

namespace {

// The one entry of that id: where the index has it, else in what came behind the index, the newest
// first.
class IdSpots final : public SpotSource {
 public:
  IdSpots(SharedStore store, std::uint32_t ledger, std::uint64_t ids_to, std::uint64_t arrivals,
          const Digest& id)
      : store_(std::move(store)),
        ledger_(ledger),
        id_(id),
        tail_(spots_by_arrival(store_, Column::arrivals, ledger_prefix(ledger),
                               {ids_to + 1, arrivals, true})),
        runs_(store_) {}

  std::uint64_t rebuilt() const override { return runs_.rebuilt(); }
  Result<Drawn> draw(Spot& to) override {
    if (is_over_) return Drawn::end;
    if (!index_) return look_up(to);
    for (;;) {
      const auto drawn = tail_->draw(to);
      if (!drawn || *drawn != Drawn::spot) return drawn;
      const bool is_new_run = to.lane != run_lane_ || to.seq < run_first_seq_;
      const auto is_it = holds(to);
      if (!is_it) return is_it.error();
      is_over_ = *is_it;
      if (is_over_) return Drawn::spot;
      if (is_new_run) return Drawn::nothing_yet;
    }
  }

 private:
  Result<Drawn> look_up(Spot& to) {
    index_ = store_->scan(Column::index);
    const auto places = places_like(*index_, ledger_, id_);
    if (!places) return places.error();
    for (const RunKey& place : *places) {
      to = {0, place.lane, place.first_seq};
      const auto is_it = holds(to);
      if (!is_it) return is_it.error();
      is_over_ = *is_it;
      if (is_over_) return Drawn::spot;
    }
    return Drawn::nothing_yet;
  }
  Result<bool> holds(const Spot& spot) {
    const auto run = runs_.holding(spot.lane, spot.seq);
    if (!run) return run.error();
    run_lane_ = spot.lane;
    run_first_seq_ = (*run)->run.first_seq;
    return (*run)->id(spot.seq) == id_;
  }

  const SharedStore store_;
  const std::uint32_t ledger_;
  const Digest id_;
  std::unique_ptr<Scan> index_;
  std::unique_ptr<SpotSource> tail_;
  StoredRuns runs_;
  std::uint32_t run_lane_ = 0;
  std::uint64_t run_first_seq_ = 0;
  bool is_over_ = false;
};

}  // namespace

Task<std::optional<Held>> StoredLedger::find(Digest entry) {
  index_.hurry();
  PageSetup setup = page_setup(Query());
  auto source = std::make_unique<IdSpots>(setup.store, setup.ledger, setup.index.ids_to,
                                          setup.arrivals, entry);
  auto work = std::make_shared<PageWork>(std::move(setup), std::move(source));
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  Page page = page_of(*work);
  if (page.entries.empty()) co_return std::nullopt;
  co_return std::move(page.entries.front());
}

}  // namespace kith::store
