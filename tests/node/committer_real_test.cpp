// SPDX-License-Identifier: MIT
// The committer over RocksDB on a real loop, with its thread and its disk.
#include <gtest/gtest.h>

#include "engine/store/committer.h"
#include "tests/store/folder.h"
#include "tests/support/captured_log.h"
#include "tests/support/done.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

// Counts its answers; a commit is made in answer to each until `of` were made.
struct Chain {
  store::Committer* committer = nullptr;
  int of = 0, made = 0, kept = 0, synced = 0, failed = 0;
  void commit() {
    store::Batch batch;
    batch.put(store::Column::meta, as_bytes(std::to_string(made++)), ByteVector(100));
    committer->commit(std::move(batch), {&Chain::on_kept, this}, {&Chain::on_synced, this});
  }
  static void on_kept(void* ctx, std::int64_t r, const void*) {
    auto* chain = static_cast<Chain*>(ctx);
    ++(r == 0 ? chain->kept : chain->failed);
    if (chain->made < chain->of) chain->commit();
  }
  static void on_synced(void* ctx, std::int64_t r, const void*) {
    auto* chain = static_cast<Chain*>(ctx);
    ++(r == 0 ? chain->synced : chain->failed);
    EXPECT_LE(chain->synced, chain->kept);
  }
};

class CommitterReal : public testing::TestWithParam<store::Durability> {};

TEST_P(CommitterReal, AnswersEveryCommit) {
  Folder folder;
  CapturedLog log;
  node::RealLoop loop;
  RealRun run(loop);
  auto opened = store::open_rocks_store(folder.store());
  ASSERT_TRUE(opened) << opened.error().message();
  std::shared_ptr<store::KeyValue> kept = *std::move(opened);
  {
    store::Committer committer(loop, Log(log, "store"), kept, GetParam());
    Chain chain{.committer = &committer, .of = 300};
    for (int i = 0; i < 100; ++i) chain.commit();
    EXPECT_TRUE(run.until([&] { return chain.synced == 300 && committer.idle(); }));
    EXPECT_EQ(chain.kept, 300);
    EXPECT_EQ(chain.failed, 0);
  }
  int found = 0;
  for (int i = 0; i < 300; ++i) {
    const auto value = kept->get(store::Column::meta, as_bytes(std::to_string(i)));
    if (value && *value) ++found;
  }
  EXPECT_EQ(found, 300);
  EXPECT_TRUE(log.lines.empty());
}

// The answer comes when its Committer is gone.
TEST_P(CommitterReal, EndsWithAJobUnderWay) {
  CapturedLog log;
  node::RealLoop loop;
  RealRun run(loop);
  std::shared_ptr<store::KeyValue> kept = store::make_memory_store();
  Chain chain;
  {
    store::Committer committer(loop, Log(log, "store"), kept, GetParam());
    chain.committer = &committer;
    for (int i = 0; i < 10; ++i) chain.commit();
  }
  bool is_answered = false;  // the writer works in order, so the Committer's was answered before
  auto answered = [&] { is_answered = true; };
  const auto nothing = [](void*) -> std::int64_t { return 0; };
  ASSERT_TRUE(loop.offload(nothing, nullptr, done_of(answered), Loop::Beside::commit));
  EXPECT_TRUE(run.until([&] { return is_answered; }));
  EXPECT_EQ(chain.kept + chain.failed, 0);
  EXPECT_EQ(kept.use_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(, CommitterReal,
                         testing::Values(store::Durability::sync, store::Durability::interval),
                         [](const auto& info) {
                           return info.param == store::Durability::sync ? "Sync" : "Interval";
                         });

}  // namespace
}  // namespace kith::test
