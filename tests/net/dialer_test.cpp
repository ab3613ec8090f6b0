// SPDX-License-Identifier: MIT
// The Dialer over a Reach that only waits, and the Keeper over it.
#include "engine/net/dialer.h"

#include "engine/net/keeper.h"
#include "tests/net/swarm_world.h"

namespace kith::net {
namespace {

using test::address;
using test::Running;
using Addresses = std::vector<wire::Multiaddr>;

struct FakeConnection final : Connection {
  explicit FakeConnection(const wire::PeerId& id) : id_(id) {}
  const wire::PeerId& peer() const override { return id_; }
  const wire::Multiaddr& local() const override { return none_; }
  const wire::Multiaddr& remote() const override { return none_; }
  bool dialed() const override { return true; }
  bool limited() const override { return false; }
  void listen(ConnectionEvents&) override {}
  Result<Pipe> open_stream() override { return net_error::closed; }
  void name_stream(kith_pipe*, std::string_view) override {}
  void close(std::string_view) override {}
  bool closed() const override { return false; }
  std::size_t streams() const override { return 0; }
  std::uint64_t rtt_us() const override { return 0; }
  std::uint64_t opened_us() const override { return 0; }
  std::uint64_t bytes_in() const override { return 0; }
  std::uint64_t bytes_out() const override { return 0; }

 private:
  wire::PeerId id_;
  wire::Multiaddr none_;
};

struct DialerTest : testing::Test, Reach {
  Task<Connection*> reach(wire::PeerId expected, wire::Multiaddr where,
                          std::string dns_name) override {
    tried.emplace_back(where.text(), loop.now_us());
    if (!dns_name.empty()) names.push_back(dns_name);
    const auto at = answers.find(where.text());
    const std::uint64_t wait_us = at == answers.end() ? 1'000 : at->second;
    const bool works = at != answers.end();
    Nap nap(loop, wait_us);
    co_await nap;
    if (!works) throw Fault(Error(KITH_REFUSED, "nobody listens there"));
    open = std::make_unique<FakeConnection>(expected.empty() ? peer : expected);
    co_return open.get();
  }
  Connection* open_to(const wire::PeerId& which) override {
    return open && open->peer() == which ? open.get() : nullptr;
  }
  Result<Connection*> dial(const Addresses& where) {
    const auto line = dialer.start(peer, where);
    if (!line) return line.error();
    Running<Connection*> running(wait(**line, loop));
    if (!loop.run_until([&] { return running.ended(); }, 600'000'000)) return KITH_TIMEOUT;
    if (running.error) return *running.error;
    return *running.value;
  }
  static Task<Connection*> wait(Dialer::Line& line, Loop& loop) {
    Dialer::Line::Wait waiting(line, loop);
    auto answer = co_await waiting;
    co_return std::move(*answer).value();
  }

  static constexpr std::uint64_t kNever = 3'600'000'000;
  test::NoLog sink;
  sim::VirtualLoop loop{3};
  test::Internet internet{loop};
  test::Machine self{loop, sink, internet, 1}, other{loop, sink, internet, 2};
  const wire::PeerId peer = other.id();
  Peers peers;
  Gate gate;
  std::unique_ptr<Connection> open;
  std::map<std::string, std::uint64_t> answers;  // address: after so long; absent: refused
  std::vector<std::pair<std::string, std::uint64_t>> tried;
  std::vector<std::string> names;
  Dialer dialer{self.shared, peers, gate, *this};
};

TEST_F(DialerTest, TriesWhatWorkedThenWhatIsNearThenTheRest) {
  peers.hint(peer, address("/ip4/9.9.9.9/tcp/1"));
  peers.hint(peer, address("/ip4/9.9.9.9/tcp/2"));
  peers.worked(peer, address("/ip4/9.9.9.9/tcp/2"), 1);
  ASSERT_FALSE(dial({address("/ip4/9.9.9.9/tcp/3"), address("/ip4/192.168.1.1/tcp/4"),
                     address("/ip4/9.9.9.9/tcp/1")}));
  std::vector<std::string> order;
  for (const auto& [where, when] : tried) order.push_back(where);
  EXPECT_EQ(order, (std::vector<std::string>{"/ip4/9.9.9.9/tcp/2", "/ip4/192.168.1.1/tcp/4",
                                             "/ip4/9.9.9.9/tcp/1", "/ip4/9.9.9.9/tcp/3"}));
}

TEST_F(DialerTest, ABlackHoleCostsItsHeadStart) {
  answers["/ip4/9.9.9.9/tcp/1"] = kNever;
  answers["/ip4/9.9.9.9/tcp/2"] = 5'000;
  ASSERT_TRUE(dial({address("/ip4/9.9.9.9/tcp/1"), address("/ip4/9.9.9.9/tcp/2")}));
  EXPECT_EQ(loop.now_us(), std::uint64_t{limits::kDialHeadStartMs} * 1000 + 5'000);
  EXPECT_EQ(peers.find(peer)->addresses.front(), address("/ip4/9.9.9.9/tcp/2"));
  EXPECT_EQ(dialer.under_way(), 0u);
}

TEST_F(DialerTest, TwoAtOnceAndEachUnderItsLimit) {
  for (const char* port : {"1", "2", "3"})
    answers[std::string("/ip4/9.9.9.9/tcp/") + port] = kNever;
  const auto failed = dial({address("/ip4/9.9.9.9/tcp/1"), address("/ip4/9.9.9.9/tcp/2"),
                            address("/ip4/9.9.9.9/tcp/3")});
  ASSERT_FALSE(failed);
  EXPECT_EQ(tried[1].second, 1'000'000u);
  EXPECT_EQ(tried[2].second, 15'000'000u);
  EXPECT_EQ(loop.now_us(), 30'000'000u);
  EXPECT_NE(failed.error().message().find("/ip4/9.9.9.9/tcp/3: the other side took too long"),
            std::string::npos)
      << failed.error().message();
}

TEST_F(DialerTest, ResolvesNamesByFamily) {
  loop.names()["a.example"] = {"9.9.9.9", "2001:db8::1"};
  answers["/ip6/2001:db8::1/tcp/1"] = 1'000;
  ASSERT_TRUE(dial({address("/dns/a.example/tcp/1")}));
  EXPECT_EQ(tried.size(), 2u);
  EXPECT_EQ(names, (std::vector<std::string>{"a.example", "a.example"}));
  EXPECT_EQ(peers.find(peer)->addresses.front(), address("/dns/a.example/tcp/1"));
  tried.clear();
  open.reset();
  answers.clear();
  peers = Peers();
  const auto failed = dial({address("/dns4/a.example/tcp/1"), address("/dns4/b.example/tcp/1")});
  ASSERT_FALSE(failed);
  ASSERT_EQ(tried.size(), 1u);
  EXPECT_EQ(tried[0].first, "/ip4/9.9.9.9/tcp/1");
  const std::string message = failed.error().message();
  EXPECT_NE(message.find("/dns4/a.example/tcp/1 (9.9.9.9): nobody listens there"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("the name b.example has no address"), std::string::npos) << message;
}

TEST_F(DialerTest, TheGateIsAskedOfResolvedAddressesToo) {
  Gate::Lists lists;
  lists.deny.push_back("9.0.0.0/8");
  gate.set(lists).value();
  loop.names()["a.example"] = {"9.9.9.9"};
  const auto failed = dial({address("/dns4/a.example/tcp/1")});
  ASSERT_FALSE(failed);
  EXPECT_TRUE(tried.empty());
  EXPECT_TRUE(failed.error().is(net_error::gate_refused)) << failed.error().message();
}

TEST_F(DialerTest, AddressesOfTwoPeersAreRefused) {
  const auto failed = dial({address("/ip4/9.9.9.9/tcp/1").with_peer(self.id())});
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is(KITH_BAD));
  const auto nowhere = dial({});
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().is(net_error::no_address)) << nowhere.error().message();
}

TEST_F(DialerTest, SoManyAtOnceAndTheOthersInOrder) {
  for (int port = 1; port <= 70; ++port) {
    const auto where = address("/ip4/9.9.9.9/tcp/" + std::to_string(port));
    answers[where.text()] = kNever;
    ASSERT_TRUE(dialer.start(wire::PeerId(), Addresses{where}));
  }
  loop.run_for(1'000);
  EXPECT_EQ(dialer.under_way(), limits::kDialsMax);
  EXPECT_EQ(tried.size(), limits::kDialsMax);
  loop.run_for(std::uint64_t{limits::kDialMs} * 1000);
  ASSERT_EQ(tried.size(), 70u);
  EXPECT_EQ(tried.back().first, "/ip4/9.9.9.9/tcp/70");
  EXPECT_EQ(dialer.under_way(), 6u);
}

TEST_F(DialerTest, APeerThatComesByItselfAnswersWhoWaits) {
  answers["/ip4/9.9.9.9/tcp/1"] = kNever;
  const auto line = dialer.start(peer, Addresses{address("/ip4/9.9.9.9/tcp/1")});
  Running<Connection*> running(wait(**line, loop));
  loop.run_for(10'000);
  EXPECT_FALSE(running.ended());
  open = std::make_unique<FakeConnection>(peer);
  dialer.arrived(peer);
  loop.run_for(1);
  ASSERT_TRUE(running.value);
  EXPECT_EQ(*running.value, open.get());
}

TEST_F(DialerTest, AWaitMayEndBeforeTheAnswerAndTheDialerBeforeTheWait) {
  answers["/ip4/9.9.9.9/tcp/1"] = 1'000;
  auto ending = std::make_unique<Dialer>(self.shared, peers, gate, *this);
  const auto line = ending->start(peer, Addresses{address("/ip4/9.9.9.9/tcp/1")});
  auto early = std::make_unique<Running<Connection*>>(wait(**line, loop));
  Running<Connection*> late(wait(**line, loop));
  early.reset();
  ending.reset();
  loop.run_for(1'000'000);
  EXPECT_FALSE(late.ended());
}

struct KeeperTest : DialerTest {
  std::vector<std::uint64_t> gaps() const {
    std::vector<std::uint64_t> between;
    for (std::size_t i = 1; i < tried.size(); ++i)
      between.push_back(tried[i].second - tried[i - 1].second);
    return between;
  }
  Keeper keeper{self.shared, dialer};
};

TEST_F(KeeperTest, RedialsWithABackOffThatDoublesToItsMost) {
  peers.hint(peer, address("/ip4/9.9.9.9/tcp/1"));
  keeper.keep(peer, false);
  loop.run_for(3'600'000'000);
  ASSERT_GT(tried.size(), 14u);
  EXPECT_EQ(tried[0].second, 0u);
  std::uint64_t backoff_us = 1'000'000;
  for (const std::uint64_t gap_us : gaps()) {
    EXPECT_GE(gap_us - 1'000, backoff_us * 3 / 4);
    EXPECT_LE(gap_us - 1'000, backoff_us * 5 / 4);
    backoff_us = std::min<std::uint64_t>(backoff_us * 2, 300'000'000);
  }
  keeper.unkeep(peer);
  const std::size_t before = tried.size();
  loop.run_for(3'600'000'000);
  EXPECT_EQ(tried.size(), before);
}

TEST_F(KeeperTest, TheScheduleIsTheSeeds) {
  // VirtualLoop{3}: one chance of eight bytes a redial, little-endian.
  sim::VirtualLoop twin(3);
  peers.hint(peer, address("/ip4/9.9.9.9/tcp/1"));
  keeper.keep(peer, false);
  loop.run_for(60'000'000);
  std::uint64_t backoff_us = 1'000'000;
  ASSERT_GE(tried.size(), 5u);
  for (const std::uint64_t gap_us : gaps()) {
    std::uint64_t chance = 0;
    twin.random(MutableBytes(reinterpret_cast<std::uint8_t*>(&chance), sizeof chance));
    EXPECT_EQ(gap_us, 1'000 + backoff_us * 3 / 4 + chance % (backoff_us / 2 + 1));
    backoff_us *= 2;
  }
}

TEST_F(KeeperTest, AConnectionThatLastsEndsTheBackOff) {
  peers.hint(peer, address("/ip4/9.9.9.9/tcp/1"));
  keeper.keep(peer, false);
  loop.run_for(20'000'000);
  keeper.connected(peer);
  const std::size_t before = tried.size();
  loop.run_for(600'000'000);
  EXPECT_EQ(tried.size(), before) << "no dial while connected";
  const std::uint64_t gone_us = loop.now_us();
  keeper.disconnected(peer, 600'000'000);
  loop.run_for(1'250'000);
  ASSERT_EQ(tried.size(), before + 1);
  EXPECT_GE(tried.back().second - gone_us, 750'000u);
}

TEST_F(KeeperTest, AConnectionThatDropsAtOnceDoesNot) {
  peers.hint(peer, address("/ip4/9.9.9.9/tcp/1"));
  keeper.keep(peer, true);
  EXPECT_TRUE(tried.empty());
  for (int i = 0; i < 6; ++i) {
    keeper.connected(peer);
    keeper.disconnected(peer, 1'000);
  }
  loop.run_for(20'000'000);
  EXPECT_TRUE(tried.empty()) << "the back-off is 32 s by now";
  loop.run_for(20'000'000);
  EXPECT_EQ(tried.size(), 1u);
}

}  // namespace
}  // namespace kith::net
