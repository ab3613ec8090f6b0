// SPDX-License-Identifier: MIT
// sdk/examples/unix from the build: the smallest transport carries bytes.
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/wire/multiaddr.h"
#include "tests/support/plugin_host.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

TEST(UnixExample, CarriesBytesBothWays) {
  node::RealLoop loop;
  RealRun run(loop);
  PluginHost host(loop);
  LoadedTransport transport(host, "unix");
  const std::string path = testing::TempDir() + "kith_unix_" + std::to_string(getpid());
  const auto address = wire::Multiaddr::from_text("/unix" + path);
  ASSERT_TRUE(address);
  Links arrived, dialed;
  const ByteVector bound = transport.listen(address->bytes(), arrived);
  ASSERT_FALSE(bound.empty()) << host.failure;
  transport.dial(bound, dialed);
  ASSERT_TRUE(run.until([&] { return !dialed.pipes.empty() && !arrived.pipes.empty(); }));
  dialed.pipes[0].write(as_bytes("there"));
  arrived.pipes[0].write(as_bytes("back"));
  std::uint8_t to[8];
  EXPECT_TRUE(run.until([&] { return arrived.pipes[0].read(to) == 5; }));
  EXPECT_TRUE(run.until([&] { return dialed.pipes[0].read(to) == 4; }));
  unlink(path.c_str());
  Links refused;
  transport.dial(bound, refused);
  EXPECT_TRUE(run.until([&] { return refused.error == KITH_REFUSED; }));
}

}  // namespace
}  // namespace kith::test
