// SPDX-License-Identifier: MIT
#include "engine/protocols/ping.h"

#include "tests/net/swarm_world.h"

namespace kith::protocols {
namespace {

using test::Mute;
using test::Running;

struct PingTest : test::SwarmWorld {
  PingTest() : ping_a(std::in_place, *a().swarm), ping_b(std::in_place, *b().swarm) {}
  Result<Pipe> open() {
    return run(a().swarm->open(b().id(), std::vector<std::string>{"/ipfs/ping/1.0.0"}, 5'000));
  }
  static std::int64_t read(Pipe& stream, std::size_t n) {
    std::uint8_t bytes[64];
    return stream.read(MutableBytes(bytes, n));
  }
  std::optional<Ping> ping_a, ping_b;
};

TEST_F(PingTest, TakesOneRoundTrip) {
  internet.shape.delay_us = 20'000;
  ASSERT_TRUE(dial(a(), b()));
  const auto rtt_us = run(ping_a->ping(b().id()));
  ASSERT_TRUE(rtt_us) << rtt_us.error().message();
  EXPECT_EQ(*rtt_us, 40'000u);
  EXPECT_EQ(a().swarm->peers().find(b().id())->rtt_us, 40'000u);
}

TEST_F(PingTest, NeedsAConnection) {
  const auto failed = run(ping_a->ping(b().id()));
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is(net::net_error::closed));
}

TEST_F(PingTest, EchoesUntilClosed) {
  ASSERT_TRUE(dial(a(), b()));
  Pipe stream = open().value();
  for (int i = 0; i < 3; ++i) {
    const ByteVector sent(32, static_cast<std::uint8_t>(i));
    stream.write(sent);
    loop.run_for(100'000);
    std::uint8_t echoed[33];
    ASSERT_EQ(stream.read(echoed), 32);
    EXPECT_TRUE(equal(Bytes(echoed, 32), sent));
  }
  stream.shut();
  loop.run_for(100'000);
  EXPECT_EQ(read(stream, 32), 0);
}

TEST_F(PingTest, TwoStreamsAPeer) {
  ASSERT_TRUE(dial(a(), b()));
  Pipe first = open().value();
  Pipe second = open().value();
  auto third = open();
  loop.run_for(100'000);
  ASSERT_TRUE(third);
  EXPECT_EQ(read(*third, 32), KITH_RESET);
  EXPECT_EQ(read(second, 32), KITH_AGAIN);
  first.close();
  loop.run_for(100'000);
  Pipe fourth = open().value();
  loop.run_for(100'000);
  EXPECT_EQ(read(fourth, 32), KITH_AGAIN);
}

TEST_F(PingTest, AnIdleStreamIsGoneByItsLimit) {
  ASSERT_TRUE(dial(a(), b()));
  Pipe stream = open().value();
  stream.write(ByteVector(7));  // not even a whole ping
  loop.run_for(std::uint64_t{limits::kPingIdleMs} * 1000 - 1'000'000);
  EXPECT_EQ(read(stream, 32), KITH_AGAIN);
  loop.run_for(2'000'000);
  EXPECT_EQ(read(stream, 32), KITH_RESET);
}

TEST_F(PingTest, APeerThatNeverEchoesTimesOut) {
  Mute mute(c().shared, link_to(c(), a()));
  loop.run_for(1'000'000);
  const std::uint64_t began_us = loop.now_us();
  const auto failed = run(ping_a->ping(c().id()));
  ASSERT_FALSE(failed);
  EXPECT_NEAR(static_cast<double>(loop.now_us() - began_us), limits::kPingMs * 1e3, 1e4);
}

TEST_F(PingTest, MayEndWhilePinging) {
  ASSERT_TRUE(dial(a(), b()));
  {
    Running<std::uint64_t> pinging(ping_a->ping(b().id()));
    loop.run_for(15'000);
    ping_b.reset();
    b().swarm.reset();
  }
  ping_a.reset();
  loop.run_for(1'000'000);
  EXPECT_EQ(internet.links.size(), 0u);
}

}  // namespace
}  // namespace kith::protocols
