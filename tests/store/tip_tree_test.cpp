// SPDX-License-Identifier: MIT
#include "engine/store/tip_tree.h"

#include <algorithm>
#include <set>

#include "engine/store/sketch.h"
#include "tests/store/digest_vectors.h"

namespace kith::store {
namespace {

using test::hash_of;
using test::make_tip;
using test::Random;
using Tips = std::vector<Tip>;

std::uint8_t nibble_of(const Tip& tip, std::size_t depth) {
  const std::string text = test::hex(Bytes(tip.feed).subspan(depth / 2, 1));
  return static_cast<std::uint8_t>(std::stoi(text.substr(depth % 2, 1), nullptr, 16));
}

// The definition and nothing else: all tips, from the start, at every level.
Digest digest_of(Tips tips, std::size_t depth) {
  ByteVector bytes;
  if (tips.size() <= 16 || depth == 64) {
    std::sort(tips.begin(), tips.end());
    bytes.push_back(0);
    for (const Tip& tip : tips) {
      append(bytes, tip.feed);
      for (int i = 7; i >= 0; --i) bytes.push_back(static_cast<std::uint8_t>(tip.seq >> 8 * i));
      append(bytes, tip.entry);
    }
    return crypto::sha256(bytes);
  }
  std::array<Tips, 16> parts;
  for (const Tip& tip : tips) parts[nibble_of(tip, depth)].push_back(tip);
  bytes.push_back(1);
  for (const Tips& part : parts) append(bytes, digest_of(part, depth + 1));
  return crypto::sha256(bytes);
}

Tips all_of(const std::set<Tip>& held) { return {held.begin(), held.end()}; }

TEST(TipTree, AsInTheVectors) {
  const test::Json vectors = test::read_digest_vectors();
  ASSERT_EQ(vectors.size(), 10u);
  Random random(1);
  for (const test::Json& vector : vectors) {
    SCOPED_TRACE(vector["root"]);
    Tips tips = test::tips_of(vector);
    std::shuffle(tips.begin(), tips.end(), random);
    TipTree tree;
    for (const Tip& tip : tips) EXPECT_TRUE(tree.add(tip));
    EXPECT_EQ(tree.size(), tips.size());
    EXPECT_EQ(test::hex(tree.root()), vector["root"]);
    EXPECT_EQ(tree.root(), digest_of(tips, 0));
    if (vector.contains("first_tip")) {
      const Tip first = make_tip(0, 0, 1);
      EXPECT_EQ(test::read_tip(test::bytes_of(vector["first_tip"])), first);
      EXPECT_FALSE(tree.add(first));
    }
  }
}

// A scene of feeds that are near each other, or have many branches, or neither.
class Changes {
 public:
  explicit Changes(std::uint64_t seed) : random_(seed), alike_(seed % 5 * 8) {}

  Tip draw() {
    Tip tip = make_tip(random_() % 40, random_() % 30, random_() % 3);
    const Digest common = hash_of("all");
    std::copy_n(common.begin(), alike_, tip.feed.begin());
    return tip;
  }
  void step(bool grow) {
    if (random_() % 4 < (grow ? 3u : 1u)) {
      const Tip tip = draw();
      EXPECT_EQ(tree.add(tip), held.insert(tip).second);
      return;
    }
    const Tip drawn = draw();
    const auto near = held.lower_bound(drawn);
    const Tip tip = near == held.end() || random_() % 8 == 0 ? drawn : *near;
    EXPECT_EQ(tree.remove(tip), held.erase(tip) == 1);
  }
  // As a tree that never held anything else.
  void expect_same() {
    Tips tips = all_of(held);
    EXPECT_EQ(tree.size(), tips.size());
    EXPECT_EQ(tree.root(), digest_of(tips, 0));
    std::shuffle(tips.begin(), tips.end(), random_);
    TipTree fresh;
    for (const Tip& tip : tips) fresh.add(tip);
    EXPECT_EQ(tree.root(), fresh.root());
  }
  void expect_node() {
    const Tip tip = draw();
    ByteVector path;
    for (std::size_t depth = random_() % 65; path.size() < depth;) {
      path.push_back(nibble_of(tip, path.size()));
    }
    Tips below;
    for (const Tip& one : held) {
      bool is_below = true;
      for (std::size_t i = 0; i < path.size(); ++i) is_below &= nibble_of(one, i) == path[i];
      if (is_below) below.push_back(one);
    }
    const auto node = tree.node(path).value();
    const bool is_leaf = below.size() <= 16 || path.size() == 64;
    EXPECT_EQ(node.digest, digest_of(below, path.size()));
    EXPECT_EQ(node.tips_below, below.size());
    EXPECT_EQ(node.tips, is_leaf ? below : Tips{});
    ASSERT_EQ(node.children.size(), is_leaf ? 0u : 16u);
    if (is_leaf) return;
    path.push_back(static_cast<std::uint8_t>(random_() % 16));
    EXPECT_EQ(node.children[path.back()], tree.node(path)->digest);
  }

  TipTree tree;
  std::set<Tip> held;

 private:
  Random random_;
  std::size_t alike_;  // bytes that all feeds begin with
};

TEST(TipTree, IsAFunctionOfItsTips) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(seed);
    Changes changes(seed);
    for (const bool grow : {true, false, true, false}) {
      for (int i = 0; i < 400; ++i) {
        changes.step(grow);
        if (i % 100 == 99) changes.expect_same();
        if (i % 25 == 24) changes.expect_node();
      }
    }
    for (const Tip& tip : all_of(changes.held)) EXPECT_TRUE(changes.tree.remove(tip));
    EXPECT_EQ(changes.tree.root(), TipTree().root());
  }
}

// Through every size at which something is split or joined, kept or hashed.
TEST(TipTree, GrowsAndShrinksThroughEverySize) {
  TipTree tree;
  Tips tips;
  std::vector<Digest> roots{tree.root()};
  for (std::uint64_t feed = 0; feed < 140; ++feed) {
    tips.push_back(make_tip(feed, 0, 1));
    tips.back().feed[0] = static_cast<std::uint8_t>(feed % 2);  // one page of the first level
    tree.add(tips.back());
    roots.push_back(tree.root());
    EXPECT_EQ(roots.back(), digest_of(tips, 0)) << tips.size();
  }
  while (!tips.empty()) {
    EXPECT_TRUE(tree.remove(tips.back()));
    tips.pop_back();
    roots.pop_back();
    EXPECT_EQ(tree.root(), roots.back()) << tips.size();
  }
}

TEST(TipTree, HoldsAFeedOfManyBranchesBesideItsNearest) {
  TipTree tree;
  Tips branches;
  for (std::uint64_t i = 0; i < 500; ++i) branches.push_back(make_tip(1, i, i));
  for (const Tip& tip : branches) tree.add(tip);
  const Digest alone = tree.root();
  EXPECT_EQ(alone, digest_of(branches, 0));

  Tips with = branches;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Tip near = make_tip(1, 1'000 + i, i);
    near.feed.back() ^= 1;  // another feed from the last nibble on
    with.push_back(near);
    tree.add(near);
  }
  EXPECT_EQ(tree.root(), digest_of(with, 0));
  while (with.size() > branches.size()) {
    EXPECT_TRUE(tree.remove(with.back()));
    with.pop_back();
  }
  EXPECT_EQ(tree.root(), alone);
}

// What two nodes do when a sketch has failed: go down where the digests differ.
void descend(TipTree& mine, TipTree& theirs, ByteVector& path, Tips& found, int& asked) {
  const auto a = mine.node(path).value(), b = theirs.node(path).value();
  ++asked;
  if (a.digest == b.digest) return;
  if (a.children.empty() && b.children.empty()) {
    std::set_symmetric_difference(a.tips.begin(), a.tips.end(), b.tips.begin(), b.tips.end(),
                                  std::back_inserter(found));
    return;
  }
  for (std::uint8_t nibble = 0; nibble < 16; ++nibble) {
    if (!a.children.empty() && !b.children.empty() && a.children[nibble] == b.children[nibble]) {
      continue;
    }
    path.push_back(nibble);
    descend(mine, theirs, path, found, asked);
    path.pop_back();
  }
}

TEST(TipTree, LeadsToWhatDiffers) {
  Random random(7);
  TipTree mine, theirs;
  Tips differing;
  for (std::uint64_t feed = 0; feed < 3'000; ++feed) {
    mine.add(make_tip(feed, 0, 1));
    theirs.add(make_tip(feed, 0, 1));
  }
  for (std::uint64_t feed = 0; feed < 40; ++feed) {
    const std::uint64_t branches = feed % 10 == 0 ? 40 : 1;
    for (std::uint64_t branch = 1; branch <= branches; ++branch) {
      differing.push_back(make_tip(feed * 100 % 4'000, branch, 2));
      (random() % 2 ? mine : theirs).add(differing.back());
    }
  }
  std::sort(differing.begin(), differing.end());
  Tips found;
  ByteVector path;
  int asked = 0;
  descend(mine, theirs, path, found, asked);
  EXPECT_EQ(found, differing);
  EXPECT_LT(asked, 600);
}

TEST(TipTree, KnowsWhatIsNoPath) {
  TipTree tree;
  EXPECT_EQ(tree.node({})->digest, tree.root());
  EXPECT_TRUE(tree.node(ByteVector(64, 15)));
  EXPECT_FALSE(tree.node(ByteVector(65, 0)));
  EXPECT_FALSE(tree.node(ByteVector{0, 16}));
}

TEST(TipTree, FindsTipsByTheirItems) {
  TipTree tree;
  Tips wanted;
  std::vector<std::uint64_t> items;
  for (std::uint64_t feed = 0; feed < 2'000; ++feed) {
    Tip tip = make_tip(feed, 0, 1);
    const Digest common = hash_of("near");
    if (feed % 4 == 0) std::copy_n(common.begin(), 3, tip.feed.begin());  // all one item's feed
    tree.add(tip);
    if (feed % 6 == 0) wanted.push_back(tip);
    items.push_back(item_of(feed % 6 == 0 ? tip : make_tip(feed, 1, 1)));
  }
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(tree.find(items), wanted);
  EXPECT_EQ(tree.find({}), Tips{});
  EXPECT_EQ(TipTree().find(items), Tips{});

  Tip twin = wanted[0];
  twin.entry.back() ^= 1;  // the item does not tell
  tree.add(twin);
  const std::uint64_t both = item_of(twin);
  EXPECT_EQ(tree.find({&both, 1}).size(), 2u);
}

}  // namespace
}  // namespace kith::store
