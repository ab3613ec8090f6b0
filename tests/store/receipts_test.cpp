// SPDX-License-Identifier: MIT
// Who vouches for what: whose receipts are kept and whose are not, and what a witness signs.
#include "engine/store/receipts.h"

#include "engine/store/places.h"
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::Receipt;
using store::SignedReceipt;
using store::TakenReceipts;

SignedReceipt sign(const crypto::Identity& witness, Receipt receipt) {
  receipt.witness = *store::author_of(witness.peer_id());
  return {receipt, store::sign_receipt(witness, receipt)};
}

// Author 7 has written two runs of two entries; 9 is named in the config.
class ReceiptsTest : public testing::Test {
 protected:
  ReceiptsTest() {
    settle(false);
    EXPECT_EQ(world.take(other.block, other.make({{at(1), "a"}, {at(2), "b"}})).value, 2u);
    first = other.ids;
    EXPECT_EQ(world.take(other.block, other.make({{at(3), "c"}, {at(4), "d"}})).value, 2u);
    receipt = {other.feed, 4, other.prev, loop.wall_us(), {}};
  }
  std::uint64_t at(std::uint64_t n) const { return start_us + n; }
  store::Receipts& receipts() { return world.ledger->receipts(); }
  void settle(bool is_witness) {
    store::LedgerSettings settings;
    settings.witness = is_witness;
    settings.witnesses.push_back(*store::author_of(named.peer_id()));
    world.ledger->settle(settings);
  }
  TakenReceipts take(std::vector<SignedReceipt> given) {
    auto outcome = world.run(receipts().take(std::move(given)));
    EXPECT_TRUE(outcome.value) << outcome.error->message();
    return outcome.value.value_or(TakenReceipts());
  }
  void expect_refused(const SignedReceipt& given) {
    const std::size_t before = receipts().table().size();
    const TakenReceipts taken = take({given});
    EXPECT_EQ(taken.useless, 1u);
    EXPECT_FALSE(taken.bad);
    EXPECT_EQ(receipts().table().size(), before);
  }
  const SignedReceipt* own() {
    return receipts().table().find(other.feed, *store::author_of(world.identity.peer_id()));
  }

  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
  const crypto::Identity named = identity_of(9), stranger = identity_of(8);
  Forger other{7, world.ledger->id()};
  const std::uint64_t start_us = loop.wall_us() - 1'000'000;
  std::vector<store::Digest> first;
  Receipt receipt;
};

TEST_F(ReceiptsTest, OneThatIsNamedIsKeptAcrossAStart) {
  const SignedReceipt good = sign(named, receipt);
  EXPECT_EQ(take({good}).fresh, std::vector<Receipt>{good.receipt});
  const auto digest = receipts().table().digest();
  EXPECT_NE(digest, 0u);
  world.reopen();
  EXPECT_EQ(receipts().table().of_feed(other.feed), std::vector<SignedReceipt>{good});
  EXPECT_EQ(receipts().table().digest(), digest);
}

TEST_F(ReceiptsTest, NeitherDigestNorEntriesKnowOfThem) {
  const auto digest = world.ledger->tip_set().digest();
  take({sign(named, receipt)});
  EXPECT_EQ(world.ledger->tip_set().digest(), digest);
  EXPECT_EQ(world.ledger->entries(), 4u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(ReceiptsTest, AMemberNeedsNotBeNamed) {
  const SignedReceipt theirs = sign(stranger, receipt);
  expect_refused(theirs);
  Forger writes{8, world.ledger->id()};
  ASSERT_EQ(world.take(writes.block, writes.make({{at(9), "mine"}})).value, 1u);
  EXPECT_EQ(take({theirs}).fresh.size(), 1u);
}

TEST_F(ReceiptsTest, NobodyVouchesForHimself) { expect_refused(sign(*other.identity, receipt)); }

TEST_F(ReceiptsTest, AnEntryThatIsNotAtThatPlaceIsRefused) {
  receipt.entry = first[1];
  expect_refused(sign(named, receipt));
  receipt.seq = 3;
  expect_refused(sign(named, receipt));
  receipt.seq = 2;
  EXPECT_EQ(take({sign(named, receipt)}).fresh.size(), 1u) << "it ends a run inside of the lane";
}

TEST_F(ReceiptsTest, AnEntryInsideOfARunIsFound) {
  receipt.entry = first[0];
  receipt.seq = 1;
  EXPECT_EQ(take({sign(named, receipt)}).fresh.size(), 1u);
}

TEST_F(ReceiptsTest, ABadSignatureIsToBlame) {
  SignedReceipt bad = sign(named, receipt);
  bad.receipt.time_us -= 1;
  const TakenReceipts taken = take({bad});
  ASSERT_TRUE(taken.bad);
  EXPECT_TRUE(taken.bad->is(store::receipt_error::bad_signature));
  EXPECT_EQ(receipts().table().size(), 0u);
}

TEST_F(ReceiptsTest, OnlyTheNewestIsKept) {
  take({sign(named, receipt)});
  Receipt older = receipt;
  older.seq = 2;
  older.entry = first[1];
  older.time_us += 5;
  expect_refused(sign(named, older));
  expect_refused(sign(named, receipt));
  receipt.time_us += 5;
  EXPECT_EQ(take({sign(named, receipt)}).fresh.size(), 1u);
  EXPECT_EQ(receipts().table().size(), 1u);
}

TEST_F(ReceiptsTest, ATimeAheadIsRefused) {
  receipt.time_us = loop.wall_us() + store::kReceiptAheadUs + 1'000;
  expect_refused(sign(named, receipt));
  loop.run_for(1'000);
  EXPECT_EQ(take({sign(named, receipt)}).fresh.size(), 1u);
}

TEST_F(ReceiptsTest, OneThatIsEarlyWaitsForItsRun) {
  const store::RunBytes run = other.make({{at(5), "e"}});
  receipt.seq = 5;
  receipt.entry = other.prev;
  EXPECT_EQ(take({sign(named, receipt)}).waiting, 1u);
  EXPECT_EQ(receipts().table().size(), 0u);
  ASSERT_EQ(world.take(other.block, run).value, 1u);
  loop.run_for(10'000);
  ASSERT_EQ(receipts().table().size(), 1u);
  EXPECT_EQ(receipts().table().of_feed(other.feed)[0].receipt.seq, 5u);
}

TEST_F(ReceiptsTest, OneOfAFeedThatIsNotHeldIsDropped) {
  receipt.feed = first[0];
  expect_refused(sign(named, receipt));
}

TEST_F(ReceiptsTest, WitnessesThatNobodyNamedLeaveRoomForThose) {
  for (std::uint8_t author = 20; author < 20 + store::kWitnessesMax; ++author) {
    Forger writes{author, world.ledger->id()};
    ASSERT_EQ(world.take(writes.block, writes.make({{at(9), "x"}})).value, 1u);
    take({sign(identity_of(author), receipt)});
  }
  EXPECT_EQ(receipts().table().size(), store::kWitnessesMax - 1);
  EXPECT_EQ(take({sign(named, receipt)}).fresh.size(), 1u);
}

// ---- witnessing

TEST_F(ReceiptsTest, AWitnessSignsForWhatItHoldsOfOthers) {
  world.append("note", "its own");
  settle(true);
  loop.run_for(2'000'000);
  ASSERT_TRUE(own());
  EXPECT_EQ(receipts().table().size(), 1u) << "none for its own feed";
  const SignedReceipt made = *own();
  EXPECT_EQ(made.receipt.seq, 4u);
  EXPECT_EQ(made.receipt.entry, other.prev);
  EXPECT_TRUE(store::is_signed(made.receipt, made.signature));
  EXPECT_LE(made.receipt.time_us, loop.wall_us());
  EXPECT_GT(made.receipt.time_us, loop.wall_us() - 2'000'000);
  loop.run_for(60'000'000);
  EXPECT_EQ(*own(), made) << "signed again without need";
  world.reopen();
  settle(true);
  loop.run_for(60'000'000);
  EXPECT_EQ(*own(), made) << "signed again after a start";
}

TEST_F(ReceiptsTest, AFeedThatGrowsOnIsSignedForNowAndThen) {
  settle(true);
  std::set<std::uint64_t> seqs;
  for (std::uint64_t n = 0; n < 100; ++n) {  // 30 s
    ASSERT_EQ(world.take(other.block, other.make({{at(10 + n), "more"}})).value, 1u);
    loop.run_for(300'000);
    if (own()) seqs.insert(own()->receipt.seq);
  }
  EXPECT_GE(seqs.size(), 5u);
  EXPECT_LE(seqs.size(), 7u);
  loop.run_for(6'000'000);
  EXPECT_EQ(own()->receipt.seq, 104u);
}

TEST_F(ReceiptsTest, OfManyFeedsSomeAtATime) {
  for (int feed = 0; feed < 150; ++feed) {
    Forger writes{7, world.ledger->id(), static_cast<std::uint8_t>(feed + 1)};
    ASSERT_EQ(world.take(writes.block, writes.make({{at(9), "x"}})).value, 1u);
  }
  settle(true);
  loop.run_for(store::kWitnessSettleUs + 10'000);
  EXPECT_EQ(receipts().table().size(), store::kWitnessTurnMax);
  loop.run_for(1'000'000);
  EXPECT_EQ(receipts().table().size(), 151u);
}

TEST_F(ReceiptsTest, NothingIsSignedThatIsEarly) {
  Forger ahead{7, world.ledger->id(), 99};
  const std::uint64_t far_us = loop.wall_us() + 3'600'000'000;
  ASSERT_EQ(world.take(ahead.block, ahead.make({{far_us, "x"}})).value, 1u);
  settle(true);
  loop.run_for(10'000'000);
  EXPECT_EQ(receipts().table().size(), 1u);
}

TEST_F(ReceiptsTest, ADamagedOneIsNamedAtTheStart) {
  take({sign(named, receipt)});
  world.settle();
  world.close();
  store::Batch batch;
  const store::ReceiptKey key{1, other.feed, *store::author_of(named.peer_id())};
  batch.put(store::Column::meta, store::encode(key), to_vector(as_bytes("short")));
  ASSERT_TRUE(world.setup.store->commit(batch, true));
  try {
    world.open();
    FAIL() << "it opened";
  } catch (const Fault& fault) {
    EXPECT_TRUE(fault.error().is(store::ledger_error::damaged));
  }
  world.close();
}

}  // namespace
}  // namespace kith::test
