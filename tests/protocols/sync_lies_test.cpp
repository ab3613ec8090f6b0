// SPDX-License-Identifier: MIT
// What a peer may tell that costs it nothing and would cost this node much.
#include <gtest/gtest.h>

#include "engine/protocols/sync_limits.h"
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

// a() keeps "notes"; c() is played by hand.
struct LiesTest : test::SyncWorld {
  LiesTest() : notes(keep(a()).open("notes")) {
    play(c());
    append(notes, "ours");
  }
  Pipe& asking() {
    EXPECT_TRUE(dial(a(), c()));
    loop.run_until([this] { return !asked.empty(); }, 10'000'000);
    EXPECT_TRUE(request<SyncHello>(asked.back()));
    return asked.back();
  }
  // Tips of one item, as many as are told of: nobody proves them.
  static SyncTips alike(std::size_t count) {
    SyncTips told;
    for (std::size_t i = 0; i < count; ++i) {
      store::Tip& tip = told.tips.emplace_back();
      tip.feed.fill(7);
      tip.seq = 1;
      tip.entry.fill(7);
      tip.entry.back() = static_cast<std::uint8_t>(i);
    }
    return told;
  }
  // A sketch of that item and of what a() has, the versions being apart so that nothing is proven.
  void tell_sketch(Pipe& stream, const store::Tip& tip) {
    SyncDiffers differs{.tips = 2, .version = 1};
    differs.digest.fill(9);
    write(stream, differs);
    store::Sketch sketch;
    sketch.add(store::item_of(tip));
    for (const store::Tip& own : notes.tips()) sketch.add(store::item_of(own));
    const auto some = sketch.symbols().first(64);
    write(stream, SyncSymbols{0, 2, 0, {some.begin(), some.end()}});
  }
  store::Ledger& notes;
};

TEST_F(LiesTest, TwoTipsOfOneItemAreAnAuthorsDoing) {
  Pipe& stream = asking();
  tell_sketch(stream, alike(1).tips[0]);
  ASSERT_TRUE(request<SyncItems>(stream));
  write(stream, alike(2));
  EXPECT_TRUE(request<SyncWants>(stream));
}

// 50,000 of them in one message held the loop for ten seconds: each was put into the tree of tips,
// and taken out again.
TEST_F(LiesTest, MoreTipsOfOneItemAreNotWorkedOut) {
  Pipe& stream = asking();
  tell_sketch(stream, alike(1).tips[0]);
  ASSERT_TRUE(request<SyncItems>(stream));
  write(stream, alike(3));
  EXPECT_TRUE(request<SyncPaths>(stream)) << "the tree decides";
  EXPECT_TRUE(is_connected(a(), c()));
}

// It would keep a feed to itself: a() fetches each from one peer at a time.
TEST_F(LiesTest, WhoBringsAFeedDropByDropIsNotItsOnlySource) {
  store::Ledger& theirs = keep(b()).open("notes");
  append(theirs, "one");
  append(theirs, "two");
  const store::Lane& lane = theirs.lanes().all().begin()->second;
  const store::RunBytes first = run(theirs.load(lane.number, 1)).value();
  SyncRun drop;
  drop.part = SyncRun::Part::more_follow;
  drop.opening = lane.feed->opening_block;
  drop.entries = first.entries;
  drop.bodies = first.bodies;
  Pipe& stream = asking();
  write(stream, SyncSame{});
  write(stream, SyncNews{0, lane.tip()});
  ASSERT_TRUE(request<SyncWants>(stream));
  write(stream, drop);
  ASSERT_TRUE(dial(a(), b()));
  int drops = 0;
  for (; notes.entries() < 3 && drops < 60; ++drops) {
    write(stream, drop);
    loop.run_for(5'000'000);
  }
  EXPECT_EQ(notes.entries(), 3u);
  EXPECT_GE(drops * 5'000u, sync_limits::kPatienceMs) << "for a while it may be slow";
  EXPECT_TRUE(is_connected(a(), c()));
}

// A run without the opening of its feed cannot be judged; who sends such is read no faster than
// who sends what is known.
TEST_F(LiesTest, RunsWithoutAnOpeningAreOfNoUse) {
  store::Ledger& theirs = keep(b()).open("notes");
  append(theirs, "theirs");
  const store::Lane& lane = theirs.lanes().all().begin()->second;
  const store::RunBytes held = run(theirs.load(lane.number, 1)).value();
  SyncRun sent;
  sent.entries = held.entries;
  sent.bodies = held.bodies;
  Pipe& stream = asking();
  for (std::size_t i = 0; i < sync_limits::kUselessRunsMax; ++i) write(stream, sent);
  const std::uint64_t from_us = loop.now_us();
  for (int i = 0; i < 500; ++i) write(stream, sent);
  sent.opening = lane.feed->opening_block;
  write(stream, sent);
  loop.run_until([this] { return notes.feeds() == 2; }, 60'000'000);
  EXPECT_EQ(notes.feeds(), 2u);
  EXPECT_GE(loop.now_us() - from_us, 500 * sync_limits::kUselessRestUs);
  loop.run_for(1'000'000);  // it is kept
}

}  // namespace
}  // namespace kith::protocols
