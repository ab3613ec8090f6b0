// SPDX-License-Identifier: MIT
// Power cuts and failing writes below RocksDB: at any step of the disk, also while it opens, with
// what was not synced dropped or torn. What was promised is there, the store opens, and the own
// feed never forks. KITH_TEST_SCENES: how many seeds, for a long run.
#include <cstdlib>

#include "tests/store/faulty_disk.h"
#include "tests/store/ledger_exchange.h"

namespace kith::test {
namespace {

constexpr std::uint64_t kScenes = 3;
constexpr int kCutsOfAScene = 12;

std::uint64_t given(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::stoull(text) : otherwise;
}

// What a scene adds up.
struct Tally {
  std::size_t cuts = 0, while_opening = 0, torn = 0, appended = 0, promised = 0, told = 0,
              refused = 0;
};

// A node on a disk that loses its power again and again, and a peer that has all that left it.
class CutScene {
 public:
  CutScene(std::uint64_t seed, store::Durability durability, FaultyDisk::Tear tear, Tally& tally)
      : random_(seed), loop_(seed), durability_(durability), tear_(tear), tally_(tally) {
    worlds_.push_back(nullptr);
    worlds_.push_back(std::make_unique<LedgerWorld>(loop_, LedgerWorld::Setup{2}));
    body_bytes_ = seed % 8 == 0 ? 200'000 : seed % 2 == 0 ? 3'000 : 40;
    start();
  }

  void play() {
    for (int cut = 0; cut < kCutsOfAScene && !testing::Test::HasFailure(); ++cut) {
      for (std::size_t acts = below(random_, 10); acts > 0; --acts) act();
      disk_->cut_now();
      lose_power();
    }
    end();
  }

 private:
  LedgerWorld& node() { return *worlds_[0]; }
  LedgerWorld& peer() { return *worlds_[1]; }

  void act() {
    switch (below(random_, 6)) {
      case 0: return static_cast<void>(peer().append("note", "of the peer"));
      case 1: return feed();
      case 2: loop_.run_for(below(random_, 80'000)); return;
      default: break;
    }
    for (std::size_t entries = 1 + below(random_, 4); entries > 0; --entries) {
      ByteVector body(below(random_, body_bytes_), static_cast<std::uint8_t>(random_()));
      outcomes_.push_back(
          test::start(node().scope, node().ledger->append({"note", std::move(body)})));
      ++tally_.appended;
    }
    if (below(random_, 3) > 0) loop_.run_for(below(random_, 2'000));
  }
  // A run of the peer's comes in.
  void feed() {
    const auto& lanes = peer().ledger->lanes().all();
    if (lanes.empty()) return;
    const store::Lane lane =
        std::next(lanes.begin(), static_cast<std::ptrdiff_t>(below(random_, lanes.size())))->second;
    auto loaded =
        peer().run(peer().ledger->load(lane.number, lane.first_seq + below(random_, lane.seq)));
    if (!loaded.value) return;
    const auto taken = node().take(lane.feed->opening_block, *std::move(loaded.value));
    if (!taken.error) return;
    EXPECT_TRUE(disk_->has_failed() || taken.error->is(store::ledger_error::gap))
        << taken.error->message();
  }

  void lose_power() {
    ++tally_.cuts;
    tally_.torn += disk_->unsynced_bytes();
    give(node(), peer(), random_, {});  // what was told has left, at the latest now
    told_.clear();
    for (const store::Held& each : node().all(false))
      if (each.arrival <= node().ledger->synced_arrival()) told_.push_back(each.id);
    tally_.told += told_.size();
    node().close();
    loop_.run_for(1);
    node().setup.store.reset();
    start();
    if (!testing::Test::HasFailure()) expect_kept();
  }
  void plan() {
    if (below(random_, 3) > 0) disk_->cut_at(1 + below(random_, 120), below(random_, 2) == 0);
    if (below(random_, 4) > 0) return;
    const auto how = below(random_, 2) == 0 ? rocksdb::IOStatus::NoSpace("no space")
                                            : rocksdb::IOStatus::IOError("a bad disk");
    disk_->fail_at(1 + below(random_, 100), below(random_, 2) == 0 ? 1 : 1'000'000, how);
  }
  // Cut again while it opens, as often as chance wants.
  void start() {
    for (;;) {
      disk_ = disk_ ? disk_->after_a_cut(random_, tear_) : std::make_shared<FaultyDisk>();
      if (!is_calm_) plan();
      auto opened = disk_->open();
      if (opened) return run_on(*std::move(opened));
      if (tear_ == FaultyDisk::Tear::garbage && opened.error().is(store::store_error::damaged)) {
        start_anew();
        continue;
      }
      ASSERT_TRUE(disk_->has_failed()) << opened.error().message();
      ++tally_.cuts;
      ++tally_.while_opening;
    }
  }
  // What stands where nothing was synced may be told from damage or not: then the store was moved
  // aside, and what the peer holds comes back.
  void start_anew() {
    disk_.reset();
    told_.clear();
    outcomes_.clear();
    ++refused_;
    ++tally_.refused;
  }
  void run_on(std::shared_ptr<store::KeyValue> store) {
    if (!worlds_[0]) {
      worlds_[0] = std::make_unique<LedgerWorld>(
          loop_, LedgerWorld::Setup{1, std::move(store), "here", durability_});
      return;
    }
    node().setup.store = std::move(store);
    node().open();
  }
  void expect_kept() {
    std::set<store::Digest> held;
    const auto all = node().all(false);
    for (const store::Held& each : all) held.insert(each.id);
    ASSERT_GE(all.size(), told_.size()) << "told, lost";
    for (std::size_t i = 0; i < told_.size(); ++i) EXPECT_EQ(all[i].id, told_[i]);
    std::size_t promised = 0;
    for (const auto& outcome : outcomes_) {
      if (!outcome->value || durability_ != store::Durability::sync) continue;
      ++promised;
      EXPECT_TRUE(held.contains(outcome->value->id)) << "acknowledged, lost";
    }
    tally_.promised += promised;
    const auto verdict = node().verify();
    EXPECT_TRUE(verdict.ok()) << verdict.problems.at(0);
  }
  void end() {
    is_calm_ = true;
    disk_->cut_now();
    lose_power();
    if (testing::Test::HasFailure()) return;
    exchange_all(worlds_, random_);
    for (const auto& world : worlds_) {
      EXPECT_TRUE(world->told.forks.empty()) << "a fork";
      EXPECT_EQ(world->ledger->feeds(), world->ledger->tips().size());
      EXPECT_TRUE(world->verify().ok());
    }
    EXPECT_LE(node().ledger->feeds(), 2 + refused_) << "it left its feed without need";
    EXPECT_EQ(node().ledger->tip_set().digest(), peer().ledger->tip_set().digest());
  }

  Random random_;
  sim::VirtualLoop loop_;
  store::Durability durability_;
  FaultyDisk::Tear tear_;
  Tally& tally_;
  std::size_t body_bytes_ = 0;
  bool is_calm_ = false;
  std::size_t refused_ = 0;
  std::shared_ptr<FaultyDisk> disk_;
  std::vector<std::unique_ptr<LedgerWorld>> worlds_;
  std::vector<store::Digest> told_;  // by arrival
  std::vector<std::shared_ptr<Outcome<store::Appended>>> outcomes_;
};

using Tear = FaultyDisk::Tear;
class FaultyCrash : public testing::TestWithParam<std::tuple<store::Durability, Tear>> {};

TEST_P(FaultyCrash, NothingThatLeftOrWasPromisedIsLost) {
  const auto [durability, tear] = GetParam();
  Tally tally;
  const std::uint64_t first = given("KITH_TEST_SEED", 1);
  const std::uint64_t scenes = given("KITH_TEST_SCENES", kScenes);
  for (std::uint64_t seed = first; seed < first + scenes && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CutScene(seed, durability, tear, tally).play();
  }
  std::printf("%zu cuts (%zu while it opened), %zu appended, %zu checks of promised entries, ",
              tally.cuts, tally.while_opening, tally.appended, tally.promised);
  std::printf("%zu of told ones, %zu unsynced bytes, %zu refused\n", tally.told, tally.torn,
              tally.refused);
}

std::string name_of(const testing::TestParamInfo<FaultyCrash::ParamType>& made) {
  static constexpr const char* kTears[] = {"drop", "prefix", "holes", "garbage"};
  const auto [durability, tear] = made.param;
  return std::string(durability == store::Durability::sync ? "sync_" : "interval_") +
         kTears[static_cast<int>(tear)];
}
INSTANTIATE_TEST_SUITE_P(
    Disks, FaultyCrash,
    testing::Combine(testing::Values(store::Durability::sync, store::Durability::interval),
                     testing::Values(Tear::drop, Tear::prefix, Tear::holes, Tear::garbage)),
    name_of);

}  // namespace
}  // namespace kith::test
