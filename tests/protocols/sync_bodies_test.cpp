// SPDX-License-Identifier: MIT
// Bodies that were dropped: a ledger without them reaches whoever has nothing, and whoever lacks
// them asks each peer that keeps the ledger.
#include "engine/protocols/sync_bodies.h"

#include "engine/protocols/sync_limits.h"
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

using store::Ledger;

struct BodiesTest : test::SyncWorld {
  BodiesTest() : first(keep(a()).open("notes")) {
    for (const char* text : kTexts) append(first, text);
  }
  static constexpr std::array kTexts{"one", "two", "three", "four"};
  static std::vector<std::string> all() { return {kTexts.begin(), kTexts.end()}; }
  // For good, and nobody is asked for them.
  void drop_all(Ledger& ledger) {
    run(ledger.retaining().drop_before(loop.wall_us() + 1'000'000)).value();
  }
  std::size_t dropped(Ledger& ledger) {
    std::size_t n = 0;
    for (const store::Held& each : run(ledger.read({})).value().entries)
      n += (each.flags & KITH_ENTRY_DROPPED) != 0;
    return n;
  }
  bool is_whole(Ledger& ledger) { return run(ledger.verify({})).value().ok(); }

  Ledger& first;
};

TEST_F(BodiesTest, WhoHasNothingCatchesUpWithWhoDroppedAndIsFilledByWhoDidNot) {
  Ledger& full = keep(c()).open("notes");
  ASSERT_TRUE(dial(c(), a()));
  loop.run_for(1'000'000);
  ASSERT_EQ(texts(full), all());
  c().swarm->disconnect(a().id(), "it has all");
  loop.run_for(1'000'000);
  drop_all(first);

  Ledger& second = keep(b()).open("notes");
  ASSERT_TRUE(dial(b(), a()));
  loop.run_for(1'000'000);
  EXPECT_EQ(second.entries(), 4u);
  EXPECT_EQ(second.tip_set().digest(), first.tip_set().digest());
  EXPECT_EQ(dropped(second), 4u);
  EXPECT_TRUE(is_whole(second));

  ASSERT_TRUE(dial(c(), b()));
  loop.run_for(1'000'000);
  EXPECT_EQ(texts(second), all());
  EXPECT_TRUE(is_whole(second));
  EXPECT_EQ(second.tip_set().digest(), full.tip_set().digest());
  loop.run_for(400'000'000);
  EXPECT_EQ(dropped(first), 4u) << "what was removed on request stays so";
  EXPECT_TRUE(is_connected(a(), b()));
}

// Of whoever is connected already, once it has them.
TEST_F(BodiesTest, WhatAPeerGetsLaterIsAskedForLater) {
  Ledger& full = keep(c()).open("notes");
  ASSERT_TRUE(dial(c(), a()));
  loop.run_for(1'000'000);
  ASSERT_EQ(texts(full), all());
  c().swarm->disconnect(a().id(), "it has all");
  loop.run_for(1'000'000);
  drop_all(first);
  Ledger& second = keep(b()).open("notes");
  ASSERT_TRUE(dial(b(), a()));
  loop.run_for(1'000'000);
  EXPECT_EQ(run(first.retaining().want_all()).value(), 0u);
  for (const store::Held& held : run(first.read({})).value().entries)
    EXPECT_EQ(run(first.retaining().want(held)).value(), 1u);
  loop.run_for(1'000'000);
  EXPECT_EQ(dropped(first), 4u) << "neither has them";
  ASSERT_TRUE(dial(c(), b()));
  loop.run_for(1'000'000);
  EXPECT_EQ(dropped(second), 0u);
  loop.run_for(800'000'000);
  EXPECT_EQ(texts(first), all());
}

TEST_F(BodiesTest, ManyAndLargeOnes) {
  Ledger& full = keep(c()).open("notes");
  for (int i = 0; i < 60; ++i) append(full, std::string(100'000, static_cast<char>('a' + i % 26)));
  for (int i = 0; i < 300; ++i) append(full, "small " + std::to_string(i));
  ASSERT_TRUE(dial(c(), a()));
  loop.run_for(5'000'000);
  ASSERT_EQ(first.entries(), 364u);
  a().swarm->disconnect(c().id(), "it has all");
  loop.run_for(1'000'000);
  drop_all(first);
  Ledger& second = keep(b()).open("notes");
  ASSERT_TRUE(dial(b(), a()));
  loop.run_for(5'000'000);
  ASSERT_EQ(dropped(second), 364u);
  ASSERT_TRUE(dial(c(), b()));
  loop.run_for(5'000'000);
  EXPECT_EQ(dropped(second), 0u);
  EXPECT_TRUE(is_whole(second));
  EXPECT_EQ(second.retaining().bytes(), full.retaining().bytes());
}

// ---- a peer played by hand

struct BodiesByHandTest : BodiesTest {
  BodiesByHandTest() { play(c()); }
  // b() has all entries and no body, and asks c() for them.
  SyncLacks begin() {
    drop_all(first);
    second = &keep(b()).open("notes");
    EXPECT_TRUE(dial(b(), a()));
    loop.run_for(1'000'000);
    EXPECT_EQ(dropped(*second), 4u);
    EXPECT_TRUE(dial(b(), c()));
    loop.run_until([this] { return !asked.empty(); }, 10'000'000);
    EXPECT_TRUE(request<SyncHello>(asked.back()));
    write(asked.back(), SyncSame{});
    const auto lacks = request<SyncLacks>(asked.back());
    EXPECT_TRUE(lacks);
    return lacks.value_or(SyncLacks());
  }
  Ledger* second = nullptr;
};

TEST_F(BodiesByHandTest, WrongOnesAreBadRunsAndHonestOnesAreTaken) {
  const SyncLacks lacks = begin();
  EXPECT_EQ(lacks.first_seq, 1u);
  EXPECT_EQ(lacks.to.feed, first.tips().front().feed);
  const ByteVector lie{'l', 'i', 'e'};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(is_connected(b(), c())) << i;
    SyncBodies bodies{0, {Bytes(lie)}};
    write(asked.back(), bodies);
    loop.run_for(100'000);
  }
  EXPECT_FALSE(is_connected(b(), c()));
  EXPECT_TRUE(is_connected(b(), a()));
  EXPECT_EQ(dropped(*second), 4u);
  EXPECT_TRUE(is_whole(*second));
}

TEST_F(BodiesByHandTest, AnAnswerOfAnotherSizeDisconnects) {
  begin();
  write(asked.back(), SyncBodies{0, {std::nullopt, std::nullopt}});
  loop.run_for(1'000'000);
  EXPECT_FALSE(is_connected(b(), c()));
}

TEST_F(BodiesByHandTest, SilenceEndsTheStreamAndNobodyIsCharged) {
  begin();
  loop.run_for(limits::kSyncAnswerMs * 1'000ull - 3'000'000);
  EXPECT_EQ(asked.size(), 1u);
  loop.run_for(8'000'000);
  EXPECT_EQ(asked.size(), 2u) << "it is asked anew";
  EXPECT_TRUE(is_connected(b(), c()));
}

TEST_F(BodiesByHandTest, AnswersWhatItHoldsAndNullForTheRest) {
  const auto entries = run(first.read({})).value().entries;
  run(first.retaining().drop(entries[1])).value();
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(first));
  ASSERT_TRUE(answer<SyncSame>(stream));
  write(stream, SyncLacks{0, 1, {0b1011}, first.tips().front()});
  const auto bodies = answer<SyncBodies>(stream);
  ASSERT_TRUE(bodies);
  ASSERT_EQ(bodies->bodies.size(), 3u);
  ASSERT_TRUE(bodies->bodies[0]);
  EXPECT_EQ(as_text(*bodies->bodies[0]), "one");
  EXPECT_FALSE(bodies->bodies[1]);
  ASSERT_TRUE(bodies->bodies[2]);
  EXPECT_EQ(as_text(*bodies->bodies[2]), "four");
  SyncLacks beyond{0, 3, {0b110}, first.tips().front()};
  write(stream, beyond);
  const auto some = answer<SyncBodies>(stream);
  ASSERT_TRUE(some);
  EXPECT_TRUE(some->bodies.at(0));
  EXPECT_FALSE(some->bodies.at(1)) << "no such seq";
  beyond.to.entry.fill(7);
  write(stream, beyond);
  const auto none = answer<SyncBodies>(stream);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->bodies.at(0)) << "another branch";
}

TEST_F(BodiesByHandTest, MoreQuestionsThanMayWaitDisconnect) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(first));
  ByteVector flood;
  for (std::size_t i = 0; i < 200; ++i)
    wire::append_prefixed(flood, encode(SyncRequest(SyncLacks{0, 1, {1}, first.tips().front()})));
  stream.write(flood);
  loop.run_for(2'000'000);
  EXPECT_FALSE(is_connected(a(), c()));
}

}  // namespace
}  // namespace kith::protocols
