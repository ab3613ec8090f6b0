// SPDX-License-Identifier: MIT
// plugins/transports/tcp from the build, over loopback and the real loop.
#include <sys/resource.h>
#include <unistd.h>

#include "engine/wire/multiaddr.h"
#include "engine/wire/value.h"
#include "tests/support/pipe_contract.h"
#include "tests/support/plugin_host.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

ByteVector address(std::string_view text) {
  return to_vector(wire::Multiaddr::from_text(text)->bytes());
}
std::string text_of(Bytes bytes) { return wire::Multiaddr::from_bytes(bytes)->text(); }

struct TcpWorld final : PipeWorld {
  explicit TcpWorld(std::string_view on) : bound(tcp.listen(address(on), arrived)) {}
  std::pair<Pipe, Pipe> connect() override {
    Links dialed;
    tcp.dial(bound, dialed);
    EXPECT_TRUE(run.until([&] { return !dialed.pipes.empty() && !arrived.pipes.empty(); }));
    Pipe listener = std::move(arrived.pipes.back());
    arrived.pipes.pop_back();
    return {std::move(dialed.pipes.front()), std::move(listener)};
  }
  bool run_until(const std::function<bool()>& done) override { return run.until(done); }
  void settle() override { run.run_for(20'000); }

  node::RealLoop loop;
  RealRun run{loop};
  PluginHost host{loop};
  LoadedTransport tcp{host, "tcp"};
  Links arrived;
  ByteVector bound;
};

std::unique_ptr<PipeWorld> make_ip4() { return std::make_unique<TcpWorld>("/ip4/127.0.0.1/tcp/0"); }
std::unique_ptr<PipeWorld> make_ip6() { return std::make_unique<TcpWorld>("/ip6/::1/tcp/0"); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Tcp4, PipeContract, testing::Values(&make_ip4));
INSTANTIATE_TEST_SUITE_P(Tcp6, PipeContract, testing::Values(&make_ip6));

namespace {

struct TcpTest : testing::Test {
  TcpWorld world{"/ip4/127.0.0.1/tcp/0"};
};

TEST_F(TcpTest, PortZeroGivesTheBoundOne) {
  const auto bound = wire::Multiaddr::from_bytes(world.bound);
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->host(), "127.0.0.1");
  EXPECT_GT(bound->port().value_or(0), 0);
}

TEST_F(TcpTest, ATakenPortIsSaidInASentence) {
  Links more;
  EXPECT_TRUE(world.tcp.listen(world.bound, more).empty());
  const std::string port = std::to_string(*wire::Multiaddr::from_bytes(world.bound)->port());
  EXPECT_EQ(world.host.failure,
            "port " + port + " on 127.0.0.1 is taken by another program: choose another");
}

TEST_F(TcpTest, DialOfNobodyIsRefusedWithASentence) {
  world.tcp.stop_listening();
  Links dialed;
  world.tcp.dial(world.bound, dialed);
  EXPECT_EQ(dialed.answers, 0) << "answered from inside dial";
  ASSERT_TRUE(world.run_until([&] { return dialed.answers > 0; }));
  EXPECT_EQ(dialed.error, KITH_REFUSED);
  EXPECT_NE(dialed.sentence.find("nothing listens on 127.0.0.1 port"), std::string::npos);
  EXPECT_EQ(world.host.ops(), 0u);
}

TEST_F(TcpTest, AForeignAddressIsRefused) {
  Links dialed;
  const ByteVector wrong = address("/dns4/example.test/tcp/80");
  world.tcp.dial(wrong, dialed);
  ASSERT_TRUE(world.run_until([&] { return dialed.answers > 0; }));
  EXPECT_LT(dialed.error, 0);
  const ByteVector garbage{0xff, 0xff, 0xff};
  world.tcp.dial(garbage, dialed);
  ASSERT_TRUE(world.run_until([&] { return dialed.answers > 1; }));
}

TEST_F(TcpTest, ACancelledDialStaysSilentAndHoldsNothing) {
  Links dialed;
  const std::size_t before = world.host.ops();
  kith_op* op = world.tcp.dial(world.bound, dialed);
  world.tcp.table->cancel(world.tcp.me, op);
  world.settle();
  EXPECT_EQ(dialed.answers, 0);
  EXPECT_EQ(world.host.ops(), before + world.arrived.pipes.size());
}

TEST_F(TcpTest, InfoTellsBothAddresses) {
  auto [a, b] = world.connect();
  EXPECT_EQ(text_of(view(a.info().remote)), text_of(world.bound));
  EXPECT_EQ(text_of(view(b.info().local)), text_of(world.bound));
}

TEST_F(TcpTest, AFloodOfDialsAllArrive) {
  Links dialed;
  for (int i = 0; i < 200; ++i) world.tcp.dial(world.bound, dialed);
  EXPECT_TRUE(world.run_until(
      [&] { return dialed.pipes.size() == 200 && world.arrived.pipes.size() == 200; }));
}

TEST_F(TcpTest, AcceptRestsWhenFdsRunOutAndGoesOn) {
  const std::size_t before = world.arrived.pipes.size();
  Links dialed;
  world.tcp.dial(world.bound, dialed);
  const int spare = dup(0);  // the lowest free number: no accept fits below it once it is freed
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{static_cast<rlim_t>(spare), limit.rlim_max};
  close(spare);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool rested = world.run_until([&] { return world.host.log.has("accept rests"); });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(rested);
  EXPECT_TRUE(world.run_until([&] { return world.arrived.pipes.size() > before; }));
}

TEST_F(TcpTest, AListenerMayEndWhileItHandsOut) {
  struct Ending {
    TcpWorld& world;
    int count = 0;
    static void link(void* self, std::int64_t, const void* result) {
      auto* ending = static_cast<Ending*>(self);
      const Pipe taken(static_cast<kith_pipe*>(const_cast<void*>(result)));
      ++ending->count;
      ending->world.tcp.table->cancel(ending->world.tcp.me, ending->listener);
    }
    kith_op* listener = nullptr;
  } ending{world};
  std::uint8_t bound[64];
  const ByteVector on = address("/ip4/127.0.0.1/tcp/0");
  const int n = world.tcp.table->listen(world.tcp.me, c_bytes(Bytes(on)), {&Ending::link, &ending},
                                        &ending.listener, bound, sizeof bound);
  ASSERT_GT(n, 0);
  Links dialed;
  const Bytes there(bound, static_cast<std::size_t>(n));
  world.tcp.dial(there, dialed);
  world.tcp.dial(there, dialed);
  EXPECT_TRUE(world.run_until([&] { return ending.count == 1; }));
  world.settle();
  EXPECT_EQ(ending.count, 1);
}

TEST_F(TcpTest, ConfigureJudgesListen) {
  const auto judge = [&](wire::Value listen) {
    const ByteVector options = wire::encode_cbor(wire::Value::Map{{"listen", std::move(listen)}});
    return world.tcp.entry->configure(world.tcp.me, c_bytes(Bytes(options)), 0);
  };
  EXPECT_EQ(judge(wire::Value::List{"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"}), 0);
  EXPECT_EQ(judge(wire::Value::List{}), 0);
  EXPECT_LT(judge("/ip4/0.0.0.0/tcp/4001"), 0);
  EXPECT_LT(judge(wire::Value::List{"/ip4/0.0.0.0/udp/4001"}), 0);
  EXPECT_NE(world.host.failure.find("/ip4/0.0.0.0/udp/4001"), std::string::npos);
  EXPECT_LT(judge(wire::Value::List{"0.0.0.0:4001"}), 0);
}

TEST_F(TcpTest, StartsTwiceInOneProcess) {
  LoadedTransport second(world.host, "tcp");
  Links dialed;
  second.dial(world.bound, dialed);
  EXPECT_TRUE(world.run_until([&] { return dialed.pipes.size() == 1; }));
  dialed.pipes.clear();
}

}  // namespace
}  // namespace kith::test
