// SPDX-License-Identifier: MIT
#include "engine/cli/control_client.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "engine/node/control.h"
#include "engine/node/real_loop.h"

namespace kith::cli {
namespace {

using node::control_error;
using wire::Value;

class QuietLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// A node's control socket on a thread of its own. `count` counts without end until it is cancelled.
class Client : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string form = ::testing::TempDir() + "kith-client-XXXXXX";
    ASSERT_NE(::mkdtemp(form.data()), nullptr);
    home = form;
  }
  void TearDown() override {
    loop.stop();
    if (thread.joinable()) thread.join();
    std::filesystem::remove_all(home);
  }
  void serve() {
    bus::CommandSpec spec;
    spec.name = "count";
    spec.args = {{"to", "int", true}};
    const auto count = [](bus::CallPtr call, Value args) {
      const std::int64_t to = args.integer_or("to", 0);
      for (std::int64_t i = 1; i <= to; ++i) call->part(i);
      if (to < 100) return call->end("done");
      call->on_cancel([call] {});  // kept until the caller goes
    };
    ASSERT_TRUE(bus.command(engine, spec, count));
    ASSERT_TRUE(socket.open(home));
    thread = std::thread([this] { loop.run(); });
  }

  std::string home;
  node::RealLoop loop;
  QuietLog quiet;
  Log log{quiet, "control"};
  bus::Bus bus{loop, log};
  bus::Owner engine{"engine", false};
  node::ControlSocket socket{loop, bus, log};
  std::thread thread;
};

TEST_F(Client, NoNodeRuns) {
  EXPECT_TRUE(ControlClient::connect(home).error().is(control_error::no_node));
  EXPECT_TRUE(ControlClient::connect(home + "/absent").error().is(control_error::no_node));
  const std::string far = home + "/" + std::string(150, 'x');
  EXPECT_TRUE(ControlClient::connect(far).error().is(control_error::no_node));
}

TEST_F(Client, PartsAndEnd) {
  serve();
  auto client = ControlClient::connect(home).value();
  std::int64_t sum = 0;
  ControlClient::Hearing hearing;
  hearing.part = [&](const Value& part) {
    sum += *part.integer();
    return true;
  };
  const auto outcome = client.call("count", Value(Value::List{"4"}), hearing).value();
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.end, Value("done"));
  EXPECT_EQ(sum, 10);
  const auto wrong = client.call("cuont", {}, hearing).value();
  EXPECT_FALSE(wrong.ok);
  EXPECT_EQ(wrong.code, "unknown_command");
}

TEST_F(Client, StopsByAnswerAndByFd) {
  serve();
  auto client = ControlClient::connect(home).value();
  int heard = 0;
  ControlClient::Hearing hearing;
  hearing.part = [&](const Value&) { return ++heard < 3; };
  const Value args(Value::Map{{"to", 100}});
  auto outcome = client.call("count", args, hearing).value();
  EXPECT_EQ(heard, 3);
  EXPECT_TRUE(outcome.cancelled);
  EXPECT_EQ(outcome.code, "cancelled");
  hearing.part = nullptr;
  hearing.stop_fd = ::eventfd(1, EFD_CLOEXEC);
  outcome = client.call("count", args, hearing).value();
  EXPECT_TRUE(outcome.cancelled);
  outcome = client.listen("message/t", hearing).value();
  EXPECT_TRUE(outcome.ok && outcome.cancelled);
  ::close(hearing.stop_fd);
}

TEST_F(Client, TellsThatTheNodeIsGone) {
  auto gone = std::make_unique<node::ControlSocket>(loop, bus, log);
  ASSERT_TRUE(gone->open(home));
  auto client = ControlClient::connect(home).value();
  gone.reset();
  const auto outcome = client.listen("a", {});
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(control_error::closed));
}

}  // namespace
}  // namespace kith::cli
