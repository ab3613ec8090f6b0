// SPDX-License-Identifier: MIT
// Access against the model: on each node of each play, after each entry that it keeps, it must say
// what the model says; and all nodes must end alike.
#include <gtest/gtest.h>

#include <memory>

#include "engine/store/access.h"
#include "tests/store/access_model.h"

namespace kith::store {
namespace {

using test::Chance;
using test::Held;
using test::Model;
using test::ModelEntry;
using test::ModelFeed;
using test::Op;

Digest digest_of(std::uint64_t id) {
  Digest made{};
  for (std::size_t i = 0; i < 8; ++i) made[i] = static_cast<std::uint8_t>(id >> (56 - 8 * i));
  return made;
}

crypto::Key32 key_of(int node) {
  crypto::Key32 key;
  key.fill(static_cast<std::uint8_t>(test::kNodes[Model::index(node)]));
  return key;
}

Genesis founded() {
  Genesis genesis;
  genesis.name = "team";
  genesis.founder = key_of(0);
  return genesis;
}

Opening opening_of(const Model& model, const ModelFeed& feed) {
  Opening opening;
  opening.author = key_of(feed.author);
  opening.nonce[0] = static_cast<std::uint8_t>(feed.nonce);
  opening.kind = feed.is_data ? FeedKind::data : FeedKind::control;
  if (feed.grant != test::kNone) opening.grant = digest_of(model.entry(feed.grant).id);
  return opening;
}

// What an opening's CID would be: as unlike as openings are, and not the CID of any entry.
Digest feed_id(const Model& model, int feed) {
  const ModelFeed& opened = model.feeds[Model::index(feed)];
  Digest made = opened.grant == test::kNone ? Digest{} : digest_of(model.entry(opened.grant).id);
  made[8] = static_cast<std::uint8_t>(1 + opened.author);
  made[9] = static_cast<std::uint8_t>(opened.nonce);
  made[10] = opened.is_data;
  return made;
}

ControlEntry control_entry(const Model& model, const ModelEntry& e) {
  ControlEntry made{e.seq, digest_of(e.id), {}, {}};
  made.prev = e.prev == test::kNone ? feed_id(model, e.feed) : digest_of(model.entry(e.prev).id);
  if (e.op == Op::grant) {
    made.body = Grant{key_of(e.to), static_cast<std::uint16_t>(e.rank), "writer"};
    return made;
  }
  Revoke revoke{digest_of(model.entry(e.target).id), {}};
  for (const auto& [feed, cut] : e.keep) {
    revoke.keep.push_back({{feed_id(model, feed), cut.seq, digest_of(cut.id)}, {}});
  }
  made.body = std::move(revoke);
  return made;
}

// One node's Access, and how it answers about what that node holds.
class Judge {
 public:
  explicit Judge(const Model& model) : model_(model) {}

  void hold(int number) {
    const ModelEntry& e = model_.entry(number);
    const ModelFeed& feed = model_.feed_of(e);
    if (feed.is_data) return;
    access_.open(feed_id(model_, e.feed), opening_of(model_, feed));
    access_.add(feed_id(model_, e.feed), control_entry(model_, e));
  }

  // Whether an entry that is not held yet would be kept; its prev counts.
  bool admits(const Held& held, int number) const {
    const ModelEntry& e = model_.entry(number);
    const Opening opening = opening_of(model_, model_.feed_of(e));
    const Right right = access_.right_of(feed_id(model_, e.feed), opening);
    const bool is_cut_held = find_cut(held, e.feed, right) != test::kNone;
    if (!right.covers(e.seq, is_cut_held ? std::optional(false) : std::nullopt)) return false;
    return e.op != Op::grant || e.rank > access_.number_of(opening);
  }

  // The feeds whose right is another than at the last call stand under grants of `changes`.
  void expect_changes(const Access::Changes& changes, const Held& held) {
    for (const auto& [feed, right] : rights(held)) {
      const ModelFeed& opened = model_.feeds[Model::index(feed)];
      const auto before = rights_.find(feed);
      if (before != rights_.end() && before->second != right) {
        const Digest grant = digest_of(model_.entry(opened.grant).id);
        EXPECT_TRUE(std::binary_search(changes.grants.begin(), changes.grants.end(), grant));
      }
    }
    rights_ = rights(held);
  }

  Held counting(const Held& held) const {
    Held made(held.size());
    const auto rights = this->rights(held);
    for (const int number : model_.all(held)) {
      const ModelEntry& e = model_.entry(number);
      if (!model_.feed_of(e).is_data) {
        made[Model::index(number)] =
            access_.counts(feed_id(model_, e.feed), {e.seq, digest_of(e.id)});
        continue;
      }
      const Right& right = rights.at(e.feed);
      const int cut = find_cut(held, e.feed, right);
      std::optional<bool> leads_to_cut;
      if (cut != test::kNone) leads_to_cut = model_.leads_to(held, number, cut);
      made[Model::index(number)] =
          (e.prev == test::kNone || Model::has(made, e.prev)) && right.covers(e.seq, leads_to_cut);
    }
    return made;
  }

  Right right_of(int feed) const {
    const Opening opening = opening_of(model_, model_.feeds[Model::index(feed)]);
    return access_.right_of(feed_id(model_, feed), opening);
  }
  Access::Changes settle() { return access_.settle(); }

 private:
  std::map<int, Right> rights(const Held& held) const {
    std::map<int, Right> made;
    for (const int number : model_.all(held)) {
      const int feed = model_.entry(number).feed;
      if (!made.contains(feed)) made.emplace(feed, right_of(feed));
    }
    return made;
  }
  int find_cut(const Held& held, int feed, const Right& right) const {
    if (!right.cut) return test::kNone;
    for (const int number : model_.all(held)) {
      const ModelEntry& e = model_.entry(number);
      if (e.feed == feed && Cut{e.seq, digest_of(e.id)} == *right.cut) return number;
    }
    return test::kNone;
  }

  const Model& model_;
  Access access_{founded()};
  std::map<int, Right> rights_;
};

// The feed of a node as lanes: each entry goes on the lane that ends before it, or begins another.
struct LaidOut {
  Lanes lanes;
  std::map<int, std::uint32_t> lane_of;  // by entry

  LaidOut(const Model& model, const Held& held, int feed) {
    Feed& made = lanes.add_feed(feed_id(model, feed), {}, {});
    for (const int number : model.all(held)) {
      const ModelEntry& e = model.entry(number);
      if (e.feed != feed) continue;
      const std::uint32_t parent = e.prev == test::kNone ? 0 : lane_of.at(e.prev);
      Lane* lane = lanes.find(parent);
      if (!lane || lane->seq >= e.seq) {
        lane = &lanes.add_lane(made, static_cast<std::uint32_t>(lanes.all().size()) + 1, parent,
                               e.seq);
      }
      lane->seq = e.seq;
      lane_of[number] = lane->number;
    }
  }
};

// One play with a judge beside each node.
struct Watched {
  Model model;
  std::vector<std::unique_ptr<Judge>> judges;

  explicit Watched(bool is_each_compared) {
    for (std::size_t i = 0; i < model.nodes.size(); ++i) {
      judges.push_back(std::make_unique<Judge>(model));
    }
    model.watcher = [this, is_each_compared](int node, int entry, bool was_kept) {
      was_kept ? expect_kept(node, entry, is_each_compared) : expect_refused(node, entry);
    };
  }

  void expect_kept(int node, int entry, bool is_compared) {
    Judge& judge = *judges[Model::index(node)];
    const Model::Node& there = model.nodes[Model::index(node)];
    Held before = there.held;
    before[Model::index(entry)] = false;
    EXPECT_TRUE(judge.admits(before, entry));
    judge.hold(entry);
    const Access::Changes changes = judge.settle();
    if (!is_compared) return;
    judge.expect_changes(changes, there.held);
    EXPECT_EQ(judge.counting(there.held), there.counting);
  }

  void expect_refused(int node, int entry) {
    const Model::Node& there = model.nodes[Model::index(node)];
    const int prev = model.entry(entry).prev;
    if (Model::has(there.held, entry)) return;
    if (prev != test::kNone && !Model::has(there.counting, prev)) return;
    EXPECT_FALSE(judges[Model::index(node)]->admits(there.held, entry));
  }

  // Of one node: the same entries in another order and all at once; and what counts, by lanes.
  void expect_end(Chance& chance) {
    const Model::Node& node = chance.choice(model.nodes);
    std::vector<int> held = model.all(node.held);
    chance.shuffle(held);
    Judge judge(model);
    for (const int number : held) judge.hold(number);
    judge.settle();
    EXPECT_EQ(judge.counting(node.held), node.counting);
    for (std::size_t feed = 0; feed < model.feeds.size(); ++feed) {
      expect_lanes(judge, node, static_cast<int>(feed));
    }
  }

  void expect_lanes(const Judge& judge, const Model::Node& node, int feed) {
    const LaidOut laid(model, node.held, feed);
    const Right right = judge.right_of(feed);
    std::uint32_t cut_lane = 0;
    for (const auto& [number, lane] : laid.lane_of) {
      const ModelEntry& e = model.entry(number);
      if (right.cut == Cut{e.seq, digest_of(e.id)}) cut_lane = lane;
    }
    const Feed& whole = *laid.lanes.find_feed(feed_id(model, feed));
    const auto counted = counted_to(right, laid.lanes, whole, cut_lane);
    for (const auto& [number, lane] : laid.lane_of) {
      const auto place = std::find(whole.lanes.begin(), whole.lanes.end(), lane);
      const auto last = counted[static_cast<std::size_t>(place - whole.lanes.begin())];
      EXPECT_EQ(model.entry(number).seq <= last, Model::has(node.counting, number));
    }
  }
};

TEST(AccessPlay, SaysWhatTheModelSaysAfterEachEntry) {
  std::size_t hidden = 0;
  for (std::uint64_t seed = 0; seed < 100 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Watched watched(true);
    EXPECT_TRUE(watched.model.play(seed));
    for (const Model::Node& node : watched.model.nodes) hidden += node.held != node.counting;
  }
  EXPECT_GT(hidden, 100u);  // else the plays revoke nothing, and prove nothing
}

TEST(AccessPlay, AllNodesEndAlikeWhateverTheOrder) {
  for (std::uint64_t seed = 1'000; seed < 2'000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Watched watched(false);
    EXPECT_TRUE(watched.model.play(seed));
    Chance chance(seed);
    watched.expect_end(chance);
  }
}

// What no honest node would write or keep: feeds of the wrong author, ranks that are too low, cuts
// of anything, and holes.
ModelEntry wild_entry(Model& model, Chance& chance) {
  std::vector<int> grants = {test::kNone}, branches = {test::kNone};
  for (std::size_t i = 0; i < model.entries.size(); ++i) {
    if (model.entries[i].op == Op::grant) grants.push_back(static_cast<int>(i));
  }
  const auto node = [&chance] { return static_cast<int>(chance.below(3)); };
  ModelFeed feed{0, chance.percent(40) ? test::kNone : chance.choice(grants), 0,
                 chance.percent(20)};
  if (feed.grant != test::kNone) feed.author = model.entry(feed.grant).to;
  if (chance.percent(10)) feed.author = node();
  ModelEntry made;
  made.id = chance.next() >> 1;
  made.feed = model.feed_number(feed);
  for (std::size_t i = 0; i < model.entries.size(); ++i) {
    if (model.entries[i].feed == made.feed) branches.push_back(static_cast<int>(i));
  }
  made.prev = chance.percent(80) ? branches.back() : chance.choice(branches);
  made.seq = made.prev == test::kNone ? 1 : model.entry(made.prev).seq + 1;
  if (feed.is_data) return made;
  made.target = chance.choice(grants);
  made.op = made.target == test::kNone || chance.percent(60) ? Op::grant : Op::revoke;
  made.to = node();
  made.rank = made.op == Op::grant ? 1 + static_cast<int>(chance.below(test::kRanks - 1)) : 0;
  for (const ModelEntry& kept : model.entries) {
    if (made.op == Op::revoke && chance.percent(30)) {
      made.keep[kept.feed] = {kept.seq, kept.id - (chance.percent(10) ? 1 : 0)};
    }
  }
  return made;
}

TEST(AccessPlay, SaysWhatTheModelSaysOfAnythingHeldInAnyOrder) {
  std::size_t counting = 0, hidden = 0;
  for (std::uint64_t seed = 0; seed < 2'000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chance chance(seed);
    Model model;
    for (std::size_t i = 10 + chance.below(50); i > 0; --i) {
      model.entries.push_back(wild_entry(model, chance));
    }
    std::vector<int> order = model.all(Held(model.entries.size(), true));
    chance.shuffle(order);
    order.resize(order.size() - chance.below(4));
    Judge judge(model);
    Held held(model.entries.size());
    for (const int number : order) {
      held[Model::index(number)] = true;
      judge.hold(number);
      if (number != order.back() && chance.percent(70)) continue;
      judge.expect_changes(judge.settle(), held);
      EXPECT_EQ(judge.counting(held), model.judge(held));
    }
    counting += model.all(judge.counting(held)).size();
    hidden += order.size() - model.all(judge.counting(held)).size();
  }
  EXPECT_GT(counting, 10'000u);
  EXPECT_GT(hidden, 10'000u);
}

}  // namespace
}  // namespace kith::store
