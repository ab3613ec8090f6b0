// SPDX-License-Identifier: MIT
// OpenLedger: what the store holds of it, read once when the node starts. In proportion to its
// lanes, never to its entries.
#include <algorithm>

#include "engine/store/open_ledger.h"

namespace kith::store {

OpenLedger::OpenLedger(LedgersShared& shared, std::uint32_t number, ByteVector genesis_block,
                       std::string name)
    : shared_(shared),
      number_(number),
      genesis_block_(std::move(genesis_block)),
      id_(digest_block(genesis_block_)),
      name_(std::move(name)),
      scope_([log = shared.setup.log](const std::exception& thrown) {
        log.warn("own feed not compared err=\"{}\"", thrown.what());
      }) {
  const auto end_turn = [](void* self, std::int64_t, const void*) {
    static_cast<OpenLedger*>(self)->form_runs();
  };
  turn_.end_turn = {end_turn, this};
  retry_.done = {end_turn, this};
}

OpenLedger::~OpenLedger() = default;

bool OpenLedger::idle() const { return in_flight_.empty() && waiting_.empty() && *takes_ == 0; }

// Lanes come in order of their numbers, so a parent before its children.
void OpenLedger::load_lane(std::uint32_t number, LaneRecord record, const TipRecord& tip) {
  const std::string whose = "feed " + cid_text(record.feed);
  Feed* feed = lanes_.find_feed(record.feed);
  if (!feed) {
    auto opening = decode_opening(record.opening);
    if (!opening || digest_block(record.opening) != record.feed || opening->ledger != id_)
      throw Fault(damage(whose, 0, "its opening is missing"));
    feed = &lanes_.add_feed(record.feed, *std::move(opening), std::move(record.opening));
  }
  const Lane* parent = lanes_.find(record.parent);
  const bool is_placed =
      record.parent == 0 ? record.first_seq == 1
                         : parent && parent->feed == feed && parent->first_seq < record.first_seq;
  if (!is_placed || tip.seq < record.first_seq || tip.run_first_seq > tip.seq)
    throw Fault(damage(whose, record.first_seq, "its lane has no place"));
  Lane& lane = lanes_.add_lane(*feed, number, record.parent, record.first_seq);
  lane.first_entry = record.first_entry;
  lane.seq = tip.seq;
  lane.entry = tip.entry;
  lane.time_us = tip.time_us;
  tip_set_.add(lane.tip());
  if (feed->opening.author == shared_.author) own_time_us_ = std::max(own_time_us_, tip.time_us);
}

void OpenLedger::load_rest() {
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
  load_own_feed();
}

void OpenLedger::load_own_feed() {
  const KeyValue& store = shared_.setup.committer.store();
  const auto stored = store.get(Column::meta, meta_key(MetaKind::own, number_)).value();
  if (!stored) return;
  const auto record = decode_own_record(*stored);
  const Feed* feed = record ? lanes_.find_feed(record->feed) : nullptr;
  if (!feed) return;
  const std::uint32_t lane = feed->lanes.front();
  if (record->origin == shared_.setup.origin && feed->opening.author == shared_.author &&
      feed->fork_seq == 0) {
    own_lane_ = lane;
    return;
  }
  left_lane_ = lane;
  shared_.setup.log.info("own feed left for a new one ledger={} feed={} why=\"{}\"", name_,
                         cid_text(feed->id),
                         feed->fork_seq == 0 ? "the store was moved or copied" : "it forked");
}

}  // namespace kith::store
