// SPDX-License-Identifier: MIT
#include "engine/store/committer.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/base/limits.h"
#include "engine/sim/virtual_loop.h"
#include "tests/support/captured_log.h"

namespace kith::store {
namespace {

using Lines = std::vector<std::string>;

// A memory store that writes down what it is asked, and fails when it is told to.
class Faulty final : public KeyValue {
 public:
  Result<std::optional<ByteVector>> get(Column column, Bytes key) const override {
    return kept_->get(column, key);
  }
  Result<void> commit(const Batch& batch, bool sync) override {
    asked.push_back((sync ? "sync " : "write ") + std::to_string(batch.writes().size()));
    if (fails) return Error(store_error::full, "no space");
    return kept_->commit(batch, sync);
  }
  Result<void> sync() override {
    asked.push_back("sync");
    if (fails) return Error(store_error::failed, "no disk");
    return {};
  }
  std::unique_ptr<Scan> scan(Column column) const override { return kept_->scan(column); }

  Lines asked;
  bool fails = false;

 private:
  std::unique_ptr<KeyValue> kept_ = make_memory_store();
};

Batch batch_of(std::string_view key, std::size_t bytes = 1) {
  Batch batch;
  batch.put(Column::meta, as_bytes(key), ByteVector(bytes));
  return batch;
}

// A loop whose writer may be made slow: its answers come when the test says, or it is full.
class SlowLoop final : public Loop {
 public:
  std::uint64_t now_us() const override { return inner.now_us(); }
  std::uint64_t wall_us() const override { return inner.wall_us(); }
  void random(MutableBytes to) override { inner.random(to); }
  void entropy(MutableBytes to) override { inner.entropy(to); }
  void start(Timer& timer, std::uint64_t us) override { inner.start(timer, us); }
  void post(kith_done done) override { inner.post(done); }
  std::unique_ptr<Watch> watch(int, kith_done) override { return nullptr; }
  std::unique_ptr<Lookup> resolve(const std::string&, kith_done) override { return nullptr; }
  bool offload(std::int64_t (*work)(void*), void* arg, kith_done done, Beside where) override {
    EXPECT_EQ(where, Beside::commit);
    ++offers;
    if (is_full) return false;
    if (!is_slow) return inner.offload(work, arg, done, where);
    EXPECT_FALSE(held.fn) << "two jobs at once";
    work(arg);
    held = done;
    return true;
  }
  void answer() {
    const kith_done done = std::exchange(held, {});
    done.fn(done.ctx, 0, nullptr);
  }

  sim::VirtualLoop inner{1};
  bool is_slow = false, is_full = false;
  int offers = 0;
  kith_done held{};
};

class CommitterTest : public testing::Test {
 protected:
  void make(Durability durability) {
    committer = std::make_unique<Committer>(loop, Log(log, "store"), faulty, durability);
  }
  // Writes "NAME kept r" and "NAME synced r" to `told`, in the order of the answers.
  void commit(const std::string& name, Batch batch) {
    committer->commit(std::move(batch), note(name + " kept"), note(name + " synced"));
  }
  void commit(const std::string& name) { commit(name, batch_of(name)); }
  struct Note {
    CommitterTest* test;
    std::string name;
  };
  kith_done note(std::string name) {
    notes.push_back(std::make_unique<Note>(Note{this, std::move(name)}));
    const auto tell = [](void* ctx, std::int64_t r, const void* result) {
      auto* at = static_cast<Note*>(ctx);
      at->test->told.push_back(at->name + (r == 0 ? "" : " " + std::to_string(r)));
      if (r < 0) at->test->why = to_string(*static_cast<const kith_bytes*>(result));
      if (at->test->on_told) at->test->on_told(at->name);
    };
    return {tell, notes.back().get()};
  }
  Lines take_told() { return std::exchange(told, {}); }

  SlowLoop loop;
  test::CapturedLog log;
  std::shared_ptr<Faulty> faulty = std::make_shared<Faulty>();
  std::vector<std::unique_ptr<Note>> notes;
  Lines told;
  std::string why;
  std::function<void(const std::string&)> on_told;
  std::unique_ptr<Committer> committer;  // last: it goes first
};

TEST_F(CommitterTest, SyncModeTellsBothAfterTheSync) {
  make(Durability::sync);
  EXPECT_TRUE(committer->idle());
  commit("a");
  EXPECT_FALSE(committer->idle());
  EXPECT_TRUE(told.empty()) << "told from inside of commit";
  loop.inner.run_for(1'000);
  EXPECT_EQ(told, (Lines{"a kept", "a synced"}));
  EXPECT_EQ(faulty->asked, Lines{"sync 1"});
  EXPECT_TRUE(committer->idle());
  EXPECT_TRUE(*committer->store().get(Column::meta, as_bytes("a")));
}

TEST_F(CommitterTest, NobodyNeedsToListen) {
  make(Durability::interval);
  committer->commit(batch_of("a"), {}, {});
  committer->commit(Batch(), {}, note("barrier"));
  loop.inner.run_for(1'000'000);
  EXPECT_EQ(told, Lines{"barrier"});
  EXPECT_TRUE(committer->idle());
}

TEST_F(CommitterTest, WhatWaitsGoesOutTogether) {
  make(Durability::sync);
  loop.is_slow = true;
  for (const char* name : {"a", "b", "c"}) commit(name);
  EXPECT_EQ(faulty->asked, Lines{"sync 1"});
  loop.answer();
  EXPECT_EQ(take_told(), (Lines{"a kept", "a synced"}));
  EXPECT_EQ(faulty->asked, (Lines{"sync 1", "sync 2"}));
  loop.answer();
  EXPECT_EQ(told, (Lines{"b kept", "b synced", "c kept", "c synced"}));
  EXPECT_TRUE(committer->idle());
}

TEST_F(CommitterTest, ABatchOfBatchesIsBounded) {
  make(Durability::sync);
  loop.is_slow = true;
  commit("first");
  const std::size_t third = limits::kCommitBatchMax / 3;
  for (const char* name : {"a", "b", "c", "d"}) commit(name, batch_of(name, third));
  commit("large", batch_of("large", limits::kCommitBatchMax + 1));
  commit("last");
  for (int i = 0; i < 5; ++i) loop.answer();
  EXPECT_EQ(faulty->asked, (Lines{"sync 1", "sync 2", "sync 2", "sync 1", "sync 1"}));
  EXPECT_EQ(told.size(), 14u);
  EXPECT_TRUE(committer->idle());
}

TEST_F(CommitterTest, WhatIsCommittedByWhoIsToldGoesOutTogether) {
  make(Durability::sync);
  loop.is_slow = true;
  for (const char* name : {"a", "b", "c"}) commit(name);
  loop.answer();
  on_told = [this](const std::string& name) {
    if (name.ends_with(" kept")) commit("again", batch_of(name));
  };
  loop.answer();
  on_told = nullptr;
  EXPECT_EQ(faulty->asked, (Lines{"sync 1", "sync 2", "sync 2"}));
  loop.answer();
}

TEST_F(CommitterTest, IntervalModeKeepsFirstAndSyncsSoon) {
  make(Durability::interval);
  commit("a");
  loop.inner.run_for(1'000);
  commit("b");
  loop.inner.run_for(1'000);
  EXPECT_EQ(take_told(), (Lines{"a kept", "b kept"}));
  EXPECT_EQ(faulty->asked, (Lines{"write 1", "write 1"}));
  EXPECT_FALSE(committer->idle());
  loop.inner.run_for(limits::kSyncEveryMs * 1'000);
  EXPECT_EQ(told, (Lines{"a synced", "b synced"}));
  EXPECT_EQ(faulty->asked, (Lines{"write 1", "write 1", "sync"}));
  EXPECT_TRUE(committer->idle());
  loop.inner.run_for(1'000'000);
  EXPECT_EQ(faulty->asked.size(), 3u) << "synced what was synced";
}

TEST_F(CommitterTest, IntervalModeSyncsWhenNobodyListens) {
  make(Durability::interval);
  committer->commit(batch_of("a"), {}, {});
  loop.inner.run_for(1'000'000);
  EXPECT_EQ(faulty->asked, (Lines{"write 1", "sync"}));
}

TEST_F(CommitterTest, ASyncThatIsDueComesBeforeWhatWaits) {
  make(Durability::interval);
  commit("a");
  loop.inner.run_for(1'000);
  loop.is_slow = true;
  commit("b", batch_of("b", 100'000));
  commit("c");
  loop.inner.run_for(limits::kSyncEveryMs * 1'000);
  loop.answer();
  loop.answer();
  EXPECT_EQ(faulty->asked, (Lines{"write 1", "write 1", "sync", "write 1"}));
  EXPECT_EQ(take_told(), (Lines{"a kept", "b kept", "a synced", "b synced"}));
  loop.inner.run_for(1'000);
  EXPECT_EQ(take_told(), Lines{"c kept"});
  loop.is_slow = false;
  loop.inner.run_for(limits::kSyncEveryMs * 1'000);
  EXPECT_EQ(told, Lines{"c synced"});
}

// No thread is asked, and nobody is told from inside of commit().
TEST_F(CommitterTest, ASmallWriteWithoutASyncIsDoneHere) {
  make(Durability::interval);
  commit("a");
  EXPECT_EQ(faulty->asked, Lines{"write 1"});
  EXPECT_EQ(loop.offers, 0);
  EXPECT_TRUE(told.empty());
  commit("large", batch_of("large", 100'000));
  loop.inner.run_for(1'000);
  EXPECT_EQ(take_told(), (Lines{"a kept", "large kept"}));
  EXPECT_EQ(loop.offers, 1);
  commit("ends");
  committer.reset();
  loop.inner.run_for(1'000);
  EXPECT_TRUE(told.empty());
}

TEST_F(CommitterTest, AFailureEndsEverythingAfterIt) {
  make(Durability::sync);
  commit("a");
  loop.inner.run_for(1'000);
  take_told();
  faulty->fails = true;
  loop.is_slow = true;
  for (const char* name : {"b", "c", "d"}) commit(name);
  loop.answer();
  EXPECT_EQ(take_told(), (Lines{"b kept -9", "b synced -9", "c kept -9", "c synced -9", "d kept -9",
                                "d synced -9"}));
  EXPECT_EQ(why,
            "the disk is full: no space; nothing is kept any more until the node is started again");
  faulty->fails = false;
  commit("e");
  EXPECT_TRUE(told.empty());
  EXPECT_FALSE(committer->idle());
  loop.inner.run_for(1'000);
  EXPECT_EQ(told, (Lines{"e kept -9", "e synced -9"}));
  EXPECT_EQ(faulty->asked, (Lines{"sync 1", "sync 1"}));
  EXPECT_TRUE(committer->idle());
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0].level, LogLevel::error);
}

TEST_F(CommitterTest, AFailureReachesWhatWasKeptAndNotSynced) {
  make(Durability::interval);
  commit("a");
  loop.inner.run_for(1'000);
  faulty->fails = true;
  commit("b");
  loop.inner.run_for(1'000);
  EXPECT_EQ(told, (Lines{"a kept", "a synced -9", "b kept -9", "b synced -9"}));
  loop.inner.run_for(1'000'000);
  EXPECT_EQ(faulty->asked, (Lines{"write 1", "write 1"}));
  EXPECT_TRUE(committer->idle());
}

TEST_F(CommitterTest, ASyncThatFailsIsAFailure) {
  make(Durability::interval);
  commit("a");
  loop.inner.run_for(1'000);
  faulty->fails = true;
  loop.inner.run_for(limits::kSyncEveryMs * 1'000);
  commit("b");
  loop.inner.run_for(1'000);
  EXPECT_EQ(told, (Lines{"a kept", "a synced -9", "b kept -9", "b synced -9"}));
  EXPECT_EQ(why,
            "the store failed: no disk; nothing is kept any more until the node is started again");
}

TEST_F(CommitterTest, TheQueueIsBounded) {
  make(Durability::sync);
  loop.is_slow = true;
  commit("first");
  commit("much", batch_of("much", limits::kCommitQueueMax));
  commit("more");
  EXPECT_TRUE(told.empty()) << "told from inside of commit";
  loop.inner.run_for(1'000);
  EXPECT_EQ(take_told(), (Lines{"more kept -6", "more synced -6"}));
  EXPECT_NE(why, "");
  loop.answer();
  commit("after");
  loop.answer();
  loop.answer();
  EXPECT_EQ(told, (Lines{"first kept", "first synced", "much kept", "much synced", "after kept",
                         "after synced"}));
}

TEST_F(CommitterTest, EmptyCommitsAreBoundedToo) {
  make(Durability::sync);
  loop.is_slow = true;
  std::size_t commits = 0;
  while (told.empty() && commits < limits::kCommitQueueMax) {
    for (int i = 0; i < 1'000; ++i, ++commits) committer->commit(Batch(), {}, {});
    Batch erasing;
    erasing.erase(Column::meta, as_bytes("a"));
    committer->commit(std::move(erasing), {}, note("refused"));
    loop.inner.run_for(1);
  }
  EXPECT_EQ(told, Lines{"refused -6"}) << commits;
  while (!committer->idle()) loop.answer();
}

TEST_F(CommitterTest, AFullWriterIsAskedAgain) {
  make(Durability::sync);
  loop.is_full = true;
  commit("a");
  commit("b");
  loop.inner.run_for(100'000);
  EXPECT_GT(loop.offers, 2);
  EXPECT_TRUE(told.empty());
  EXPECT_FALSE(committer->idle());
  loop.is_full = false;
  loop.inner.run_for(100'000);
  EXPECT_EQ(told, (Lines{"a kept", "a synced", "b kept", "b synced"}));
}

TEST_F(CommitterTest, EndsWhileAFullWriterIsAskedAgain) {
  make(Durability::sync);
  loop.is_full = true;
  commit("a");
  committer.reset();
  loop.inner.run_for(100'000);
  EXPECT_TRUE(told.empty());
}

TEST_F(CommitterTest, EndsWithAJobUnderWay) {
  make(Durability::sync);
  loop.is_slow = true;
  commit("a");
  commit("b");
  committer.reset();
  std::weak_ptr<Faulty> weak = faulty;
  loop.answer();
  loop.inner.run_for(1'000);
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(*faulty->get(Column::meta, as_bytes("a")));
  EXPECT_FALSE(*faulty->get(Column::meta, as_bytes("b"))) << "what waits is dropped";
  faulty.reset();
  EXPECT_TRUE(weak.expired()) << "the job kept the store";
}

TEST_F(CommitterTest, MayBeEndedByWhoIsTold) {
  for (const auto durability : {Durability::sync, Durability::interval}) {
    make(durability);
    commit("a");
    commit("b");
    on_told = [this](const std::string&) { committer.reset(); };
    loop.inner.run_for(1'000'000);
    EXPECT_EQ(take_told(), Lines{"a kept"});
  }
}

TEST_F(CommitterTest, MayBeEndedByWhoIsRefused) {
  make(Durability::sync);
  faulty->fails = true;
  commit("a");
  loop.inner.run_for(1'000);
  take_told();
  commit("b");
  commit("c");
  on_told = [this](const std::string&) { committer.reset(); };
  loop.inner.run_for(1'000);
  EXPECT_EQ(told, Lines{"b kept -9"});
}

}  // namespace
}  // namespace kith::store
