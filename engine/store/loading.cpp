// SPDX-License-Identifier: MIT
// StoredLedger: what the store holds of it, read once when the node starts. In proportion to its
// lanes, never to its entries.
#include <algorithm>

#include "engine/store/stored_ledger.h"

namespace kith::store {

StoredLedger::StoredLedger(LedgersShared& shared, std::uint32_t number, ByteVector genesis_block,
                           std::string name, StoredLedger* rule)
    : shared_(shared),
      number_(number),
      genesis_block_(std::move(genesis_block)),
      genesis_(decode_genesis(genesis_block_).value()),
      id_(digest_block(genesis_block_)),
      name_(std::move(name)),
      counting_(genesis_, lanes_, rule ? &rule->counting_ : nullptr),
      receipts_(
          {shared.setup, shared.author, shared.is_retired, number_, name_, lanes_,
           [this] { tell_observers([this](LedgerObserver& each) { each.on_receipts(*this); }); }}),
      retaining_(
          {shared.setup.loop, shared.setup.log, shared.setup.committer, shared.is_retired, number_,
           *this,
           [this] { tell_observers([this](LedgerObserver& each) { each.on_bodies(*this); }); }}),
      index_(shared, number, name_),
      scope_([log = shared.setup.log](const std::exception& thrown) {
        log.warn("own feed not compared err=\"{}\"", thrown.what());
      }) {
  const auto end_turn = [](void* self, std::int64_t, const void*) {
    static_cast<StoredLedger*>(self)->form_runs();
  };
  counting_.on_stale = [this] { count_soon(); };
  turn_.end_turn = {end_turn, this};
  retry_.done = {end_turn, this};
}

StoredLedger::~StoredLedger() = default;

bool StoredLedger::idle() const {
  return in_flight_.empty() && own_.waiting.empty() && own_control_.waiting.empty() &&
         *takes_ == 0 && receipts_.idle() && retaining_.idle();
}

// Lanes come in order of their numbers, so a parent before its children.
void StoredLedger::load_lane(std::uint32_t number, LaneRecord record, const TipRecord& tip) {
  const std::string whose = "feed " + cid_text(record.feed);
  Feed* feed = lanes_.find_feed(record.feed);
  if (!feed) {
    auto opening = decode_opening(record.opening);
    if (!opening || digest_block(record.opening) != record.feed || opening->ledger != id_)
      throw Fault(damage(whose, 0, "its opening is missing"));
    feed = &lanes_.add_feed(record.feed, *std::move(opening), std::move(record.opening));
    counting_.add_feed(*feed);
  }
  const Lane* parent = lanes_.find(record.parent);
  const bool is_placed =
      record.parent == 0 ? record.first_seq == 1
                         : parent && parent->feed == feed && parent->first_seq < record.first_seq;
  if (!is_placed || tip.seq < record.first_seq || tip.run_first_seq > tip.seq)
    throw Fault(damage(whose, record.first_seq, "its lane has no place"));
  Lane& lane = lanes_.add_lane(*feed, number, record.parent, record.first_seq);
  lane.first_entry = record.first_entry;
  const LaneEnd end{tip.seq, tip.time_us, tip.entry};
  if (genesis_.is_open()) {
    counting_.grow(lane, end, {});
  } else {
    counting_.load(lane, end, control_of(lane, end));
  }
  if (feed->opening.author == shared_.author) own_time_us_ = std::max(own_time_us_, tip.time_us);
}

void StoredLedger::load_rest() {
  const KeyValue& store = shared_.setup.committer.store();
  std::uint64_t held = 0;
  for (const auto& [number, lane] : lanes_.all()) held += lane.seq - lane.first_seq + 1;
  const auto scan = store.scan(Column::arrivals);
  scan->seek_back(encode(ArrivalKey{number_, UINT64_MAX}));
  if (scan->valid()) {
    const auto key = decode_arrival_key(scan->key());
    const auto record = decode_arrival_record(scan->value());
    if (key && record && key->ledger == number_) {
      entries_ = key->arrival + record->entries - 1;
      highest_us_ = record->highest_us;
    }
  }
  scan->status().value();
  if (held != entries_)
    throw Fault(damage("ledger " + name_, 0,
                       "its feeds end at " + std::to_string(held) + " entries, its arrivals at " +
                           std::to_string(entries_)));
  synced_arrival_ = entries_;
  next_arrival_ = entries_ + 1;
  count_all();
  index_.load(entries_);
  is_loaded_ = true;
  receipts_.load();
  retaining_.load();
  for (OwnFeed* own : {&own_, &own_control_}) load_own_feed(*own);
}

// What a control lane holds; of another nothing.
Grown StoredLedger::control_of(const Lane& lane, const LaneEnd& end) {
  Grown made{lane.first_seq, {}, {}};
  if (lane.feed->opening.kind != FeedKind::control) return made;
  StoredRuns runs(shared_.setup.committer.share());
  for (std::uint64_t seq = lane.first_seq; seq <= end.seq;) {
    const StoredRun& run = *runs.holding(lane.number, seq).value();
    made.ids.insert(made.ids.end(), run.ids.begin(), run.ids.end());
    const auto entries = control_entries(run.run, run.ids, genesis_.hide);
    made.control.insert(made.control.end(), entries.begin(), entries.end());
    seq = run.run.last_seq() + 1;
  }
  return made;
}

// At once, for nobody is told anything before.
void StoredLedger::count_all() {
  if (genesis_.is_open()) return;
  counting_.settle();
  counting_.mark_all();
  while (counting_.is_stale()) {
    CutWork work(shared_.setup.committer.share(), counting_.count());
    while (!work.step()) continue;
    if (work.error()) throw Fault(*work.error());
    for (const CutAsk& found : work.asks()) counting_.count(found);
  }
  counting_.take_changes();
}

void StoredLedger::load_own_feed(OwnFeed& own) {
  const KeyValue& store = shared_.setup.committer.store();
  const auto stored = store.get(Column::meta, meta_key(own.key(), number_)).value();
  if (!stored) return;
  const auto record = decode_own_record(*stored);
  const Feed* feed = record ? lanes_.find_feed(record->feed) : nullptr;
  if (!feed) return;
  const std::uint32_t lane = feed->lanes.front();
  if (record->origin == shared_.setup.origin && feed->opening.author == shared_.author &&
      feed->fork_seq == 0) {
    own.lane = lane;
    leave_cut(own);
    return;
  }
  own.left = lane;
  shared_.setup.log.info("own feed left for a new one ledger={} feed={} why=\"{}\"", name_,
                         cid_text(feed->id),
                         feed->fork_seq == 0 ? "the store was moved or copied" : "it forked");
}

}  // namespace kith::store
