// SPDX-License-Identifier: MIT
// `doctor`: each check as it is well and as it is not, alone and as the command of a node.
#include "engine/node/doctor.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "engine/base/limits.h"
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_message.h"
#include "tests/node/play_runner.h"

namespace kith::test {
namespace {

using node::Check;

constexpr std::uint64_t kSecond = 1'000'000, kHour = 3'600 * kSecond;

struct HomeFolder : testing::Test {
  void SetUp() override {
    std::string form = (std::filesystem::temp_directory_path() / "kith-doctor-XXXXXX").string();
    ASSERT_NE(::mkdtemp(form.data()), nullptr);
    folder = form;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string folder;
};

TEST_F(HomeFolder, AHomeThatIsNotThereYetIsWell) {
  const std::string home = folder + "/a/b";
  EXPECT_TRUE(node::check_home(home).ok);
  EXPECT_NE(node::check_disk(home).detail.find("free"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder + "/a")) << "a look makes nothing";
  EXPECT_TRUE(node::check_home(folder).ok) << "no key yet";
}

TEST_F(HomeFolder, WhatOthersHaveAccessToIsNamedWithTheCure) {
  const std::string key = folder + "/identity.key";
  std::ofstream(key) << "secret";
  ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
  const Check open = node::check_home(folder);
  EXPECT_FALSE(open.ok);
  EXPECT_EQ(open.next, "chmod 600 " + key);
  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  EXPECT_TRUE(node::check_home(folder).ok);
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  EXPECT_TRUE(node::check_home(folder).ok) << "its key is not open";
  ASSERT_EQ(::chmod(folder.c_str(), 0770), 0);
  EXPECT_EQ(node::check_home(folder).next, "chmod 700 " + folder);
}

TEST(Doctor, SpaceUnderOneGiBOrATwentiethIsLittle) {
  constexpr std::uint64_t kGiB = 1ull << 30;
  EXPECT_TRUE(node::judge_space(kGiB, 20 * kGiB).ok);
  EXPECT_FALSE(node::judge_space(kGiB - 1, 2 * kGiB).ok);
  EXPECT_FALSE(node::judge_space(4 * kGiB, 100 * kGiB).ok);
  const Check full = node::judge_space(0, 100 * kGiB);
  EXPECT_EQ(full.detail, "0 MiB of 100.0 GiB free where the home is");
  EXPECT_NE(full.next, "");
}

TEST(Doctor, FilesForAllConnections) {
  EXPECT_TRUE(node::judge_files(1'048'576, limits::kConnectionsMax).ok);
  const Check few = node::judge_files(1'024, 4'096);
  EXPECT_FALSE(few.ok);
  EXPECT_NE(few.next.find("connections = 448"), std::string::npos) << few.next;
  EXPECT_TRUE(node::judge_files(1'024, 448).ok) << "what it advises is enough";
  EXPECT_FALSE(node::judge_files(1'024, 449).ok);
  EXPECT_FALSE(node::judge_files(8, 1).ok);
}

TEST(Doctor, OneThatIsNotWellMakesTheWholeSo) {
  const Check well{"a", true, "good", ""}, unwell{"b", false, "bad", "mend it"};
  EXPECT_TRUE(node::doctor_body({well}).boolean_or("ok", false));
  const wire::Value body = node::doctor_body({well, unwell});
  EXPECT_FALSE(body.boolean_or("ok", true));
  ASSERT_EQ(body.find("checks")->list()->size(), 2u);
  EXPECT_EQ(body.find("checks")->list()->at(1).string_or("next"), "mend it");
}

// ---- of a node

struct DoctorTest : AppsTest {
  Check check(node::Node& of, std::string_view name) {
    const auto body = play.call(of, "doctor", {});
    EXPECT_TRUE(body) << body.error().message();
    for (const wire::Value& row : *body->find("checks")->list()) {
      if (row.string_or("check") != name) continue;
      Check made{row.string_or("check"), row.boolean_or("ok", false), row.string_or("detail"),
                 row.string_or("next")};
      EXPECT_EQ(made.next.empty(), made.ok) << name;
      EXPECT_TRUE(made.ok || !body->boolean_or("ok", true)) << name;
      return made;
    }
    ADD_FAILURE() << "no check " << name;
    return {};
  }
  // One that keeps "notes", in a store.
  static Play::Role keeper(std::shared_ptr<store::KeyValue> kept) {
    return {.routes = false, .ledgers = {"notes"}, .store = std::move(kept)};
  }
  static Task<void> append(store::Ledger& ledger) {
    store::NewEntry entry{"note", to_vector(as_bytes("text"))};
    co_await ledger.append(std::move(entry));
  }
  static std::shared_ptr<store::KeyValue> copy_of(const store::KeyValue& kept) {
    std::shared_ptr<store::KeyValue> made = store::make_memory_store();
    store::Batch all;
    for (std::size_t at = 0; at < store::kColumns; ++at) {
      const auto column = static_cast<store::Column>(at);
      const auto scan = kept.scan(column);
      for (scan->seek({}); scan->valid(); scan->next())
        all.put(column, scan->key(), to_vector(scan->value()));
    }
    made->commit(all, true).value();
    return made;
  }
  // Hello of a peer whose clock is another, on a stream of its own.
  static Task<void> greet(node::Node& from, node::Node& to, std::int64_t ahead_s) {
    std::vector<std::string> protocols{"/kith/sync/1"};
    const wire::PeerId peer = to.setup().identity.peer_id();
    Pipe stream = co_await from.swarm().open(peer, std::move(protocols), 5'000);
    protocols::SyncHello hello;
    hello.ledger = to.ledgers().all().front()->id();
    hello.now_us = from.loop().wall_us() + static_cast<std::uint64_t>(ahead_s * 1'000'000);
    ByteVector line = protocols::encode(protocols::SyncRequest(hello));
    co_await protocols::write_line(stream, std::move(line));
    const ByteVector answer = co_await protocols::read_line(stream, limits::kSyncLineMax);
    EXPECT_FALSE(answer.empty());
  }
};

TEST_F(DoctorTest, PeersAndAddresses) {
  wire::Value nowhere;
  nowhere["listen"] = wire::Value::List();
  node::Node& lone = play.add(Play::Role{.options = {{"memory", nowhere}}});
  EXPECT_NE(check(lone, "addresses").next.find("listen = "), std::string::npos);
  EXPECT_NE(check(lone, "peers").next.find("kith connect"), std::string::npos);
  node::Node& other = play.add();
  EXPECT_TRUE(check(other, "addresses").ok);
  play.connect(lone, other);
  EXPECT_EQ(check(lone, "peers").detail, "1 connected");
  EXPECT_TRUE(check(lone, "clock").ok) << "nobody told another time";
}

TEST_F(DoctorTest, AnAppThatFailedIsNamed) {
  load_now("one", "ok.play");
  EXPECT_TRUE(check(node, "apps").ok);
  load_now("two", "bad.play");
  const Check apps = check(node, "apps");
  EXPECT_EQ(apps.detail, "two failed: bad.play:3: boom");
  EXPECT_EQ(apps.next, "kith app logs two; once it is mended, kith app reload two");
}

TEST_F(DoctorTest, AClockThatIsOffIsTheEventOnceAndTheCheckWhileItIs) {
  node::Node& anna = play.add(keeper(nullptr));
  std::vector<wire::Value> told;
  const bus::Owner owner{"test", false};
  anna.bus().on(owner, "ledger/clock", 0, 0, [&told](const kith_event& event) {
    told.push_back(wire::decode_body(view(event.body)).value());
    return KITH_PASS;
  });
  node::Node& bert = play.add(Play::Role{.routes = false});
  play.connect(bert, anna);
  play.loop.run_for(kSecond);
  for (int i = 0; i < 3; ++i) play.run_task(greet(bert, anna, 7'200));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].string_or("clock"), "behind");
  EXPECT_NEAR(*told[0].find("offset_s")->number(), 7'200.0, 1.0);
  EXPECT_EQ(told[0].integer_or("peers", 0), 1);
  EXPECT_NE(told[0].string_or("advice").find("only one peer"), std::string::npos);
  EXPECT_NE(check(anna, "clock").detail.find("2.0 h behind"), std::string::npos);
  play.run_task(append(*anna.ledgers().find("notes")));  // goes on
  play.loop.run_for(60 * kSecond);
  play.run_task(greet(bert, anna, 1));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].string_or("clock"), "right");
  EXPECT_EQ(told[1].string_or("advice"), "");
  EXPECT_TRUE(check(anna, "clock").ok);
}

// The store was written by this node when its clock was days ahead.
TEST_F(DoctorTest, AClockThatForbidsToAppend) {
  const std::shared_ptr<store::KeyValue> kept = store::make_memory_store();
  const crypto::Key32 key{7};
  {
    Play later(2);
    later.loop.run_for(72 * kHour);
    Play::Role role = keeper(kept);
    role.key = key;
    node::Node& ahead = later.add(role);
    later.run_task(append(*ahead.ledgers().find("notes")));
  }
  Play::Role role = keeper(kept);
  role.key = key;
  node::Node& now = play.add(role);
  const std::string why = play.outcome(append(*now.ledgers().find("notes")));
  EXPECT_NE(why.find("clock is over a day before the newest entry"), std::string::npos) << why;
  EXPECT_NE(check(now, "clock").detail.find("clock is over a day before"), std::string::npos);
  EXPECT_NE(check(now, "ledgers").detail.find("1 feeds wait"), std::string::npos);
  play.loop.run_for(48 * kHour + kHour);
  EXPECT_TRUE(check(now, "clock").ok);
}

// A home was copied, and both have written since.
TEST_F(DoctorTest, AnotherThatWritesWithThisKey) {
  const std::shared_ptr<store::KeyValue> kept = store::make_memory_store();
  Play::Role role = keeper(kept);
  role.key = crypto::Key32{7};
  node::Node& anna = play.add(role);
  const std::size_t first = play.nodes.size() - 1;
  play.run_task(append(*anna.ledgers().find("notes")));
  role.store = copy_of(*kept);
  play.run_task(append(*anna.ledgers().find("notes")));
  node::Node& bert = play.add(keeper(nullptr));
  play.connect(bert, anna);
  play.loop.run_for(kSecond);
  EXPECT_TRUE(check(anna, "ledgers").ok);
  play.stop(play.nodes[first]);
  node::Node& copy = play.add(role);
  play.run_task(append(*copy.ledgers().find("notes")));
  play.connect(bert, copy);
  play.loop.run_for(30 * kSecond);
  EXPECT_NE(check(copy, "ledgers").next.find("stop it there"), std::string::npos);
  EXPECT_TRUE(check(bert, "ledgers").ok) << "it is another's";
  play.stop(play.nodes[first + 1]);
  play.loop.run_for(8 * 24 * kHour);
  EXPECT_TRUE(check(copy, "ledgers").ok) << "nobody has for a week";
}

struct FailingStore final : store::KeyValue {
  Result<std::optional<ByteVector>> get(store::Column column, Bytes key) const override {
    return under->get(column, key);
  }
  Result<void> commit(const store::Batch& batch, bool sync) override {
    if (is_full) return Error(KITH_IO, "no space left on device");
    return under->commit(batch, sync);
  }
  Result<void> sync() override { return under->sync(); }
  std::unique_ptr<store::Scan> scan(store::Column column) const override {
    return under->scan(column);
  }
  std::unique_ptr<store::KeyValue> under = store::make_memory_store();
  bool is_full = false;
};

TEST_F(DoctorTest, AStoreThatFailed) {
  const auto disk = std::make_shared<FailingStore>();
  node::Node& anna = play.add(keeper(disk));
  EXPECT_EQ(check(anna, "store").detail, "what is answered is on disk");
  EXPECT_EQ(check(anna, "ledgers").detail, "1 open");
  disk->is_full = true;
  EXPECT_NE(play.outcome(append(*anna.ledgers().find("notes"))), "");
  EXPECT_NE(check(anna, "store").detail.find("no space left on device"), std::string::npos);
}

}  // namespace
}  // namespace kith::test
