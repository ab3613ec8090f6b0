// SPDX-License-Identifier: MIT
// plugins/transports/memory from the build, over engine/sim's service.
#include <gtest/gtest.h>

#include "engine/sim/memory_service.h"
#include "engine/sim/virtual_loop.h"
#include "engine/wire/multiaddr.h"
#include "tests/support/plugin_host.h"

namespace kith::test {
namespace {

struct MemoryTest : testing::Test {
  MemoryTest() { host.offer(KITH_MEMORY, sim::MemoryService::table(), service.self()); }
  static ByteVector address(std::string_view text) {
    return to_vector(wire::Multiaddr::from_text(text)->bytes());
  }
  sim::VirtualLoop loop{1};
  sim::MemoryNetwork network{loop};
  sim::MemoryService service{loop, network};
  PluginHost host{loop};
};

TEST_F(MemoryTest, DialsWhatListens) {
  LoadedTransport memory(host, "memory");
  EXPECT_STREQ(memory.table->suffix, "/memory");
  EXPECT_STREQ(memory.entry->needs, KITH_MEMORY);
  Links arrived, dialed;
  const ByteVector bound = memory.listen(address("/memory/0"), arrived);
  ASSERT_FALSE(bound.empty());
  memory.dial(bound, dialed);
  EXPECT_EQ(dialed.answers, 0);
  loop.run_for(1'000);
  ASSERT_EQ(dialed.pipes.size(), 1u);
  ASSERT_EQ(arrived.pipes.size(), 1u);
  dialed.pipes[0].write(as_bytes("hello"));
  std::uint8_t to[8];
  EXPECT_EQ(arrived.pipes[0].read(to), 5);
  EXPECT_TRUE(equal(view(dialed.pipes[0].info().remote), bound));
}

TEST_F(MemoryTest, NobodyThereIsSaidOnce) {
  LoadedTransport memory(host, "memory");
  Links dialed;
  memory.dial(address("/memory/77"), dialed);
  loop.run_for(1'000);
  EXPECT_EQ(dialed.answers, 1);
  EXPECT_EQ(dialed.error, KITH_REFUSED);
  EXPECT_EQ(dialed.sentence, "nobody listens on memory port 77");
}

TEST_F(MemoryTest, ATakenPortIsRefused) {
  LoadedTransport memory(host, "memory");
  Links arrived;
  EXPECT_FALSE(memory.listen(address("/memory/5"), arrived).empty());
  EXPECT_TRUE(memory.listen(address("/memory/5"), arrived).empty());
  EXPECT_EQ(host.failure, "memory port 5 is taken");
}

TEST_F(MemoryTest, CancelsAreSilent) {
  LoadedTransport memory(host, "memory");
  Links arrived, dialed;
  const ByteVector bound = memory.listen(address("/memory/0"), arrived);
  memory.table->cancel(memory.me, memory.dial(bound, dialed));
  loop.run_for(1'000);
  EXPECT_EQ(dialed.answers, 0);
  arrived.pipes.clear();
  EXPECT_EQ(network.links(), 0u);
  memory.stop_listening();
  memory.dial(bound, dialed);
  loop.run_for(1'000);
  EXPECT_EQ(dialed.error, KITH_REFUSED);
}

TEST_F(MemoryTest, WithoutItsServiceItSaysSo) {
  PluginHost bare(loop);
  EXPECT_THROW(LoadedTransport(bare, "memory"), std::runtime_error);
  EXPECT_NE(bare.failure.find("kith.memory/1"), std::string::npos);
}

}  // namespace
}  // namespace kith::test
