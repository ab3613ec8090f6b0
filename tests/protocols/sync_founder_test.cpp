// SPDX-License-Identifier: MIT
// Sync of ledgers with a founder: control feeds first, then what may be written under them.
#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

using store::Digest;
using store::Ledger;
using test::Keeper;
using Texts = std::vector<std::string>;

struct SyncFounderTest : test::SyncWorld {
  Ledger& found(Keeper& keeper) {
    Ledger& ledger = keeper.ledgers.found({.name = "team"});
    keeper.sync->opened(ledger);
    return ledger;
  }
  Ledger& join(Keeper& keeper, const Ledger& ledger) {
    Ledger& joined = keeper.ledgers.join(ledger.genesis_block(), "");
    keeper.sync->opened(joined);
    return joined;
  }
  Digest grant(Ledger& ledger, test::Peer& to, std::uint16_t rank = 100) {
    return run(ledger.grant({*store::author_of(to.id()), rank, "writer"})).value().id;
  }
  Texts notes(Ledger& ledger) {
    store::Query query;
    query.by_time = true;
    Texts out;
    for (const store::Held& held : run(ledger.read(query)).value().entries)
      if (held.type == "note") out.emplace_back(as_text(held.body));
    return out;
  }
};

TEST_F(SyncFounderTest, AGrantLetsAMemberWrite) {
  Ledger& first = found(keep(a()));
  Ledger& second = join(keep(b()), first);
  append(first, "welcome");
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(1'000'000);
  EXPECT_EQ(notes(second), Texts{"welcome"});
  grant(first, b());
  loop.run_for(100'000);
  append(second, "thanks");
  loop.run_for(100'000);
  EXPECT_EQ(notes(first), (Texts{"welcome", "thanks"}));
  EXPECT_EQ(first.tip_set().digest(), second.tip_set().digest());
}

// Who comes late has nothing: the grants come before what stands under them.
TEST_F(SyncFounderTest, WhoHasNothingGetsAllOfIt) {
  Ledger& first = found(keep(a()));
  Ledger& second = join(keep(b()), first);
  ASSERT_TRUE(dial(a(), b()));
  for (int i = 0; i < 20; ++i) grant(first, i % 2 == 0 ? b() : c());
  loop.run_for(1'000'000);
  for (int i = 0; i < 30; ++i) append(second, "note " + std::to_string(i));
  loop.run_for(1'000'000);
  Ledger& third = join(keep(c()), first);
  ASSERT_TRUE(dial(b(), c()));
  loop.run_for(1'000'000);
  EXPECT_EQ(notes(third).size(), 30u);
  EXPECT_EQ(third.tip_set().digest(), first.tip_set().digest());
  append(third, "late");
  loop.run_for(1'000'000);
  EXPECT_EQ(notes(first).size(), 31u);
}

// Two sides of a cut network: one revokes, the other goes on writing.
TEST_F(SyncFounderTest, ARevokeActsWhereItIsKnown) {
  Ledger& first = found(keep(a()));
  Ledger& second = join(keep(b()), first);
  Ledger& third = join(keep(c()), first);
  ASSERT_TRUE(dial(a(), b()));
  ASSERT_TRUE(dial(a(), c()));
  loop.run_for(1'000'000);
  const Digest id = grant(first, b());
  loop.run_for(1'000'000);
  append(second, "one");
  loop.run_for(1'000'000);
  a().swarm->disconnect(b().id(), "cut");
  loop.run_for(1'000'000);
  const auto heads = run(first.heads_under(id)).value();
  ASSERT_EQ(heads.size(), 1u);
  run(first.revoke({id, heads})).value();
  append(second, "two");
  loop.run_for(1'000'000);
  EXPECT_EQ(notes(second), (Texts{"one", "two"}));
  EXPECT_EQ(notes(third), Texts{"one"});
  // The third hears the removed one first, and has what it needs to refuse him.
  ASSERT_TRUE(dial(b(), c()));
  loop.run_for(10'000'000);
  EXPECT_EQ(notes(third), Texts{"one"});
  EXPECT_EQ(notes(second), Texts{"one"});
  EXPECT_EQ(second.tip_set().digest(), first.tip_set().digest());
  EXPECT_TRUE(is_connected(b(), c()));
}

// A node that is fed by the removed member alone.
TEST_F(SyncFounderTest, WhoWasFedByTheRemovedCatchesUp) {
  Ledger& first = found(keep(a()));
  Ledger& second = join(keep(b()), first);
  Ledger& third = join(keep(c()), first);
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(1'000'000);
  const Digest id = grant(first, b());
  loop.run_for(1'000'000);
  append(second, "one");
  loop.run_for(1'000'000);
  a().swarm->disconnect(b().id(), "cut");
  run(first.revoke({id, {}})).value();
  append(second, "two");
  ASSERT_TRUE(dial(b(), c()));
  loop.run_for(5'000'000);
  EXPECT_EQ(notes(third), (Texts{"one", "two"}));
  b().swarm->disconnect(c().id(), "cut");
  ASSERT_TRUE(dial(a(), c()));
  loop.run_for(5'000'000);
  EXPECT_EQ(notes(third), Texts{});
  EXPECT_EQ(third.tip_set().digest(), first.tip_set().digest());
}

TEST_F(SyncFounderTest, EqualOnesCostOneRoundTrip) {
  Ledger& first = found(keep(a()));
  grant(first, b());
  append(first, "one");
  ASSERT_TRUE(dial(b(), a()));
  Pipe stream = open(b(), a());
  SyncHello hello = hello_of(first);
  hello.control = first.control_tip_set().digest();
  write(stream, SyncRequest(hello));
  EXPECT_TRUE(answer<SyncSame>(stream));
  EXPECT_LE(bytes_read + encode(SyncRequest(hello)).size(), 160u);
}

TEST_F(SyncFounderTest, ControlFeedsThatDoNotDifferAreRefused) {
  Ledger& first = found(keep(a()));
  append(first, "one");
  play(b());
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(1'000'000);
  ASSERT_FALSE(asked.empty());
  const auto hello = request<SyncHello>(asked.back());
  ASSERT_TRUE(hello && hello->control);
  SyncDiffers lie;
  lie.control = hello->control;
  lie.tips = 1;
  write(asked.back(), SyncAnswer(lie));
  loop.run_for(1'000'000);
  EXPECT_FALSE(is_connected(a(), b()));
}

}  // namespace
}  // namespace kith::protocols
