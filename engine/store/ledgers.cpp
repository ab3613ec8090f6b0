// SPDX-License-Identifier: MIT
#include "engine/store/ledgers.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/stored_ledger.h"

namespace kith::store {

LedgersShared::LedgersShared(LedgersSetup given)
    : setup(std::move(given)), author(author_of(setup.identity.peer_id()).value()) {}

struct Ledgers::State {
  explicit State(LedgersSetup setup) : shared(std::move(setup)) {}
  ~State() {  // who is ruled goes before who rules it
    while (!by_number.empty()) by_number.erase(by_number.begin());
  }
  using Made = std::unique_ptr<StoredLedger>;
  LedgersShared shared;
  std::map<std::string, StoredLedger*, std::less<>> by_name;
  std::map<Digest, StoredLedger*> by_id;
  std::map<std::uint32_t, Made, std::greater<>> by_number;
  std::uint32_t next_number = 1;

  StoredLedger& add(std::uint32_t number, ByteVector block, const std::string& name) {
    const Genesis genesis = decode_genesis(block).value();
    StoredLedger* rule = nullptr;
    if (genesis.rule) rule = by_id.at(*genesis.rule);
    auto made = std::make_unique<StoredLedger>(shared, number, std::move(block), name, rule);
    StoredLedger& ledger = *made;
    by_name.emplace(name, &ledger);
    by_id.emplace(ledger.id(), &ledger);
    by_number.emplace(number, std::move(made));
    next_number = std::max(next_number, number + 1);
    return ledger;
  }
  StoredLedger& make(const Genesis& genesis, const std::string& name, bool is_kept);
  StoredLedger& known(Ledger& ledger) { return *by_id.at(ledger.id()); }
  void load_ledgers();
  void load_lanes();
};

namespace {

// Every row of one kind, in order of their numbers.
template <class Fn>
void each_row(const KeyValue& store, MetaKind kind, Fn fn) {
  const auto scan = store.scan(Column::meta);
  for (scan->seek(meta_key(kind, 0)); scan->valid(); scan->next()) {
    const auto number = number_of(scan->key(), kind);
    if (!number) break;
    fn(*number, scan->value());
  }
  scan->status().value();
}

// The run that a lane ends with is there, and is that which the tip was written with.
void check_end(Scan& runs, std::uint32_t lane, const LaneRecord& record, const TipRecord& tip) {
  const ByteVector key = encode(RunKey{lane, tip.run_first_seq});
  runs.seek(key);
  runs.status().value();
  const auto header =
      runs.valid() && equal(runs.key(), key) ? decode_run_header(runs.value()) : std::nullopt;
  if (!header || header->check != check_of(tip.entry))
    throw Fault(damage("feed " + cid_text(record.feed), tip.seq, "its newest run is missing"));
}

}  // namespace

void Ledgers::State::load_ledgers() {
  const KeyValue& store = shared.setup.committer.store();
  each_row(store, MetaKind::ledger, [&](std::uint32_t number, Bytes row) {
    if (!row.empty() && row[0] > kRecordVersion)
      throw Fault(Error(ledger_error::unknown_version,
                        "a later kith wrote this store; run that one, or move the store aside"));
    const auto genesis =
        row.empty() ? Result<Genesis>(ledger_error::bad_block) : decode_genesis(row.subspan(1));
    const auto stored = store.get(Column::meta, meta_key(MetaKind::name, number)).value();
    const auto named = stored ? decode_name_record(*stored) : std::nullopt;
    const bool is_named = genesis && (named || (genesis->is_open() && !stored));
    const std::string name = named ? named->name : is_named ? genesis->name : std::string();
    if (!is_named || by_name.contains(name) || (genesis->rule && !by_id.contains(*genesis->rule)))
      throw Fault(damage("ledger " + std::to_string(number), 0, "its genesis is missing"));
    StoredLedger& ledger = add(number, to_vector(row.subspan(1)), name);
    ledger.is_open = ledger.is_kept = named && named->is_kept;
  });
}

void Ledgers::State::load_lanes() {
  const KeyValue& store = shared.setup.committer.store();
  const auto runs = store.scan(Column::runs);
  std::uint64_t tips = 0, lanes = 0;
  each_row(store, MetaKind::tip, [&](std::uint32_t, Bytes) { ++tips; });
  each_row(store, MetaKind::lane, [&](std::uint32_t number, Bytes row) {
    auto record = decode_lane_record(row);
    const auto ledger = record ? by_number.find(record->ledger) : by_number.end();
    if (ledger == by_number.end())
      throw Fault(damage("lane " + std::to_string(number), 0, "its ledger is missing"));
    const auto stored = store.get(Column::meta, meta_key(MetaKind::tip, number)).value();
    const auto tip = stored ? decode_tip_record(*stored) : std::nullopt;
    if (!tip)
      throw Fault(
          damage("feed " + cid_text(record->feed), record->first_seq, "its tip is missing"));
    check_end(*runs, number, *record, *tip);
    ledger->second->load_lane(number, *std::move(record), *tip);
    shared.next_lane = number + 1;
    ++lanes;
  });
  if (tips != lanes)
    throw Fault(
        damage("the store", 0,
               std::to_string(tips) + " lanes end in it, " + std::to_string(lanes) + " begin"));
}

Ledgers::Ledgers(LedgersSetup setup) : state_(std::make_unique<State>(std::move(setup))) {
  state_->load_ledgers();
  state_->load_lanes();
  // Who rules before who is ruled.
  auto& all = state_->by_number;
  for (auto at = all.rbegin(); at != all.rend(); ++at) at->second->load_rest();
}

Ledgers::~Ledgers() = default;

// With its rows, in one batch.
StoredLedger& Ledgers::State::make(const Genesis& genesis, const std::string& name, bool is_kept) {
  if (by_name.size() >= limits::kLedgersMax)
    throw Fault(Error(KITH_LIMIT, "this node keeps as many ledgers as it may"));
  Committer& committer = shared.setup.committer;
  if (committer.is_full()) throw Fault(Error(KITH_LIMIT, "too much waits for the disk; try again"));
  ByteVector block = encode(genesis);
  ByteVector row = block;
  row.insert(row.begin(), kRecordVersion);
  const std::uint32_t number = next_number;
  Batch batch;
  batch.put(Column::meta, meta_key(MetaKind::ledger, number), std::move(row));
  if (is_kept || !genesis.is_open())
    batch.put(Column::meta, meta_key(MetaKind::name, number), encode(NameRecord{is_kept, name}));
  committer.commit(std::move(batch), {}, {});
  StoredLedger& made = add(number, std::move(block), name);
  made.load_rest();
  made.is_open = true;
  made.is_kept = is_kept;
  return made;
}

namespace {

void check_name(std::string_view name) {
  if (!is_name_valid(name))
    throw Fault(Error(KITH_BAD, "a ledger's name is 1 to 64 of a-z 0-9 . _ -"));
}

}  // namespace

Ledger& Ledgers::open(std::string_view name) {
  check_name(name);
  const auto found = state_->by_name.find(name);
  if (found != state_->by_name.end()) {
    found->second->is_open = true;
    return *found->second;
  }
  Genesis genesis;
  genesis.name = name;
  return state_->make(genesis, genesis.name, false);
}

Ledger& Ledgers::found(const Founding& founding) {
  check_name(founding.name);
  if (state_->by_name.contains(founding.name))
    throw Fault(Error(KITH_REFUSED, "a ledger '" + founding.name + "' is kept here already"));
  Genesis genesis;
  genesis.name = founding.name;
  genesis.founder = state_->shared.author;
  genesis.hide = founding.hide;
  Loop& loop = state_->shared.setup.loop;
  genesis.time_us = loop.wall_us();
  loop.entropy(genesis.salt.emplace());
  if (!founding.rule.empty()) {
    const auto rule = state_->by_name.find(founding.rule);
    if (rule == state_->by_name.end() || rule->second->genesis().is_open())
      throw Fault(
          Error(KITH_ABSENT, "no ledger '" + founding.rule + "' with a founder is kept here"));
    genesis.rule = rule->second->id();
  }
  return state_->make(genesis, founding.name, true);
}

Ledger& Ledgers::join(Bytes genesis_block, std::string_view name) {
  const Genesis genesis = decode_genesis(genesis_block).value();
  const auto known = state_->by_id.find(digest_block(genesis_block));
  if (known != state_->by_id.end()) {
    known->second->is_open = true;
    keep(*known->second, true);
    return *known->second;
  }
  const std::string here = name.empty() ? genesis.name : std::string(name);
  check_name(here);
  if (state_->by_name.contains(here))
    throw Fault(Error(KITH_REFUSED, "another ledger is named '" + here +
                                        "' here: choose a name for this one with --as"));
  if (genesis.is_open() && here != genesis.name)
    throw Fault(Error(KITH_REFUSED, "an open ledger is found by its name: it stays '" +
                                        genesis.name + "' everywhere"));
  if (genesis.rule && !state_->by_id.contains(*genesis.rule))
    throw Fault(Error(KITH_REFUSED,
                      "another ledger rules it: join that one first: " + cid_text(*genesis.rule)));
  return state_->make(genesis, here, true);
}

void Ledgers::keep(Ledger& ledger, bool is_kept) {
  StoredLedger& known = state_->known(ledger);
  if (known.is_kept == is_kept) return;
  known.is_kept = is_kept;
  Batch batch;
  batch.put(Column::meta, meta_key(MetaKind::name, known.number()),
            encode(NameRecord{is_kept, known.name()}));
  state_->shared.setup.committer.commit(std::move(batch), {}, {});
}

Ledger* Ledgers::find(std::string_view name) {
  const auto found = state_->by_name.find(name);
  return found != state_->by_name.end() && found->second->is_open ? found->second : nullptr;
}
Ledger* Ledgers::find(const Digest& id) {
  const auto found = state_->by_id.find(id);
  return found != state_->by_id.end() && found->second->is_open ? found->second : nullptr;
}
std::vector<Ledger*> Ledgers::all() {
  std::vector<Ledger*> made;
  for (const auto& [name, ledger] : state_->by_name)
    if (ledger->is_open) made.push_back(ledger);
  return made;
}

void Ledgers::observe(LedgerObserver& observer) { state_->shared.observers.push_back(&observer); }
void Ledgers::unobserve(LedgerObserver& observer) {
  std::erase(state_->shared.observers, &observer);
}

void Ledgers::retire() { state_->shared.is_retired = true; }
bool Ledgers::idle() const {
  for (const auto& [name, ledger] : state_->by_name)
    if (!ledger->idle()) return false;
  return true;
}

}  // namespace kith::store
