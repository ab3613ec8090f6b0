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
