// SPDX-License-Identifier: MIT
// Ledgers of many feeds: what two nodes say until they know what differs, and that all of it comes,
// from whom it can be had.
#include "engine/protocols/sync_difference.h"
#include "engine/protocols/sync_limits.h"
#include "engine/store/places.h"
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

using store::Ledger;

struct ManyTest : test::SyncWorld {
  store::Digest numbered(std::uint64_t number, std::uint64_t of) {
    return crypto::sha256(as_bytes(std::to_string(number) + " of " + std::to_string(of)));
  }
  static store::Opening opening_of(const store::Digest& ledger, const crypto::Identity& author,
                                   std::uint64_t number) {
    store::Opening opening;
    opening.ledger = ledger;
    opening.author = store::author_of(author.peer_id()).value();
    for (std::size_t i = 0; i < 8; ++i)
      opening.nonce[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return opening;
  }
  // A store as if it held the feeds with these numbers, of as many entries each; not their runs.
  std::shared_ptr<store::KeyValue> make_store(const std::map<std::uint64_t, std::uint64_t>& feeds) {
    store::Genesis genesis;
    genesis.name = "notes";
    const ByteVector block = store::encode(genesis);
    const store::Digest id = store::digest_block(block);
    store::Batch batch;
    ByteVector row(1, 1);
    kith::append(row, block);
    batch.put(store::Column::meta, store::meta_key(store::MetaKind::ledger, 1), std::move(row));
    std::uint32_t lane = 0;
    std::uint64_t entries = 0;
    for (const auto& [number, seq] : feeds) {
      const ByteVector opening = store::encode(opening_of(id, c().identity, number));
      const store::LaneRecord record{1, 0, 1, store::digest_block(opening), {}, opening};
      const store::TipRecord tip{seq, seq, 1, numbered(number, seq)};
      batch.put(store::Column::meta, store::meta_key(store::MetaKind::lane, ++lane),
                encode(record));
      batch.put(store::Column::meta, store::meta_key(store::MetaKind::tip, lane), encode(tip));
      const store::RunHeader header{entries + 1, 0, store::check_of(tip.entry)};
      batch.put(store::Column::runs, encode(store::RunKey{lane, 1}), with_header(header, {}));
      entries += seq;
    }
    const store::ArrivalRecord all{{1, 1}, static_cast<std::uint32_t>(entries), 0};
    batch.put(store::Column::arrivals, encode(store::ArrivalKey{1, 1}), encode(all));
    std::shared_ptr<store::KeyValue> made = store::make_memory_store();
    made->commit(batch, true).value();
    return made;
  }
  Ledger& keep_feeds(test::Peer& peer, const std::map<std::uint64_t, std::uint64_t>& feeds) {
    return keep(peer, make_store(feeds), store::Durability::sync, peer.identity, "").open("notes");
  }

  struct Found {
    std::size_t tips = 0, round_trips = 0, bytes = 0;
    bool had_tree = false;
  };
  // c() asks a() by hand, as a node does that keeps `mine`, until it knows the tips that it lacks.
  // Bytes: until it knows which; round trips: until it has them.
  Found ask(Ledger& mine) {
    EXPECT_TRUE(dial(c(), a()));
    Pipe stream = open(c(), a());
    bytes_read = 0;
    Found found;
    SyncDifference difference(mine);
    SyncDifference::Next next = difference.hello(loop.wall_us());
    std::size_t written = 0;
    while (next || difference.is_waiting()) {
      if (next) {
        const ByteVector line = encode(*next);
        found.had_tree |= std::holds_alternative<SyncPaths>(*next);
        if (!std::holds_alternative<SyncItems>(*next)) written += line.size() + 1;
        if (found.bytes == 0 && std::holds_alternative<SyncItems>(*next))
          found.bytes = written + bytes_read;
        write(stream, line);
        ++found.round_trips;
      }
      next.reset();
      const auto line = read(stream);
      if (!line) break;
      const SyncAnswer answer = decode_sync_answer(*line).value();
      if (std::holds_alternative<SyncSame>(answer)) difference.end();
      next = std::visit(
          [&](const auto& one) -> SyncDifference::Next {
            if constexpr (requires { difference.told(one); }) return difference.told(one);
            return {};
          },
          answer);
      found.tips += difference.lacked().size();
      difference.lacked().clear();
      if (!next) next = difference.go_on();
    }
    EXPECT_FALSE(difference.is_waiting());
    EXPECT_FALSE(difference.is_doubtful());
    return found;
  }

  // A run of one entry of a feed of its own.
  struct Made {
    ByteVector opening;
    store::RunBytes bytes;
  };
  Made make_feed(const store::Digest& ledger, std::uint64_t number) {
    Made made;
    made.opening = store::encode(opening_of(ledger, c().identity, number));
    store::Run run;
    run.feed = run.prev = store::digest_block(made.opening);
    run.first_seq = 1;
    store::Row one;
    one.time_us = 1 + number;
    one.type = "note";
    one.body = as_bytes("some");
    one.body_bytes = 4;
    run.rows.push_back(one);
    const auto ids = store::rebuild_run(run).value();
    run.signature = store::sign_head(c().identity, {run.feed, 1, ids[0]});
    made.bytes = encode(run);
    return made;
  }
  void give(Ledger& ledger, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t number = from; number < to; ++number) {
      Made made = make_feed(ledger.id(), number);
      EXPECT_TRUE(run(ledger.take(made.opening, made.bytes.entries, made.bytes.bodies)));
    }
  }
};

std::map<std::uint64_t, std::uint64_t> feeds(std::uint64_t count) {
  std::map<std::uint64_t, std::uint64_t> made;
  for (std::uint64_t number = 0; number < count; ++number) made[number] = 3;
  return made;
}

TEST_F(ManyTest, TwoHundredOfTwentyThousandInOneRoundTripAndFewBytes) {
  auto all = feeds(20'000);
  Ledger& mine = keep_feeds(b(), all);
  for (std::uint64_t number = 0; number < 20'000; number += 200) ++all[number];
  keep_feeds(a(), all);
  const Found found = ask(mine);
  EXPECT_EQ(found.tips, 100u);
  EXPECT_LE(found.bytes, 4'800u) << "until it knows which";
  EXPECT_LE(found.round_trips, 3u);
  EXPECT_FALSE(found.had_tree);
  RecordProperty("bytes", static_cast<int>(found.bytes));
}

// Both are ahead of each other, so that no count tells.
TEST_F(ManyTest, TwoHundredOnBothSides) {
  auto all = feeds(2'000);
  auto others = all;
  for (std::uint64_t number = 0; number < 1'000; number += 10) ++all[number];
  for (std::uint64_t number = 1'000; number < 2'000; number += 10) ++others[number];
  keep_feeds(a(), all);
  const Found found = ask(keep_feeds(b(), others));
  EXPECT_EQ(found.tips, 200u);
}

TEST_F(ManyTest, OneAndNone) {
  auto all = feeds(2'000);
  Ledger& mine = keep_feeds(b(), all);
  ++all[77];
  keep_feeds(a(), all);
  const Found found = ask(mine);
  EXPECT_EQ(found.tips, 1u);
  EXPECT_LE(found.bytes, 800u);
  EXPECT_EQ(ask(keepers[1]->open("notes")).tips, 0u);
}

TEST_F(ManyTest, FiveThousandByTheTree) {
  auto all = feeds(20'000);
  Ledger& mine = keep_feeds(b(), all);
  for (std::uint64_t number = 0; number < 20'000; number += 4) ++all[number];
  keep_feeds(a(), all);
  const Found found = ask(mine);
  EXPECT_EQ(found.tips, 5'000u);
  EXPECT_TRUE(found.had_tree);
}

TEST_F(ManyTest, WhoHasNothingIsToldAll) {
  keep_feeds(a(), feeds(20'000));
  const Found found = ask(keep_feeds(b(), {}));
  EXPECT_EQ(found.tips, 20'000u);
  EXPECT_LE(found.round_trips, 16u);
}

TEST_F(ManyTest, AllOfItComes) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  give(first, 0, 700);
  give(second, 650, 800);
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(20'000'000);
  EXPECT_EQ(first.tips().size(), 800u);
  EXPECT_EQ(first.tip_set().digest(), second.tip_set().digest());
}

// What was taken before a cut stays, and only the rest comes after it.
TEST_F(ManyTest, ACutInTheMiddleIsResumed) {
  Ledger& first = keep(a()).open("notes");
  Ledger& second = keep(b()).open("notes");
  for (int i = 0; i < 40; ++i) append(first, std::string(200'000, 'x'));
  internet.shape.bytes_per_second = 4'000'000;
  ASSERT_TRUE(dial(a(), b()));
  loop.run_until([&] { return second.entries() >= 15; }, 20'000'000);
  a().swarm->disconnect(b().id(), "cut");
  loop.run_for(1'000'000);
  const std::uint64_t before = second.entries();
  EXPECT_LT(before, 40u);
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(20'000'000);
  EXPECT_EQ(second.entries(), 40u);
  EXPECT_EQ(second.tips(), first.tips());
}

// c(), by hand, tells of the same tips as a() and is asked first, but sends nothing.
TEST_F(ManyTest, WhoStallsIsLeftForAnother) {
  Ledger& honest = keep(a()).open("notes");
  Ledger& mine = keep(b()).open("notes");
  give(honest, 0, 50);
  play(c());
  ASSERT_TRUE(dial(b(), c()));
  loop.run_until([this] { return !asked.empty(); }, 10'000'000);
  ASSERT_TRUE(request<SyncHello>(asked.back()));
  write(asked.back(), SyncAnswer(SyncSame{}));
  for (const store::Tip& tip : honest.tips()) write(asked.back(), SyncAnswer(SyncNews{0, tip}));
  ASSERT_TRUE(request<SyncWants>(asked.back()));
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(5'000'000);
  EXPECT_EQ(mine.entries(), 0u) << "one source a feed";
  loop.run_for(8'000'000);
  EXPECT_EQ(mine.tips(), honest.tips());
}

}  // namespace
}  // namespace kith::protocols
