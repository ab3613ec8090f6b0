// SPDX-License-Identifier: MIT
#include "engine/store/receipts.h"

#include <algorithm>

#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

constexpr std::size_t kStepSignatures = 32;  // 2 ms

// Signatures, and whether the feed holds that entry: what is judged beside the loop.
struct JudgeReceipts {
  struct One {
    SignedReceipt given;
    std::vector<std::uint32_t> lanes;  // that span its seq and do not end there; to be looked at
    std::optional<receipt_error> why;  // known so far: not_held_yet, wrong_entry
  };
  explicit JudgeReceipts(std::shared_ptr<const KeyValue> store) : runs(std::move(store)) {}

  bool step() {
    for (std::size_t cost = 0; cost < kStepSignatures && next < all.size(); ++next) {
      cost += all[next].lanes.empty() ? 1 : kStepSignatures;
      judge(all[next]);
    }
    return next == all.size();
  }
  void judge(One& one) {
    const Receipt& receipt = one.given.receipt;
    if (!is_signed(receipt, one.given.signature)) {
      one.why = receipt_error::bad_signature;
      return;
    }
    for (const std::uint32_t lane : one.lanes) {
      const auto run = runs.holding(lane, receipt.seq);
      if (run && (*run)->id(receipt.seq) == receipt.entry) return one.why.reset();
    }
  }

  StoredRuns runs;
  std::vector<One> all;
  std::size_t next = 0;
};

// What a look at the lanes says: held at one's end, or where to look, or not here yet.
JudgeReceipts::One look_up(const SignedReceipt& given, const Lanes& lanes) {
  const Receipt& receipt = given.receipt;
  JudgeReceipts::One one{given, {}, receipt_error::not_held_yet};
  for (const std::uint32_t number : lanes.find_feed(receipt.feed)->lanes) {
    const Lane& lane = *lanes.find(number);
    if (receipt.seq < lane.first_seq || receipt.seq > lane.seq) continue;
    if (receipt.seq == lane.seq && receipt.entry == lane.entry) return {given, {}, {}};
    one.why = receipt_error::wrong_entry;
    if (receipt.seq < lane.seq) one.lanes.push_back(number);
  }
  return one;
}

}  // namespace

Receipts::Receipts(ReceiptsSetup setup)
    : setup_(std::move(setup)), log_(setup_.ledgers.log), scope_([this](const std::exception& why) {
        log_.warn("receipts not taken ledger={} err=\"{}\"", setup_.name, why.what());
      }) {
  timer_.done = {
      [](void* self, std::int64_t, const void*) { static_cast<Receipts*>(self)->sign_due(); },
      this};
}

Receipts::~Receipts() = default;

void Receipts::load() {
  const auto scan = setup_.ledgers.committer.store().scan(Column::meta);
  for (scan->seek(meta_key(MetaKind::receipt, setup_.ledger)); scan->valid(); scan->next()) {
    const auto key = decode_receipt_key(scan->key());
    if (!key || key->ledger != setup_.ledger) break;
    const auto record = decode_receipt_record(scan->value());
    if (!record || !setup_.lanes.find_feed(key->feed))
      throw Fault(damage("feed " + cid_text(key->feed), 0, "a receipt for it is not whole"));
    table_.put({{key->feed, record->seq, record->entry, record->time_us, key->witness},
                record->signature});
  }
  scan->status().value();
}

void Receipts::settle(const LedgerSettings& settings) {
  named_ = {settings.witnesses.begin(), settings.witnesses.end()};
  const bool was_witness = std::exchange(is_witness_, settings.witness);
  if (!is_witness_) {
    due_.clear();
    queue_.clear();
    timer_.stop();
  } else if (!was_witness) {
    for (const auto& [number, lane] : setup_.lanes.all()) expect(*lane.feed);
    arm();
  }
}

void Receipts::grown(const Feed& feed) {
  if (is_witness_) {
    expect(feed);
    arm();
  }
  const auto at = waiting_.lower_bound({feed.id, {}});
  if (at != waiting_.end() && at->first.first == feed.id) scope_.spawn(retake(feed.id));
}

// ---- what is judged

bool Receipts::is_named(const crypto::Key32& witness) const {
  return named_.contains(witness) || (is_witness_ && witness == setup_.author);
}

bool Receipts::is_believed(const crypto::Key32& witness) const {
  return is_named(witness) || setup_.lanes.counts(witness);
}

bool Receipts::has_room(const crypto::Key32& witness) const {
  const auto& witnesses = table_.witnesses();
  const bool is_new = !witnesses.contains(witness);
  if (is_named(witness)) return table_.size() < kReceiptsMax;
  std::size_t others = 0;
  for (const auto& [known, held] : witnesses)
    if (!is_named(known)) ++others;
  const std::size_t room = kWitnessesMax - std::min(kWitnessesMax, named_.size() + is_witness_);
  return table_.size() < kReceiptsMax / 4 * 3 && (is_new ? others < room : others <= room);
}

Result<void> Receipts::judge(const Receipt& receipt) const {
  const Feed* feed = setup_.lanes.find_feed(receipt.feed);
  if (!feed) return receipt_error::unknown_feed;
  if (feed->opening.author == receipt.witness) return receipt_error::own_feed;
  const SignedReceipt* held = table_.find(receipt.feed, receipt.witness);
  if (held && !is_newer(receipt, held->receipt)) return receipt_error::not_newer;
  if (receipt.time_us > setup_.ledgers.loop.wall_us() + kReceiptAheadUs)
    return receipt_error::ahead;
  if (!is_believed(receipt.witness)) return receipt_error::stranger;
  if (!held && !has_room(receipt.witness)) return receipt_error::full;
  return {};
}

Task<TakenReceipts> Receipts::take(std::vector<SignedReceipt> given) {
  TakenReceipts made;
  auto work = std::make_shared<JudgeReceipts>(setup_.ledgers.committer.share());
  for (const SignedReceipt& one : given) {
    if (judge(one.receipt)) work->all.push_back(look_up(one, setup_.lanes));
  }
  made.useless = given.size() - work->all.size();
  if (work->all.empty()) co_return made;
  auto mine = work;
  co_await beside(setup_.ledgers.loop, std::move(mine), Loop::Beside::brief);
  std::vector<SignedReceipt> fresh;
  for (const JudgeReceipts::One& one : work->all) {
    if (one.why == receipt_error::bad_signature) made.bad = Error(*one.why);
    const bool is_good = (!one.why || one.why == receipt_error::not_held_yet) &&
                         judge(one.given.receipt);  // another may have come meanwhile
    if (!is_good) {
      ++made.useless;
    } else if (one.why) {
      ++made.waiting;
      wait(one.given);
    } else {
      fresh.push_back(one.given);
      made.fresh.push_back(one.given.receipt);
    }
  }
  if (fresh.empty()) co_return made;
  if (setup_.is_retired) throw Fault(Error(KITH_CLOSED, "the node is stopping"));
  if (setup_.ledgers.committer.is_full())
    throw Fault(Error(KITH_LIMIT, "too much waits for the disk; try again"));
  Parked parked;
  keep(std::move(fresh), parked.slot());
  const std::int64_t r = co_await parked;
  if (r < 0) throw Fault(Error(KITH_IO, "the store failed"));
  co_return made;
}

// Proven to be its witness's; the run that it is about has not come yet.
void Receipts::wait(const SignedReceipt& given) {
  const Place place{given.receipt.feed, given.receipt.witness};
  const auto at = waiting_.find(place);
  if (at != waiting_.end()) {
    if (is_newer(given.receipt, at->second.receipt)) at->second = given;
  } else if (waiting_.size() < kReceiptsWaitingMax) {
    waiting_.emplace(place, given);
  }
}

Task<void> Receipts::retake(Digest feed) {
  std::vector<SignedReceipt> given;
  auto at = waiting_.lower_bound(Place(feed, crypto::Key32()));
  while (at != waiting_.end() && at->first.first == feed) {
    given.push_back(at->second);
    at = waiting_.erase(at);
  }
  Task<TakenReceipts> taking = take(std::move(given));
  co_await taking;
}

// ---- what is kept

void Receipts::keep(std::vector<SignedReceipt> fresh, std::shared_ptr<Parked::Slot> slot) {
  Batch batch;
  for (const auto& [receipt, signature] : fresh) {
    const ReceiptKey key{setup_.ledger, receipt.feed, receipt.witness};
    const ReceiptRecord record{receipt.seq, receipt.entry, receipt.time_us, signature};
    batch.put(Column::meta, encode(key), encode(record));
  }
  in_flight_.push_back({this, {}, std::move(fresh), std::move(slot)});
  InFlight& made = in_flight_.back();
  made.self = std::prev(in_flight_.end());
  setup_.ledgers.committer.commit(std::move(batch), {}, {&Receipts::on_synced, &made});
}

void Receipts::on_synced(void* ctx, std::int64_t r, const void*) {
  Receipts& self = *static_cast<InFlight*>(ctx)->receipts;
  std::list<InFlight> ended;
  ended.splice(ended.end(), self.in_flight_, static_cast<InFlight*>(ctx)->self);
  const InFlight& kept = ended.front();
  if (r >= 0) {
    for (const SignedReceipt& one : kept.fresh) self.table_.put(one);
    self.setup_.told();
  }
  if (kept.slot) kept.slot->answer(r);
}

}  // namespace kith::store
