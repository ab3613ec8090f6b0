// SPDX-License-Identifier: MIT
// One bit of any file of a store flips: it is refused with a sentence that says what to do, or all
// that is read is as before, byte for byte; and what was refused comes back from a peer.
// KITH_TEST_FLIPS: how many, for a long run.
#include <cstdlib>

#include "tests/store/faulty_disk.h"
#include "tests/store/ledger_exchange.h"

namespace kith::test {
namespace {

constexpr std::size_t kFlips = 400;
constexpr const char* kLedgers[] = {"notes", "other", "third"};

std::size_t flips() {
  const char* given = std::getenv("KITH_TEST_FLIPS");
  return given ? std::stoul(given) : kFlips;
}

std::string class_of(const std::string& name) {
  if (name.ends_with(".sst") || name.ends_with(".log")) return name.substr(name.size() - 3);
  return name.substr(0, name.find('-'));
}

// What a node would say of a store: all that its ledgers hold, or why it says nothing.
struct Answer {
  std::optional<Error> refused;
  std::string where;  // it was refused
  std::vector<store::Held> held;
  std::vector<store::Digest> digests;
};

bool operator==(const Answer& a, const Answer& b) {
  const auto same = [](const store::Held& x, const store::Held& y) {
    return x.id == y.id && x.feed == y.feed && x.author == y.author && x.seq == y.seq &&
           x.time_us == y.time_us && x.arrival == y.arrival && x.type == y.type &&
           x.body == y.body && x.flags == y.flags;
  };
  return a.digests == b.digests &&
         std::equal(a.held.begin(), a.held.end(), b.held.begin(), b.held.end(), same);
}

class FlipDamage : public testing::Test {
 protected:
  // Tables and a log: written, opened again, written.
  FlipDamage() {
    for (int part = 0; part < 3; ++part) {
      LedgerWorld world(loop, {1, disk->open().value(), "here", store::Durability::sync});
      for (const char* name : kLedgers) fill(world, world.ledgers->open(name), part);
      world.settle();
      if (part == 2) exchange(world);
    }
    disk = disk->copy();
    expected = ask(disk->copy());  // an open writes the log into tables
    for (const auto& [name, data] : disk->files())
      if (name.ends_with(".log")) log_bytes += data.size();
    EXPECT_GT(log_bytes, 10'000u);
    EXPECT_FALSE(expected.refused) << expected.refused->message();
    EXPECT_GT(expected.held.size(), 3'000u);  // in both orders
  }
  void fill(LedgerWorld& world, store::Ledger& ledger, int part) {
    for (int turn = 0; turn < 6; ++turn) {
      for (int i = 0; i < 30; ++i) {
        const auto bytes = static_cast<std::size_t>(i * 10 + part);
        store::NewEntry entry{"note", ByteVector(bytes, static_cast<std::uint8_t>(random()))};
        test::start(world.scope, ledger.append(std::move(entry)));
      }
      world.settle();
    }
  }
  // The peer has all of the first ledger.
  void exchange(LedgerWorld& world) {
    peer = std::make_unique<LedgerWorld>(loop, LedgerWorld::Setup{2});
    peer->append("note", "of the peer");
    give(world, *peer, random, {});
    give(*peer, world, random, {});
    world.settle();
  }

  // In one order; what was wrong.
  static std::optional<Error> read_all(LedgerWorld& world, store::Ledger& ledger, bool by_time,
                                       Answer& answer) {
    store::Query query;
    query.by_time = by_time;
    for (bool more = true; more;) {
      auto page = world.run(ledger.read(query));
      if (page.error) return page.error;
      for (store::Held& each : page.value->entries) answer.held.push_back(std::move(each));
      more = page.value->more;
      query.after = page.value->next;
    }
    return std::nullopt;
  }
  static void ask(LedgerWorld& world, store::Ledger& ledger, Answer& answer) {
    answer.where = "on read";
    for (const bool by_time : {false, true})
      if (!answer.refused) answer.refused = read_all(world, ledger, by_time, answer);
    if (answer.refused) return;
    answer.digests.push_back(ledger.tip_set().digest());
    answer.where = "by verify";
    auto verdict = world.run(ledger.verify({}));
    if (verdict.error) answer.refused = verdict.error;
    if (verdict.value && !verdict.value->ok())
      answer.refused = Error(store::store_error::damaged, verdict.value->problems.front());
  }
  Answer ask(const std::shared_ptr<FaultyDisk>& of) {
    Answer answer;
    auto opened = of->open();
    if (!opened) return {opened.error(), "on open", {}, {}};
    try {
      LedgerWorld world(loop, {1, *std::move(opened), "here", store::Durability::sync});
      for (const char* name : kLedgers) {
        ask(world, world.ledgers->open(name), answer);
        if (answer.refused) break;
      }
    } catch (const Fault& fault) {
      return {fault.error(), "on load", {}, {}};
    }
    return answer;
  }
  // What was read before the refusal is right too.
  void expect_right_so_far(const Answer& answer) {
    ASSERT_LE(answer.held.size(), expected.held.size());
    Answer part;
    part.held.assign(expected.held.begin(),
                     expected.held.begin() + static_cast<std::ptrdiff_t>(answer.held.size()));
    Answer read{{}, {}, answer.held, {}};
    EXPECT_TRUE(read == part) << "wrong data before the refusal";
  }
  // True: it was found.
  bool flip(const std::string& name, std::size_t bit) {
    SCOPED_TRACE(name + ", bit " + std::to_string(bit));
    const auto flipped = disk->copy();
    flipped->flip(name, bit);
    const Answer answer = ask(flipped);
    ++counts[class_of(name) + (answer.refused ? " refused " + answer.where : " harmless")];
    if (!answer.refused) {
      EXPECT_TRUE(answer == expected) << "wrong data";
      return false;
    }
    const bool says_what_to_do = answer.refused->message().find("aside") != std::string::npos;
    EXPECT_TRUE(says_what_to_do || answer.where == "by verify") << answer.refused->message();
    expect_right_so_far(answer);
    return true;
  }

  sim::VirtualLoop loop{1};
  Random random{1};
  std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>();
  std::unique_ptr<LedgerWorld> peer;
  Answer expected;
  std::size_t log_bytes = 0;
  std::map<std::string, std::size_t> counts;
};

// Half of them by bytes, half by files, so that small ones have their share.
TEST_F(FlipDamage, IsFoundOrHarmless) {
  const auto files = disk->files();
  std::vector<std::pair<std::string, std::size_t>> sized;
  std::size_t bytes = 0;
  for (const auto& [name, data] : files) {
    if (data.empty()) continue;
    sized.emplace_back(name, data.size());
    bytes += data.size();
  }
  for (std::size_t i = 0; i < flips() && !HasFailure(); ++i) {
    std::size_t at = below(random, bytes), file = 0;
    while (at >= sized[file].second) at -= sized[file++].second;
    if (i % 2 == 0) {
      file = below(random, sized.size());
      at = below(random, sized[file].second);
    }
    flip(sized[file].first, at * 8 + below(random, 8));
  }
  std::printf("%zu flips in %zu files of %zu bytes, %zu entries\n", flips(), files.size(), bytes,
              expected.held.size());
  for (const auto& [what, count] : counts) std::printf("%7zu %s\n", count, what.c_str());
}

TEST_F(FlipDamage, WhatWasRefusedComesBackFromAPeer) {
  const auto files = disk->files();
  const auto is_table = [](const auto& file) { return file.first.ends_with(".sst"); };
  const auto table = std::find_if(files.begin(), files.end(), is_table);
  ASSERT_NE(table, files.end());
  bool is_refused = false;
  for (std::size_t at = 0; at < table->second.size() && !is_refused; at += 10)
    is_refused = flip(table->first, at * 8);
  EXPECT_TRUE(is_refused);
  // It was moved aside, and the node started again.
  LedgerWorld anew(
      loop, {1, std::make_shared<FaultyDisk>()->open().value(), "here", store::Durability::sync});
  give(*peer, anew, random, {});
  EXPECT_EQ(anew.ledger->tip_set().digest(), peer->ledger->tip_set().digest());
  EXPECT_EQ(anew.ledger->tip_set().digest(), expected.digests.at(0));
  EXPECT_TRUE(anew.verify().ok());
  anew.append("note", "goes on");
  give(anew, *peer, random, {});
  EXPECT_TRUE(peer->told.forks.empty());
}

}  // namespace
}  // namespace kith::test
