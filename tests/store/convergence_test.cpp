// SPDX-License-Identifier: MIT
// Nodes that hold the same blocks show the same: whatever the order in which they came, with copied
// stores that fork their own feeds, clocks that differ, duplicates and meetings that break off.
#include "tests/store/ledger_exchange.h"

namespace kith::test {
namespace {

constexpr int kSeeds = 200;

std::shared_ptr<store::KeyValue> copy_of(const store::KeyValue& store) {
  std::shared_ptr<store::KeyValue> made = store::make_memory_store();
  store::Batch batch;
  for (std::size_t i = 0; i < store::kColumns; ++i) {
    const auto column = static_cast<store::Column>(i);
    const auto scan = store.scan(column);
    for (scan->seek({}); scan->valid(); scan->next())
      batch.put(column, scan->key(), to_vector(scan->value()));
  }
  made->commit(batch, true).value();
  return made;
}

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(seed), loop_(seed) {
    const std::size_t n = 4 + below(random_, 2);
    for (std::size_t i = 0; i < n; ++i)
      add({static_cast<std::uint8_t>(i + 1), store::make_memory_store(), "here"});
    forger_.emplace(100, worlds_[0]->ledger->id());
  }
  void run() {
    const std::size_t steps = 20 + below(random_, 30);
    for (std::size_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      loop_.run_for(below(random_, 3) == 0 ? 0 : below(random_, 20'000'000));
    }
    for (const auto& world : worlds_) expect_as_oracle(*world);
    exchange_all(worlds_, random_);
    for (const auto& world : worlds_) judge(*world);
    LedgerWorld& any = *worlds_[below(random_, worlds_.size())];
    any.reopen();
    judge(any);
  }

 private:
  void add(LedgerWorld::Setup setup) {
    setup.durability =
        below(random_, 2) == 0 ? store::Durability::sync : store::Durability::interval;
    worlds_.push_back(std::make_unique<LedgerWorld>(loop_, std::move(setup)));
  }
  LedgerWorld& any() { return *worlds_[below(random_, worlds_.size())]; }
  void step() {
    LedgerWorld& world = any();
    switch (below(random_, 8)) {
      case 0:
      case 1: {
        const std::size_t n = 1 + below(random_, 5);
        for (std::size_t i = 0; i < n; ++i)
          start(world.scope, world.ledger->append({"note", {static_cast<std::uint8_t>(i)}}));
        if (below(random_, 2) == 0) world.settle();
        break;
      }
      case 2: copy(world); break;
      case 3: forge(world); break;
      case 4: world.reopen(); break;
      default:
        if (LedgerWorld& to = any(); &to != &world) give(world, to, random_, {false, 6});
    }
  }
  // The store as it is, in another place of the same name: what a person does who copies a disk.
  void copy(LedgerWorld& world) {
    if (worlds_.size() >= 7) return;
    world.settle();
    add({world.setup.author, copy_of(*world.setup.store), "here"});
  }
  // An author who writes what he likes: branches anywhere, times ahead of the clock, equal ones.
  void forge(LedgerWorld& world) {
    if (below(random_, 2) == 0 && !places_.empty()) {
      const auto& [seq, id] = places_[below(random_, places_.size())];
      forger_->back_to(seq, id);
    }
    const std::uint64_t now_us = loop_.wall_us();
    std::vector<std::pair<std::uint64_t, std::string>> entries;
    std::uint64_t time_us = now_us + below(random_, 2) * 100'000'000;
    time_us = std::max(time_us, last_us_ + 1);
    for (std::size_t i = 0; i <= below(random_, 4); ++i)
      entries.emplace_back(time_us++, std::to_string(below(random_, 2)));
    last_us_ = time_us;
    const auto before = std::pair(forger_->seq, forger_->prev);
    places_.push_back(before);
    const auto run = forger_->make(entries);
    for (std::size_t i = 0; i < entries.size(); ++i)
      places_.emplace_back(before.first + i + 1, forger_->ids[i]);
    const auto taken = world.take(forger_->block, run);
    if (taken.error) {
      EXPECT_TRUE(taken.error->is(store::ledger_error::gap)) << taken.error->message();
    }
  }
  void judge(LedgerWorld& world) {
    LedgerWorld& first = *worlds_[0];
    EXPECT_TRUE(world.ledger->tips() == first.ledger->tips());
    EXPECT_TRUE(ids(world) == ids(first));
    expect_as_oracle(world);
    const auto verdict = world.verify();
    EXPECT_TRUE(verdict.ok()) << verdict.problems[0];
    EXPECT_EQ(verdict.entries, world.ledger->entries());
  }
  static std::vector<store::Digest> ids(LedgerWorld& world) {
    std::vector<store::Digest> made;
    for (const store::Held& held : world.all(true)) made.push_back(held.id);
    return made;
  }

  Random random_;
  sim::VirtualLoop loop_;
  std::vector<std::unique_ptr<LedgerWorld>> worlds_;
  std::optional<Forger> forger_;
  std::vector<std::pair<std::uint64_t, store::Digest>> places_;
  std::uint64_t last_us_ = 0;
};

TEST(Convergence, WhoHoldsTheSameShowsTheSame) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Play play(seed);
    play.run();
  }
}

}  // namespace
}  // namespace kith::test
