// SPDX-License-Identifier: MIT
#include "engine/store/exporting.h"

#include <algorithm>

namespace kith::store {
namespace {

// Of one step, so that it stays a matter of milliseconds.
constexpr std::uint64_t kEntriesPerStep = 2'048;
constexpr std::size_t kBytesPerStep = 1024 * 1024;
constexpr std::size_t kTipsPerStep = 64;

}  // namespace

LedgerFacts::LedgerFacts(const Ledger& ledger)
    : id(ledger.id()), genesis_block(to_vector(ledger.genesis_block())) {
  for (const auto& [number, lane] : ledger.lanes().all()) {
    if (lane.is_empty()) continue;
    const Feed& feed = *lane.feed;
    lanes.push_back({number, lane.first_seq, lane.seq, feed.lanes.front() == number,
                     feed.opening.author, feed.opening_block});
    entries += lane.seq - lane.first_seq + 1;
  }
}

Result<const StoredRun*> RunWalk::next() {
  if (lane_ < facts_->lanes.size() && seq_ >= lane().seq) {
    ++lane_;
    seq_ = 0;
  }
  if (lane_ == facts_->lanes.size()) return nullptr;
  begins_lane_ = seq_ == 0;
  if (!runs_) runs_.emplace(store_);
  auto run = runs_->holding(lane().number, begins_lane_ ? lane().first_seq : seq_ + 1);
  if (run) seq_ = (*run)->run.last_seq();
  return run;
}

ExportWork::ExportWork(std::shared_ptr<const KeyValue> store,
                       std::shared_ptr<const LedgerFacts> facts, NewFile file)
    : store_(std::move(store)),
      facts_(std::move(facts)),
      walk_(store_, facts_),
      file_(std::move(file)) {
  manifest_.genesis = facts_->id;
}

bool ExportWork::step() {
  const auto is_over = go_on();
  walk_.rest();
  if (!is_over) error_ = is_over.error();
  return !is_over || *is_over;
}

// The manifest names the ends of all lanes, so these are read first.
Result<void> ExportWork::find_tips() {
  StoredRuns runs(store_);
  for (std::size_t n = 0; n < kTipsPerStep && tips_found_ < facts_->lanes.size(); ++n) {
    const LaneFacts& lane = facts_->lanes[tips_found_++];
    const auto run = runs.holding(lane.number, lane.seq);
    if (!run) return run.error();
    const ByteVector head = encode(signed_head_of((*run)->run, (*run)->ids));
    manifest_.tips.push_back(digest_block(head));
  }
  return {};
}

Result<void> ExportWork::begin() {
  std::sort(manifest_.tips.begin(), manifest_.tips.end());
  is_begun_ = true;
  return file_.write(car_beginning(manifest_, facts_->genesis_block));
}

Result<bool> ExportWork::go_on() {
  if (facts_->lanes.size() > kManifestTipsMax)
    return Error(KITH_LIMIT, "this ledger has more feeds and branches than one file names");
  if (tips_found_ < facts_->lanes.size()) {
    const auto found = find_tips();
    return found ? Result<bool>(false) : Result<bool>(found.error());
  }
  if (!is_begun_) {
    if (const auto written = begin(); !written) return written.error();
  }
  ByteVector piece;
  for (const std::uint64_t until = entries_ + kEntriesPerStep;
       entries_ < until && piece.size() < kBytesPerStep;) {
    const auto run = walk_.next();
    if (!run) return run.error();
    if (!*run) {
      if (const auto written = file_.write(piece); !written) return written.error();
      const auto finished = file_.finish();
      return finished ? Result<bool>(true) : Result<bool>(finished.error());
    }
    const Bytes opening = walk_.lane().opening_block;
    if (walk_.begins_lane())
      append_car_block(piece, {digest_block(opening), wire::kDagCborCodec, opening});
    append_car_run(piece, (*run)->run, (*run)->ids, {});
    entries_ += (*run)->ids.size();
  }
  const auto written = file_.write(piece);
  return written ? Result<bool>(false) : Result<bool>(written.error());
}

ProofSetup proof_setup(const Ledger& ledger, std::shared_ptr<const KeyValue> store,
                       const Held& held) {
  ProofSetup made;
  made.store = std::move(store);
  made.genesis_block = to_vector(ledger.genesis_block());
  made.seq = held.seq;
  made.entry = held.id;
  const Feed* feed = ledger.lanes().find_feed(held.feed);
  if (!feed) return made;
  made.opening_block = feed->opening_block;
  for (const std::uint32_t number : feed->lanes) {
    const Lane& lane = *ledger.lanes().find(number);
    if (held.seq >= lane.first_seq && held.seq <= lane.seq) made.lanes.push_back(number);
  }
  return made;
}

bool ProofWork::step() {
  StoredRuns runs(setup_.store);
  for (const std::uint32_t lane : setup_.lanes) {
    const auto run = runs.holding(lane, setup_.seq);
    if (!run) {
      error_ = run.error();
      return true;
    }
    if ((*run)->id(setup_.seq) != setup_.entry) continue;
    proof_ = proof_of(**run, setup_.seq, setup_.genesis_block, setup_.opening_block);
    return true;
  }
  return true;
}

ByteVector proof_of(const StoredRun& run, std::uint64_t seq, Bytes genesis_block,
                    Bytes opening_block) {
  const std::size_t place = seq - run.run.first_seq;
  const Digest& before = place == 0 ? run.run.prev : run.ids[place - 1];
  const Run tail = tail_of(run.run, seq, before);
  const auto ids = std::span(run.ids).subspan(place);
  Manifest manifest;
  manifest.genesis = digest_block(genesis_block);
  manifest.entry = run.ids[place];
  manifest.tips = {digest_block(encode(signed_head_of(tail, ids)))};
  ByteVector made = car_beginning(manifest, genesis_block);
  append_car_block(made, {digest_block(opening_block), wire::kDagCborCodec, opening_block});
  append_car_run(made, tail, ids, {false, seq});
  return made;
}

}  // namespace kith::store
