// SPDX-License-Identifier: MIT
// Reads in both orders, and what stands beside an entry.
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

class LedgerRead : public testing::Test {
 protected:
  std::uint64_t at(std::uint64_t n) const { return start_us + n; }
  std::vector<std::string> page(store::Query query) { return bodies_of(world.read(query).entries); }
  void take(Forger& from, const std::vector<std::pair<std::uint64_t, std::string>>& entries) {
    const auto outcome = world.take(from.block, from.make(entries));
    ASSERT_TRUE(outcome.value) << outcome.error->message();
  }

  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
  Forger a{7, world.ledger->id()}, b{8, world.ledger->id()};
  const std::uint64_t start_us = loop.wall_us() - 1'000'000;
  using Texts = std::vector<std::string>;
};

TEST_F(LedgerRead, AnEmptyLedger) {
  const auto page = world.read({});
  EXPECT_TRUE(page.entries.empty());
  EXPECT_FALSE(page.more);
  EXPECT_TRUE(world.all(true).empty());
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerRead, ArrivalIsThisNodesOrderAndTimelineIsOfTime) {
  take(a, {{at(10), "a10"}, {at(30), "a30"}});
  take(b, {{at(20), "b20"}, {at(40), "b40"}});
  const auto arrived = world.all(false);
  EXPECT_EQ(bodies_of(arrived), (Texts{"a10", "a30", "b20", "b40"}));
  EXPECT_EQ(bodies_of(world.all(true)), (Texts{"a10", "b20", "a30", "b40"}));
  EXPECT_EQ(arrived[1].flags, 0u);
  EXPECT_EQ(arrived[2].flags, static_cast<unsigned>(KITH_ENTRY_LATE));
  EXPECT_EQ(arrived[2].arrival, 3u);
  EXPECT_EQ(arrived[3].flags, 0u);
  world.reopen();
  take(a, {{at(35), "a35"}});
  EXPECT_EQ(world.all(false)[4].flags, static_cast<unsigned>(KITH_ENTRY_LATE));
}

TEST_F(LedgerRead, PagesOfEverySize) {
  Texts timeline;
  for (std::uint64_t i = 0; i < 10; ++i) {
    take(a, {{at(20 * i), "a" + std::to_string(i)}, {at(20 * i + 10), "A" + std::to_string(i)}});
    take(b, {{at(20 * i + 5), "b" + std::to_string(i)}});
    for (const char* name : {"a", "b", "A"}) timeline.push_back(name + std::to_string(i));
  }
  const Texts arrived = bodies_of(world.all(false));
  for (const bool by_time : {false, true}) {
    for (std::uint32_t limit = 1; limit <= 31; ++limit) {
      store::Query query;
      query.by_time = by_time;
      query.limit = limit;
      Texts seen;
      for (bool more = true; more;) {
        const store::Page page = world.read(query);
        EXPECT_LE(page.entries.size(), limit);
        EXPECT_GE(page.entries.size(), 1u);
        for (const auto& text : bodies_of(page.entries)) seen.push_back(text);
        query.after = page.next;
        more = page.more;
      }
      EXPECT_EQ(seen, by_time ? timeline : arrived) << limit;
    }
  }
}

TEST_F(LedgerRead, FromAPlaceOn) {
  take(a, {{at(10), "1"}, {at(20), "2"}, {at(30), "3"}});
  take(a, {{at(40), "4"}});
  store::Query query;
  query.after = 2;
  EXPECT_EQ(page(query), (Texts{"3", "4"}));
  query.after = 4;
  EXPECT_TRUE(page(query).empty());
  EXPECT_EQ(world.read(query).next, 4u);
  query.after = UINT64_MAX;
  EXPECT_TRUE(page(query).empty());
  query.by_time = true;
  query.after = at(20);
  EXPECT_EQ(page(query), (Texts{"2", "3", "4"}));
  query.after = at(21);
  EXPECT_EQ(page(query), (Texts{"3", "4"}));
}

TEST_F(LedgerRead, TheNewest) {
  take(a, {{at(10), "a10"}, {at(30), "a30"}});
  take(b, {{at(20), "b20"}, {at(40), "b40"}});
  store::Query query;
  query.newest = true;
  query.limit = 3;
  EXPECT_EQ(page(query), (Texts{"a30", "b20", "b40"}));
  EXPECT_FALSE(world.read(query).more);
  EXPECT_EQ(world.read(query).next, 4u);
  query.by_time = true;
  EXPECT_EQ(page(query), (Texts{"b20", "a30", "b40"}));
  query.after = at(30);
  EXPECT_EQ(page(query), (Texts{"a30", "b40"}));
  query = {};
  query.newest = true;
  query.after = 2;
  EXPECT_EQ(page(query), (Texts{"b20", "b40"}));
}

TEST_F(LedgerRead, OfOneAuthor) {
  Forger again(7, world.ledger->id(), 1);
  take(a, {{at(10), "a"}});
  take(b, {{at(20), "b"}});
  take(again, {{at(30), "again"}});
  store::Query query;
  query.author = a.opening.author;
  EXPECT_EQ(page(query), (Texts{"a", "again"}));
  EXPECT_EQ(world.read(query).next, 3u);
  query.newest = true;
  query.limit = 1;
  EXPECT_EQ(page(query), Texts{"again"});
  query = {};
  query.by_time = true;
  query.author = b.opening.author;
  EXPECT_EQ(page(query), Texts{"b"});
  query.author = crypto::Key32{};
  EXPECT_TRUE(page(query).empty());
}

TEST_F(LedgerRead, EarlyOnesAreNotInTheTimelineYet) {
  const std::uint64_t now_us = loop.wall_us();
  take(a, {{now_us, "now"}, {now_us + 120'000'000, "early"}});
  take(b, {{now_us + 1, "after"}});
  const auto arrived = world.all(false);
  ASSERT_EQ(bodies_of(arrived), (Texts{"now", "early", "after"}));
  EXPECT_EQ(arrived[1].flags, static_cast<unsigned>(KITH_ENTRY_EARLY));
  EXPECT_EQ(arrived[2].flags, 0u) << "what was early makes nothing late";
  EXPECT_EQ(bodies_of(world.all(true)), (Texts{"now", "after"}));
  store::Query query;
  query.by_time = query.newest = true;
  query.limit = 1;
  EXPECT_EQ(page(query), Texts{"after"});
  loop.run_for(61'000'000);
  EXPECT_EQ(bodies_of(world.all(true)), (Texts{"now", "after", "early"}));
  EXPECT_EQ(world.all(false)[1].flags, 0u);
}

TEST_F(LedgerRead, OneTimeIsInOrderOfIds) {
  std::vector<std::pair<store::Digest, std::string>> expected;
  for (std::uint8_t i = 0; i < 40; ++i) {
    Forger each(static_cast<std::uint8_t>(50 + i), world.ledger->id());
    const std::string body = std::to_string(i);
    take(each, {{at(1), body}, {at(2 + i), "later"}});
    expected.emplace_back(each.ids[0], body);
  }
  std::sort(expected.begin(), expected.end());
  Texts texts;
  for (const auto& [id, body] : expected) texts.push_back(body);
  for (const std::uint32_t limit : {1u, 3u, 7u, 39u, 40u, 41u}) {
    store::Query query;
    query.by_time = true;
    query.limit = limit;
    Texts seen;
    while (seen.size() < 40) {
      const auto page = world.read(query);
      EXPECT_LE(page.entries.size(), limit);
      ASSERT_TRUE(page.more);
      for (const auto& text : bodies_of(page.entries)) seen.push_back(text);
      query.after = page.next;
    }
    seen.resize(40);
    EXPECT_EQ(seen, texts) << limit;
  }
  store::Query query;
  query.by_time = query.newest = true;
  query.limit = 42;
  const auto newest = page(query);
  EXPECT_EQ(newest[0], texts[38]);
  EXPECT_EQ(newest[1], texts[39]);
}

TEST_F(LedgerRead, PagesEndAtTheirBytes) {
  for (int i = 0; i < 20; ++i) {
    ByteVector body(256 * 1024, static_cast<std::uint8_t>(i));
    ASSERT_TRUE(world.run(world.ledger->append({"file", std::move(body)})).value);
  }
  for (const bool by_time : {false, true}) {
    store::Query query;
    query.by_time = by_time;
    const auto page = world.read(query);
    EXPECT_EQ(page.entries.size(), 16u);
    EXPECT_TRUE(page.more);
    EXPECT_EQ(world.all(by_time).size(), 20u);
  }
}

TEST_F(LedgerRead, ABodyThatIsNotHeldIsFlagged) {
  take(a, {{at(1), "hello"}});
  world.settle();
  const auto scan = world.setup.store->scan(store::Column::runs);
  scan->seek({});
  ASSERT_TRUE(scan->valid());
  const ByteVector key = to_vector(scan->key()), stored = to_vector(scan->value());
  auto run = store::parse_run(Bytes(stored).subspan(24), as_bytes("hello")).value();
  store::rebuild_run(run).value();
  run.rows[0].is_dropped = true;
  run.rows[0].body = {};
  const auto dropped = store::encode(run);
  ByteVector again(stored.begin(), stored.begin() + 24);
  append(again, dropped.entries);
  store::Batch batch;
  batch.put(store::Column::runs, key, again);
  batch.put(store::Column::bodies, key, dropped.bodies);
  world.setup.store->commit(batch, true).value();
  const auto held = world.all(true);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].flags, static_cast<unsigned>(KITH_ENTRY_DROPPED));
  EXPECT_EQ(held[0].body_bytes, 5u);
  EXPECT_TRUE(held[0].body.empty());
  EXPECT_EQ(held[0].id, a.ids[0]);
  EXPECT_TRUE(world.verify().ok());
}

TEST_F(LedgerRead, ThousandsInManySteps) {
  for (int i = 0; i < 5'000; ++i)
    start(world.scope, world.ledger->append({"note", to_vector(as_bytes(std::to_string(i)))}));
  world.settle();
  for (const bool by_time : {false, true}) {
    const auto all = bodies_of(world.all(by_time));
    ASSERT_EQ(all.size(), 5'000u);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], std::to_string(i));
  }
  std::uint64_t told = 0, of = 0;
  const auto progress = [&](std::uint64_t entries, std::uint64_t all) {
    told = entries;
    of = all;
  };
  const auto verdict = world.run(world.ledger->verify(progress));
  EXPECT_TRUE(verdict.value->ok());
  EXPECT_EQ(verdict.value->entries, 5'000u);
  EXPECT_EQ(told, 5'000u);
  EXPECT_EQ(of, 5'000u);
}

TEST_F(LedgerRead, WhoStopsReadingLeavesNothing) {
  take(a, {{at(1), "a"}});
  Scope gone;
  start(gone, world.ledger->read({}));
  start(gone, world.ledger->verify({}));
  gone.clear();
  world.settle();
  loop.run_for(1'000);
}

}  // namespace
}  // namespace kith::test
