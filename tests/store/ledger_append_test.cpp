// SPDX-License-Identifier: MIT
// Appends and the own feed.
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::Tip;

constexpr std::uint64_t kDayUs = 24ull * 3600 * 1'000'000;

class LedgerAppend : public testing::Test {
 protected:
  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
};

TEST_F(LedgerAppend, AnswersWithItsPlace) {
  const auto first = world.append("note", "one");
  const auto second = world.append("note", "two");
  ASSERT_TRUE(first.value && second.value);
  EXPECT_EQ(first.value->seq, 1u);
  EXPECT_EQ(second.value->seq, 2u);
  EXPECT_EQ(second.value->arrival, 2u);
  EXPECT_EQ(first.value->feed, second.value->feed);
  EXPECT_GT(second.value->time_us, first.value->time_us);
  EXPECT_EQ(world.ledger->entries(), 2u);
  EXPECT_EQ(world.ledger->tips(), (std::vector<Tip>{{second.value->feed, 2, second.value->id}}));
  const auto held = world.all(false);
  ASSERT_EQ(bodies_of(held), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(held[1].id, second.value->id);
  EXPECT_EQ(held[1].author, *store::author_of(world.identity.peer_id()));
  EXPECT_EQ(held[1].type, "note");
  EXPECT_EQ(held[1].arrival, 2u);
  EXPECT_EQ(held[1].flags, 0u);
}

TEST_F(LedgerAppend, WhatWaitsTogetherIsOneRun) {
  std::vector<std::shared_ptr<Outcome<store::Appended>>> outcomes;
  for (int i = 0; i < 300; ++i)
    outcomes.push_back(start(world.scope, world.ledger->append({"note", {}})));
  world.settle();
  EXPECT_EQ(world.told.runs,
            (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 256}, {257, 44}}));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i]->value);
    EXPECT_EQ(outcomes[i]->value->seq, i + 1);
  }
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerAppend, BodiesOfARunAreBounded) {
  for (int i = 0; i < 9; ++i) {
    ByteVector body(256 * 1024, static_cast<std::uint8_t>(i));
    start(world.scope, world.ledger->append({"file", std::move(body)}));
  }
  world.settle();
  EXPECT_EQ(world.told.runs,
            (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 4}, {5, 4}, {9, 1}}));
}

TEST_F(LedgerAppend, WhoStopsWaitingIsKeptAllTheSame) {
  {
    Scope gone;
    start(gone, world.ledger->append({"note", to_vector(as_bytes("kept"))}));
  }
  world.settle();
  EXPECT_EQ(bodies_of(world.all(true)), std::vector<std::string>{"kept"});
}

TEST_F(LedgerAppend, RefusesWithASentence) {
  for (const char* type : {"", "A", "a b", "ledger/grant"}) {
    const auto refused = world.append(type, "");
    ASSERT_TRUE(refused.error) << type;
    EXPECT_TRUE(refused.error->is(KITH_BAD));
  }
  const auto large = world.append("note", std::string(256 * 1024 + 1, 'x'));
  ASSERT_TRUE(large.error);
  EXPECT_NE(large.error->message().find("Keep it as a file"), std::string::npos);
  world.ledgers->retire();
  const auto late = world.append("note", "");
  ASSERT_TRUE(late.error);
  EXPECT_TRUE(late.error->is(KITH_CLOSED));
}

TEST_F(LedgerAppend, GoesOnInItsFeedAfterARestart) {
  const auto before = world.append("note", "one");
  world.reopen();
  EXPECT_EQ(world.ledger->entries(), 1u);
  const auto after = world.append("note", "two");
  ASSERT_TRUE(after.value);
  EXPECT_EQ(after.value->feed, before.value->feed);
  EXPECT_EQ(after.value->seq, 2u);
  EXPECT_EQ(world.ledger->feeds(), 1u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerAppend, ACopiedStoreOpensAFeedThatLinksToTheOld) {
  const auto before = world.append("note", "one");
  world.settle();
  world.setup.origin = "elsewhere";
  world.reopen();
  loop.run_for(1'000);
  const auto after = world.append("note", "two");
  ASSERT_TRUE(after.value);
  EXPECT_NE(after.value->feed, before.value->feed);
  EXPECT_EQ(after.value->seq, 1u);
  const auto lane = world.ledger->lanes().find_feed(after.value->feed)->lanes.front();
  const auto bytes = world.run(world.ledger->load(lane, 1));
  ASSERT_TRUE(bytes.value);
  const auto run = store::parse_run(bytes.value->entries, bytes.value->bodies);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->rows[0].links, std::vector<store::Digest>{before.value->id});
  world.reopen();
  EXPECT_EQ(world.append("note", "three").value->feed, after.value->feed);
}

TEST_F(LedgerAppend, LeavesAFeedThatAPeerIsAheadOf) {
  const auto before = world.append("note", "one");
  const Tip ahead{before.value->feed, 2, {}};
  world.ledger->heard_of(ahead);
  EXPECT_EQ(world.append("note", "two").value->feed, before.value->feed)
      << "of a feed opened since the start nobody can be ahead";
  world.reopen();
  world.ledger->heard_of({before.value->feed, 1, before.value->id});
  loop.run_for(1'000);
  EXPECT_EQ(world.append("note", "three").value->feed, before.value->feed);
  world.ledger->heard_of({before.value->feed, 9, {}});
  const auto after = world.append("note", "four");
  EXPECT_NE(after.value->feed, before.value->feed);
  world.ledger->heard_of({after.value->feed, 9, {}});
  EXPECT_EQ(world.append("note", "five").value->feed, after.value->feed);
}

TEST_F(LedgerAppend, LeavesAFeedWhoseOlderEntryAPeerHasOtherwise) {
  const auto before = world.append("note", "one");
  world.append("note", "two");
  world.reopen();
  world.ledger->heard_of({before.value->feed, 1, {}});
  world.settle();
  loop.run_for(1'000);
  EXPECT_NE(world.append("note", "three").value->feed, before.value->feed);
}

TEST_F(LedgerAppend, AFeedThatWasLeftStaysLeft) {
  const auto before = world.append("note", "one");
  world.reopen();
  world.ledger->heard_of({before.value->feed, 9, {}});
  world.reopen();
  EXPECT_NE(world.append("note", "two").value->feed, before.value->feed);
}

TEST_F(LedgerAppend, AClockThatWentBack) {
  sim::VirtualLoop later(2);
  later.run_for(3 * kDayUs);
  auto store = world.setup.store;
  world.settle();
  world.close();
  std::optional<LedgerWorld> ahead;
  ahead.emplace(later, LedgerWorld::Setup{1, store});
  const auto before = ahead->append("note", "from the future");
  ahead->settle();
  ahead.reset();
  world.open();
  const auto refused = world.append("note", "one");
  ASSERT_TRUE(refused.error);
  EXPECT_NE(refused.error->message().find("clock"), std::string::npos);
  loop.run_for(2 * kDayUs + kDayUs / 2);
  const auto after = world.append("note", "two");
  ASSERT_TRUE(after.value);
  EXPECT_NE(after.value->feed, before.value->feed) << "its last time is over 60 s ahead";
  EXPECT_LT(after.value->time_us, before.value->time_us);
}

TEST_F(LedgerAppend, LinksToTheNewestTipsOfOthers) {
  const std::uint64_t now_us = loop.wall_us();
  std::vector<store::Digest> newest;
  for (std::uint8_t i = 0; i < 20; ++i) {
    Forger other(static_cast<std::uint8_t>(i + 10), world.ledger->id());
    ASSERT_TRUE(world.take(other.block, other.make({{now_us + i, "x"}})).value);
    if (i >= 4) newest.push_back(other.prev);
  }
  Forger early(40, world.ledger->id());
  ASSERT_TRUE(world.take(early.block, early.make({{now_us + 90'000'000, "x"}})).value);
  const auto mine = world.append("note", "mine");
  ASSERT_TRUE(mine.value);
  EXPECT_GT(mine.value->time_us, now_us + 19);
  EXPECT_LT(mine.value->time_us, now_us + 60'000'000);
  const auto lane = world.ledger->lanes().find_feed(mine.value->feed)->lanes.front();
  const auto bytes = world.run(world.ledger->load(lane, 1));
  const auto run = store::parse_run(bytes.value->entries, bytes.value->bodies);
  std::sort(newest.begin(), newest.end());
  EXPECT_EQ(run->rows[0].links, newest);
  world.append("note", "next");
  const auto next = world.run(world.ledger->load(lane, 2));
  EXPECT_TRUE(store::parse_run(next.value->entries, next.value->bodies)->rows[0].links.empty());
}

TEST(LedgerInterval, AnswersOnceKeptAndTellsOnceSynced) {
  sim::VirtualLoop loop(1);
  LedgerWorld::Setup setup;
  setup.durability = store::Durability::interval;
  LedgerWorld world(loop, setup);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(world.append("note", "x").value);
    EXPECT_EQ(world.ledger->entries(), static_cast<std::uint64_t>(i) + 1);
  }
  EXPECT_TRUE(world.told.runs.empty());
  EXPECT_TRUE(world.ledger->tips().empty()) << "nothing leaves before its sync";
  EXPECT_EQ(world.ledger->synced_arrival(), 0u);
  EXPECT_EQ(world.all(false).size(), 3u);
  world.settle();
  EXPECT_EQ(world.told.runs.size(), 3u);
  EXPECT_EQ(world.ledger->tips().size(), 1u);
  EXPECT_EQ(world.ledger->tips()[0].seq, 3u);
  EXPECT_TRUE(world.verify().ok());
}

}  // namespace
}  // namespace kith::test
