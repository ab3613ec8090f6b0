// SPDX-License-Identifier: MIT
// Receipts travel: pushed as they happen, compared where nothing else differs, and refused where
// nobody believes them.
#include "engine/protocols/sync_limits.h"
#include "engine/store/receipts.h"
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

using store::Ledger;
using store::SignedReceipt;

struct SyncReceiptsTest : test::SyncWorld {
  void witness(Ledger& ledger) {
    store::LedgerSettings settings;
    settings.witness = true;
    ledger.settle(settings);
  }
  void believe(Ledger& ledger, test::Peer& peer) {
    store::LedgerSettings settings;
    settings.witnesses.push_back(*store::author_of(peer.identity.peer_id()));
    ledger.settle(settings);
  }
  static std::size_t kept(Ledger& ledger) { return ledger.receipts().table().size(); }
  // By b(), of the newest entry of a feed.
  SignedReceipt sign(const store::Lane& lane) {
    store::Receipt receipt{lane.feed->id, lane.seq, lane.entry, loop.wall_us(), {}};
    receipt.witness = *store::author_of(b().identity.peer_id());
    return {receipt, store::sign_receipt(b().identity, receipt)};
  }
};

// a writes, b is the witness, c hears of it only through a.
TEST_F(SyncReceiptsTest, ReachWhoeverBelievesTheWitness) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  Ledger& third = keep(c()).open("notes");
  ASSERT_TRUE(dial(a(), b()));
  ASSERT_TRUE(dial(a(), c()));
  for (Ledger* each : {&first, &third}) believe(*each, b());
  append(first, "one");
  witness(second);
  loop.run_for(3'000'000);
  for (Ledger* each : {&first, &second, &third}) EXPECT_EQ(kept(*each), 1u);
  EXPECT_EQ(first.receipts().table().digest(), third.receipts().table().digest());
}

TEST_F(SyncReceiptsTest, OfAStrangerStayWithHim) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  ASSERT_TRUE(dial(a(), b()));
  append(first, "one");
  witness(second);
  loop.run_for(3'000'000);
  EXPECT_EQ(kept(second), 1u);
  EXPECT_EQ(kept(first), 0u);
  EXPECT_TRUE(is_connected(a(), b()));
}

TEST_F(SyncReceiptsTest, WhatWasMissedIsPulledOnceAllElseIsTheSame) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  ASSERT_TRUE(dial(a(), b()));
  append(first, "one");
  loop.run_for(1'000'000);
  a().swarm->disconnect(b().id(), "for a while");
  witness(second);
  loop.run_for(3'000'000);
  ASSERT_EQ(kept(second), 1u);
  believe(first, b());
  ASSERT_TRUE(dial(b(), a()));
  loop.run_for(1'000'000);
  EXPECT_EQ(kept(first), 1u);
}

// a() keeps "notes" with an entry of its own and believes b(); c() is played by hand.
struct PlayedReceiptsTest : SyncReceiptsTest {
  PlayedReceiptsTest() : notes(keep(a()).open("notes")) {
    play(c());
    append(notes, "one");
    believe(notes, b());
    EXPECT_TRUE(dial(a(), c()));
    loop.run_until([this] { return !asked.empty(); }, 10'000'000);
    EXPECT_TRUE(request<SyncHello>(asked.back()));
  }
  const store::Lane& lane() { return notes.lanes().all().begin()->second; }
  Ledger& notes;
};

TEST_F(PlayedReceiptsTest, EqualOnesCostOneShortLine) {
  write(asked.back(), SyncAnswer(SyncSame{0, loop.wall_us()}));
  auto line = read(asked.back());
  ASSERT_TRUE(line);
  EXPECT_TRUE(std::holds_alternative<SyncVouched>(decode_sync_request(*line).value()));
  EXPECT_LE(line->size(), 40u);
  EXPECT_FALSE(read(asked.back())) << "nothing is owed";
}

TEST_F(PlayedReceiptsTest, AWitnessThatDiffersIsAskedForByBucket) {
  write(asked.back(), SyncAnswer(SyncSame{0, loop.wall_us()}));
  ASSERT_TRUE(request<SyncVouched>(asked.back()));
  const SignedReceipt good = sign(lane());
  const crypto::Key32 stranger{};
  const SyncWitnesses told{0, {{stranger, 7}, {good.receipt.witness, 9}}};
  write(asked.back(), SyncAnswer(told));
  const auto buckets = request<SyncBuckets>(asked.back());
  ASSERT_TRUE(buckets);
  EXPECT_EQ(buckets->witness, good.receipt.witness) << "of a stranger none are wanted";
  EXPECT_EQ(buckets->buckets, store::ReceiptTable::Buckets());
  write(asked.back(), SyncAnswer(SyncReceipts{0, SyncRun::Part::last, {good}}));
  loop.run_for(1'000'000);
  EXPECT_EQ(notes.receipts().table().of_feed(lane().feed->id), std::vector{good});
}

TEST_F(PlayedReceiptsTest, ALyingWitnessIsRefused) {
  SignedReceipt lie = sign(lane());
  lie.receipt.entry[3] ^= 1;
  lie.signature = store::sign_receipt(b().identity, lie.receipt);
  write(asked.back(), SyncAnswer(SyncReceipts{0, SyncRun::Part::pushed, {lie}}));
  loop.run_for(1'000'000);
  EXPECT_EQ(kept(notes), 0u);
  EXPECT_TRUE(is_connected(a(), c()));
}

TEST_F(PlayedReceiptsTest, ThreeForgedOnesDisconnect) {
  for (int sent = 0; sent < 3; ++sent) {
    EXPECT_TRUE(is_connected(a(), c()));
    SignedReceipt forged = sign(lane());
    ++forged.signature[40];
    write(asked.back(), SyncAnswer(SyncReceipts{0, SyncRun::Part::pushed, {forged}}));
    loop.run_for(500'000);
  }
  EXPECT_FALSE(is_connected(a(), c()));
  EXPECT_EQ(kept(notes), 0u);
}

TEST_F(PlayedReceiptsTest, WhatWasNotAskedForDisconnects) {
  write(asked.back(), SyncAnswer(SyncReceipts{0, SyncRun::Part::last, {sign(lane())}}));
  loop.run_for(1'000'000);
  EXPECT_FALSE(is_connected(a(), c()));
}

TEST_F(PlayedReceiptsTest, WitnessesThatWereNotAskedForDisconnect) {
  write(asked.back(), SyncAnswer(SyncWitnesses{0, {}}));
  loop.run_for(1'000'000);
  EXPECT_FALSE(is_connected(a(), c()));
}

// One signature at a time would be 64 us each: what comes faster waits.
TEST_F(PlayedReceiptsTest, TheyAreTakenAtABoundedPace) {
  SyncReceipts many{0, SyncRun::Part::pushed, {}};
  SignedReceipt one = sign(lane());
  one.receipt.entry[3] ^= 1;
  one.signature = store::sign_receipt(b().identity, one.receipt);
  many.receipts.assign(sync_limits::kReceiptsMax, one);
  for (int sent = 0; sent < 3; ++sent) write(asked.back(), SyncAnswer(many));
  write(asked.back(), SyncAnswer(SyncReceipts{0, SyncRun::Part::pushed, {sign(lane())}}));
  loop.run_for(2'000'000);
  EXPECT_EQ(kept(notes), 0u);
  loop.run_for(2'000'000);
  EXPECT_EQ(kept(notes), 1u);
  EXPECT_TRUE(is_connected(a(), c()));
}

}  // namespace
}  // namespace kith::protocols
