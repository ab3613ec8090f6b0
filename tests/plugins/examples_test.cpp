// SPDX-License-Identifier: MIT
// Every plugin that ships and every example of sdk/examples, in nodes.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/play.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

// Its defaults, but nothing that would need a socket.
Play::Role role_of(const std::string& name, const kith_plugin& entry) {
  Play::Role role;
  auto& options = role.options[name];
  for (const kith_option* option = entry.options; option && option->name; ++option) {
    if (name != "memory" && std::string_view(option->name) == "listen")
      options["listen"] = wire::Value(wire::Value::List());
  }
  return role;
}

class EveryPlugin : public testing::TestWithParam<std::string> {};

// All state hangs on `me`: two nodes at once, and then again.
TEST_P(EveryPlugin, StartsTwiceInOneProcess) {
  play_twice(31, [](Play& play) {
    const Play::Role role = role_of(GetParam(), *Play::library().at(GetParam()));
    for (int round = 0; round < 2; ++round) {
      node::Node& first = play.add(role);
      node::Node& second = play.add(role);
      play.connect(first, second);
      for (node::Node* node : {&first, &second}) {
        bool runs = false;
        for (const auto& plugin : node->plugins().all()) runs |= plugin->entry->name == GetParam();
        EXPECT_TRUE(runs);
      }
      play.loop.run_for(3'000'000);
      play.stop(play.nodes[play.nodes.size() - 2]);
      play.stop(play.nodes.back());
    }
  });
}

std::vector<std::string> plugin_names() {
  std::vector<std::string> names;
  for (const auto& [name, path] : node::find_plugins({KITH_PLUGIN_DIR})) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Plugins, EveryPlugin, testing::ValuesIn(plugin_names()),
                         [](const auto& tested) { return tested.param; });

TEST(Examples, TheyAreAllHere) {
  for (const char* name : {"counter", "echo", "greeter", "static", "unix"})
    EXPECT_TRUE(Play::library().contains(name)) << name;
}

// ---- echo

Task<void> echo_words(node::Node& from, wire::PeerId peer, std::string& back) {
  std::vector<std::string> protocols(1, "/echo/1.0.0");
  Pipe stream = co_await from.swarm().open(peer, std::move(protocols), 10'000);
  const Bytes first = as_bytes("one ");
  const Bytes second = as_bytes("two");
  co_await write_all(stream, first);
  ByteVector room(4);
  const int error = co_await read_exact(stream, room);
  if (error < 0) throw Fault(Error(static_cast<kith_err>(error)));
  back = std::string(as_text(room));
  co_await write_all(stream, second);
  stream.shut();  // half of it: the answer still comes, then a FIN, and no reset
  for (;;) {
    const std::int64_t n = co_await read_some(stream, room);
    if (n < 0) throw Fault(Error(static_cast<kith_err>(n)));
    if (n == 0) break;
    back += as_text(Bytes(room).first(static_cast<std::size_t>(n)));
  }
  stream.close();
}

TEST(Examples, EchoGivesBackAndHonoursAHalfClose) {
  play_twice(32, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    Play::Options echo;
    echo["echo"];
    node::Node& anna = play.add();
    node::Node& bert = play.add(echo);
    play.connect(anna, bert);
    std::string back;
    play.run_task(echo_words(anna, bert.setup().identity.peer_id(), back));
    EXPECT_EQ(back, "one two");
    const net::Connection& connection = *bert.swarm().connections().at(0);
    const std::size_t idle_streams = connection.streams();
    play.loop.run_for(1'000'000);
    EXPECT_EQ(connection.streams(), idle_streams);
  });
}

// ---- greeter, counter

TEST(Examples, GreeterAnswersThroughTheBus) {
  play_twice(33, [](Play& play) {
    Play::Options options;
    options["greeter"]["word"] = "ahoy";
    node::Node& node = play.add(options);
    wire::Value args;
    args["name"] = "Anna";
    const auto greeting = play.call(node, "greeter.greet", args);
    ASSERT_TRUE(greeting);
    EXPECT_EQ(greeting->string_or("greeting"), "ahoy, Anna");
    EXPECT_FALSE(play.call(node, "greeter.greet", {}));  // whom?
  });
}

TEST(Examples, CounterPublishesItsCount) {
  play_twice(34, [](Play& play) {
    Play::Options counts;
    counts["counter"];
    node::Node& anna = play.add();
    node::Node& counter = play.add(counts);
    auto& totals = play.listen(anna, "counter/total");
    play.connect(anna, counter);
    play.loop.run_for(2'000'000);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(play.publish(anna, "counter/in", "tick"), 1u);
      play.loop.run_for(1'000'000);
    }
    EXPECT_EQ(totals.texts, (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(totals.authors.at(0), counter.setup().identity.peer_id().text());
  });
}

// ---- static

Task<void> connect_by_id(node::Node& from, wire::PeerId peer) {
  std::vector<wire::Multiaddr> as_hinted;
  co_await from.swarm().connect(peer, std::move(as_hinted), 10'000);
}

TEST(Examples, AStaticHintCanBeDialed) {
  play_twice(35, [](Play& play) {
    node::Node& bert = play.add();
    const wire::PeerId id = bert.setup().identity.peer_id();
    Play::Options hints;
    hints["static"]["hints"] =
        wire::Value::List(1, wire::Value(bert.addresses().at(0).with_peer(id).text()));
    node::Node& anna = play.add(hints);
    play.run_task(connect_by_id(anna, id));
    EXPECT_TRUE(anna.swarm().best(id));
    node::Node& carl = play.add();
    EXPECT_NE(play.outcome(connect_by_id(carl, id)), "");  // nobody told Carl
  });
}

TEST(Examples, AStaticHintThatNamesNobodyIsRefused) {
  Play play(36);
  Play::Role role;
  role.options["static"]["hints"] = wire::Value::List(1, wire::Value("/memory/1"));
  const std::string why = play.outcome(play.make(role).start());
  EXPECT_NE(why.find("plugin static does not accept its options"), std::string::npos) << why;
  EXPECT_NE(why.find("/p2p/PEER"), std::string::npos) << why;
}

// ---- unix, on the real loop

struct RealNode {
  RealNode(node::RealLoop& loop, LogSink& sink, std::uint8_t seed, const std::string& transport,
           const std::string& listen)
      : node(loop, sink, setup(seed, transport, listen)) {}
  static node::NodeSetup setup(std::uint8_t seed, const std::string& transport,
                               const std::string& listen) {
    node::NodeSetup made{.identity = crypto::Identity::from_seed({seed}), .config = {}};
    made.plugins = Play::library();
    wire::Value options{wire::Value::Map()};
    options["listen"] = wire::Value::List(1, wire::Value(listen));
    made.config.plugins.push_back({transport, options});
    made.config.plugins.push_back({"echo", wire::Value(wire::Value::Map())});
    return made;
  }
  node::Node node;
};

Task<void> connect_and_echo(node::Node& from, wire::Multiaddr at, wire::PeerId peer,
                            std::string& back) {
  std::vector<wire::Multiaddr> addresses(1, at);
  co_await from.swarm().connect(peer, std::move(addresses), 10'000);
  co_await echo_words(from, peer, back);
}

// Runs a task on the real loop; the sentence of its Fault, or nothing.
std::string outcome(RealRun& run, Task<void> task) {
  std::string why;
  Scope scope([&](const std::exception& thrown) { why = thrown.what(); });
  scope.spawn(std::move(task));
  EXPECT_TRUE(run.until([&] { return scope.empty(); }));
  return why;
}

class RealTransport : public testing::TestWithParam<const char*> {};

TEST_P(RealTransport, CarriesTwoNodes) {
  node::RealLoop loop;
  RealRun run(loop);
  sim::VirtualLoop clock(1);
  TraceSink sink(clock);
  const std::string transport = GetParam();
  const std::string path = testing::TempDir() + "kith_nodes_" + std::to_string(getpid());
  const auto listen = [&](int i) {
    return transport == "tcp" ? "/ip4/127.0.0.1/tcp/0" : "/unix" + path + std::to_string(i);
  };
  for (int round = 0; round < 2; ++round) {
    RealNode anna(loop, sink, 1, transport, listen(1));
    RealNode bert(loop, sink, 2, transport, listen(2));
    for (RealNode* real : {&anna, &bert}) EXPECT_EQ(outcome(run, real->node.start()), "");
    const wire::Multiaddr at = bert.node.swarm().listen_addresses().at(0);
    const wire::PeerId peer = bert.node.setup().identity.peer_id();
    std::string back;
    EXPECT_EQ(outcome(run, connect_and_echo(anna.node, at, peer, back)), "");
    EXPECT_EQ(back, "one two");
    // One stops while the other dials it anew: no link outlives its transport.
    anna.node.swarm().disconnect(peer, "again");
    Scope dialing;
    std::string unused;
    dialing.spawn(connect_and_echo(anna.node, at, peer, unused));
    for (RealNode* real : {&bert, &anna}) EXPECT_EQ(outcome(run, real->node.stop()), "");
  }
  for (int i : {1, 2}) unlink((path + std::to_string(i)).c_str());
}

INSTANTIATE_TEST_SUITE_P(Plugins, RealTransport, testing::Values("unix", "tcp"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace kith::test
