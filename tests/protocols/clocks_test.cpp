// SPDX-License-Identifier: MIT
// What peers' clocks say: the median, liars, round trips, and what sync brings to it.
#include "engine/protocols/clocks.h"

#include "tests/protocols/sync_world.h"

namespace kith::protocols {
namespace {

constexpr std::uint64_t kSecond = 1'000'000, kHour = 3'600 * kSecond;

// A loop that only tells the time, so that a test sets the wall clock.
struct SetClock final : Loop {
  std::uint64_t mono_us = 5 * kHour, clock_us = 1'800'000'000 * kSecond;
  void pass(std::uint64_t us) {
    mono_us += us;
    clock_us += us;
  }
  std::uint64_t now_us() const override { return mono_us; }
  std::uint64_t wall_us() const override { return clock_us; }
  void random(MutableBytes) override {}
  void entropy(MutableBytes) override {}
  void start(Timer&, std::uint64_t) override {}
  void post(kith_done) override {}
  std::unique_ptr<Watch> watch(int, kith_done) override { return nullptr; }
  bool offload(std::int64_t (*)(void*), void*, kith_done, Beside) override { return false; }
  std::unique_ptr<Lookup> resolve(const std::string&, kith_done) override { return nullptr; }
};

struct ClocksTest : testing::Test {
  ClocksTest() {
    clocks.changed = [this](const ClockVerdict& verdict) { told.push_back(verdict); };
  }
  static wire::PeerId peer(std::uint8_t number) {
    return crypto::Identity::from_seed(test::Machine::key_of(number)).peer_id();
  }
  // One that answered at once; by how much its clock is ahead.
  void tells(std::uint8_t number, std::int64_t ahead_s) {
    clocks.answered(peer(number), ahead(ahead_s), 0);
  }
  std::uint64_t ahead(std::int64_t s) const {
    return loop.clock_us + static_cast<std::uint64_t>(s * 1'000'000);
  }
  SetClock loop;
  Clocks clocks{loop};
  std::vector<ClockVerdict> told;
};

TEST_F(ClocksTest, NobodyHasToldItsTime) {
  EXPECT_EQ(clocks.verdict().peers, 0u);
  EXPECT_FALSE(clocks.verdict().is_off());
  EXPECT_EQ(describe(clocks.verdict()), "no peer has told its time yet");
  clocks.heard(peer(1), 0);  // it did not say
  EXPECT_EQ(clocks.verdict().peers, 0u);
}

TEST_F(ClocksTest, OneLiarOfSeveralIsNotBelieved) {
  tells(1, 0);
  tells(2, 7'200);
  EXPECT_FALSE(clocks.verdict().is_off()) << "one of two is no majority";
  tells(3, 1);
  EXPECT_FALSE(clocks.verdict().is_off());
  EXPECT_EQ(clocks.verdict().agree, 2u);
  EXPECT_EQ(clocks.verdict().offset_us, 1'000'000);
  tells(4, -86'400);
  EXPECT_FALSE(clocks.verdict().is_off());
  EXPECT_TRUE(told.empty());
}

TEST_F(ClocksTest, MoreThanHalfAre) {
  tells(1, 7'200);
  tells(2, 7'201);
  tells(3, 0);
  const ClockVerdict verdict = clocks.verdict();
  EXPECT_TRUE(verdict.is_off());
  EXPECT_EQ(verdict.agree, 2u);
  EXPECT_EQ(describe(verdict),
            "this machine's clock is 2.0 h behind the median of its peers; 2 of 3 agree");
  EXPECT_NE(advice(verdict).find("set this machine's clock"), std::string::npos);
  tells(4, 0);
  EXPECT_FALSE(clocks.verdict().is_off()) << "two of four are no majority";
  EXPECT_EQ(advice(clocks.verdict()), "");
}

TEST_F(ClocksTest, OnlyOnePeerMayBeTheWrongOne) {
  tells(1, -90);
  const ClockVerdict verdict = clocks.verdict();
  EXPECT_TRUE(verdict.is_off());
  EXPECT_EQ(describe(verdict),
            "this machine's clock is 90.0 s ahead of the median of its peers; 1 of 1 agree");
  EXPECT_NE(advice(verdict).find("only one peer"), std::string::npos);
}

TEST_F(ClocksTest, OffIsOverAMinuteEitherWay) {
  for (const std::int64_t s : {60, -60}) {
    tells(1, s);
    EXPECT_FALSE(clocks.verdict().is_off()) << s;
  }
  for (const std::int64_t s : {61, -61}) {
    tells(1, s);
    EXPECT_TRUE(clocks.verdict().is_off()) << s;
  }
}

TEST_F(ClocksTest, AnAnswerIsOfTheMiddleOfItsRoundTrip) {
  clocks.answered(peer(1), loop.clock_us, 20 * kSecond);
  EXPECT_EQ(clocks.verdict().offset_us, 10'000'000);
  clocks.answered(peer(1), ahead(7'200), 31 * kSecond);  // it may have lain anywhere
  EXPECT_EQ(clocks.verdict().offset_us, 10'000'000);
}

TEST_F(ClocksTest, AHelloCountsUntilThereIsAnAnswer) {
  clocks.heard(peer(1), ahead(7'200));
  EXPECT_TRUE(clocks.verdict().is_off());
  tells(1, 0);
  EXPECT_FALSE(clocks.verdict().is_off());
  clocks.heard(peer(1), ahead(-7'200));
  EXPECT_FALSE(clocks.verdict().is_off());
  tells(1, 7'200);  // the newest answer does
  EXPECT_TRUE(clocks.verdict().is_off());
}

TEST_F(ClocksTest, AChangeIsToldOnceAndAtMostOnceAMinute) {
  tells(1, 7'200);
  for (int i = 0; i < 3; ++i) tells(1, 7'200);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].is_off());
  for (int i = 0; i < 100; ++i) tells(1, i % 2 == 0 ? 0 : 7'200);
  EXPECT_EQ(told.size(), 1u) << "a peer that changes its mind fills no log";
  loop.pass(61 * kSecond);
  tells(1, 0);
  tells(1, 1);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[1].is_off());
}

// Neither going away nor a set clock is a word that all is right again.
TEST_F(ClocksTest, PeersThatAreGoneSayNothing) {
  tells(1, 7'200);
  clocks.forget(peer(1));
  EXPECT_EQ(clocks.verdict().peers, 0u);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(ClocksTest, OnceTheClockWasSetTheyTellAnew) {
  tells(1, 7'200);
  tells(2, 7'200);
  loop.pass(300 * kSecond);
  EXPECT_EQ(clocks.verdict().peers, 2u);
  loop.clock_us += 2 * kHour;
  EXPECT_EQ(clocks.verdict().peers, 0u);
  EXPECT_EQ(told.size(), 1u);
  tells(2, 0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[1].is_off());
}

TEST_F(ClocksTest, AnyNumberThatAMessageHoldsMayBeTold) {
  clocks.heard(peer(1), (1ull << 53) - 1);
  EXPECT_TRUE(clocks.verdict().is_off());
  EXPECT_NE(describe(clocks.verdict()).find("days behind"), std::string::npos);
  clocks.answered(peer(2), 1, 0);
  EXPECT_EQ(clocks.verdict().peers, 2u);
  EXPECT_TRUE(clocks.verdict().is_off()) << "of two liars the nearer";
}

// ---- by sync

struct ClocksSync : test::SyncWorld {
  // What a() thinks of it.
  ClockVerdict verdict() { return keepers.front()->sync->clocks().verdict(); }
};

TEST_F(ClocksSync, NodesTellEachOtherTheirTime) {
  keep(a()).open("notes");
  keep(b()).open("notes");
  keep(c()).open("other");
  ASSERT_TRUE(dial(a(), b()));
  ASSERT_TRUE(dial(a(), c()));
  loop.run_for(kSecond);
  EXPECT_EQ(verdict().peers, 2u) << "one that answered, one that only asked";
  EXPECT_EQ(verdict().agree, 2u);
  EXPECT_LT(std::abs(verdict().offset_us), 100'000);
  a().swarm->disconnect(b().id(), "the test");
  loop.run_for(kSecond);
  EXPECT_EQ(verdict().peers, 1u);
}

TEST_F(ClocksSync, APeersHelloAndItsAnswerCount) {
  store::Ledger& ledger = keep(a()).open("notes");
  play(b());
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(kSecond);
  Pipe stream = open(b(), a());
  SyncHello hello = hello_of(ledger);
  hello.now_us = loop.wall_us() + kHour;
  write(stream, SyncRequest(hello));
  ASSERT_TRUE(answer<SyncSame>(stream));
  EXPECT_EQ(verdict().peers, 1u);
  EXPECT_TRUE(verdict().is_off());
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(request<SyncHello>(asked[0]));
  write(asked[0], SyncAnswer(SyncSame{0, loop.wall_us() - kHour}));
  loop.run_for(kSecond);
  EXPECT_EQ(verdict().peers, 1u);
  EXPECT_LT(verdict().offset_us, -3'500'000'000);
}

TEST_F(ClocksSync, ADifferenceTellsTheTimeToo) {
  keep(a()).open("notes");
  play(b());
  ASSERT_TRUE(dial(a(), b()));
  loop.run_for(kSecond);
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(request<SyncHello>(asked[0]));
  SyncDiffers differs;
  differs.now_us = loop.wall_us() + kHour;
  write(asked[0], SyncAnswer(differs));
  loop.run_for(kSecond);
  EXPECT_TRUE(verdict().is_off());
}

}  // namespace
}  // namespace kith::protocols
