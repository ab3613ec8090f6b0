// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_receipts.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/protocols/sync_answering.h"
#include "engine/protocols/sync_line.h"
#include "engine/store/receipts.h"

namespace kith::protocols {

SyncVouching::SyncVouching(SyncShared& shared, SyncPeer& peer, Send send, End end)
    : shared_(shared),
      peer_(peer),
      send_(std::move(send)),
      end_(std::move(end)),
      bell_(shared.loop),
      pace_(shared.loop, sync_limits::kReceiptsTakenPerSecond) {
  watch_.done = {[](void* self, std::int64_t, const void*) {
                   static_cast<SyncVouching*>(self)->end_(sync_error::stalled);
                 },
                 this};
}

void SyncVouching::compare(std::uint64_t at, store::Ledger& ledger) {
  compared_.insert(at);
  send_(SyncVouched{at, ledger.receipts().table().digest()});
}

void SyncVouching::told(const SyncWitnesses& told, store::Ledger& ledger) {
  if (compared_.erase(told.at) == 0) throw Fault(sync_error::not_asked);
  const auto& mine = ledger.receipts().table().witnesses();
  Pull pull{told.at, ledger, {}, {}};
  for (const SyncWitness& theirs : told.witnesses) {
    const auto known = mine.find(theirs.witness);
    const bool is_same = known != mine.end() && known->second.digest == theirs.digest;
    if (is_same || !ledger.receipts().is_believed(theirs.witness)) continue;
    if (pull.witnesses.size() < store::kWitnessesMax) pull.witnesses.push_back(theirs.witness);
  }
  const auto is_pulled = [&](const Pull& each) { return each.at == told.at; };
  if (pull.witnesses.empty() || std::any_of(pulls_.begin(), pulls_.end(), is_pulled)) return;
  pulls_.push_back(std::move(pull));
  ask();
}

// The next receipts of the first witness; one question at a time.
void SyncVouching::ask() {
  while (!pulls_.empty() && pulls_.front().witnesses.empty()) pulls_.pop_front();
  if (is_asked_ || pulls_.empty()) return;
  const Pull& pull = pulls_.front();
  SyncBuckets asked{pull.at, pull.witnesses.front(), pull.after, {}};
  const auto& mine = pull.ledger.receipts().table().witnesses();
  if (const auto known = mine.find(asked.witness); known != mine.end())
    asked.buckets = known->second.buckets;
  is_asked_ = true;
  shared_.loop.start(watch_, limits::kSyncAnswerMs * 1'000ull);
  send_(asked);
}

void SyncVouching::told(const SyncReceipts& told, store::Ledger& ledger) {
  if (told.part != SyncRun::Part::pushed) {
    pulled(told);
  } else if (told.receipts.empty()) {
    throw Fault(Error(sync_error::bad_message, "no receipts"));
  } else if (queued_ + told.receipts.size() > sync_limits::kReceiptsQueuedMax) {
    return;  // the next comparison finds them
  }
  queued_ += told.receipts.size();
  queue_.push_back({ledger, told.part, told.receipts});
  bell_.ring();
}

// What was asked for: of that witness, behind the feed that was named, in order.
void SyncVouching::pulled(const SyncReceipts& told) {
  if (!is_asked_ || pulls_.front().at != told.at) throw Fault(sync_error::not_asked);
  Pull& pull = pulls_.front();
  for (const auto& [receipt, signature] : told.receipts) {
    if (receipt.witness != pull.witnesses.front() || !(pull.after < receipt.feed))
      throw Fault(Error(sync_error::bad_message, "receipts that were not asked for"));
    pull.after = receipt.feed;
  }
  const bool is_more = told.part == SyncRun::Part::more_follow;
  if (is_more && told.receipts.empty()) throw Fault(sync_error::bad_message);
  watch_.stop();
  if (is_more) return;
  pull.witnesses.pop_front();
  pull.after = {};
}

Task<void> SyncVouching::run(SyncVouching& self) {
  for (;;) {
    while (!self.queue_.empty()) {
      Batch batch = std::move(self.queue_.front());
      self.queue_.pop_front();
      self.queued_ -= batch.receipts.size();
      Nap rest(self.shared_.loop, self.pace_.wait_us());
      co_await rest;
      self.pace_.spend(batch.receipts.size());
      const bool is_pulled = batch.part != SyncRun::Part::pushed;
      Task<void> judging = self.judge(std::move(batch));
      co_await judging;
      if (!is_pulled) continue;
      self.is_asked_ = false;
      self.ask();
    }
    co_await self.bell_.heard();
  }
}

Task<void> SyncVouching::judge(Batch batch) {
  store::TakenReceipts taken;
  try {
    auto made = co_await batch.ledger.receipts().take(std::move(batch.receipts));
    taken = std::move(made);
  } catch (const Fault& fault) {  // a border: what does not fit now comes with a later comparison
    if (!fault.error().is(KITH_LIMIT)) throw;
  }
  for (const store::Receipt& receipt : taken.fresh) peer_.bring(store::item_of(receipt));
  if (!taken.bad) co_return;
  shared_.log.debug("bad receipt peer={} err={}", peer_.id.short_text(), taken.bad->message());
  if (++peer_.bad_runs >= sync_limits::kBadRunsMax)
    throw Fault(Error(sync_error::bad_runs, taken.bad->message()));
}

// ---- what is answered

void SyncAnswering::asked(const SyncVouched& vouched) {
  const store::ReceiptTable& table = named_at(vouched.at).receipts().table();
  if (table.digest() == vouched.digest) return;
  SyncWitnesses told{vouched.at, {}};
  for (const auto& [key, witness] : table.witnesses())
    told.witnesses.push_back({key, witness.digest});
  send(told);
}

void SyncAnswering::asked(const SyncBuckets& buckets) {
  const store::ReceiptTable& table = named_at(buckets.at).receipts().table();
  SyncReceipts told{buckets.at, SyncRun::Part::last, {}};
  told.receipts =
      table.differing(buckets.witness, buckets.after, buckets.buckets, sync_limits::kReceiptsMax);
  if (told.receipts.size() == sync_limits::kReceiptsMax) told.part = SyncRun::Part::more_follow;
  send(told);
}

// What was kept since, but for what the peer brought itself; no faster than a peer takes it.
Task<bool> SyncAnswering::send_receipts(Named& named, std::uint64_t at) {
  if (!named.is_kept) co_return false;
  const store::ReceiptTable& table = shared_.ledgers.find(named.ledger)->receipts().table();
  if (named.receipts_told >= table.newest()) co_return false;
  if (const std::uint64_t wait_us = receipts_pace_.wait_us(); wait_us > 0) {
    shared_.loop.start(receipts_again_, wait_us);
    co_return false;
  }
  SyncReceipts told{at, SyncRun::Part::pushed, {}};
  told.receipts = table.since(named.receipts_told, sync_limits::kReceiptsMax / 4);
  const auto peer = shared_.peers.find(peer_);
  if (peer != shared_.peers.end())
    std::erase_if(told.receipts, [&](const store::SignedReceipt& one) {
      return peer->second->receipts.contains(item_of(one.receipt));
    });
  if (told.receipts.empty()) co_return true;
  receipts_pace_.spend(told.receipts.size());
  ByteVector line = encode(told);
  co_await write_line(stream_, std::move(line));
  co_return true;
}

}  // namespace kith::protocols
