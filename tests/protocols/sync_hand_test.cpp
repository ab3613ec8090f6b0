// SPDX-License-Identifier: MIT
// One side of sync played by hand: what a node says and takes, and how it gets rid of who lies or
// is silent.
#include "engine/protocols/sync_limits.h"
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

using store::Digest;
using store::Ledger;
using test::Keeper;

// a() keeps "notes" with three entries of its own; c() is played by hand.
struct HandTest : test::SyncWorld {
  HandTest() : notes(keep(a()).open("notes")) {
    play(c());
    for (const char* text : {"one", "two", "three"}) append(notes, text);
  }
  const store::Lane& lane() { return notes.lanes().all().begin()->second; }
  // The stream by which a() asks, its hello read.
  Pipe& asking() {
    loop.run_until([this] { return !asked.empty(); }, 10'000'000);
    EXPECT_TRUE(request<SyncHello>(asked.back()));
    return asked.back();
  }
  // Another's ledger of that name, with one run.
  Ledger& foreign(int entries = 1) {
    Ledger& theirs = keep(b()).open("notes");
    for (int i = 0; i < entries; ++i) append(theirs, "theirs " + std::to_string(i));
    const store::Lane& lane = theirs.lanes().all().begin()->second;
    opening = lane.feed->opening_block;
    held = run(theirs.load(lane.number, lane.seq)).value();
    tip = lane.tip();
    return theirs;
  }
  SyncDiffers differs(Ledger& theirs) {
    return {.digest = theirs.tip_set().digest(),
            .tips = theirs.tip_set().size(),
            .entries = theirs.entries(),
            .version = theirs.tip_set().version()};
  }
  SyncSymbols symbols(Ledger& theirs, std::size_t count = 64) {
    const auto all = theirs.tip_set().sketch().symbols().first(count);
    return {0, theirs.tip_set().version(), 0, {all.begin(), all.end()}};
  }
  SyncRun message(SyncRun::Part part = SyncRun::Part::pushed) {
    SyncRun sent;
    sent.part = part;
    sent.opening = opening;
    sent.entries = held.entries;
    sent.bodies = held.bodies;
    return sent;
  }
  void expect_gone(Pipe& stream, const SyncAnswer& answer) {
    write(stream, answer);
    loop.run_for(1'000'000);
    EXPECT_FALSE(is_connected(a(), c()));
  }
  Ledger& notes;
  ByteVector opening;
  store::RunBytes held;
  store::Tip tip;
};

TEST_F(HandTest, WhatIsEqualTakesOneRoundTripAndFewBytes) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  SyncHello hello = hello_of(notes);
  hello.now_us = loop.wall_us();
  write(stream, hello);
  ASSERT_TRUE(answer<SyncSame>(stream));
  const std::size_t bytes = bytes_read + encode(hello).size() + 1;
  EXPECT_LE(bytes, 128u);
  RecordProperty("bytes", static_cast<int>(bytes));
  EXPECT_FALSE(read(stream));
}

TEST_F(HandTest, TheHelloIsWhatIsKept) {
  ASSERT_TRUE(dial(a(), c()));
  loop.run_until([this] { return !asked.empty(); }, 10'000'000);
  const auto hello = request<SyncHello>(asked.back());
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->ledger, notes.id());
  EXPECT_EQ(hello->digest, notes.tip_set().digest());
  EXPECT_EQ(hello->tips, 1u);
  EXPECT_EQ(hello->entries, 3u);
}

TEST_F(HandTest, SendsFromTheEntryOn) {
  ASSERT_TRUE(dial(c(), a()));
  const store::RunBytes bytes = run(notes.load(lane().number, 2)).value();
  auto parsed = store::parse_run(bytes.entries, bytes.bodies).value();
  SyncWants wants = want_all(lane());
  wants.wants[0].after.seq = 2;
  wants.wants[0].after.entry = store::rebuild_run(parsed).value().front();
  Pipe stream = open(c(), a());
  write(stream, empty_hello(notes));
  write(stream, wants);
  EXPECT_FALSE(answer<SyncRun>(stream)) << "nothing was granted";
  write(stream, SyncGrant{1'000});
  const auto run = answer<SyncRun>(stream);
  ASSERT_TRUE(run);
  EXPECT_EQ(shape_of(*run).first_seq, 3u);
  EXPECT_EQ(run->part, SyncRun::Part::last);
}

TEST_F(HandTest, WhoIsOnAnotherBranchGetsTheFeedWhole) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, empty_hello(notes));
  SyncWants wants = want_all(lane());
  wants.wants[0].after.seq = 2;
  wants.wants[0].after.entry.fill(7);
  write(stream, wants);
  write(stream, SyncGrant{100'000});
  const auto run = answer<SyncRun>(stream);
  ASSERT_TRUE(run);
  EXPECT_EQ(shape_of(*run).first_seq, 1u);
  EXPECT_FALSE(run->opening.empty());
}

TEST_F(HandTest, AWantThatNobodyHasIsToldSo) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, empty_hello(notes));
  SyncWants wants = want_all(lane());
  wants.wants[0].to_entry.fill(7);
  write(stream, wants);
  write(stream, SyncGrant{100'000});
  EXPECT_TRUE(answer<SyncAbsent>(stream));
}

TEST_F(HandTest, WhatAPeerSentIsNotSentBack) {
  foreign();
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(notes));
  ASSERT_TRUE(answer<SyncSame>(stream));
  write(asking(), message());
  loop.run_for(1'000'000);
  EXPECT_EQ(notes.entries(), 4u);
  EXPECT_FALSE(read(stream));
  append(notes, "mine");
  const auto run = answer<SyncRun>(stream);
  ASSERT_TRUE(run) << "what is not theirs was not sent either";
  EXPECT_EQ(shape_of(*run).first_seq, 4u);
}

TEST_F(HandTest, OfALargeRunOnlyTheTipIsTold) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(notes));
  ASSERT_TRUE(answer<SyncSame>(stream));
  append(notes, std::string(100'000, 'x'));
  const auto news = answer<SyncNews>(stream);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->tip, notes.tips().front());
}

TEST_F(HandTest, OfWhatIsToldTheRunIsFetched) {
  foreign();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  write(stream, SyncNews{0, tip});
  const auto wants = request<SyncWants>(stream);
  ASSERT_TRUE(wants);
  ASSERT_EQ(wants->wants.size(), 1u);
  EXPECT_EQ(wants->wants[0].to(), tip);
  EXPECT_EQ(wants->wants[0].after.seq, 0u);
  write(stream, message(SyncRun::Part::last));
  loop.run_for(100'000);
  EXPECT_EQ(notes.entries(), 4u);
}

// The third, no earlier.
TEST_F(HandTest, ThreeBadRunsDisconnect) {
  foreign();
  held.entries.back() ^= 1;
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  for (int i = 0; i < 2; ++i) write(stream, message());
  loop.run_for(1'000'000);
  EXPECT_TRUE(is_connected(a(), c()));
  expect_gone(stream, message());
  EXPECT_EQ(notes.entries(), 3u);
}

TEST_F(HandTest, RunsThatWereNotAskedForAreBadOnes) {
  foreign();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  for (int i = 0; i < 2; ++i) write(stream, message(SyncRun::Part::last));
  loop.run_for(1'000'000);
  EXPECT_EQ(notes.entries(), 3u);
  EXPECT_TRUE(is_connected(a(), c()));
  expect_gone(stream, message(SyncRun::Part::more_follow));
}

TEST_F(HandTest, RunsThatDoNotLeadToTheTipAreBadOnes) {
  foreign();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  store::Tip false_tip = tip;
  for (std::uint8_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(is_connected(a(), c())) << int{i};
    false_tip.seq = 10u + i;
    write(stream, SyncNews{0, false_tip});
    ASSERT_TRUE(request<SyncWants>(stream));
    write(stream, message(SyncRun::Part::last));
    loop.run_for(100'000);
  }
  EXPECT_FALSE(is_connected(a(), c()));
}

TEST_F(HandTest, TipsThatAreNobodysDisconnect) {
  foreign();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  for (std::uint8_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(is_connected(a(), c())) << int{i};
    tip.feed.fill(i);
    write(stream, SyncNews{0, tip});
    ASSERT_TRUE(request<SyncWants>(stream));
    write(stream, SyncAbsent{0, tip.feed});
    loop.run_for(100'000);
  }
  EXPECT_FALSE(is_connected(a(), c()));
}

TEST_F(HandTest, AnswersToNothingDisconnect) {
  Ledger& theirs = foreign();
  const std::vector<SyncAnswer> lies{SyncSame{},          SyncSame{7, 0},    SyncUnkept{},
                                     differs(theirs),     symbols(theirs),   SyncTips{0, {tip}},
                                     SyncNodes{0, 1, {}}, SyncAbsent{0, {}}, SyncNews{7, tip}};
  for (const SyncAnswer& lie : lies) {
    asked.clear();
    ASSERT_TRUE(dial(a(), c()));
    Pipe& stream = asking();
    write(stream, SyncSame{});
    expect_gone(stream, lie);
  }
}

TEST_F(HandTest, SymbolsWithoutEndDisconnect) {
  Ledger& theirs = foreign();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, differs(theirs));
  SyncSymbols garbage = symbols(theirs, 16);
  for (std::size_t i = 0; i < garbage.symbols.size(); ++i)
    garbage.symbols[i] = {(i + 1) * 77'777, static_cast<std::uint32_t>(i + 1), 5};
  for (int i = 0; i < 600 && is_connected(a(), c()); ++i) {
    write(stream, garbage);
    loop.run_for(20'000);
  }
  EXPECT_FALSE(is_connected(a(), c()));
}

// Whose sketch fails is asked for the tree, and its nodes must have their digests.
TEST_F(HandTest, ASketchThatFailsIsFollowedByTheTree) {
  Ledger& theirs = foreign();
  for (const bool is_true : {true, false}) {
    asked.clear();
    ASSERT_TRUE(dial(a(), c()));
    Pipe& stream = asking();
    write(stream, differs(theirs));
    SyncSymbols garbage = symbols(theirs, store::kSymbolsMax);
    for (std::size_t i = 0; i < garbage.symbols.size(); ++i)
      garbage.symbols[i] = {(i + 1) * 77'777, static_cast<std::uint32_t>(i + 1), 5};
    write(stream, garbage);
    const auto paths = request<SyncPaths>(stream);
    ASSERT_TRUE(paths);
    ASSERT_EQ(paths->paths.size(), 1u);
    EXPECT_TRUE(paths->paths[0].nibbles.empty());
    SyncNodes nodes{0, theirs.tip_set().version(), {SyncNode{{}, theirs.tips()}}};
    if (!is_true) ++nodes.nodes[0].tips[0].seq;
    write(stream, nodes);
    EXPECT_EQ(request<SyncWants>(stream).has_value(), is_true);
    EXPECT_EQ(is_connected(a(), c()), is_true);
    a().swarm->disconnect(c().id(), "again");
    loop.run_for(1'000'000);
  }
}

// A tree without a floor, whose nodes have their digests as far as anyone can tell.
TEST_F(HandTest, ATreeWithoutEndEnds) {
  foreign();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncDiffers{.tips = 1'000'000, .version = 1});
  std::size_t rounds = 0, paths = 0;
  while (const auto asks = request<SyncPaths>(stream)) {
    SyncNodes nodes{0, ++rounds + 1, {}};
    paths = std::max(paths, asks->paths.size());
    for (const SyncPath& path : asks->paths) {
      SyncNode& node = nodes.nodes.emplace_back();
      if (path.nibbles.size() == store::TipTree::kDepthMax) continue;
      node.children.resize(16);
      for (Digest& child : node.children) child.fill(static_cast<std::uint8_t>(rounds));
    }
    write(stream, nodes);
    if (rounds == 200) break;
  }
  EXPECT_EQ(rounds, 200u) << "it goes on, within what the peer says that it has";
  EXPECT_LE(paths, sync_limits::kPathsMax);
}

TEST_F(HandTest, GarbageAndEndlessLinesDisconnect) {
  const ByteVector endless{0xff, 0xff, 0xff, 0x7f};
  const ByteVector garbage{0x03, 0xa1, 0x61, 0x76};
  for (const bool as_answer : {true, false}) {
    for (const ByteVector& bytes : {endless, garbage}) {
      asked.clear();
      ASSERT_TRUE(dial(a(), c()));
      Pipe stream = as_answer ? std::move(asking()) : open(c(), a());
      stream.write(bytes);
      loop.run_for(1'000'000);
      EXPECT_FALSE(is_connected(a(), c())) << as_answer << " " << bytes.size();
    }
  }
}

TEST_F(HandTest, RequestsOfNoSenseDisconnect) {
  const std::vector<SyncRequest> lies{SyncMore{}, SyncItems{}, SyncPaths{}, SyncWants{},
                                      SyncGrant{1ull << 40}};
  for (const SyncRequest& lie : lies) {
    ASSERT_TRUE(dial(c(), a()));
    Pipe stream = open(c(), a());
    write(stream, lie);
    write(stream, SyncGrant{1});
    loop.run_for(1'000'000);
    EXPECT_FALSE(is_connected(a(), c())) << lie.index();
  }
}

// A run that follows what is not held charges nobody, and a() asks again.
TEST_F(HandTest, AGapIsAskedForAnew) {
  Ledger& theirs = foreign(2);
  const store::Lane& lane = theirs.lanes().all().begin()->second;
  held = run(theirs.load(lane.number, 2)).value();
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  write(stream, message());
  EXPECT_TRUE(request<SyncHello>(stream));
  EXPECT_TRUE(is_connected(a(), c()));
}

TEST_F(HandTest, EveryFiveMinutesThereIsAHello) {
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  loop.run_for(230'000'000);
  EXPECT_FALSE(request<SyncHello>(stream));
  std::optional<SyncHello> hello;
  for (int second = 0; second < 140 && !hello; ++second) hello = request<SyncHello>(stream);
  EXPECT_TRUE(hello);
}

TEST_F(HandTest, AHelloComesInTimeOrNotAtAll) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  stream.write(ByteVector{0x40, 0xa2});
  loop.run_for(limits::kSyncAnswerMs * 1'000ull - 1'000'000);
  EXPECT_FALSE(is_cut(stream));
  loop.run_for(2'000'000);
  EXPECT_TRUE(is_cut(stream));
  EXPECT_TRUE(is_connected(a(), c()));
}

// Silence at every step of who answers: the stream ends, and nobody is charged.
TEST_F(HandTest, SilenceAtEveryStepEnds) {
  Ledger& theirs = foreign();
  const std::vector<std::vector<SyncAnswer>> plays{
      {},
      {differs(theirs)},
      {differs(theirs), symbols(theirs)},
      {SyncDiffers{.tips = 1'000, .version = 1}},
      {SyncSame{}, SyncNews{0, tip}},
      {SyncSame{}, SyncNews{0, tip}, message(SyncRun::Part::more_follow)}};
  for (const auto& play : plays) {
    asked.clear();
    ASSERT_TRUE(dial(a(), c()));
    Pipe stream = std::move(asking());
    for (const SyncAnswer& answer : play) {
      write(stream, answer);
      loop.run_for(200'000);
    }
    loop.run_for(limits::kSyncAnswerMs * 1'000ull - 3'000'000);
    EXPECT_EQ(asked.size(), 1u) << "too early";
    loop.run_for(6'000'000);
    EXPECT_EQ(asked.size(), 2u) << "it is asked anew";
    EXPECT_TRUE(is_connected(a(), c()));
    a().swarm->disconnect(c().id(), "again");
    loop.run_for(1'000'000);
  }
}

TEST_F(HandTest, ALineThatBeganGoesOn) {
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  write(stream, SyncSame{});
  loop.run_for(200'000'000);  // no news is no fault
  EXPECT_FALSE(is_cut(stream));
  stream.deadline(KITH_WR, 0);
  ASSERT_EQ(stream.write(ByteVector{0x40, 0xa2}), 2);
  loop.run_for(limits::kSyncAnswerMs * 1'000ull + 500'000);
  EXPECT_TRUE(is_cut(stream));
}

// Who reads nothing holds one run, and is gone by its limit.
TEST_F(HandTest, WhoTakesNothingIsGone) {
  for (int i = 0; i < 8; ++i) append(notes, std::string(250'000, 'x'));
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, empty_hello(notes));
  write(stream, want_all(lane()));
  write(stream, SyncGrant{sync_limits::kWindowBytes});
  loop.run_for(limits::kSyncAnswerMs * 1'000ull + 5'000'000);
  ByteVector room(4 << 20);
  std::int64_t n = 0;
  do {
    loop.run_for(50'000);
    n = stream.read(room);
  } while (n > 0 || n == KITH_AGAIN);
  EXPECT_EQ(n, KITH_RESET);
  EXPECT_TRUE(is_connected(a(), c()));
}

TEST_F(HandTest, TwoStreamsAPeer) {
  ASSERT_TRUE(dial(c(), a()));
  Pipe first = open(c(), a());
  Pipe second = open(c(), a());
  Pipe third = open(c(), a());
  loop.run_for(100'000);
  EXPECT_FALSE(is_cut(second));
  EXPECT_TRUE(is_cut(third));
  first.close();
  loop.run_for(100'000);
  Pipe fourth = open(c(), a());
  loop.run_for(100'000);
  EXPECT_FALSE(is_cut(fourth));
}

// Nothing leaves before it is on disk, also where an append is answered earlier.
TEST_F(HandTest, NothingLeavesBeforeItsSync) {
  Ledger& slow = keep(b(), store::Durability::interval).open("notes");
  ASSERT_TRUE(dial(c(), b()));
  Pipe stream = open(c(), b());
  write(stream, hello_of(slow));
  ASSERT_TRUE(answer<SyncSame>(stream));
  const std::uint64_t began_us = loop.now_us();
  append(slow, "soon");
  EXPECT_LT(loop.now_us() - began_us, 10'000u);
  ASSERT_EQ(slow.synced_arrival(), 0u);
  EXPECT_EQ(slow.tip_set().size(), 0u);
  ASSERT_TRUE(answer<SyncRun>(stream));
  EXPECT_EQ(slow.synced_arrival(), 1u);
}

}  // namespace
}  // namespace kith::protocols
