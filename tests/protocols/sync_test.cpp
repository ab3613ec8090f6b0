// SPDX-License-Identifier: MIT
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

using store::Digest;
using store::Ledger;
using test::Keeper;
using test::Running;

struct SyncTest : test::SyncWorld {};

// Two that append, and what each then has of the other.
TEST_F(SyncTest, WhatBothLackedIsThereAfterTheyMeet) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  for (int i = 0; i < 3; ++i) append(first, "a" + std::to_string(i));
  for (int i = 0; i < 3; ++i) append(second, "b" + std::to_string(i));
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(1'000'000);
  EXPECT_EQ(first.entries(), 6u);
  EXPECT_EQ(first.tips(), second.tips());
  EXPECT_EQ(texts(first), texts(second));
}

TEST_F(SyncTest, WhatIsNewFollowsAtOnce) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  ASSERT_TRUE(dial(a(), b()));
  append(first, "one");
  loop.run_for(100'000);
  EXPECT_EQ(texts(second), std::vector<std::string>{"one"});
  append(second, "two");
  loop.run_for(100'000);
  EXPECT_EQ(texts(first), (std::vector<std::string>{"one", "two"}));
}

TEST_F(SyncTest, OnlyLedgersThatBothKeep) {
  Keeper& here = keep(a());
  Keeper& there = keep(b());
  Ledger& first = here.open("notes");
  append(first, "mine");
  there.open("other");
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(1'000'000);
  EXPECT_EQ(there.ledgers.all().size(), 1u);
  // Opened later, on either side, it is asked for.
  Ledger& second = there.open("notes");
  loop.run_for(1'000'000);
  EXPECT_EQ(texts(second), std::vector<std::string>{"mine"});
  append(second, "theirs");
  loop.run_for(1'000'000);
  EXPECT_EQ(first.entries(), 2u);
}

TEST_F(SyncTest, WhoKeepsNothingIsAskedOnceItDoes) {
  Keeper& here = keep(a());
  keep(b());
  append(here.open("notes"), "mine");
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(1'000'000);
  Ledger& second = keepers[1]->open("notes");
  loop.run_for(1'000'000);
  EXPECT_EQ(texts(second), std::vector<std::string>{"mine"});
}

// A chain a - b - c, of which b only passes on.
TEST_F(SyncTest, PassesOnWhatItWasSent) {
  Ledger& first = keep(a()).open("notes");
  keep(b()).open("notes");
  Ledger& third = keep(c()).open("notes");
  ASSERT_TRUE(dial(a(), b()));
  ASSERT_TRUE(dial(b(), c()));
  append(first, "far");
  loop.run_for(1'000'000);
  EXPECT_EQ(texts(third), std::vector<std::string>{"far"});
}

struct HandTest : SyncTest {
  // a() keeps "notes" with three entries of its own; c() is played by hand.
  HandTest() : notes(keep(a()).open("notes")) {
    play(c());
    for (const char* text : {"one", "two", "three"}) append(notes, text);
  }
  // The stream by which a() asks.
  Pipe& asking() {
    loop.run_until([this] { return !asked.empty(); }, 10'000'000);
    return asked.back();
  }
  // One run of another author's ledger of that name, as the message that carries it.
  ByteVector foreign_run(int entries = 1) {
    Keeper& other = keep(b());
    Ledger& theirs = other.open("notes");
    for (int i = 0; i < entries; ++i) append(theirs, "theirs " + std::to_string(i));
    const store::Lane& lane = theirs.lanes().all().begin()->second;
    const store::RunBytes bytes = run(theirs.load(lane.number, lane.seq)).value();
    opening = lane.feed->opening_block;
    held = bytes;
    return message();
  }
  ByteVector message() {
    SyncRun sent;
    sent.ledger = notes.id();
    sent.opening = opening;
    sent.entries = held.entries;
    sent.bodies = held.bodies;
    return encode(sent);
  }
  Ledger& notes;
  ByteVector opening;
  store::RunBytes held;
};

TEST_F(HandTest, TheHelloNamesLedgersAndTips) {
  ASSERT_TRUE(dial(a(), c()));
  const auto hello = decode_sync_hello(*read(asking())).value();
  ASSERT_EQ(hello.ledgers.size(), 1u);
  EXPECT_EQ(hello.ledgers[0].ledger, notes.id());
  EXPECT_EQ(hello.ledgers[0].tips, notes.tips());
}

TEST_F(HandTest, SendsFromTheTipOn) {
  ASSERT_TRUE(dial(c(), a()));
  const store::Lane& lane = notes.lanes().all().begin()->second;
  // Its second entry as the peer's newest.
  const store::RunBytes bytes = run(notes.load(lane.number, 2)).value();
  auto parsed = store::parse_run(bytes.entries, bytes.bodies).value();
  const Digest second = store::rebuild_run(parsed).value().front();
  Pipe stream = open(c(), a());
  write(stream, hello_of(notes.id(), {{lane.feed->id, 2, second}}));
  const auto line = read(stream);
  ASSERT_TRUE(line);
  EXPECT_EQ(shape_of(*line).first_seq, 3u);
  const auto done = read(stream);
  ASSERT_TRUE(done);
  EXPECT_TRUE(std::holds_alternative<SyncDone>(decode_sync_news(*done).value()));
}

TEST_F(HandTest, ATipOfAnotherBranchGetsTheLaneWhole) {
  ASSERT_TRUE(dial(c(), a()));
  const store::Lane& lane = notes.lanes().all().begin()->second;
  for (const std::uint64_t seq : {2, 3}) {
    Digest wrong{};
    wrong.fill(7);
    Pipe stream = open(c(), a());
    write(stream, hello_of(notes.id(), {{lane.feed->id, seq, wrong}}));
    const auto line = read(stream);
    ASSERT_TRUE(line);
    EXPECT_EQ(shape_of(*line).first_seq, 1u);
  }
}

TEST_F(HandTest, WhatAPeerSentIsNotSentBack) {
  const ByteVector theirs = foreign_run();
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(notes.id(), notes.tips()));
  ASSERT_TRUE(read(stream));  // done
  write(asking(), theirs);
  loop.run_for(1'000'000);
  EXPECT_EQ(notes.entries(), 4u);
  EXPECT_FALSE(read(stream));
  append(notes, "mine");
  const auto line = read(stream);
  ASSERT_TRUE(line) << "what is not theirs was not sent either";
  EXPECT_EQ(shape_of(*line).first_seq, 4u);
}

TEST_F(HandTest, ABadRunDisconnects) {
  foreign_run();
  held.entries.back() ^= 1;
  ASSERT_TRUE(dial(a(), c()));
  write(asking(), message());
  loop.run_for(1'000'000);
  EXPECT_FALSE(is_connected(a(), c()));
  EXPECT_EQ(notes.entries(), 3u);
}

TEST_F(HandTest, ALedgerThatWasNotAskedForDisconnects) {
  SyncDone done;
  done.ledger.fill(9);
  ASSERT_TRUE(dial(a(), c()));
  write(asking(), encode(done));
  loop.run_for(1'000'000);
  EXPECT_FALSE(is_connected(a(), c()));
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

// Its run follows something that is not held: nobody is charged, and a() asks again.
TEST_F(HandTest, AGapIsAskedForAnew) {
  Keeper& other = keep(b());
  Ledger& theirs = other.open("notes");
  append(theirs, "first");
  append(theirs, "second");
  const store::Lane& lane = theirs.lanes().all().begin()->second;
  held = run(theirs.load(lane.number, 2)).value();
  opening = lane.feed->opening_block;
  ASSERT_TRUE(dial(a(), c()));
  write(asking(), message());
  loop.run_for(500'000);
  EXPECT_TRUE(is_connected(a(), c()));
  EXPECT_EQ(asked.size(), 1u);
  loop.run_for(1'500'000);
  EXPECT_TRUE(is_connected(a(), c()));
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_TRUE(read(asked[1]));
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

TEST_F(HandTest, ALineThatBeganGoesOn) {
  ASSERT_TRUE(dial(a(), c()));
  Pipe& stream = asking();
  ASSERT_TRUE(read(stream));
  loop.run_for(3'600'000'000);  // no news for an hour is no fault
  EXPECT_FALSE(is_cut(stream));
  stream.write(ByteVector{0x40, 0xa2});
  loop.run_for(limits::kSyncAnswerMs * 1'000ull + 2'000'000);
  EXPECT_TRUE(is_cut(stream));
}

// Who reads nothing holds one run, and is gone by its limit.
TEST_F(HandTest, WhoTakesNothingIsGone) {
  for (int i = 0; i < 8; ++i) append(notes, std::string(250'000, 'x'));
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(notes.id()));
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

TEST_F(HandTest, AStreamThatEndsIsLeft) {
  ASSERT_TRUE(dial(c(), a()));
  for (int i = 0; i < 5; ++i) {
    Pipe stream = open(c(), a());
    write(stream, hello_of(notes.id()));
    EXPECT_TRUE(read_run(stream));
    stream.close();
    loop.run_for(100'000);
  }
}

// Nothing leaves before it is on disk, also where an append is answered earlier.
TEST_F(SyncTest, NothingLeavesBeforeItsSync) {
  Ledger& notes = keep(a(), store::Durability::interval).open("notes");
  play(c());
  ASSERT_TRUE(dial(c(), a()));
  Pipe stream = open(c(), a());
  write(stream, hello_of(notes.id()));
  ASSERT_TRUE(read(stream));  // done
  const std::uint64_t began_us = loop.now_us();
  append(notes, "soon");
  EXPECT_LT(loop.now_us() - began_us, 10'000u);
  ASSERT_EQ(notes.synced_arrival(), 0u);
  const auto line = read_run(stream);
  ASSERT_TRUE(line);
  EXPECT_EQ(notes.synced_arrival(), 1u);
}

// One author writes in two places. Both branches end everywhere.
TEST_F(SyncTest, ForksMeet) {
  const crypto::Identity author = crypto::Identity::from_seed(test::Machine::key_of(77));
  const std::shared_ptr<store::KeyValue> kept = store::make_memory_store();
  const auto copy = [&] {
    std::shared_ptr<store::KeyValue> made = store::make_memory_store();
    store::Batch all;
    for (std::size_t at = 0; at < store::kColumns; ++at) {
      const auto column = static_cast<store::Column>(at);
      const auto scan = kept->scan(column);
      for (scan->seek({}); scan->valid(); scan->next())
        all.put(column, scan->key(), to_vector(scan->value()));
    }
    made->commit(all, true).value();
    return made;
  };
  Keeper& original = keep(a(), kept, store::Durability::sync, author, "");
  Ledger& first = original.open("notes");
  for (const char* text : {"one", "two"}) append(first, text);
  Ledger& second = keep(b(), copy(), store::Durability::sync, author, "").open("notes");
  Ledger& third = keep(c()).open("notes");
  for (int i = 0; i < 3; ++i) append(first, "here " + std::to_string(i));
  for (int i = 0; i < 7; ++i) append(second, "there " + std::to_string(i));
  ASSERT_TRUE(dial(a(), c()));
  loop.run_for(1'000'000);
  EXPECT_EQ(third.entries(), 5u);
  ASSERT_TRUE(dial(b(), c()));
  loop.run_for(30'000'000);
  EXPECT_EQ(third.entries(), 12u);
  EXPECT_EQ(first.tips(), third.tips());
  EXPECT_EQ(second.tips(), third.tips());
  EXPECT_EQ(texts(first), texts(second));
}

TEST_F(SyncTest, ManyRunsOfManySizes) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  for (int i = 0; i < 40; ++i) {
    const auto size = static_cast<std::size_t>(1) << (i % 18);
    append(first, std::string(size, 'x'));
  }
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(10'000'000);
  EXPECT_EQ(second.tips(), first.tips());
  EXPECT_EQ(texts(first), texts(second));
}

TEST_F(SyncTest, MayEndAtAnyTime) {
  for (std::uint64_t us = 0; us < 200'000; us += 7'000) {
    for (auto* peer : {&a(), &b()}) {
      Ledger& ledger = keep(*peer).open("notes");
      for (int i = 0; i < 4; ++i) append(ledger, std::string(100'000, 'x'));
    }
    (void)dial(a(), b());
    loop.run_for(us);
    keepers.clear();
    a().swarm->disconnect(b().id(), "again");
    loop.run_for(1'000'000);
  }
}

}  // namespace
}  // namespace kith::protocols
