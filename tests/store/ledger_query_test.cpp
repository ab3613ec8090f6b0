// SPDX-License-Identifier: MIT
// Reads by author, type and bounds: against a plain filter over all that there is, and what they
// cost at depth.
#include <random>

#include "tests/store/counting_store.h"
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::Held;
using store::Query;
using Texts = std::vector<std::string>;  // bodies, each another

// Rows of a run to come.
struct Rows {
  explicit Rows(std::size_t count) { texts.reserve(count); }
  void add(std::uint64_t time_us, std::string_view type, std::string body) {
    texts.push_back(std::move(body));
    store::Row row;
    row.time_us = time_us;
    row.type = type;
    row.body = as_bytes(texts.back());
    row.body_bytes = static_cast<std::uint32_t>(texts.back().size());
    rows.push_back(std::move(row));
  }
  std::vector<store::Row> rows;
  std::vector<std::string> texts;  // what the rows look at
};

class LedgerQuery : public testing::Test {
 protected:
  void take(Forger& from, std::vector<store::Row> rows) {
    const auto outcome = world.take(from.block, from.make_of(std::move(rows)));
    ASSERT_TRUE(outcome.value) << outcome.error->message();
  }
  void build_index() { loop.run_for(10'000'000); }

  sim::VirtualLoop loop{1};
  std::shared_ptr<CountingStore> store =
      std::make_shared<CountingStore>(store::make_memory_store());
  LedgerWorld world{loop, {.store = store}};
  const std::uint64_t start_us = loop.wall_us() - 1'000'000'000;
};

// ---- against a plain filter

class AnyQuery : public LedgerQuery {
 protected:
  std::uint64_t below(std::uint64_t n) { return chance() % n; }

  // Three authors with two feeds each, one of them forked; few times, so that many are shared.
  void fill(int runs) {
    if (feeds.empty()) {
      for (std::uint8_t i = 0; i < 6; ++i)
        feeds.emplace_back(static_cast<std::uint8_t>(20 + i / 2), world.ledger->id(), i);
      times.resize(feeds.size(), start_us);
    }
    for (int i = 0; i < runs; ++i) {
      const std::size_t which = below(feeds.size());
      Rows rows(5);
      for (std::uint64_t n = 1 + below(4); n > 0; --n) {
        times[which] += 1 + below(3);
        rows.add(times[which], pick_type(), std::to_string(++bodies));
      }
      const std::uint64_t seq = feeds[which].seq;
      const store::Digest prev = feeds[which].prev;
      take(feeds[which], std::move(rows.rows));
      if (which == 0 && i % 7 == 0) feeds[which].back_to(seq, prev);
    }
  }
  std::string_view pick_type() {
    const std::uint64_t n = below(40);
    return !is_mixed || n > 10 ? "note" : n > 0 ? "mark" : "rare";
  }

  Query any_query(const std::vector<Held>& arrived) {
    Query query;
    query.by_time = below(2) == 0;
    query.newest = below(2) == 0;
    query.limit = static_cast<std::uint32_t>(1 + below(below(3) == 0 ? 200 : 12));
    const auto place = [&] {
      return query.by_time ? start_us + below(times.empty() ? 1 : 200) : below(arrived.size() + 3);
    };
    if (below(2) == 0) query.after = place();
    if (below(2) == 0) query.before = place();
    if (below(2) == 0) query.author = feeds[below(feeds.size())].opening.author;
    if (below(2) == 0) query.type = below(2) == 0 ? "mark" : below(2) == 0 ? "rare" : "note";
    return query;
  }
  static std::vector<Held> wanted(const Query& query, std::vector<Held> all) {
    if (query.by_time)
      std::sort(all.begin(), all.end(), [](const Held& a, const Held& b) {
        return std::tie(a.time_us, a.id) < std::tie(b.time_us, b.id);
      });
    std::erase_if(all, [&](const Held& held) {
      const std::uint64_t key = query.by_time ? held.time_us : held.arrival;
      const bool is_after = query.by_time ? key >= query.after : key > query.after;
      return !is_after || (query.before != 0 && key >= query.before) ||
             (query.author && held.author != *query.author) ||
             (!query.type.empty() && held.type != query.type);
    });
    return all;
  }
  static Texts page_of(const Query& query, const std::vector<Held>& all) {
    auto texts = bodies_of(all);
    if (texts.size() <= query.limit) return texts;
    const auto limit = static_cast<std::ptrdiff_t>(query.limit);
    if (query.newest) return {texts.end() - limit, texts.end()};
    return {texts.begin(), texts.begin() + limit};
  }
  // Page by page to the end, from either side.
  Texts walk(Query query) {
    Texts seen;
    for (int pages = 0; pages < 1'000; ++pages) {
      const store::Page page = world.read(query);
      EXPECT_LE(page.entries.size(), query.limit);
      const auto texts = bodies_of(page.entries);
      seen.insert(query.newest ? seen.begin() : seen.end(), texts.begin(), texts.end());
      if (query.newest ? page.before == 0 : !page.more) return seen;
      (query.newest ? query.before : query.after) = query.newest ? page.before : page.next;
    }
    ADD_FAILURE() << "it never ends";
    return seen;
  }
  void compare(int queries) {
    const auto arrived = world.all(false);
    for (int i = 0; i < queries; ++i) {
      const Query query = any_query(arrived);
      const auto all = wanted(query, arrived);
      ASSERT_EQ(bodies_of(world.read(query).entries), page_of(query, all)) << "query " << i;
      ASSERT_EQ(walk(query), bodies_of(all)) << "walk " << i;
    }
  }

  std::mt19937_64 chance{7};
  std::vector<Forger> feeds;
  std::vector<std::uint64_t> times;
  int bodies = 0;
  bool is_mixed = true;
};

TEST_F(AnyQuery, BeforeTheIndexIsBuilt) {
  fill(60);
  compare(300);
}

TEST_F(AnyQuery, FromTheIndex) {
  fill(60);
  build_index();
  compare(300);
}

TEST_F(AnyQuery, FromTheIndexAndWhatCameBehindIt) {
  fill(40);
  build_index();
  fill(30);
  compare(300);
}

TEST_F(AnyQuery, WhereASecondTypeComesLate) {
  is_mixed = false;
  fill(40);
  build_index();
  compare(50);
  is_mixed = true;
  fill(20);
  compare(100);
  build_index();
  compare(100);
  world.reopen();
  compare(100);
}

// ---- what it costs

constexpr std::uint64_t kMany = 100'000;
constexpr std::size_t kPerRun = 500;

class DeepLedger : public LedgerQuery {
 protected:
  // One author with many notes; another one writes among them now and then, one entry a run.
  void fill(std::size_t few, std::string_view type) {
    const std::size_t runs = kMany / kPerRun;
    for (std::size_t i = 0; i < runs; ++i) {
      Rows rows(kPerRun);
      for (std::size_t n = 0; n < kPerRun; ++n) rows.add(start_us + 10 * (count++), "note", "n");
      take(many, std::move(rows.rows));
      if (i % (runs / few) != 0) continue;
      Rows one(1);
      one.add(start_us + 10 * count + 5, type, "f");
      take(other, std::move(one.rows));
    }
    build_index();
  }
  std::size_t cost(const Query& query, std::size_t entries) {
    store->take_looks();
    EXPECT_EQ(world.read(query).entries.size(), entries);
    return store->take_looks();
  }

  Forger many{7, world.ledger->id()}, other{8, world.ledger->id()};
  std::uint64_t count = 0;
};

TEST_F(DeepLedger, AnAuthorWithFewOfMany) {
  fill(10, "note");
  for (const bool by_time : {false, true}) {
    Query query;
    query.by_time = by_time;
    query.newest = true;
    query.limit = 20;
    query.author = other.opening.author;
    EXPECT_LE(cost(query, 10), 80u);
    query.newest = false;
    EXPECT_LE(cost(query, 10), 80u);
    query.limit = 3;
    query.after = by_time ? start_us + 10 * kMany / 2 : kMany / 2;
    EXPECT_LE(cost(query, 3), 80u) << "from the middle";
  }
}

TEST_F(DeepLedger, ATypeWithFiveOfMany) {
  fill(5, "rare");
  for (const bool by_time : {false, true}) {
    Query query;
    query.by_time = by_time;
    query.type = "rare";
    EXPECT_LE(cost(query, 5), 40u);
    query.newest = true;
    query.limit = 2;
    EXPECT_LE(cost(query, 2), 40u);
    query.type = "none";
    EXPECT_LE(cost(query, 0), 40u);
    query.type = "rare";
    query.author = many.opening.author;
    EXPECT_LE(cost(query, 0), 40u) << "an author with many, none of them of it";
  }
}

TEST_F(DeepLedger, BeforeAPlaceAtDepth) {
  fill(5, "rare");
  for (const bool by_time : {false, true}) {
    Query query;
    query.by_time = by_time;
    query.newest = true;
    query.limit = 20;
    for (const std::uint64_t place : {kMany, kMany / 2, std::uint64_t{1'000}}) {
      query.before = by_time ? start_us + 10 * place : place;
      EXPECT_LE(cost(query, 20), 60u) << place;
      query.author = many.opening.author;
      EXPECT_LE(cost(query, 20), 60u) << place;
      query.author.reset();
    }
  }
}

}  // namespace
}  // namespace kith::test
