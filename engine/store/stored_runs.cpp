// SPDX-License-Identifier: MIT
#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

constexpr std::size_t kRecentMax = 64;

}  // namespace

std::string cid_text(const Digest& digest, std::uint64_t codec) {
  return wire::Cid::from_bytes(cid_of(digest, codec)).value().text();
}

Error damage(std::string_view whose, std::uint64_t seq, std::string_view what) {
  return Error(ledger_error::damaged,
               std::string(whose) + " seq " + std::to_string(seq) + ": " + std::string(what) +
                   "; stop the node, move its store aside to keep it and start again: what peers "
                   "hold comes back by sync, and this node goes on in a new feed");
}

Result<std::optional<RunBytes>> read_run(const KeyValue& store, const RunKey& key) {
  const ByteVector at = encode(key);
  auto stored = store.get(Column::runs, at);
  for (;;) {
    if (!stored) return stored.error();
    auto bodies = store.get(Column::bodies, at);
    if (!bodies) return bodies.error();
    auto again = store.get(Column::runs, at);
    if (!again) return again.error();
    if (!*stored || !*bodies || !*again) return std::optional<RunBytes>();
    if (**stored == **again)
      return std::optional(RunBytes{*std::move(*stored), *std::move(*bodies)});
    stored = std::move(again);
  }
}

Result<StoredRun> rebuild_stored(const RunKey& key, ByteVector stored, ByteVector bodies) {
  StoredRun made;
  made.lane = key.lane;
  made.stored = std::move(stored);
  made.bodies = std::move(bodies);
  const auto header = decode_run_header(made.stored);
  if (!header) return Error(ledger_error::damaged, "the run is cut off");
  made.header = *header;
  auto run = parse_run(made.columns(), made.bodies);
  if (!run) return Error(ledger_error::damaged, run.error().message());
  made.run = *std::move(run);
  if (made.run.first_seq != key.first_seq)
    return Error(ledger_error::damaged, "the run lies in another's place");
  auto ids = rebuild_run(made.run);
  if (!ids) return Error(ledger_error::damaged, ids.error().message());
  made.ids = *std::move(ids);
  if (check_of(made.ids.back()) != made.header.check)
    return Error(ledger_error::damaged, "the run is not what was put there");
  return made;
}

std::string StoredRuns::name_of(std::uint32_t lane) const {
  const auto stored = store_->get(Column::meta, meta_key(MetaKind::lane, lane));
  if (stored && *stored) {
    if (const auto record = decode_lane_record(**stored)) return "feed " + cid_text(record->feed);
  }
  return "lane " + std::to_string(lane);
}

Result<StoredRun> StoredRuns::load(const RunKey& key) {
  const ByteVector at = encode(key);
  auto stored = store_->get(Column::runs, at);
  if (!stored) return stored.error();
  auto bodies = store_->get(Column::bodies, at);
  if (!bodies) return bodies.error();
  if (!*stored || !*bodies) return damage(name_of(key.lane), key.first_seq, "the run is missing");
  auto made = rebuild_stored(key, *std::move(*stored), *std::move(*bodies));
  if (!made) {  // unless what was read is of two moments
    auto read = read_run(*store_, key);
    if (!read) return read.error();
    if (*read) made = rebuild_stored(key, std::move((*read)->entries), std::move((*read)->bodies));
  }
  if (!made) return damage(name_of(key.lane), key.first_seq, made.error().detail());
  return made;
}

Result<std::uint64_t> StoredRuns::first_seq_before(std::uint32_t lane, std::uint64_t seq) {
  const ByteVector at = encode(RunKey{lane, seq});
  if (!scan_) scan_ = store_->scan(Column::runs);
  scan_->seek_back(at);
  if (const auto status = scan_->status(); !status) return status.error();
  if (scan_->valid()) {
    const auto key = decode_run_key(scan_->key());
    if (key && key->lane == lane) return key->first_seq;
  }
  return damage(name_of(lane), seq, "the run is missing");
}

Result<const StoredRun*> StoredRuns::holding(std::uint32_t lane, std::uint64_t seq) {
  for (auto at = recent_.begin(); at != recent_.end(); ++at) {
    if (at->lane != lane || !at->holds(seq)) continue;
    recent_.splice(recent_.begin(), recent_, at);
    return &recent_.front();
  }
  const auto first_seq = first_seq_before(lane, seq);
  if (!first_seq) return first_seq.error();
  auto loaded = load({lane, *first_seq});
  if (!loaded) return loaded.error();
  rebuilt_ += loaded->ids.size();
  if (!loaded->holds(seq)) return damage(name_of(lane), seq, "the entry is missing");
  if (recent_.size() >= kRecentMax) recent_.pop_back();
  recent_.push_front(*std::move(loaded));
  return &recent_.front();
}

}  // namespace kith::store
