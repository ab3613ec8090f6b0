// SPDX-License-Identifier: MIT
// The index from an entry's id to its place: built in the background, and of what it lacks nothing
// is lost. What it says of links: which entries are odd.
#include "engine/store/places.h"
#include "tests/store/counting_store.h"
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::Column;
using store::Held;

constexpr std::uint64_t kSecondUs = 1'000'000;

class Finding : public testing::Test {
 protected:
  std::uint64_t at(std::uint64_t n) const { return start_us + n; }
  void take(Forger& from, const std::vector<std::pair<std::uint64_t, std::string>>& entries) {
    const auto outcome = world.take(from.block, from.make(entries));
    ASSERT_TRUE(outcome.value) << outcome.error->message();
  }
  // One entry with links; gives its id.
  store::Digest take_linking(Forger& from, std::uint64_t time_us,
                             std::vector<store::Digest> links) {
    std::sort(links.begin(), links.end());
    store::Row row;
    row.time_us = time_us;
    row.type = "note";
    row.links = std::move(links);
    row.body = as_bytes("links");
    row.body_bytes = 5;
    const auto outcome = world.take(from.block, from.make_of({row}));
    EXPECT_TRUE(outcome.value) << outcome.error->message();
    return from.ids[0];
  }
  std::optional<Held> find(const store::Digest& id) {
    auto found = world.run(world.ledger->find(id));
    EXPECT_TRUE(found.value) << found.error->message();
    return found.value ? *std::move(found.value) : std::nullopt;
  }
  bool is_odd(const store::Digest& id) {
    const auto held = find(id);
    return held && (held->flags & KITH_ENTRY_ODD) != 0;
  }
  std::size_t rows(store::KeyValue& of, Column column = Column::index) const {
    std::size_t count = 0;
    const auto scan = of.scan(column);
    for (scan->seek({}); scan->valid(); scan->next()) ++count;
    return count;
  }

  sim::VirtualLoop loop{1};
  std::shared_ptr<CountingStore> store =
      std::make_shared<CountingStore>(store::make_memory_store());
  LedgerWorld world{loop, {.store = store}};
  Forger a{7, world.ledger->id()}, b{8, world.ledger->id()};
  const std::uint64_t start_us = loop.wall_us() - 100 * kSecondUs;
};

TEST_F(Finding, AnEntryIsFoundAtOnceAndLater) {
  take(a, {{at(10), "one"}, {at(20), "two"}});
  const auto ids = a.ids;
  take(b, {{at(15), "three"}});
  const auto check = [&] {
    const auto two = find(ids[1]);
    ASSERT_TRUE(two);
    EXPECT_EQ(as_text(two->body), "two");
    EXPECT_EQ(two->author, a.opening.author);
    EXPECT_EQ(two->seq, 2u);
    EXPECT_EQ(two->arrival, 2u);
    EXPECT_TRUE(find(b.ids[0]));
    EXPECT_EQ(find(b.ids[0])->flags, static_cast<unsigned>(KITH_ENTRY_LATE));
    EXPECT_FALSE(find(store::Digest{1, 2, 3}));
    store::Digest alike = ids[1];
    alike[20] ^= 1;
    EXPECT_FALSE(find(alike));
  };
  check();
  loop.run_for(kSecondUs);
  EXPECT_EQ(rows(*store), 3u);
  check();
  world.reopen();
  check();
}

TEST_F(Finding, TheIndexWaitsForARestAndNoAppendForIt) {
  take(a, {{at(10), "one"}});
  world.settle();
  EXPECT_EQ(rows(*store), 0u);
  loop.run_for(50'000);
  take(a, {{at(20), "two"}});
  loop.run_for(60'000);
  EXPECT_EQ(rows(*store), 0u) << "100 ms after the last one";
  loop.run_for(60'000);
  EXPECT_EQ(rows(*store), 2u);
  for (std::uint64_t i = 0; i < 120; ++i) {
    take(a, {{at(30 + i), "more"}});
    loop.run_for(50'000);
  }
  EXPECT_GT(rows(*store), 90u) << "however many go on to arrive";
}

TEST_F(Finding, WhoAsksEndsTheRest) {
  take(a, {{at(10), "one"}});
  world.settle();
  ASSERT_EQ(rows(*store), 0u);
  find(a.ids[0]);
  loop.run_for(1'000);
  EXPECT_EQ(rows(*store), 1u);
}

TEST_F(Finding, AStopWaitsForNoIndex) {
  take(a, {{at(10), "one"}});
  world.ledgers->retire();
  EXPECT_TRUE(world.ledgers->idle());
  loop.run_for(kSecondUs);
  EXPECT_EQ(rows(*store), 0u);
  world.reopen();
  loop.run_for(kSecondUs);
  EXPECT_EQ(rows(*store), 1u);
  EXPECT_TRUE(find(a.ids[0]));
}

TEST_F(Finding, AnIndexOfMoreThanThereIsIsBuiltAnew) {
  take(a, {{at(10), "one"}});
  loop.run_for(kSecondUs);
  world.settle();
  store::IndexRecord record;
  record.ids_to = 7;
  record.only_type = "note";
  store::Batch batch;
  batch.put(Column::meta, store::meta_key(store::MetaKind::index, 1), store::encode(record));
  store->commit(batch, true).value();
  world.reopen();
  take(a, {{at(20), "two"}});
  loop.run_for(kSecondUs);
  EXPECT_EQ(rows(*store), 2u);
  EXPECT_TRUE(find(a.ids[0]));
}

TEST_F(Finding, ThousandsAreFoundWithFewLooks) {
  std::vector<std::pair<std::uint64_t, std::string>> entries(250, {0, "x"});
  std::vector<store::Digest> ids;
  for (std::uint64_t run = 0; run < 60; ++run) {
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i].first = at(run * 1'000 + i);
    take(a, entries);
    ids.push_back(a.ids[run]);
  }
  EXPECT_TRUE(find(ids.front())) << "not indexed yet, and the oldest";
  loop.run_for(10 * kSecondUs);
  EXPECT_EQ(rows(*store), 15'000u);
  for (const store::Digest& id : ids) {
    store->take_looks();
    EXPECT_TRUE(find(id));
    EXPECT_LE(store->take_looks(), 16u);
  }
}

TEST_F(Finding, RowsOfTypesOnlyWhereThereAreSeveral) {
  take(a, {{at(10), "one"}, {at(20), "two"}});
  loop.run_for(kSecondUs);
  EXPECT_EQ(rows(*store), 2u);
  ASSERT_TRUE(world.append("mark", "x").value);
  loop.run_for(kSecondUs);
  EXPECT_EQ(rows(*store), 3u + 3u + 2u) << "an id, a time each; a run a type";
}

TEST_F(Finding, AnEntryThatLinksToALaterOneIsOdd) {
  take(a, {{at(50), "later"}, {at(60), "last"}});
  const store::Digest later = a.ids[0];
  store::Digest alike = later;
  alike[31] ^= 1;
  const auto odd = take_linking(b, at(10), {later});
  const auto good = take_linking(b, at(70), {later, a.ids[1]});
  const auto unknown = take_linking(b, at(71), {store::Digest{9}});
  Forger c{9, world.ledger->id()};
  const auto not_held = take_linking(c, at(11), {alike});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(is_odd(odd));
    EXPECT_FALSE(is_odd(good));
    EXPECT_FALSE(is_odd(unknown));
    EXPECT_FALSE(is_odd(not_held));
    const auto held = find(odd);
    EXPECT_EQ(held->links, std::vector<store::Digest>{later});
    for (const Held& each : world.all(i == 0))
      EXPECT_EQ((each.flags & KITH_ENTRY_ODD) != 0, each.id == odd);
    loop.run_for(kSecondUs);
  }
}

TEST_F(Finding, OfOneTimeTheIdDecides) {
  take(a, {{at(50), "a"}});
  const auto linking = take_linking(b, at(50), {a.ids[0]});
  EXPECT_EQ(is_odd(linking), linking < a.ids[0]);
  loop.run_for(kSecondUs);
  EXPECT_EQ(is_odd(linking), linking < a.ids[0]);
}

TEST_F(Finding, ALinkBecomesOddWhenItsEntryComes) {
  Forger later{11, world.ledger->id()};
  const auto run = later.make({{at(90), "later"}});
  const auto linking = take_linking(b, at(10), {later.ids[0]});
  EXPECT_FALSE(is_odd(linking)) << "not held";
  loop.run_for(kSecondUs);
  ASSERT_TRUE(world.take(later.block, run).value);
  EXPECT_TRUE(is_odd(linking));
}

TEST_F(Finding, AStoreThatFailsEndsTheIndexOnly) {
  take(a, {{at(10), "one"}});
  world.settle();
  const auto scan = store->scan(Column::runs);
  scan->seek({});
  ASSERT_TRUE(scan->valid());
  store::Batch batch;
  ByteVector broken = to_vector(scan->value());
  broken.back() ^= 4;
  batch.put(Column::runs, scan->key(), broken);
  store->commit(batch, true).value();
  loop.run_for(10 * kSecondUs);
  EXPECT_EQ(rows(*store), 0u);
  EXPECT_TRUE(world.append("note", "goes on").value);
}

}  // namespace
}  // namespace kith::test
