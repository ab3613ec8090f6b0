// SPDX-License-Identifier: MIT
#include "engine/store/tip_set.h"

#include <random>

#include "tests/store/digest_vectors.h"
#include "tests/store/ledger_world.h"

namespace kith::store {
namespace {

using kith::test::LedgerWorld;
using test::make_tip;

TipSet set_of(const std::vector<Tip>& tips) {
  TipSet made;
  for (const Tip& tip : tips) made.add(tip);
  return made;
}
void expect_same(const TipSet& a, const TipSet& b) {
  EXPECT_EQ(a.size(), b.size());
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_TRUE(std::equal(a.sketch().symbols().begin(), a.sketch().symbols().end(),
                         b.sketch().symbols().begin(), b.sketch().symbols().end()));
}

TEST(TipSetTest, HoldsWhatIsLeft) {
  std::mt19937_64 random(5);
  TipSet set;
  std::set<Tip> model;
  for (int step = 0; step < 3'000; ++step) {
    const Tip tip = make_tip(random() % 300, random() % 2, 1 + random() % 3);
    const std::uint64_t version = set.version();
    const bool is_adding = random() % 2 == 0;
    const bool is_change = is_adding ? model.insert(tip).second : model.erase(tip) == 1;
    is_adding ? set.add(tip) : set.remove(tip);
    EXPECT_EQ(set.version() != version, is_change);
  }
  expect_same(set, set_of({model.begin(), model.end()}));
  std::vector<Tip> below;
  for (std::uint8_t nibble = 0; nibble < 16; ++nibble) {
    const auto some = set.below(ByteVector{nibble}, 1'000);
    below.insert(below.end(), some.begin(), some.end());
  }
  EXPECT_EQ(below, std::vector<Tip>(model.begin(), model.end()));
  EXPECT_TRUE(set.below({}, model.size() - 1).empty());
}

// What it lent comes back, also where it was there before.
TEST(TipSetTest, TheDigestAsItWouldBe) {
  std::vector<Tip> all;
  for (std::uint64_t feed = 0; feed < 200; ++feed) all.push_back(make_tip(feed, 0, 1));
  const TipSet whole = set_of(all);
  const std::vector<Tip> without(all.begin(), all.begin() + 70);
  const std::vector<Tip> with{make_tip(500, 0, 1), all.back()};
  std::vector<Tip> other(all.begin() + 70, all.end());
  other.push_back(with[0]);
  EXPECT_EQ(whole.digest_with(without, with), set_of(other).digest());
  EXPECT_EQ(whole.digest_with(with, without), set_of({all.begin(), all.end() - 1}).digest());
  expect_same(whole, set_of(all));
}

// In memory, after a start, and once others' runs have come.
TEST(TipSetTest, IsWhatALedgerHolds) {
  sim::VirtualLoop loop(7);
  LedgerWorld first(loop, {.author = 1}), second(loop, {.author = 2});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(first.append("note", std::to_string(i)).value);
  EXPECT_TRUE(second.append("note", "other").value);
  const Lane& lane = second.ledger->lanes().all().begin()->second;
  auto bytes = second.run(second.ledger->load(lane.number, 1)).value;
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(first.take(lane.feed->opening_block, *bytes).value);
  EXPECT_EQ(first.ledger->tip_set().size(), 2u);
  expect_same(first.ledger->tip_set(), set_of(first.ledger->tips()));
  const Digest before = first.ledger->tip_set().digest();
  first.reopen();
  EXPECT_EQ(first.ledger->tip_set().digest(), before);
  expect_same(first.ledger->tip_set(), set_of(first.ledger->tips()));
}

}  // namespace
}  // namespace kith::store
