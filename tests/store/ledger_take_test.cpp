// SPDX-License-Identifier: MIT
// Runs of others: what is taken, what is refused, and where it lands.
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::ledger_error;

class LedgerTake : public testing::Test {
 protected:
  std::uint64_t at(std::uint64_t n) const { return start_us + n; }
  static void expect_refused(const Outcome<std::size_t>& outcome, ledger_error error) {
    const bool is = outcome.error && outcome.error->is(error);
    EXPECT_TRUE(is) << (outcome.error ? outcome.error->message() : "it was taken");
  }
  std::size_t lanes() const { return world.ledger->lanes().all().size(); }

  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
  Forger other{7, world.ledger->id()};
  const std::uint64_t start_us = loop.wall_us() - 1'000'000;
};

TEST_F(LedgerTake, KeepsARunAndGoesOn) {
  EXPECT_EQ(world.take(other.block, other.make({{at(1), "a"}, {at(2), "b"}})).value, 2u);
  EXPECT_EQ(world.take(other.block, other.make({{at(3), "c"}})).value, 1u);
  EXPECT_EQ(world.ledger->feeds(), 1u);
  EXPECT_EQ(lanes(), 1u);
  EXPECT_EQ(bodies_of(world.all(true)), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(world.ledger->tips(), (std::vector<store::Tip>{{other.feed, 3, other.prev}}));
  EXPECT_TRUE(world.verify().ok());
  world.reopen();
  EXPECT_EQ(world.ledger->entries(), 3u);
  EXPECT_EQ(world.ledger->synced_arrival(), 3u);
  EXPECT_EQ(world.ledger->tips(), (std::vector<store::Tip>{{other.feed, 3, other.prev}}));
  EXPECT_EQ(bodies_of(world.all(false)), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(LedgerTake, WhatIsHeldIsNotNew) {
  const auto run = other.make({{at(1), "a"}, {at(2), "b"}});
  EXPECT_EQ(world.take(other.block, run).value, 2u);
  EXPECT_EQ(world.take(other.block, run).value, 0u);
  other.make({{at(3), "c"}});
  world.take(other.block, run);
  EXPECT_EQ(world.ledger->entries(), 2u);
  EXPECT_EQ(world.told.runs.size(), 1u);
}

TEST_F(LedgerTake, AnOverlapGivesItsTail) {
  Forger same = other;
  ASSERT_EQ(world.take(other.block, other.make({{at(1), "a"}, {at(2), "b"}})).value, 2u);
  const auto whole = same.make({{at(1), "a"}, {at(2), "b"}, {at(3), "c"}, {at(4), "d"}});
  EXPECT_EQ(world.take(other.block, whole).value, 2u);
  EXPECT_EQ(lanes(), 1u);
  EXPECT_EQ(bodies_of(world.all(true)), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(world.take(other.block, other.make({{at(3), "c"}})).value, 0u);
  EXPECT_TRUE(world.verify().ok());
  const auto lane = world.ledger->lanes().all().begin()->first;
  const auto tail = world.run(world.ledger->load(lane, 4));
  ASSERT_TRUE(tail.value);
  EXPECT_EQ(store::parse_run(tail.value->entries, tail.value->bodies)->rows.size(), 1u);
}

TEST_F(LedgerTake, AForkIsKeptFlaggedAndToldOnce) {
  const auto run = other.make({{at(1), "a"}, {at(2), "b"}, {at(3), "c"}});
  const auto ids = other.ids;
  ASSERT_TRUE(world.take(other.block, run).value);
  other.back_to(1, ids[0]);
  const auto branch = other.make({{at(5), "B"}, {at(6), "C"}});
  EXPECT_EQ(world.take(other.block, branch).value, 2u);
  EXPECT_EQ(world.take(other.block, branch).value, 0u);
  EXPECT_EQ(lanes(), 2u);
  EXPECT_EQ(world.ledger->tips().size(), 2u);
  ASSERT_EQ(world.told.forks.size(), 1u);
  EXPECT_EQ(world.told.forks[0].seq, 2u);
  EXPECT_FALSE(world.told.forks[0].is_own);
  other.back_to(2, other.ids[0]);
  EXPECT_EQ(world.take(other.block, other.make({{at(9), "D"}})).value, 1u) << "a branch of it";
  world.reopen();
  const auto held = world.all(true);
  ASSERT_EQ(bodies_of(held), (std::vector<std::string>{"a", "b", "c", "B", "C", "D"}));
  for (const store::Held& each : held)
    EXPECT_EQ((each.flags & KITH_ENTRY_FORK) != 0, each.seq >= 2) << each.seq;
  EXPECT_EQ(world.told.forks.size(), 2u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, AForkInsideOfAGivenRun) {
  const auto run = other.make({{at(1), "a"}, {at(2), "b"}, {at(3), "c"}});
  const auto ids = other.ids;
  ASSERT_TRUE(world.take(other.block, run).value);
  other.back_to(0, other.feed);
  const auto branch = other.make({{at(1), "a"}, {at(2), "b"}, {at(4), "C"}});
  EXPECT_EQ(world.take(other.block, branch).value, 1u) << "two of the three are held";
  EXPECT_EQ(world.ledger->lanes().find_feed(other.feed)->fork_seq, 3u);
  EXPECT_EQ(world.ledger->entries(), 4u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, TwoBeginningsOfOneFeed) {
  ASSERT_TRUE(world.take(other.block, other.make({{at(1), "a"}})).value);
  other.back_to(0, other.feed);
  EXPECT_EQ(world.take(other.block, other.make({{at(2), "A"}, {at(3), "B"}})).value, 2u);
  EXPECT_EQ(world.ledger->feeds(), 1u);
  EXPECT_EQ(world.ledger->lanes().find_feed(other.feed)->fork_seq, 1u);
  world.reopen();
  EXPECT_EQ(world.ledger->feeds(), 1u);
  EXPECT_EQ(world.ledger->tips().size(), 2u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, RefusesWhatIsNotItsOwn) {
  store::Digest elsewhere{};
  Forger foreign(7, elsewhere);
  expect_refused(world.take(foreign.block, foreign.make({{at(1), "a"}})),
                 ledger_error::wrong_ledger);
  Forger first = other;
  const auto one = first.make({{at(1), "a"}});
  const auto two = first.make({{at(2), "b"}});
  expect_refused(world.take(other.block, two), ledger_error::gap);
  Forger third(8, world.ledger->id());
  expect_refused(world.take(third.block, one), ledger_error::unknown_feed);
  ASSERT_TRUE(world.take(other.block, one).value);
  Forger lost = first;
  lost.back_to(1, store::Digest{1});
  expect_refused(world.take(other.block, lost.make({{at(5), "x"}})), ledger_error::gap);
  Forger back = first;
  back.back_to(1, world.all(true)[0].id);
  expect_refused(world.take(other.block, back.make({{at(1), "x"}})), ledger_error::time_not_after);
  auto forged = two;
  forged.entries[forged.entries.size() - 1] ^= 1;
  EXPECT_TRUE(world.take(other.block, forged).error);
  EXPECT_EQ(world.ledger->entries(), 1u);
  EXPECT_TRUE(world.take(other.block, two).value) << "the honest one still comes";
}

TEST_F(LedgerTake, RefusesAnothersSignature) {
  Forger thief(9, world.ledger->id());
  thief.block = other.block;
  thief.feed = thief.prev = other.feed;
  expect_refused(world.take(thief.block, thief.make({{at(1), "a"}})), ledger_error::bad_signature);
  EXPECT_EQ(world.ledger->feeds(), 0u);
}

TEST_F(LedgerTake, AnOpeningOfALaterKithWaits) {
  ByteVector later = other.block;
  const std::string version = {'a', 'v', 1};
  const auto found = std::search(later.begin(), later.end(), version.begin(), version.end());
  ASSERT_NE(found, later.end());
  *(found + 2) = 2;
  expect_refused(world.take(later, other.make({{at(1), "a"}})), ledger_error::unknown_version);
}

TEST_F(LedgerTake, KeepsARunWithoutItsBodies) {
  store::Run run;
  run.feed = run.prev = other.feed;
  run.first_seq = 1;
  store::Row row;
  row.time_us = at(1);
  row.type = "note";
  row.is_dropped = true;
  row.body_bytes = 5;
  row.body_digest = crypto::sha256(as_bytes("hello"));
  run.rows.push_back(row);
  const auto ids = store::rebuild_run(run).value();
  run.signature = store::sign_head(*other.identity, {run.feed, 1, ids.back()});
  EXPECT_EQ(world.take(other.block, store::encode(run)).value, 1u);
  EXPECT_EQ(world.all(false).at(0).flags, static_cast<unsigned>(KITH_ENTRY_DROPPED));
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, TheSameRunManyTimesAtOnce) {
  const auto one = other.make({{at(1), "a"}});
  const auto two = other.make({{at(2), "b"}});
  const auto ids = other.ids;
  other.back_to(1, world.ledger->id());
  ASSERT_TRUE(world.take(other.block, one).value);
  std::vector<std::shared_ptr<Outcome<std::size_t>>> outcomes;
  for (int i = 0; i < 20; ++i)
    outcomes.push_back(
        start(world.scope, world.ledger->take(other.block, two.entries, two.bodies)));
  world.settle();
  std::size_t fresh = 0;
  for (const auto& outcome : outcomes) fresh += outcome->value.value_or(100);
  EXPECT_EQ(fresh, 1u);
  EXPECT_EQ(world.ledger->entries(), 2u);
  EXPECT_EQ(lanes(), 1u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, TheSameBranchManyTimesAtOnce) {
  const auto run = other.make({{at(1), "a"}, {at(2), "b"}});
  const auto first = other.ids[0];
  ASSERT_TRUE(world.take(other.block, run).value);
  other.back_to(1, first);
  const auto branch = other.make({{at(3), "B"}});
  const auto more = other.make({{at(4), "C"}});
  std::vector<std::shared_ptr<Outcome<std::size_t>>> outcomes;
  for (int i = 0; i < 10; ++i) {
    outcomes.push_back(
        start(world.scope, world.ledger->take(other.block, branch.entries, branch.bodies)));
    outcomes.push_back(
        start(world.scope, world.ledger->take(other.block, more.entries, more.bodies)));
  }
  world.settle();
  world.take(other.block, more);
  EXPECT_EQ(world.ledger->entries(), 4u);
  EXPECT_EQ(lanes(), 2u);
  EXPECT_EQ(world.told.forks.size(), 1u);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, AtMostSoManyAtOnce) {
  const auto run = other.make({{at(1), "a"}});
  std::vector<std::shared_ptr<Outcome<std::size_t>>> outcomes;
  for (int i = 0; i < 100; ++i)
    outcomes.push_back(
        start(world.scope, world.ledger->take(other.block, run.entries, run.bodies)));
  world.settle();
  std::size_t refused = 0;
  for (const auto& outcome : outcomes) refused += outcome->error && outcome->error->is(KITH_LIMIT);
  EXPECT_EQ(refused, 36u);
}

TEST_F(LedgerTake, BranchesOfOneFeedAreBounded) {
  ASSERT_TRUE(world.take(other.block, other.make({{at(1), "a"}})).value);
  bool is_refused = false;
  for (std::uint64_t i = 0; i < 1'100 && !is_refused; ++i) {
    other.back_to(0, other.feed);
    const auto outcome = world.take(other.block, other.make({{at(10 + i), "b"}}));
    is_refused = outcome.error && outcome.error->is(KITH_LIMIT);
  }
  EXPECT_TRUE(is_refused);
  EXPECT_EQ(lanes(), 1'024u);
  EXPECT_EQ(world.told.forks.size(), 1'023u);
}

TEST_F(LedgerTake, AnotherTipOfTheOwnFeedMakesANewOne) {
  const auto mine = world.append("note", "mine");
  ASSERT_TRUE(mine.value);
  Forger copy(world.setup.author, world.ledger->id());
  const store::Feed* feed = world.ledger->lanes().find_feed(mine.value->feed);
  copy.block = feed->opening_block;
  copy.feed = copy.prev = feed->id;
  EXPECT_EQ(world.take(copy.block, copy.make({{at(3), "by the copy"}})).value, 1u);
  ASSERT_EQ(world.told.forks.size(), 1u);
  EXPECT_TRUE(world.told.forks[0].is_own);
  const auto next = world.append("note", "next");
  ASSERT_TRUE(next.value);
  EXPECT_NE(next.value->feed, mine.value->feed);
  EXPECT_EQ(next.value->seq, 1u);
  world.reopen();
  EXPECT_EQ(world.append("note", "more").value->feed, next.value->feed);
}

TEST_F(LedgerTake, ALaterEntryOfTheOwnFeedMakesANewOne) {
  const auto mine = world.append("note", "mine");
  Forger copy(world.setup.author, world.ledger->id());
  const store::Feed* feed = world.ledger->lanes().find_feed(mine.value->feed);
  copy.block = feed->opening_block;
  copy.feed = feed->id;
  copy.back_to(1, mine.value->id);
  ASSERT_EQ(world.take(copy.block, copy.make({{mine.value->time_us + 5, "later"}})).value, 1u);
  EXPECT_TRUE(world.told.forks.empty());
  EXPECT_NE(world.append("note", "next").value->feed, mine.value->feed);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerTake, PlacesByArrival) {
  ASSERT_TRUE(world.take(other.block, other.make({{at(1), "a"}, {at(2), "b"}})).value);
  ASSERT_TRUE(world.append("note", "c").value);
  const auto place = world.run(world.ledger->place_of(2));
  ASSERT_TRUE(place.value);
  EXPECT_EQ(place.value->first_seq, 1u);
  EXPECT_EQ(place.value->last_seq, 2u);
  EXPECT_EQ(place.value->next_arrival, 3u);
  EXPECT_EQ(world.run(world.ledger->place_of(3)).value->first_seq, 1u);
  for (const std::uint64_t absent : {0, 4}) {
    const auto none = world.run(world.ledger->place_of(absent));
    ASSERT_TRUE(none.error);
    EXPECT_TRUE(none.error->is(KITH_ABSENT));
  }
  EXPECT_TRUE(world.run(world.ledger->load(place.value->lane, 3)).error->is(KITH_ABSENT));
}

}  // namespace
}  // namespace kith::test
