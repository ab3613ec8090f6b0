// SPDX-License-Identifier: MIT
#include "engine/store/ledgers.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/open_ledger.h"

namespace kith::store {

LedgersShared::LedgersShared(LedgersSetup given)
    : setup(std::move(given)), author(author_of(setup.identity.peer_id()).value()) {}

struct Ledgers::State {
  explicit State(LedgersSetup setup) : shared(std::move(setup)) {}
  using Made = std::unique_ptr<OpenLedger>;
  LedgersShared shared;
  std::map<std::string, Made, std::less<>> by_name;
  std::map<std::uint32_t, OpenLedger*> by_number;
  std::map<Digest, OpenLedger*> by_id;
  std::uint32_t next_number = 1;

  OpenLedger& add(std::uint32_t number, ByteVector block, const std::string& name) {
    auto made = std::make_unique<OpenLedger>(shared, number, std::move(block), name);
    OpenLedger& ledger = *made;
    by_name.emplace(name, std::move(made));
    by_number.emplace(number, &ledger);
    by_id.emplace(ledger.id(), &ledger);
    next_number = std::max(next_number, number + 1);
    return ledger;
  }
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
  each_row(shared.setup.committer.store(), MetaKind::ledger, [&](std::uint32_t number, Bytes row) {
    if (!row.empty() && row[0] > kRecordVersion)
      throw Fault(Error(ledger_error::unknown_version,
                        "a later kith wrote this store; run that one, or move the store aside"));
    const auto genesis =
        row.empty() ? Result<Genesis>(ledger_error::bad_block) : decode_genesis(row.subspan(1));
    if (!genesis || !genesis->is_open() || by_name.contains(genesis->name))
      throw Fault(damage("ledger " + std::to_string(number), 0, "its genesis is missing"));
    add(number, to_vector(row.subspan(1)), genesis->name);
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
  for (const auto& [number, ledger] : state_->by_number) ledger->load_rest();
}

Ledgers::~Ledgers() = default;

Ledger& Ledgers::open(std::string_view name) {
  if (!is_name_valid(name))
    throw Fault(Error(KITH_BAD, "a ledger's name is 1 to 64 of a-z 0-9 . _ -"));
  const auto found = state_->by_name.find(name);
  if (found != state_->by_name.end()) {
    found->second->is_open = true;
    return *found->second;
  }
  if (state_->by_name.size() >= limits::kLedgersMax)
    throw Fault(Error(KITH_LIMIT, "this node keeps as many ledgers as it may"));
  Genesis genesis;
  genesis.name = name;
  ByteVector block = encode(genesis);
  ByteVector row = block;
  row.insert(row.begin(), kRecordVersion);
  const std::uint32_t number = state_->next_number;
  Batch batch;
  batch.put(Column::meta, meta_key(MetaKind::ledger, number), std::move(row));
  Committer& committer = state_->shared.setup.committer;
  if (committer.is_full()) throw Fault(Error(KITH_LIMIT, "too much waits for the disk; try again"));
  committer.commit(std::move(batch), {}, {});
  OpenLedger& made = state_->add(number, std::move(block), genesis.name);
  made.is_open = true;
  return made;
}

Ledger* Ledgers::find(std::string_view name) {
  const auto found = state_->by_name.find(name);
  return found != state_->by_name.end() && found->second->is_open ? found->second.get() : nullptr;
}
Ledger* Ledgers::find(const Digest& id) {
  const auto found = state_->by_id.find(id);
  return found != state_->by_id.end() && found->second->is_open ? found->second : nullptr;
}
std::vector<Ledger*> Ledgers::all() {
  std::vector<Ledger*> made;
  for (const auto& [name, ledger] : state_->by_name)
    if (ledger->is_open) made.push_back(ledger.get());
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
