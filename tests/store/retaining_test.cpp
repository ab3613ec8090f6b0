// SPDX-License-Identifier: MIT
// Which bodies are held: dropped by age, by size and on request, and filled in again. Entries,
// digest and chain stay as they are, whatever becomes of bodies.
#include "engine/store/retaining.h"

#include "engine/store/exporting.h"
#include "engine/store/importing.h"
#include "engine/store/taking.h"

#include "tests/store/faulty_disk.h"
#include "tests/store/folder.h"
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::ledger_error;

constexpr std::uint64_t kMinuteUs = 60'000'000;
constexpr std::uint64_t kDayUs = 24 * 60 * kMinuteUs;

class Retaining : public testing::Test {
 protected:
  void settle(std::uint64_t max_age_s, std::uint64_t max_bytes) {
    store::LedgerSettings settings;
    settings.retention = {max_age_s, max_bytes};
    world.ledger->settle(settings);
  }
  store::Retaining& retaining() { return world.ledger->retaining(); }
  store::Held held(std::size_t at) { return world.all(false).at(at); }
  std::vector<std::string> shown() { return bodies_of(world.all(false)); }
  std::size_t dropped() {
    std::size_t n = 0;
    for (const store::Held& each : world.all(false)) n += (each.flags & KITH_ENTRY_DROPPED) != 0;
    return n;
  }
  std::uint64_t bytes_shown() {
    std::uint64_t bytes = 0;
    for (const store::Held& each : world.all(false)) bytes += each.body.size();
    return bytes;
  }
  void expect_whole() {
    const store::Verdict verdict = world.verify();
    EXPECT_TRUE(verdict.ok()) << verdict.problems.front();
    EXPECT_EQ(verdict.entries, world.ledger->entries());
    EXPECT_EQ(retaining().bytes(), bytes_shown());
  }
  // The same entries without these bodies, as a peer may send them.
  static store::RunBytes without_bodies(const store::RunBytes& whole) {
    auto run = store::parse_run(whole.entries, whole.bodies).value();
    store::rebuild_run(run).value();
    for (store::Row& row : run.rows) {
      row.is_dropped = row.body_bytes > 0;
      row.body = {};
    }
    return store::encode(run);
  }
  std::vector<store::Lack> lacks() {
    auto found = world.run(retaining().lacks({}));
    EXPECT_TRUE(found.value) << found.error->message();
    return found.value ? std::move(found.value->found) : std::vector<store::Lack>();
  }
  Outcome<std::uint64_t> fill(std::uint64_t seq, std::string_view body) {
    store::FillBodies::Came came;
    came.emplace_back(seq, to_vector(as_bytes(body)));
    return world.run(retaining().fill(lacks().at(0).run.lane, std::move(came)));
  }
  std::uint64_t at(std::uint64_t n) const { return start_us + n; }

  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
  Forger other{7, world.ledger->id()};
  const std::uint64_t start_us = loop.wall_us() - 1'000'000;
};

TEST_F(Retaining, WhatIsTooOldLosesItsBodyAndNothingElse) {
  for (const char* text : {"a", "bb", "ccc"}) world.append("note", text);
  world.append("empty", "");
  const auto before = world.all(false);
  const auto tips = world.ledger->tips();
  const auto digest = world.ledger->tip_set().digest();
  settle(3'600, 0);
  loop.run_for(30 * kMinuteUs);
  world.append("note", "young");
  loop.run_for(29 * kMinuteUs);
  EXPECT_EQ(dropped(), 0u);
  loop.run_for(3 * kMinuteUs);
  EXPECT_EQ(shown(), (std::vector<std::string>{"", "", "", "", "young"}));
  const auto after = world.all(false);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].type, before[i].type);
    EXPECT_EQ(after[i].body_bytes, before[i].body_bytes);
    EXPECT_EQ((after[i].flags & KITH_ENTRY_DROPPED) != 0, before[i].body_bytes > 0);
  }
  expect_whole();
  world.reopen();
  EXPECT_EQ(dropped(), 3u);
  EXPECT_NE(world.ledger->tip_set().digest(), digest) << "one more entry";
  EXPECT_EQ(world.ledger->tips().size(), tips.size());
  expect_whole();
  EXPECT_EQ(retaining().lacks_version(), 0u) << "nobody is asked for them";
}

TEST_F(Retaining, OfARunOnlyWhatIsTooOld) {
  ASSERT_TRUE(world.take(other.block, other.make({{at(1), "old"}, {at(kDayUs), "new"}})).value);
  settle(60, 0);
  loop.run_for(3 * kMinuteUs);
  EXPECT_EQ(shown(), (std::vector<std::string>{"", "new"}));
  expect_whole();
  loop.run_for(kDayUs);
  EXPECT_EQ(dropped(), 2u);
  expect_whole();
}

TEST_F(Retaining, WhatComesTooOldIsNotKeptAtAll) {
  settle(60, 0);
  loop.run_for(2 * kMinuteUs);
  ASSERT_TRUE(world.take(other.block, other.make({{at(1), "a"}, {at(2 * kMinuteUs), "b"}})).value);
  EXPECT_EQ(shown(), (std::vector<std::string>{"", "b"}));
  EXPECT_TRUE(lacks().empty());
  expect_whole();
}

TEST_F(Retaining, TheOldestByArrivalGoUntilTheRestFits) {
  settle(0, 100'000);
  for (int i = 0; i < 300; ++i) {
    world.append("note", std::string(1'000, 'x'));
    if (i % 50 == 49) loop.run_for(2 * kMinuteUs);
    EXPECT_LE(retaining().bytes(), 152'000u);
  }
  loop.run_for(2 * kMinuteUs);
  EXPECT_LE(retaining().bytes(), 100'000u);
  EXPECT_GE(retaining().bytes(), 90'000u);
  const auto all = world.all(false);
  EXPECT_FALSE(all.back().flags & KITH_ENTRY_DROPPED);
  bool is_held = false;
  for (const store::Held& each : all) {
    const bool is_this = (each.flags & KITH_ENTRY_DROPPED) == 0;
    EXPECT_TRUE(is_this || !is_held) << "a later one went first";
    is_held |= is_this;
  }
  expect_whole();
  const std::uint64_t bytes = retaining().bytes();
  world.reopen();
  EXPECT_EQ(retaining().bytes(), bytes);
}

TEST_F(Retaining, OnRequestOneOrAllBefore) {
  for (const char* text : {"a", "b", "c"}) world.append("note", text);
  loop.run_for(kMinuteUs);
  world.append("note", "d");
  const std::uint64_t last_us = held(3).time_us;
  EXPECT_EQ(world.run(retaining().drop(held(1))).value, 1u);
  EXPECT_EQ(shown(), (std::vector<std::string>{"a", "", "c", "d"}));
  EXPECT_EQ(world.run(retaining().drop(held(1))).value, 0u) << "it is gone";
  EXPECT_EQ(world.run(retaining().drop_before(last_us)).value, 2u);
  EXPECT_EQ(shown(), (std::vector<std::string>{"", "", "", "d"}));
  expect_whole();
  EXPECT_EQ(world.run(retaining().want_all()).value, 0u) << "what was removed stays so";
  EXPECT_TRUE(lacks().empty());
  EXPECT_EQ(world.run(retaining().want(held(2))).value, 1u) << "unless it is asked for by name";
  ASSERT_EQ(lacks().size(), 1u);
  EXPECT_EQ(fill(3, "c").value, 1u);
  EXPECT_EQ(shown(), (std::vector<std::string>{"", "", "c", "d"}));
  EXPECT_TRUE(lacks().empty());
  expect_whole();
}

TEST_F(Retaining, ARunWithoutBodiesIsTakenAndFilled) {
  const auto whole = other.make({{at(1), "one"}, {at(2), ""}, {at(3), "three"}});
  EXPECT_EQ(world.take(other.block, without_bodies(whole)).value, 3u);
  EXPECT_EQ(dropped(), 2u);
  expect_whole();
  ASSERT_EQ(lacks().size(), 1u);
  EXPECT_EQ(lacks()[0].bodies,
            (std::vector<std::pair<std::uint64_t, std::uint32_t>>{{1, 3}, {3, 5}}));
  EXPECT_EQ(lacks()[0].last, other.prev);
  EXPECT_NE(retaining().lacks_version(), 0u);
  world.reopen();
  EXPECT_NE(retaining().lacks_version(), 0u);
  EXPECT_TRUE(fill(1, "two").error->is(ledger_error::body_mismatch));
  EXPECT_TRUE(fill(1, "lie").error->is(ledger_error::body_mismatch));
  EXPECT_EQ(dropped(), 2u);
  EXPECT_EQ(fill(1, "one").value, 1u);
  ASSERT_EQ(lacks().size(), 1u);
  EXPECT_EQ(lacks()[0].bodies.size(), 1u);
  EXPECT_EQ(world.take(other.block, whole).value, 0u) << "who has them brings the rest";
  EXPECT_EQ(shown(), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_TRUE(lacks().empty());
  expect_whole();
}

// Else whoever gives a control feed first would hide what a grant says.
TEST_F(Retaining, GrantsComeWithTheirBodies) {
  Forger founder(3, world.ledger->id());
  founder.opening.kind = store::FeedKind::control;
  founder.block = store::encode(founder.opening);
  founder.feed = founder.prev = store::digest_block(founder.block);
  store::RunBytes bytes = without_bodies(founder.make({{at(1), "a grant"}}));
  store::JudgeWork work({founder.opening, founder.feed, bytes.entries, bytes.bodies, 0, 0});
  EXPECT_TRUE(work.step());
  ASSERT_TRUE(work.error());
  EXPECT_TRUE(work.error()->is(ledger_error::bad_run)) << work.error()->message();
}

// What an export leaves out is taken from it as from a peer, and filled by whoever has it.
TEST_F(Retaining, ThroughAFile) {
  Folder folder;
  const std::string path = folder.path() / "notes.car";
  for (const char* text : {"a", "b", "c"}) world.append("note", text);
  ASSERT_EQ(world.run(retaining().drop(held(1))).value, 1u);
  store::ExportWork work(world.setup.store,
                         std::make_shared<const store::LedgerFacts>(*world.ledger),
                         store::NewFile::make(path).value());
  while (!work.step()) continue;
  ASSERT_FALSE(work.error());
  LedgerWorld second(loop, {.author = 2});
  store::ImportSetup setup{loop, path, {}, {}};
  setup.open = [&second](const store::Genesis&, const store::Digest&) -> store::Ledger& {
    return *second.ledger;
  };
  const auto report = second.run(store::import_file(std::move(setup)));
  ASSERT_TRUE(report.value);
  EXPECT_TRUE(report.value->refused.empty());
  EXPECT_EQ(report.value->fresh, 3u);
  EXPECT_EQ(bodies_of(second.all(false)), (std::vector<std::string>{"a", "", "c"}));
  EXPECT_EQ(second.ledger->tip_set().digest(), world.ledger->tip_set().digest());
  EXPECT_TRUE(second.verify().ok());
  EXPECT_NE(second.ledger->retaining().lacks_version(), 0u);
}

TEST_F(Retaining, AnOverlapFillsWhatIsHeld) {
  Forger same = other;
  ASSERT_TRUE(world.take(other.block, without_bodies(other.make({{at(1), "a"}}))).value);
  EXPECT_EQ(world.take(other.block, same.make({{at(1), "a"}, {at(2), "b"}})).value, 1u);
  EXPECT_EQ(shown(), (std::vector<std::string>{"a", "b"}));
  expect_whole();
}

TEST_F(Retaining, WhatWasRemovedDoesNotComeBackByItself) {
  const auto whole = other.make({{at(1), "a"}, {at(2), "b"}});
  ASSERT_TRUE(world.take(other.block, without_bodies(whole)).value);
  EXPECT_EQ(world.run(retaining().drop(held(0))).value, 0u);
  EXPECT_EQ(world.take(other.block, whole).value, 0u);
  EXPECT_EQ(shown(), (std::vector<std::string>{"", "b"}));
  world.reopen();
  EXPECT_EQ(world.take(other.block, whole).value, 0u);
  EXPECT_EQ(dropped(), 1u);
}

TEST_F(Retaining, NothingIsAskedForThatWouldGoAtOnce) {
  ASSERT_TRUE(world.append("note", "a").value);
  settle(60, 0);
  loop.run_for(3 * kMinuteUs);
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(world.run(retaining().want_all()).value, 0u);
  EXPECT_TRUE(world.run(retaining().want(held(0))).error->is(KITH_REFUSED));
  settle(0, 0);
  EXPECT_EQ(world.run(retaining().want_all()).value, 1u);
  EXPECT_EQ(fill(1, "a").value, 1u);
  expect_whole();
}

// What is read while bodies go and come is of one moment, and changes follow each other.
TEST_F(Retaining, ManyChangesAtOnce) {
  const auto whole = other.make({{at(1), "a"}, {at(2), "b"}, {at(3), "c"}});
  ASSERT_TRUE(world.take(other.block, without_bodies(whole)).value);
  const std::uint32_t lane = lacks().at(0).run.lane;
  const char* bodies[] = {"a", "b", "c"};
  std::vector<std::shared_ptr<Outcome<std::uint64_t>>> outcomes;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    store::FillBodies::Came came;
    came.emplace_back(seq, to_vector(as_bytes(std::string_view(bodies[seq - 1]))));
    outcomes.push_back(start(world.scope, retaining().fill(lane, std::move(came))));
  }
  outcomes.push_back(start(world.scope, retaining().drop(held(1))));
  for (const auto& outcome : outcomes) {
    EXPECT_TRUE(loop.run_until([&] { return outcome->is_over(); }, kWaitUs));
    EXPECT_TRUE(outcome->value);
  }
  EXPECT_EQ(shown(), (std::vector<std::string>{"a", "", "c"}));
  expect_whole();
}

TEST_F(Retaining, AStopWaitsForWhatIsBeingWritten) {
  for (int i = 0; i < 100; ++i) world.append("note", "text");
  const auto outcome = start(world.scope, retaining().drop_before(loop.wall_us() + kMinuteUs));
  loop.run_for(0);
  world.ledgers->retire();
  world.reopen();
  expect_whole();
}

std::uintmax_t size_of(const Folder& folder) {
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.store()))
    if (file.is_regular_file()) bytes += file.file_size();
  return bytes;
}

// What was dropped is given back by the disk: 24 MB, of which 1 MB stays.
TEST(RetainingOnDisk, GivesTheSpaceBack) {
  Folder folder;
  sim::VirtualLoop loop{1};
  std::shared_ptr<store::KeyValue> disk = store::open_rocks_store(folder.store()).value();
  LedgerWorld world(loop, {.store = disk});
  Random random(7);
  for (int i = 0; i < 240; ++i) {
    std::string body(100'000, ' ');
    for (char& letter : body) letter = static_cast<char>(random());
    ASSERT_TRUE(world.append("blob", body).value);
  }
  EXPECT_GT(size_of(folder), 20'000'000u);
  store::LedgerSettings settings;
  settings.retention.max_bytes = 1'000'000;
  world.ledger->settle(settings);
  loop.run_for(2 * kMinuteUs);
  EXPECT_LE(world.ledger->retaining().bytes(), 1'000'000u);
  const std::uintmax_t after = size_of(folder);
  RecordProperty("bytes_after", static_cast<int>(after));
  EXPECT_LT(after, 4'000'000u) << "logs go too";
  EXPECT_TRUE(world.verify().ok());
  world.close();
  disk.reset();
  world.setup.store.reset();
  loop.run_for(1);
  world.setup.store = store::open_rocks_store(folder.store()).value();
  world.open();
  EXPECT_TRUE(world.verify().ok());
  std::size_t held = 0;
  for (const store::Held& each : world.all(false)) held += each.body.size();
  EXPECT_EQ(held, world.ledger->retaining().bytes());
}

// The power goes at any step of the disk while bodies are dropped and their space is given back:
// each is there or dropped, and all entries are.
TEST(RetainingOnDisk, APowerCutLeavesEachRunWhole) {
  std::size_t cut = 0, dropped = 0;
  for (std::uint64_t step = 1; step <= 60; step += 3) {
    Random random(step);
    sim::VirtualLoop loop{step};
    auto disk = std::make_shared<FaultyDisk>();
    auto world = std::make_unique<LedgerWorld>(loop, LedgerWorld::Setup{1, disk->open().value()});
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(world->append("note", std::string(100, 'x')).value);
    const auto before = world->all(false);
    disk->cut_at(step, step % 2 == 0);
    store::LedgerSettings settings;
    settings.retention.max_bytes = 250;
    world->ledger->settle(settings);
    const auto outcome = start(world->scope, world->ledger->retaining().drop(before[5]));
    loop.run_for(3'000'000);
    disk->cut_now();
    cut += disk->has_failed() ? 1 : 0;
    world->close();
    world->setup.store.reset();
    loop.run_for(1);
    disk = disk->after_a_cut(random, FaultyDisk::Tear::prefix);
    auto opened = disk->open();
    ASSERT_TRUE(opened) << step << ": " << opened.error().message();
    world->setup.store = *std::move(opened);
    world->open();
    const auto after = world->all(false);
    ASSERT_EQ(after.size(), 6u);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      const bool is_dropped = (after[i].flags & KITH_ENTRY_DROPPED) != 0;
      EXPECT_EQ(after[i].id, before[i].id);
      EXPECT_EQ(after[i].body.size(), is_dropped ? 0u : 100u);
      bytes += after[i].body.size();
      dropped += is_dropped ? 1 : 0;
    }
    EXPECT_EQ(world->ledger->retaining().bytes(), bytes) << step;
    const store::Verdict verdict = world->verify();
    EXPECT_TRUE(verdict.ok()) << step << ": " << verdict.problems.front();
    if (outcome->value) {
      EXPECT_TRUE(after[5].flags & KITH_ENTRY_DROPPED) << "promised, and undone";
    }
  }
  EXPECT_GT(cut, 3u);
  EXPECT_GT(dropped, 20u);
}

}  // namespace
}  // namespace kith::test
