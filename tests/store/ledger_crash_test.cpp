// SPDX-License-Identifier: MIT
// Power cuts: what was acknowledged in sync mode is there afterwards, and what left the node is, in
// any mode, so that its own feed never forks.
#include "tests/store/ledger_exchange.h"

namespace kith::test {
namespace {

// Keeps what was synced, and loses the rest when the power goes.
class LossyStore final : public store::KeyValue {
 public:
  Result<std::optional<ByteVector>> get(store::Column column, Bytes key) const override {
    return live_->get(column, key);
  }
  Result<void> commit(const store::Batch& batch, bool sync) override {
    unsynced_.push_back(batch);
    const auto done = live_->commit(batch, false);
    return sync ? this->sync() : done;
  }
  Result<void> sync() override {
    for (const store::Batch& batch : unsynced_) durable_->commit(batch, true).value();
    unsynced_.clear();
    return {};
  }
  std::unique_ptr<store::Scan> scan(store::Column column) const override {
    return live_->scan(column);
  }
  std::size_t unsynced() const { return unsynced_.size(); }
  // What another start finds.
  std::shared_ptr<store::KeyValue> after_a_cut() const {
    auto made = std::make_shared<LossyStore>();
    store::Batch batch;
    for (std::size_t i = 0; i < store::kColumns; ++i) {
      const auto column = static_cast<store::Column>(i);
      const auto scan = durable_->scan(column);
      for (scan->seek({}); scan->valid(); scan->next())
        batch.put(column, scan->key(), to_vector(scan->value()));
    }
    made->commit(batch, true).value();
    return made;
  }

 private:
  std::unique_ptr<store::KeyValue> live_ = store::make_memory_store();
  std::unique_ptr<store::KeyValue> durable_ = store::make_memory_store();
  std::vector<store::Batch> unsynced_;
};

class LedgerCrash : public testing::TestWithParam<store::Durability> {
 protected:
  void play(std::uint64_t seed) {
    Random random(seed);
    sim::VirtualLoop loop(seed);
    std::vector<std::unique_ptr<LedgerWorld>> worlds;
    worlds.push_back(std::make_unique<LedgerWorld>(
        loop, LedgerWorld::Setup{1, std::make_shared<LossyStore>(), "here", GetParam()}));
    worlds.push_back(std::make_unique<LedgerWorld>(loop, LedgerWorld::Setup{2}));
    LedgerWorld& node = *worlds[0];
    std::vector<std::shared_ptr<Outcome<store::Appended>>> outcomes;
    for (int cuts = 0; cuts < 6; ++cuts) {
      for (std::size_t steps = below(random, 12); steps > 0; --steps) {
        if (below(random, 3) == 0) give(node, *worlds[1], random, {false, 4});
        if (below(random, 5) == 0) give(*worlds[1], node, random, {false, 4});
        outcomes.push_back(start(node.scope, node.ledger->append({"note", {}})));
        if (below(random, 2) == 0) loop.run_for(below(random, 80'000));
      }
      lost_ += cut(node);
      if (GetParam() == store::Durability::sync) expect_kept(node, outcomes);
    }
    exchange_all(worlds, random);
    for (const auto& world : worlds) {
      EXPECT_TRUE(world->told.forks.empty());
      EXPECT_EQ(world->ledger->feeds(), world->ledger->tips().size());
      EXPECT_TRUE(world->verify().ok());
    }
    EXPECT_LE(worlds[0]->ledger->feeds(), 1u) << "it left its feed without need";
  }
  static std::size_t cut(LedgerWorld& node) {
    const auto& store = static_cast<const LossyStore&>(*node.setup.store);
    const std::size_t lost = store.unsynced();
    const auto left = store.after_a_cut();
    node.close();
    node.loop.run_for(1);
    node.setup.store = left;
    node.open();
    return lost;
  }
  static void expect_kept(LedgerWorld& node,
                          const std::vector<std::shared_ptr<Outcome<store::Appended>>>& outcomes) {
    std::set<store::Digest> held;
    for (const store::Held& each : node.all(false)) held.insert(each.id);
    for (const auto& outcome : outcomes) {
      const bool is_lost = outcome->value && !held.contains(outcome->value->id);
      EXPECT_FALSE(is_lost) << "acknowledged, lost";
    }
  }
  std::size_t lost_ = 0;
};

TEST_P(LedgerCrash, NothingThatLeftOrWasPromisedIsLost) {
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    play(seed);
  }
  EXPECT_EQ(lost_ > 0, GetParam() == store::Durability::interval);
}

INSTANTIATE_TEST_SUITE_P(Modes, LedgerCrash,
                         testing::Values(store::Durability::sync, store::Durability::interval),
                         [](const auto& mode) {
                           return mode.param == store::Durability::sync ? "sync" : "interval";
                         });

// A store that fails once: nothing after it is promised.
class FailingStore final : public store::KeyValue {
 public:
  Result<std::optional<ByteVector>> get(store::Column column, Bytes key) const override {
    return held_->get(column, key);
  }
  Result<void> commit(const store::Batch& batch, bool sync) override {
    if (fails) return Error(store::store_error::full, "no space");
    return held_->commit(batch, sync);
  }
  Result<void> sync() override { return held_->sync(); }
  std::unique_ptr<store::Scan> scan(store::Column column) const override {
    return held_->scan(column);
  }
  bool fails = false;

 private:
  std::unique_ptr<store::KeyValue> held_ = store::make_memory_store();
};

TEST(LedgerFailure, AFullDiskIsSaidToAllThatWait) {
  sim::VirtualLoop loop(1);
  const auto store = std::make_shared<FailingStore>();
  LedgerWorld world(loop, {1, store});
  const auto kept = world.append("note", "kept");
  ASSERT_TRUE(kept.value);
  store->fails = true;
  std::vector<std::shared_ptr<Outcome<store::Appended>>> outcomes;
  for (int i = 0; i < 600; ++i)
    outcomes.push_back(start(world.scope, world.ledger->append({"note", {}})));
  Forger other(7, world.ledger->id());
  EXPECT_TRUE(world.take(other.block, other.make({{loop.wall_us(), "x"}})).error->is(KITH_IO));
  world.settle();
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome->error);
    EXPECT_NE(outcome->error->message().find("no space"), std::string::npos);
  }
  EXPECT_EQ(world.ledger->entries(), 1u);
  EXPECT_EQ(world.ledger->tips().at(0).entry, kept.value->id);
  store->fails = false;
  EXPECT_TRUE(world.append("note", "later").error) << "what the disk holds is not known";
  EXPECT_EQ(world.told.runs.size(), 1u);
  world.reopen();
  EXPECT_EQ(world.append("note", "again").value->seq, 2u);
}

}  // namespace
}  // namespace kith::test
