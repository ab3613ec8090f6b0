// SPDX-License-Identifier: MIT
// Ledgers with a founder: who may write, what a revoke makes void and what not, and that a start
// finds the same.
#include "tests/store/founded_world.h"

namespace kith::test {
namespace {

using store::ledger_error;
using Texts = std::vector<std::string>;

struct FounderTest : testing::Test {
  FounderTest() {
    found(founder);
    join(founder, member);
    join(founder, other);
  }
  store::Digest granted(LedgerWorld& to, std::uint16_t rank = 100) {
    const auto made = grant(founder, key_of(to), rank);
    EXPECT_TRUE(made.value) << made.error->message();
    for (LedgerWorld* world : {&member, &other}) EXPECT_TRUE(offer(founder, *world).empty());
    return made.value->id;
  }
  void write(LedgerWorld& world, std::string_view text) {
    const auto made = world.append("note", text);
    EXPECT_TRUE(made.value) << made.error->message();
  }

  sim::VirtualLoop loop{1};
  LedgerWorld founder{loop, {.author = 1}}, member{loop, {.author = 2}}, other{loop, {.author = 3}};
};

TEST_F(FounderTest, OnlyWhoHoldsAGrantWrites) {
  write(founder, "mine");
  const auto refused = member.append("note", "mine too");
  ASSERT_TRUE(refused.error);
  EXPECT_TRUE(refused.error->is(KITH_REFUSED));
  EXPECT_NE(refused.error->message().find("kith ledger grant team 12D3"), std::string::npos)
      << refused.error->message();
  granted(member);
  write(member, "mine too");
  EXPECT_TRUE(offer(member, founder).empty());
  EXPECT_EQ(notes_of(founder), (Texts{"mine", "mine too"}));
  expect_alike(founder, member);
  EXPECT_EQ(founder.ledger->members().size(), 1u);
  EXPECT_TRUE(founder.ledger->members()[0].counts);
}

TEST_F(FounderTest, AStartFindsTheSame) {
  granted(member);
  write(member, "one");
  offer(member, founder);
  const store::Digest before = founder.ledger->tip_set().digest();
  for (LedgerWorld* world : {&founder, &member}) restart(*world);
  EXPECT_EQ(founder.ledger->tip_set().digest(), before);
  expect_alike(founder, member);
  write(member, "two");
  EXPECT_EQ(member.ledger->lanes().feeds_of(key_of(member)).size(), 1u);  // it goes on
  const auto verdict = member.verify();
  EXPECT_TRUE(verdict.ok()) << verdict.problems[0];
}

TEST_F(FounderTest, AFeedUnderAnUnknownGrantWaitsForIt) {
  const auto made = grant(founder, key_of(member));
  offer(founder, member);
  write(member, "early");
  LedgerWorld late{loop, {.author = 4}};
  join(founder, late);
  const store::Feed& feed = *member.ledger->lanes().feeds_of(key_of(member))[0];
  const store::Lane& lane = *member.ledger->lanes().find(feed.lanes[0]);
  auto run = member.run(member.ledger->load(lane.number, 1));
  const auto refused = late.take(feed.opening_block, *run.value);
  ASSERT_TRUE(refused.error);
  EXPECT_TRUE(refused.error->is(ledger_error::unknown_grant)) << refused.error->message();
  offer(founder, late);
  EXPECT_TRUE(late.take(feed.opening_block, *run.value).value);
  expect_alike(late, member);
}

TEST_F(FounderTest, ARevokeKeepsWhatItNames) {
  const store::Digest id = granted(member);
  write(member, "one");
  write(member, "two");
  offer(member, founder);
  offer(member, other);
  const store::Fall none =
      founder.ledger->fall_of({id, *founder.run(founder.ledger->heads_under(id)).value});
  EXPECT_EQ(none.entries, 0u);
  EXPECT_EQ(founder.ledger->fall_of({id, {}}).entries, 2u);
  ASSERT_TRUE(revoke(founder, id).value);
  write(member, "three");  // it does not know yet
  EXPECT_EQ(notes_of(member), (Texts{"one", "two", "three"}));
  offer(founder, member);
  offer(founder, other);
  EXPECT_EQ(notes_of(member), (Texts{"one", "two"}));
  const auto errors = offer(member, other);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_TRUE(errors[0].is(ledger_error::is_void)) << errors[0].message();
  expect_alike(member, other);
  expect_alike(member, founder);
  const Told::Void third{store::FeedKind::data, 3, 3, false};
  EXPECT_EQ(member.told.voids, std::vector{third});
  EXPECT_TRUE(founder.told.voids.empty() && other.told.voids.empty());
  EXPECT_TRUE(member.append("note", "four").error->is(KITH_REFUSED));
  EXPECT_TRUE(member.ledger->members()[0].is_revoked);
  for (LedgerWorld* world : {&founder, &member, &other}) restart(*world);
  EXPECT_EQ(notes_of(member), (Texts{"one", "two"}));
  expect_alike(member, founder);
}

// Four entries in one run, of which the revoke keeps two.
TEST_F(FounderTest, ACutMayLieInsideOfARun) {
  const store::Digest id = granted(member);
  for (const char* text : {"a", "b", "c", "d"})
    start(member.scope, member.ledger->append({"note", to_vector(as_bytes(text))}));
  member.settle();
  const store::Lane& lane =
      *member.ledger->lanes().find(member.ledger->lanes().feeds_of(key_of(member))[0]->lanes[0]);
  ASSERT_EQ(lane.seq, 4u);
  offer(member, other);
  const auto second = member.all(false)[3 - 1];
  const store::Held kept = member.all(true)[2];
  ASSERT_EQ(kept.seq, 2u);
  ASSERT_TRUE(founder.run(founder.ledger->revoke({id, {{{kept.feed, 2, kept.id}, {}}}})).value);
  for (LedgerWorld* world : {&member, &other}) offer(founder, *world);
  EXPECT_EQ(notes_of(member), (Texts{"a", "b"}));
  expect_alike(member, other);
  // Who has nothing takes the whole run, and counts half of it.
  offer(member, founder);
  expect_alike(member, founder);
  EXPECT_EQ(notes_of(founder), (Texts{"a", "b"}));
  restart(founder);
  expect_alike(member, founder);
}

TEST_F(FounderTest, WhatAnIssuerGrantedFallsWithHim) {
  const store::Digest id = granted(member, 10);
  const auto second = grant(member, key_of(other), 20);
  ASSERT_TRUE(second.value) << second.error->message();
  offer(member, founder);
  offer(member, other);
  write(other, "by the second");
  offer(other, founder);
  const store::Fall fall = founder.ledger->fall_of({id, {}});
  EXPECT_EQ(fall.entries, 1u);
  ASSERT_EQ(fall.grants.size(), 2u - 1u);
  EXPECT_EQ(fall.grants[0].grant, second.value->id);
  ASSERT_TRUE(founder.run(founder.ledger->revoke({id, {}})).value);
  offer(founder, other);
  EXPECT_EQ(notes_of(other), Texts{});
  EXPECT_TRUE(other.append("note", "more").error->is(KITH_REFUSED));
  expect_alike(founder, other);
}

TEST_F(FounderTest, NobodyGrantsAboveHisOwnNumber) {
  granted(member, 10);
  const auto refused = grant(member, key_of(other), 10);
  ASSERT_TRUE(refused.error);
  EXPECT_TRUE(refused.error->is(KITH_REFUSED));
  EXPECT_TRUE(grant(member, key_of(other), 11).value);
  const auto stranger = grant(other, key_of(member), 50);
  EXPECT_TRUE(stranger.error->is(KITH_REFUSED));
}

// An admin revoked by the founder had himself revoked a member: that falls, and the member's
// entries count again, also where they were refused meanwhile.
TEST_F(FounderTest, ARevokeThatFallsGivesBackWhatItTook) {
  LedgerWorld admin{loop, {.author = 5}};
  join(founder, admin);
  const auto power = grant(founder, key_of(admin), 10);
  for (LedgerWorld* world : {&admin, &member, &other}) offer(founder, *world);
  const auto given = grant(founder, key_of(member), 100);
  for (LedgerWorld* world : {&admin, &member, &other}) offer(founder, *world);
  write(member, "one");
  ASSERT_TRUE(admin.run(admin.ledger->revoke({given.value->id, {}})).value);
  for (LedgerWorld* world : {&founder, &member, &other}) offer(admin, *world);
  EXPECT_EQ(notes_of(member), Texts{});
  EXPECT_EQ(offer(member, other).size(), 1u);  // refused
  ASSERT_TRUE(founder.run(founder.ledger->revoke({power.value->id, {}})).value);
  for (LedgerWorld* world : {&member, &other}) offer(founder, *world);
  EXPECT_EQ(notes_of(member), Texts{"one"});
  offer(member, other);
  EXPECT_EQ(notes_of(other), Texts{"one"});
  const std::vector<Told::Void> told{{store::FeedKind::data, 1, 1, false},
                                     {store::FeedKind::control, 1, 1, false},
                                     {store::FeedKind::data, 1, 1, true}};
  EXPECT_TRUE(std::is_permutation(told.begin(), told.end(), member.told.voids.begin(),
                                  member.told.voids.end()));
  expect_alike(member, other);
  EXPECT_FALSE(member.ledger->members().back().is_revoked);
}

TEST_F(FounderTest, HiddenBodiesShowWithoutTheirChance) {
  LedgerWorld here{loop, {.author = 6}}, there{loop, {.author = 7}};
  found(here, true);
  join(here, there);
  ASSERT_TRUE(here.append("note", "yes").value);
  ASSERT_TRUE(here.append("note", "yes").value);
  ASSERT_TRUE(grant(here, key_of(there)).value);
  offer(here, there);
  ASSERT_TRUE(there.append("note", "no").value);
  EXPECT_EQ(notes_of(there), (Texts{"yes", "yes", "no"}));
  const auto held = there.all(true);
  EXPECT_EQ(held[0].body_bytes, 3u + 16u);
  const auto verdict = there.verify();
  EXPECT_TRUE(verdict.ok()) << verdict.problems[0];
}

TEST_F(FounderTest, OneLedgerRulesAnother) {
  founder.ledger = &founder.ledgers->found({.name = "minutes", .rule = "team"});
  store::Ledger& minutes = *founder.ledger;
  LedgerWorld stranger{loop, {.author = 8}};
  const auto refused = [&] { return stranger.ledgers->join(minutes.genesis_block(), "").name(); };
  EXPECT_THROW(refused(), Fault);
  founder.ledger = founder.ledgers->find("team");
  const store::Digest id = granted(member);
  store::Ledger& here = member.ledgers->join(minutes.genesis_block(), "");
  ASSERT_TRUE(member.run(here.append({"note", to_vector(as_bytes("said"))})).value);
  EXPECT_TRUE(member.run(here.grant({key_of(other), 200, "writer"})).error->is(KITH_REFUSED));
  ASSERT_TRUE(founder.run(founder.ledger->revoke({id, {}})).value);
  offer(founder, member);
  EXPECT_TRUE(here.tips().empty());
  restart(member);
  EXPECT_TRUE(member.ledgers->find("minutes")->tips().empty());
}

TEST_F(FounderTest, AnOpenLedgerGrantsNothing) {
  store::Ledger& open = founder.ledgers->open("notes");
  const auto refused = founder.run(open.grant({key_of(member), 1, "writer"}));
  EXPECT_TRUE(refused.error->is(KITH_REFUSED));
}

TEST_F(FounderTest, NamesAreTakenOnce) {
  EXPECT_THROW(founder.ledgers->found({.name = "team"}), Fault);
  LedgerWorld here{loop, {.author = 9}};
  here.ledgers->open("team");
  EXPECT_THROW(here.ledgers->join(founder.ledger->genesis_block(), ""), Fault);
  EXPECT_EQ(here.ledgers->join(founder.ledger->genesis_block(), "ours").name(), "ours");
  here.reopen();
  ASSERT_NE(here.ledgers->find("ours"), nullptr);
  EXPECT_EQ(here.ledgers->find("ours")->id(), founder.ledger->id());
  EXPECT_EQ(here.ledgers->find("team"), nullptr);  // an open one opens when it is asked for
}

}  // namespace
}  // namespace kith::test
