// SPDX-License-Identifier: MIT
#include "engine/store/run_file.h"

#include "engine/store/block_codec.h"

namespace kith::store {
namespace {

// The first byte of a block tells its kind: a map of so many members.
constexpr std::uint8_t kSignedHeadByte = 0xa4, kOpeningByte = 0xa6, kEntryByte = 0xa8;

}  // namespace

SignedHead signed_head_of(const Run& run, std::span<const Digest> ids) {
  return {{run.feed, run.last_seq(), ids.back()}, run.signature};
}

void append_car_run(ByteVector& to, const Run& run, std::span<const Digest> ids, BodiesOf bodies) {
  std::array<std::uint8_t, kEntryBytesMax> place;
  const Digest* prev = &run.prev;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const Row& row = run.rows[i];
    const std::uint64_t seq = run.first_seq + i;
    const EntryView view{run.feed,    seq,      *prev,           row.links,
                         row.time_us, row.type, row.body_digest, row.body_bytes};
    append_car_block(to, {ids[i], wire::kDagCborCodec, write_entry(place.data(), view)});
    const bool is_given = (bodies.all || bodies.seq == seq) && !row.body.empty();
    if (is_given) append_car_block(to, {row.body_digest, wire::kRawCodec, row.body});
    prev = &ids[i];
  }
  const ByteVector head = encode(signed_head_of(run, ids));
  append_car_block(to, {digest_block(head), wire::kDagCborCodec, head});
}

ByteVector car_beginning(const Manifest& manifest, Bytes genesis_block) {
  const ByteVector root = encode(manifest);
  const Digest digest = digest_block(root);
  ByteVector made;
  append_car_header(made, digest);
  append_car_block(made, {digest, wire::kDagCborCodec, root});
  append_car_block(made, {manifest.genesis, wire::kDagCborCodec, genesis_block});
  return made;
}

Error RunFileReader::misplaced(const char* detail) const {
  return Error(car_error::bad_order,
               "before byte " + std::to_string(car_.offset()) + ": " + detail);
}

Result<std::optional<FileRun>> RunFileReader::next() {
  for (;;) {
    const auto block = car_.next();
    if (!block) return block.error();
    if (!*block) return std::optional<FileRun>();
    const auto is_whole = take(**block);
    if (!is_whole) return is_whole.error();
    if (!*is_whole) continue;
    FileRun whole = std::move(made_);
    made_ = {};
    made_.opening = whole.opening;
    made_.opening_block = whole.opening_block;
    begin_run(false);
    return std::optional(std::move(whole));
  }
}

Result<void> RunFileReader::finish() const {
  if (const auto end = car_.finish(); !end) return end.error();
  if (!genesis_) return misplaced("the genesis is missing");
  if (!made_.ids.empty() || awaits_entry_)
    return misplaced("it ends before the signed head of a run");
  return {};
}

Result<bool> RunFileReader::take(const CarBlock& block) {
  Result<void> taken;
  bool is_whole = false;
  if (!manifest_) {
    taken = take_manifest(block);
  } else if (!genesis_) {
    taken = take_genesis(block);
  } else if (block.codec == wire::kRawCodec) {
    taken = take_body(block);
  } else if (!block.bytes.empty() && block.bytes[0] == kEntryByte) {
    taken = take_entry(block);
  } else if (!block.bytes.empty() && block.bytes[0] == kSignedHeadByte) {
    taken = take_head(block);
    is_whole = true;
  } else if (!block.bytes.empty() && block.bytes[0] == kOpeningByte) {
    taken = take_opening(block);
  } else {
    taken = misplaced("neither opening nor entry nor signed head");
  }
  if (!taken) return taken.error();
  return is_whole;
}

Result<void> RunFileReader::take_manifest(const CarBlock& block) {
  auto read = decode_manifest(block.bytes);
  if (!read) return read.error();
  manifest_ = *std::move(read);
  return {};
}

Result<void> RunFileReader::take_genesis(const CarBlock& block) {
  if (block.digest != manifest_->genesis) return misplaced("not the genesis of the manifest");
  auto read = decode_genesis(block.bytes);
  if (!read) return read.error();
  genesis_ = *std::move(read);
  return {};
}

Result<void> RunFileReader::take_opening(const CarBlock& block) {
  if (!made_.ids.empty()) return misplaced("an opening inside of a run");
  if (awaits_entry_) return misplaced("an opening without entries");
  auto read = decode_opening(block.bytes);
  if (!read) return read.error();
  if (read->ledger != manifest_->genesis) return Error(ledger_error::wrong_ledger);
  made_.opening = *std::move(read);
  made_.opening_block = to_vector(block.bytes);
  is_feed_open_ = true;
  begin_run(true);
  return {};
}

void RunFileReader::begin_run(bool begins_lane) {
  made_.begins_lane = awaits_entry_ = begins_lane;
  made_.run.feed = digest_block(made_.opening_block);
  body_bytes_ = 0;
}

Result<void> RunFileReader::take_entry(const CarBlock& block) {
  if (!is_feed_open_) return misplaced("an entry before its feed's opening");
  made_.blocks.push_back(to_vector(block.bytes));
  auto entry = decode_entry(made_.blocks.back());
  if (!entry) return entry.error();
  Run& run = made_.run;
  if (entry->feed != run.feed) return misplaced("an entry of another feed");
  if (made_.ids.empty()) {
    run.first_seq = entry->seq;
    run.prev = entry->prev;
  } else if (entry->seq != run.last_seq() + 1 || entry->prev != made_.ids.back()) {
    return misplaced("an entry that does not follow the one before it");
  }
  body_bytes_ += entry->body_bytes;
  if (made_.ids.size() == kRunEntriesMax || body_bytes_ > kRunBodiesMax + kBodyBytesMax)
    return Error(ledger_error::run_too_large, "entry " + std::to_string(entry->seq));
  Row row;
  row.time_us = entry->time_us;
  row.type = entry->type;
  row.links = std::move(entry->links);
  row.body_digest = entry->body;
  row.body_bytes = entry->body_bytes;
  row.is_dropped = row.body_bytes > 0;  // until its body comes
  run.rows.push_back(std::move(row));
  made_.ids.push_back(block.digest);
  awaits_entry_ = false;
  return {};
}

Result<void> RunFileReader::take_body(const CarBlock& block) {
  Row* const row = made_.ids.empty() ? nullptr : &made_.run.rows.back();
  if (!row || !row->is_dropped || row->body_digest != block.digest)
    return misplaced("a body of no entry that stands before it");
  if (block.bytes.size() != row->body_bytes) return Error(ledger_error::body_mismatch, "its size");
  made_.blocks.push_back(to_vector(block.bytes));
  row->body = made_.blocks.back();
  row->is_dropped = false;
  return {};
}

Result<void> RunFileReader::take_head(const CarBlock& block) {
  const auto read = decode_signed_head(block.bytes);
  if (!read) return read.error();
  if (made_.ids.empty()) return misplaced("a signed head without entries");
  made_.run.signature = read->signature;
  if (signed_head_of(made_.run, made_.ids) != *read)
    return misplaced("a signed head of another entry than the last");
  made_.signed_head = block.digest;
  return {};
}

}  // namespace kith::store
