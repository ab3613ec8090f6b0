// SPDX-License-Identifier: MIT
// Access, rule by rule. Entries have short names ("g1"), a feed is a list of them.
#include "engine/store/access.h"

#include <gtest/gtest.h>

namespace kith::store {
namespace {

Digest named(std::string_view name) {
  Digest made{};
  std::copy(name.begin(), name.end(), made.begin());
  return made;
}

crypto::Key32 author(std::string_view name) { return named(name); }

Opening opening(std::string_view by, std::string_view grant, FeedKind kind = FeedKind::control) {
  Opening made;
  made.author = author(by);
  made.kind = kind;
  if (!grant.empty()) made.grant = named(grant);
  return made;
}

Genesis genesis(std::string_view founder) {
  Genesis made;
  made.name = "team";
  if (!founder.empty()) made.founder = author(founder);
  return made;
}

Grant grant(std::string_view to, std::uint16_t rank) { return {author(to), rank, "writer"}; }

struct Kept {
  std::string_view feed;
  std::uint64_t seq;
  std::string_view entry;
};
Revoke revoke(std::string_view what, std::vector<Kept> keep = {}) {
  Revoke made{named(what), {}};
  for (const Kept& row : keep) {
    made.keep.push_back({{named(row.feed), row.seq, named(row.entry)}, {}});
  }
  return made;
}

using Names = std::vector<Digest>;
Names names(std::vector<std::string_view> of) {
  Names made;
  for (const std::string_view name : of) made.push_back(named(name));
  return made;
}

// A ledger of ann's. Her control feed is "ann"; others are opened under what was granted.
class AccessRules : public testing::Test {
 protected:
  AccessRules() { access_.open(named("ann"), opening("ann", "")); }

  void open(std::string_view feed, std::string_view by, std::string_view under) {
    access_.open(named(feed), opening(by, under));
  }
  void add(std::string_view feed, std::uint64_t seq, std::string_view id, std::string_view prev,
           ControlBody body) {
    access_.add(named(feed), {seq, named(id), named(prev), std::move(body)});
  }
  // An entry of ann's, after the one before it.
  void ann(std::string_view id, ControlBody body) {
    add("ann", ++ann_seq_, id, ann_tip_, std::move(body));
    ann_tip_ = id;
  }
  bool counts(std::string_view feed, std::uint64_t seq, std::string_view id) {
    access_.settle();
    return access_.counts(named(feed), {seq, named(id)});
  }
  Right data_right(std::string_view feed, std::string_view by, std::string_view under) {
    access_.settle();
    return access_.right_of(named(feed), opening(by, under, FeedKind::data));
  }

  Access access_{genesis("ann")};
  std::uint64_t ann_seq_ = 0;
  std::string_view ann_tip_ = "ann";
};

constexpr Right kNothing{};
const Right kAll{true, std::nullopt};
Right up_to(std::uint64_t seq, std::string_view entry) { return {true, Cut{seq, named(entry)}}; }

TEST_F(AccessRules, TheFounderNeedsNoGrantAndNobodyElseIsTheFounder) {
  EXPECT_EQ(data_right("d", "ann", ""), kAll);
  EXPECT_EQ(data_right("d", "bob", ""), kNothing);
  EXPECT_EQ(access_.number_of(opening("ann", "")), 0);
}

TEST_F(AccessRules, AFeedCountsUnderAGrantThatNamesItsAuthor) {
  EXPECT_EQ(data_right("d", "bob", "g1"), kNothing);
  ann("g1", grant("bob", 7));
  EXPECT_EQ(data_right("d", "bob", "g1"), kAll);
  EXPECT_EQ(data_right("d", "eve", "g1"), kNothing);
  EXPECT_EQ(access_.number_of(opening("bob", "g1")), 7);
  EXPECT_EQ(access_.number_of(opening("bob", "g2")), std::nullopt);
  EXPECT_EQ(access_.find_grant(named("g1"))->rank, 7);
  EXPECT_EQ(access_.find_grant(named("g2")), nullptr);
}

TEST_F(AccessRules, AGrantIsAboveItsIssuersNumberOrItsBranchEnds) {
  ann("g1", grant("bob", 2));
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", grant("cat", 2));
  add("bob", 2, "b2", "b1", grant("dan", 3));
  add("bob", 1, "c1", "bob", grant("dan", 3));  // another branch
  EXPECT_FALSE(counts("bob", 1, "b1"));
  EXPECT_FALSE(counts("bob", 2, "b2"));
  EXPECT_TRUE(counts("bob", 1, "c1"));
  EXPECT_EQ(data_right("d", "dan", "b2"), kNothing);
  EXPECT_EQ(data_right("d", "dan", "c1"), kAll);
}

TEST_F(AccessRules, AnEntryCountsOnlyBehindOneThatIsHeldAndPrecedesIt) {
  add("ann", 2, "g2", "g1", grant("bob", 1));
  add("ann", 1, "x1", "elsewhere", grant("cat", 1));
  EXPECT_FALSE(counts("ann", 2, "g2"));
  EXPECT_FALSE(counts("ann", 1, "x1"));
  add("ann", 1, "g1", "ann", grant("cat", 1));
  EXPECT_TRUE(counts("ann", 2, "g2"));
  add("ann", 4, "g4", "g2", grant("dan", 1));  // not the next seq
  EXPECT_FALSE(counts("ann", 4, "g4"));
}

TEST_F(AccessRules, ARevokeKeepsWhatItNamesAndNothingOfOtherFeeds) {
  ann("g1", grant("bob", 1));
  ann("r1", revoke("g1", {{"d", 5, "d5"}}));
  EXPECT_EQ(data_right("d", "bob", "g1"), up_to(5, "d5"));
  EXPECT_EQ(data_right("e", "bob", "g1"), kNothing);
  EXPECT_EQ(data_right("d", "eve", "g1"), kNothing);
}

TEST_F(AccessRules, OfSeveralRevokesTheLowestCutHolds) {
  ann("g1", grant("bob", 1));
  ann("r1", revoke("g1", {{"d", 5, "d5"}, {"e", 9, "e9"}, {"f", 4, "b"}}));
  ann("r2", revoke("g1", {{"d", 6, "d6"}, {"f", 4, "a"}}));
  EXPECT_EQ(data_right("d", "bob", "g1"), up_to(5, "d5"));
  EXPECT_EQ(data_right("e", "bob", "g1"), kNothing);
  EXPECT_EQ(data_right("f", "bob", "g1"), up_to(4, "a"));
}

TEST_F(AccessRules, ARevokeActsOnlyOnGrantsAboveItsIssuersNumber) {
  ann("g1", grant("bob", 1));
  ann("g2", grant("cat", 1));
  ann("g3", grant("dan", 2));
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", revoke("g2"));  // an equal
  add("bob", 2, "b2", "b1", revoke("g1"));   // himself
  add("bob", 3, "b3", "b2", revoke("g3"));
  EXPECT_TRUE(counts("bob", 3, "b3"));
  EXPECT_EQ(data_right("d", "cat", "g2"), kAll);
  EXPECT_EQ(data_right("d", "bob", "g1"), kAll);
  EXPECT_EQ(data_right("d", "dan", "g3"), kNothing);
}

TEST_F(AccessRules, ARevokeFallsWithItsIssuerAndWhatItTookComesBack) {
  ann("g1", grant("bob", 1));
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", grant("cat", 2));
  add("bob", 2, "b2", "b1", revoke("b1"));
  EXPECT_EQ(data_right("d", "cat", "b1"), kNothing);
  ann("r1", revoke("g1", {{"bob", 1, "b1"}}));
  EXPECT_FALSE(counts("bob", 2, "b2"));
  EXPECT_EQ(data_right("d", "cat", "b1"), kAll);
  ann("r2", revoke("g1"));
  EXPECT_EQ(data_right("d", "cat", "b1"), kNothing);
}

TEST_F(AccessRules, ARevokeWaitsForTheGrantThatItNames) {
  ann("r1", revoke("g9"));
  EXPECT_TRUE(counts("ann", 1, "r1"));
  open("dan", "dan", "g9");
  add("dan", 1, "x1", "dan", grant("eve", 9));
  EXPECT_FALSE(counts("dan", 1, "x1"));
  ann("g9", grant("dan", 3));
  EXPECT_TRUE(counts("ann", 2, "g9"));
  EXPECT_FALSE(counts("dan", 1, "x1"));
  EXPECT_EQ(data_right("d", "dan", "g9"), kNothing);
}

TEST_F(AccessRules, ACutLeavesItsAncestorsOnceItIsHeldAndLowerSeqsBefore) {
  ann("g1", grant("bob", 1));
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", grant("cat", 2));
  add("bob", 2, "b2", "b1", grant("cat", 2));
  add("bob", 3, "b3", "b2", grant("cat", 2));
  ann("r1", revoke("g1", {{"bob", 2, "x2"}}));
  EXPECT_TRUE(counts("bob", 2, "b2"));
  EXPECT_FALSE(counts("bob", 3, "b3"));
  add("bob", 2, "x2", "b1", grant("cat", 2));
  EXPECT_TRUE(counts("bob", 2, "x2"));
  EXPECT_TRUE(counts("bob", 1, "b1"));
  EXPECT_FALSE(counts("bob", 2, "b2"));
}

TEST_F(AccessRules, ACutThatComesVoidsEarlierEntriesOfOtherBranches) {
  ann("g1", grant("bob", 1));
  ann("r1", revoke("g1", {{"bob", 2, "x2"}}));
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", grant("cat", 2));
  add("bob", 1, "x1", "bob", grant("dan", 2));
  EXPECT_TRUE(counts("bob", 1, "b1"));
  EXPECT_EQ(data_right("d", "cat", "b1"), kAll);
  add("bob", 2, "x2", "x1", grant("dan", 2));
  EXPECT_FALSE(counts("bob", 1, "b1"));
  EXPECT_TRUE(counts("bob", 1, "x1"));
  EXPECT_EQ(data_right("d", "cat", "b1"), kNothing);
}

TEST_F(AccessRules, AFeedMayComeBeforeItsGrant) {
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", grant("cat", 2));
  EXPECT_FALSE(counts("bob", 1, "b1"));
  ann("g1", grant("bob", 1));
  EXPECT_TRUE(counts("bob", 1, "b1"));
}

// A cut that names an entry of another seq, or of another feed, is one that is not held.
TEST_F(AccessRules, ACutIsHeldOnlyInItsFeedAtItsSeq) {
  ann("g1", grant("bob", 1));
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", grant("cat", 2));
  add("bob", 2, "b2", "b1", grant("cat", 2));
  add("bob", 2, "x2", "b1", grant("cat", 2));
  ann("r1", revoke("g1", {{"bob", 2, "b1"}}));
  EXPECT_TRUE(counts("bob", 2, "b2"));
  EXPECT_TRUE(counts("bob", 2, "x2"));
}

TEST_F(AccessRules, GrantsToAnAuthorAreThoseThatCountAndNobodyRevoked) {
  ann("g1", grant("bob", 5));
  ann("g2", grant("bob", 3));
  ann("g3", grant("bob", 4));
  ann("g4", grant("cat", 1));
  ann("r1", revoke("g3", {{"d", 9, "d9"}}));
  access_.settle();
  EXPECT_EQ(access_.grants_to(author("bob")), names({"g2", "g1"}));
  EXPECT_EQ(access_.grants_to(author("eve")), Names{});
}

TEST_F(AccessRules, SettleTellsWhatChangedAndNothingTwice) {
  ann("g1", grant("bob", 1));
  ann("g2", grant("cat", 2));
  EXPECT_EQ(access_.settle(), (Access::Changes{names({"g1", "g2"}), names({"ann"})}));
  EXPECT_EQ(access_.settle(), Access::Changes{});
  add("ann", 1, "g1", "ann", grant("bob", 1));  // again
  EXPECT_EQ(access_.settle(), Access::Changes{});
  open("bob", "bob", "g1");
  add("bob", 1, "b1", "bob", revoke("g2"));
  EXPECT_EQ(access_.settle(), (Access::Changes{names({"g2"}), names({"bob"})}));
  ann("r1", revoke("g1"));
  EXPECT_EQ(access_.settle(), (Access::Changes{names({"g1", "g2"}), names({"ann", "bob"})}));
  ann("r2", revoke("g7"));
  EXPECT_EQ(access_.settle(), (Access::Changes{{}, names({"ann"})}));
}

TEST_F(AccessRules, AnotherLedgersGrantsGovernThisOne) {
  Genesis ruled = genesis("zoe");
  ruled.rule = named("team");
  const Access under(ruled, &access_);
  const Access further(ruled, &under);
  ann("g1", grant("bob", 1));
  ann("r1", revoke("g1", {{"d", 5, "d5"}}));
  access_.settle();
  const auto right = [&](std::string_view feed, std::string_view by, std::string_view grant) {
    const Right found = under.right_of(named(feed), opening(by, grant, FeedKind::data));
    EXPECT_EQ(further.right_of(named(feed), opening(by, grant, FeedKind::data)), found);
    return found;
  };
  EXPECT_EQ(right("d", "bob", "g1"), up_to(5, "d5"));
  EXPECT_EQ(right("z", "zoe", ""), kAll);
  EXPECT_EQ(right("a", "ann", ""), kNothing);
  EXPECT_EQ(under.right_of(named("z"), opening("zoe", "")), kNothing);  // a control feed
}

TEST_F(AccessRules, InAnOpenLedgerAllCounts) {
  Access open(genesis(""));
  EXPECT_EQ(open.right_of(named("d"), opening("bob", "", FeedKind::data)), kAll);
  EXPECT_EQ(open.right_of(named("d"), opening("bob", "g1", FeedKind::data)), kAll);
}

// Three lanes: 1 holds 1 to 9, 2 leaves it after 4 and holds 5 to 8, 3 leaves 2 after 6.
class AccessLanes : public testing::Test {
 protected:
  AccessLanes() : feed_(lanes_.add_feed(named("d"), {}, {})) {
    lanes_.add_lane(feed_, 1, 0, 1).seq = 9;
    lanes_.add_lane(feed_, 2, 1, 5).seq = 8;
    lanes_.add_lane(feed_, 3, 2, 7).seq = 7;
  }
  std::vector<std::uint64_t> counted(const Right& right, std::uint32_t cut_lane = 0) {
    return counted_to(right, lanes_, feed_, cut_lane);
  }
  Lanes lanes_;
  Feed& feed_;
};
using Seqs = std::vector<std::uint64_t>;

TEST_F(AccessLanes, HowFarEachCounts) {
  EXPECT_EQ(counted(kNothing), (Seqs{0, 4, 6}));
  EXPECT_EQ(counted(kAll), (Seqs{9, 8, 7}));
  EXPECT_EQ(counted(up_to(6, "unheld")), (Seqs{6, 6, 6}));
  EXPECT_EQ(counted(up_to(3, "unheld")), (Seqs{3, 4, 6}));
  EXPECT_EQ(counted(up_to(100, "unheld")), (Seqs{9, 8, 7}));
  EXPECT_EQ(counted(up_to(6, "d6"), 1), (Seqs{6, 4, 6}));
  EXPECT_EQ(counted(up_to(6, "e6"), 2), (Seqs{4, 6, 6}));
  EXPECT_EQ(counted(up_to(7, "f7"), 3), (Seqs{4, 6, 7}));
}

}  // namespace
}  // namespace kith::store
