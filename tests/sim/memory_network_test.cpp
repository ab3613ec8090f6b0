// SPDX-License-Identifier: MIT
#include "engine/sim/memory_network.h"

#include "engine/sim/virtual_loop.h"
#include "tests/support/pipe_contract.h"

namespace kith::test {
namespace {

struct MemoryWorld final : PipeWorld {
  explicit MemoryWorld(sim::LinkShape given) : shape(given) {}
  std::pair<Pipe, Pipe> connect() override { return network.pair(shape); }
  bool run_until(const std::function<bool()>& done) override {
    return loop.run_until(done, 10'000'000);
  }
  void settle() override { loop.run_for(100'000); }
  sim::LinkShape shape;
  sim::VirtualLoop loop{1};
  sim::MemoryNetwork network{loop};
};
std::unique_ptr<PipeWorld> make_quick() { return std::make_unique<MemoryWorld>(sim::LinkShape()); }
std::unique_ptr<PipeWorld> make_slow() {
  return std::make_unique<MemoryWorld>(sim::LinkShape{3'000, 4'000'000, 100'000});
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, PipeContract, testing::Values(&make_quick));
INSTANTIATE_TEST_SUITE_P(SlowMemory, PipeContract, testing::Values(&make_slow));

namespace {

struct MemoryNetworkTest : testing::Test {
  sim::VirtualLoop loop{1};
  sim::MemoryNetwork network{loop};
};

TEST_F(MemoryNetworkTest, DelayIsExact) {
  auto [a, b] = network.pair({.delay_us = 7'000});
  Wake wake;
  std::uint64_t at_us = 0;
  wake.then = [&] { at_us = loop.now_us(); };
  b.want(KITH_RD, wake.done());
  loop.run_for(1'000);
  a.write(as_bytes("x"));
  loop.run_for(6'999);
  EXPECT_EQ(wake.count, 0);
  std::uint8_t to[4];
  EXPECT_EQ(b.read(to), KITH_AGAIN);
  loop.run_for(1);
  EXPECT_EQ(at_us, 8'000u);
  EXPECT_EQ(b.read(to), 1);
}

TEST_F(MemoryNetworkTest, BandwidthIsExact) {
  auto [a, b] = network.pair({1'000, 1'000'000, 1 << 20});
  const ByteVector bytes = pattern(500'000);
  ASSERT_EQ(a.write(bytes), 500'000);
  a.shut();
  std::size_t got = 0;
  std::uint8_t to[4096];
  std::int64_t n = KITH_AGAIN;
  loop.run_until(
      [&, &end = b] {
        while ((n = end.read(to)) > 0) got += static_cast<std::size_t>(n);
        return n != KITH_AGAIN;
      },
      249'000);
  EXPECT_NEAR(static_cast<double>(got), 248'000, 16'384);
  Wake fin;
  b.deadline(KITH_RD, 0);
  ASSERT_TRUE(loop.run_until(
      [&, &end = b] {
        while ((n = end.read(to)) > 0) got += static_cast<std::size_t>(n);
        if (n == KITH_AGAIN) end.want(KITH_RD, fin.done());
        return n == 0;
      },
      10'000'000));
  EXPECT_EQ(got, bytes.size());
  EXPECT_EQ(loop.now_us(), 501'000u);
}

TEST_F(MemoryNetworkTest, BufferBoundsWhatIsTaken) {
  auto [a, b] = network.pair({.buffer_bytes = 1'000});
  EXPECT_EQ(a.write(pattern(1'500)), 1'000);
  EXPECT_EQ(a.write(as_bytes("x")), KITH_AGAIN);
  std::uint8_t to[400];
  EXPECT_EQ(b.read(to), 400);
  EXPECT_EQ(a.write(pattern(1'500)), 400);
}

TEST_F(MemoryNetworkTest, CutArrivesAfterTheDelayAndNotBefore) {
  auto [a, b] = network.pair({.delay_us = 5'000});
  Wake wake;
  b.want(KITH_RD, wake.done());
  a.reset();
  EXPECT_EQ(b.write(as_bytes("x")), 1) << "it cannot know yet";
  loop.run_for(4'999);
  EXPECT_EQ(wake.count, 0);
  loop.run_for(1);
  EXPECT_EQ(wake.count, 1);
  std::uint8_t to[4];
  EXPECT_EQ(b.read(to), KITH_RESET);
  EXPECT_EQ(network.links(), 1u);
  b.reset();
  EXPECT_EQ(network.links(), 0u);
}

TEST_F(MemoryNetworkTest, ASilentEndSaysAndHearsNothing) {
  auto [a, b] = network.pair({.buffer_bytes = 1'000});
  a.write(as_bytes("before"));
  network.silence(a.get());
  EXPECT_EQ(a.write(pattern(5'000)), 5'000) << "swallowed";
  b.write(pattern(1'000));
  Wake heard, timed;
  a.want(KITH_RD, heard.done());
  loop.run_for(1'000'000);
  std::uint8_t to[4096];
  EXPECT_EQ(a.read(to), KITH_AGAIN);
  EXPECT_EQ(heard.count, 0);
  EXPECT_EQ(b.read(to), 6) << "what left before it fell silent";
  EXPECT_EQ(b.read(to), KITH_AGAIN);
  EXPECT_EQ(b.write(as_bytes("x")), KITH_AGAIN);
  b.want(KITH_RD, timed.done());
  b.deadline(KITH_RD, 10);
  a.reset();
  loop.run_for(1'000'000);
  EXPECT_EQ(timed.r, KITH_TIMEOUT) << "its end is not seen either";
}

TEST_F(MemoryNetworkTest, DialsArriveAtTheListener) {
  network.shape({.delay_us = 2'000});
  Pipe arrived;
  Result<std::uint64_t> port = network.listen(0, [&](Pipe link) { arrived = std::move(link); });
  ASSERT_TRUE(port);
  EXPECT_FALSE(network.listen(*port, [](Pipe) {}));
  Result<Pipe> dialed = network.dial(*port);
  ASSERT_TRUE(dialed);
  EXPECT_FALSE(arrived) << "called from inside dial";
  dialed->write(as_bytes("hi"));
  loop.run_for(2'000);
  ASSERT_TRUE(arrived);
  std::uint8_t to[4];
  EXPECT_EQ(arrived.read(to), 2);
  EXPECT_TRUE(equal(view(arrived.info().remote), view(dialed->info().local)));
  EXPECT_FALSE(view(arrived.info().remote).empty());
}

TEST_F(MemoryNetworkTest, DialOfNobodyIsRefused) {
  EXPECT_FALSE(network.dial(9));
  ASSERT_TRUE(network.listen(9, [](Pipe) { FAIL() << "it has gone"; }));
  Result<Pipe> dialed = network.dial(9);
  ASSERT_TRUE(dialed);
  network.unlisten(9);
  Wake wake;
  dialed->want(KITH_RD, wake.done());
  loop.run_for(1'000);
  std::uint8_t to[4];
  EXPECT_EQ(wake.count, 1);
  EXPECT_EQ(dialed->read(to), KITH_RESET);
}

TEST_F(MemoryNetworkTest, AnIdleLinkHoldsNoTimer) {
  auto [a, b] = network.pair({.delay_us = 1'000});
  a.write(as_bytes("x"));
  loop.run_for(10'000);
  EXPECT_EQ(loop.turns(), 0u);
}

}  // namespace
}  // namespace kith::test
