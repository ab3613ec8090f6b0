// SPDX-License-Identifier: MIT
// Ledgers by name, what a start reads, and what a store that lost something says.
#include "engine/store/stored_runs.h"
#include "tests/store/folder.h"
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::Column;

class LedgersOf : public testing::Test {
 protected:
  // Every row of a column whose key begins so.
  std::vector<ByteVector> keys(Column column, std::string_view prefix = {}) {
    std::vector<ByteVector> found;
    const auto scan = world.setup.store->scan(column);
    for (scan->seek(as_bytes(prefix)); scan->valid(); scan->next())
      if (as_text(scan->key()).starts_with(prefix)) found.push_back(to_vector(scan->key()));
    return found;
  }
  void lose(Column column, const ByteVector& key) {
    store::Batch batch;
    batch.erase(column, key);
    world.setup.store->commit(batch, true).value();
  }
  void put(Column column, const ByteVector& key, ByteVector value) {
    store::Batch batch;
    batch.put(column, key, std::move(value));
    world.setup.store->commit(batch, true).value();
  }
  ByteVector value(Column column, const ByteVector& key) {
    return world.setup.store->get(column, key).value().value();
  }
  // What a start says.
  std::string refusal() {
    try {
      world.reopen();
    } catch (const Fault& fault) {
      world.ledgers.reset();
      world.committer.reset();
      EXPECT_TRUE(fault.error().is(store::ledger_error::damaged));
      return fault.what();
    }
    return "";
  }
  // Three entries in two runs, and one in a branch.
  void fill() {
    const std::uint64_t at = loop.wall_us() - 1'000'000;
    ASSERT_TRUE(world.take(other.block, other.make({{at, "a"}, {at + 1, "b"}})).value);
    const auto first = other.ids[0];
    ASSERT_TRUE(world.take(other.block, other.make({{at + 2, "c"}})).value);
    other.back_to(1, first);
    ASSERT_TRUE(world.take(other.block, other.make({{at + 3, "B"}})).value);
    world.settle();
  }
  std::string whose() const { return store::cid_text(other.feed); }

  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
  Forger other{7, world.ledger->id()};
};

TEST_F(LedgersOf, OneNameIsOneLedger) {
  EXPECT_EQ(&world.ledgers->open("notes"), world.ledger);
  EXPECT_EQ(world.ledgers->find("notes"), world.ledger);
  EXPECT_EQ(world.ledgers->find(world.ledger->id()), world.ledger);
  EXPECT_EQ(world.ledgers->find("other"), nullptr);
  EXPECT_EQ(world.ledgers->find(store::Digest{}), nullptr);
  LedgerWorld elsewhere(loop, {2});
  EXPECT_EQ(elsewhere.ledger->id(), world.ledger->id());
  EXPECT_TRUE(equal(elsewhere.ledger->genesis_block(), world.ledger->genesis_block()));
  EXPECT_NE(world.ledgers->open("other").id(), world.ledger->id());
}

TEST_F(LedgersOf, BadNamesAreRefused) {
  for (const char* name : {"", "A", "a b", "a/b"}) {
    try {
      world.ledgers->open(name);
      ADD_FAILURE() << name;
    } catch (const Fault& fault) {
      EXPECT_TRUE(fault.error().is(KITH_BAD));
    }
  }
}

TEST_F(LedgersOf, WhatIsKeptIsNotOpenUntilItIsAskedFor) {
  world.ledgers->open("second");
  ASSERT_TRUE(world.append("note", "x").value);
  EXPECT_EQ(world.ledgers->all().size(), 2u);
  world.reopen();
  EXPECT_EQ(world.ledgers->all(), std::vector<store::Ledger*>{world.ledger});
  EXPECT_EQ(world.ledgers->find("second"), nullptr);
  EXPECT_EQ(world.ledgers->open("second").entries(), 0u);
  EXPECT_EQ(world.ledger->entries(), 1u);
}

TEST_F(LedgersOf, LedgersOfOneStoreDoNotMix) {
  store::Ledger& second = world.ledgers->open("second");
  Forger there(7, second.id());
  const auto run = there.make({{loop.wall_us(), "there"}});
  ASSERT_TRUE(world.run(second.take(there.block, run.entries, run.bodies)).value);
  ASSERT_TRUE(world.append("note", "here").value);
  EXPECT_EQ(bodies_of(world.all(true)), std::vector<std::string>{"here"});
  EXPECT_EQ(bodies_of(world.all(false)), std::vector<std::string>{"here"});
  EXPECT_EQ(bodies_of(world.run(second.read({})).value->entries),
            std::vector<std::string>{"there"});
  EXPECT_TRUE(world.verify().ok());
  EXPECT_TRUE(world.run(second.verify({})).value->ok());
  world.reopen();
  EXPECT_EQ(world.ledgers->open("second").entries(), 1u);
}

TEST_F(LedgersOf, RetiredItIsIdleOnceAllIsKept) {
  const auto outcome = start(world.scope, world.ledger->append({"note", {}}));
  EXPECT_FALSE(world.ledgers->idle());
  world.ledgers->retire();
  world.settle();
  EXPECT_TRUE(outcome->value);
  EXPECT_TRUE(world.take(other.block, other.make({{1, "x"}})).error->is(KITH_CLOSED));
}

TEST_F(LedgersOf, AStartSaysWhatIsMissing) {
  fill();
  const struct {
    const char* what;
    Column column;
    std::string prefix;
    std::size_t which;
    const char* said;
  } losses[] = {
      {"genesis", Column::meta, "g", 0, "its ledger is missing"},
      {"lane", Column::meta, "l", 0, "its opening is missing"},
      {"branch", Column::meta, "l", 1, "begin"},
      {"tip", Column::meta, "t", 0, "its tip is missing"},
      {"run", Column::runs, "", 1, "its newest run is missing"},
      {"arrival", Column::arrivals, "", 2, "arrivals at 3"},
  };
  for (const auto& loss : losses) {
    const ByteVector key = keys(loss.column, loss.prefix).at(loss.which);
    const ByteVector kept = value(loss.column, key);
    lose(loss.column, key);
    const std::string said = refusal();
    EXPECT_NE(said.find(loss.said), std::string::npos) << loss.what << ": " << said;
    EXPECT_NE(said.find("move its store aside"), std::string::npos) << said;
    put(loss.column, key, kept);
    world.open();
  }
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgersOf, AStoreOfALaterKith) {
  world.settle();
  const ByteVector key = keys(Column::meta, "g").at(0);
  ByteVector later = value(Column::meta, key);
  later[0] = 9;
  put(Column::meta, key, later);
  try {
    world.reopen();
    ADD_FAILURE();
  } catch (const Fault& fault) {
    EXPECT_TRUE(fault.error().is(store::ledger_error::unknown_version));
    world.ledgers.reset();
    world.committer.reset();
  }
}

TEST_F(LedgersOf, VerifyNamesWhatIsLostOrWrong) {
  fill();
  const auto says = [&](const std::string& what) {
    const auto verdict = world.verify();
    EXPECT_FALSE(verdict.ok()) << what;
    bool is_said = false;
    for (const std::string& problem : verdict.problems)
      is_said |= problem.find(what) != std::string::npos;
    EXPECT_TRUE(is_said) << what << " not in: " << (verdict.ok() ? "nothing" : verdict.problems[0]);
  };
  const auto with_loss = [&](Column column, std::size_t which, const std::string& what) {
    const ByteVector key = keys(column).at(which);
    const ByteVector kept = value(column, key);
    lose(column, key);
    says(what);
    put(column, key, kept);
    EXPECT_TRUE(world.verify().ok());
  };
  with_loss(Column::runs, 0, whose() + " seq 1");
  with_loss(Column::runs, 1, whose() + " seq 3");
  with_loss(Column::bodies, 2, whose() + " seq 2: its bodies");
  with_loss(Column::times, 1, whose() + " seq 2: its row in the order of time");
  with_loss(Column::arrivals, 1, whose() + " seq 3: its row in the order of arrival");
  for (const Column column : {Column::runs, Column::bodies}) {
    for (const ByteVector& key : keys(column)) {
      const ByteVector kept = value(column, key);
      // Which entries came late is this node's own, and proven by nothing.
      for (std::size_t i = 0; i < kept.size(); ++i) {
        if (column == Column::runs && i >= 8 && i < 16) continue;
        ByteVector wrong = kept;
        wrong[i] ^= 0x10;
        put(column, key, wrong);
        EXPECT_FALSE(world.verify().ok()) << static_cast<int>(column) << " byte " << i;
      }
      put(column, key, kept);
    }
  }
}

TEST_F(LedgersOf, AReadOfADamagedRunSaysSo) {
  fill();
  const ByteVector key = keys(Column::bodies).at(0);
  put(Column::bodies, key, {'a', 'x'});
  for (const bool by_time : {false, true}) {
    store::Query query;
    query.by_time = by_time;
    const auto page = world.run(world.ledger->read(query));
    ASSERT_TRUE(page.error);
    EXPECT_TRUE(page.error->is(store::ledger_error::damaged));
    EXPECT_NE(page.error->message().find(whose() + " seq 1"), std::string::npos)
        << page.error->message();
  }
  EXPECT_TRUE(world.run(world.ledger->load(1, 2)).error->is(store::ledger_error::damaged));
}

TEST(LedgersOnDisk, TheSameOverRocksDb) {
  const Folder folder;
  const auto open = [&] {
    return std::shared_ptr<store::KeyValue>(store::open_rocks_store(folder.store()).value());
  };
  sim::VirtualLoop loop(1);
  LedgerWorld world(loop, {1, open()});
  Forger other(7, world.ledger->id());
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(world.append("note", "mine").value);
    ASSERT_TRUE(world.take(other.block, other.make({{loop.wall_us() + i, "x"}})).value);
  }
  const auto before = bodies_of(world.all(true));
  world.settle();
  world.close();
  world.setup.store.reset();
  world.setup.store = open();
  world.open();
  EXPECT_EQ(world.ledger->entries(), 100u);
  EXPECT_EQ(world.append("note", "next").value->seq, 51u);
  auto after = bodies_of(world.all(true));
  EXPECT_EQ(after.size(), 101u);
  after.pop_back();
  EXPECT_EQ(after, before);
  const auto verdict = world.verify();
  EXPECT_TRUE(verdict.ok()) << verdict.problems[0];
  EXPECT_EQ(verdict.entries, 101u);
}

}  // namespace
}  // namespace kith::test
