// SPDX-License-Identifier: MIT
// Play: several real Nodes, with the plugins that ship, on one virtual loop and one memory network.
// Everything that any of them logs goes into the loop's trace; play_twice runs a scene twice by one
// seed and asks for one hash.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "engine/node/node.h"
#include "engine/sim/memory_network.h"
#include "engine/sim/memory_service.h"
#include "engine/sim/virtual_loop.h"

namespace kith::test {

class TraceSink final : public LogSink {
 public:
  explicit TraceSink(sim::VirtualLoop& loop) : loop_(loop) { lowest = LogLevel::debug; }
  void write(LogLevel level, std::string_view room, std::string_view line) override {
    const std::string fact = fmt::format("{} {} {}", loop_.now_us(), room, line);
    loop_.trace(fact);
    lines.push_back(fact);
    if (lines.size() > 400) lines.pop_front();
    if (level >= LogLevel::error) errors.push_back(fact);
  }
  std::deque<std::string> lines;  // the newest, for a failure's report
  std::vector<std::string> errors;

 private:
  sim::VirtualLoop& loop_;
};

class Play {
 public:
  explicit Play(std::uint64_t given) : seed(given), loop(given), network(loop) {}
  ~Play() {
    for (auto& node : nodes) stop(node);
  }

  using Options = std::map<std::string, wire::Value>;
  // What sets a node apart from the others.
  struct Role {
    Options options;                      // plugins to enable, with their options
    std::vector<const kith_plugin*> own;  // compiled into the test, and enabled
    bool routes = true;                   // by gossipsub
    node::Config::Limits limits;
    node::Config::Lists gate;
    std::optional<crypto::Key32> key;                 // its identity's; else the loop's chance
    std::vector<std::string> ledgers;                 // open from the start
    std::vector<node::Config::Ledger> ledger_tables;  // and these, as they say
    std::shared_ptr<store::KeyValue> store;           // else one of its own, in memory
  };

  // A started node: memory transport and gossipsub, and what its role names.
  node::Node& add() { return add(Role()); }
  node::Node& add(const Options& more) { return add(Role{.options = more}); }
  node::Node& add(const Role& role) {
    make(role);
    run_task(nodes.back()->start());
    return *nodes.back();
  }
  // The same, not started.
  node::Node& make(const Role& role) {
    node::NodeSetup setup{.identity = crypto::Identity::from_seed(role.key.value_or(key())),
                          .config = {}};
    setup.plugins = library();
    setup.config.limits = role.limits;
    setup.config.gate = role.gate;
    setup.config.ledgers = role.ledger_tables;
    for (const std::string& name : role.ledgers) setup.config.ledgers.push_back({.name = name});
    setup.store = role.store;
    Options enabled = role.options;
    enabled.try_emplace("memory");
    if (role.routes) enabled.try_emplace("gossipsub");
    for (const kith_plugin* own : role.own) {
      setup.plugins[own->name] = own;
      enabled.try_emplace(own->name);
    }
    for (const auto& [name, given] : enabled)
      setup.config.plugins.push_back(plugin(*setup.plugins.at(name), given));
    const auto place = static_cast<sim::Place>(services.size() + 1);
    services.push_back(std::make_unique<sim::MemoryService>(loop, network, place));
    nodes.push_back(std::make_unique<node::Node>(loop, sink, std::move(setup)));
    nodes.back()->offer(KITH_MEMORY, services.back()->table(), services.back()->self());
    return *nodes.back();
  }
  // Whose ends of links are the node's (MemoryNetwork::silence, part).
  sim::Place place(const node::Node& node) const {
    const auto is_it = [&](const auto& each) { return each.get() == &node; };
    return static_cast<sim::Place>(std::find_if(nodes.begin(), nodes.end(), is_it) - nodes.begin() +
                                   1);
  }
  void stop(std::unique_ptr<node::Node>& node) {
    if (!node) return;
    run_task(node->stop());
    node.reset();
    loop.run_for(1'000);
  }

  // Runs a task to its end; a Fault fails the test with its sentence.
  void run_task(Task<void> task) { EXPECT_EQ(outcome(std::move(task)), ""); }
  // The sentence of the Fault that ended it, or nothing.
  std::string outcome(Task<void> task) {
    bool is_done = false;
    std::string why;
    Scope scope([&](const std::exception& thrown) { why = thrown.what(); });
    scope.spawn(mark(std::move(task), is_done));
    EXPECT_TRUE(loop.run_until([&] { return is_done || !why.empty(); }, 60'000'000))
        << "a task did not end";
    return why;
  }
  // Any command, as the CLI would call it.
  Result<wire::Value> call(node::Node& node, std::string_view name, wire::Value args) {
    std::optional<Result<wire::Value>> out;
    const auto ticket =
        node.bus().call(name, std::move(args),
                        {[](const wire::Value&) {}, [&](wire::Value end) { out = std::move(end); },
                         [&](const std::string& why, int) { out = Error(KITH_BAD, why); }});
    EXPECT_TRUE(loop.run_until([&] { return out.has_value(); }, 60'000'000))
        << name << " did not answer";
    return out ? *out : Result<wire::Value>(KITH_TIMEOUT);
  }
  void connect(node::Node& from, node::Node& to) {
    EXPECT_EQ(refusal(from, to.addresses().at(0).text()), "");
  }
  // Why `connect ADDRESS` fails, or nothing.
  std::string refusal(node::Node& from, const std::string& address) {
    wire::Value args;
    args["address"] = address;
    const auto connected = call(from, "connect", args);
    return connected ? "" : connected.error().message();
  }
  std::size_t publish(node::Node& from, std::string_view topic, std::string_view text) {
    wire::Value args;
    args["topic"] = topic;
    args["text"] = text;
    const auto published = call(from, "publish", args);
    EXPECT_TRUE(published) << published.error().message();
    return published ? static_cast<std::size_t>(published->integer_or("peers", 0)) : 0;
  }

  // What a node heard on a topic from now on, as "author:text".
  struct Heard {
    std::vector<std::string> texts;
    std::vector<std::string> authors;
    std::string ended;  // why, when the node ended the listening
    std::shared_ptr<void> ticket;
  };
  Heard& listen(node::Node& node, std::string_view topic) {
    heard.push_back(std::make_unique<Heard>());
    Heard& to = *heard.back();
    wire::Value args;
    args["topic"] = topic;
    to.ticket = node.bus().call(
        "listen", args,
        {[&to](const wire::Value& part) {
           if (part.find("listening")) return;
           to.texts.push_back(part.string_or("text"));
           to.authors.push_back(part.string_or("from"));
         },
         [](wire::Value) {}, [&to](const std::string& why, int) { to.ended = why; }});
    loop.run_for(1'000);
    return to;
  }

  static const std::map<std::string, const kith_plugin*>& library() {
    static const auto opened = [] {
      std::map<std::string, const kith_plugin*> out;
      for (const auto& [name, path] : node::find_plugins({KITH_PLUGIN_DIR}))
        out[name] = node::open_plugin(path).value();
      return out;
    }();
    return opened;
  }

  std::uint64_t seed;
  sim::VirtualLoop loop;
  sim::MemoryNetwork network;
  std::vector<std::unique_ptr<sim::MemoryService>> services;  // one a node, in their order
  TraceSink sink{loop};
  std::vector<std::unique_ptr<Heard>> heard;
  std::vector<std::unique_ptr<node::Node>> nodes;

 private:
  static Task<void> mark(Task<void> task, bool& is_done) {
    co_await task;
    is_done = true;
  }
  crypto::Key32 key() {
    crypto::Key32 key;
    loop.entropy(key);
    return key;
  }
  // The plugin's declared defaults, read from their TOML by the config itself, and `given` over
  // them.
  static node::Config::Plugin plugin(const kith_plugin& entry, const wire::Value& given) {
    const std::string name = entry.name;
    const auto facts = node::facts_of(entry, {});
    node::ConfigSources sources;
    sources.file_name = "play";
    sources.file_text = "[plugins." + name + "]\n";
    auto verdict = node::read_config(sources, {facts.options});
    EXPECT_TRUE(verdict.errors.empty()) << verdict.errors.front();
    node::Config::Plugin made = *verdict.config.find_plugin(name);
    if (name == "memory" && !given.find("listen")) {
      made.options["listen"] = wire::Value::List(1, wire::Value("/memory/0"));
    }
    if (given.map()) {
      for (const auto& [key, value] : *given.map()) made.options[key] = value;
    }
    return made;
  }
};

// The scene twice by one seed: the same story, to the microsecond and the byte.
inline void play_twice(std::uint64_t seed, const std::function<void(Play&)>& scene) {
  std::uint64_t hashes[2] = {0, 0};
  std::deque<std::string> lines[2];
  for (int round = 0; round < 2; ++round) {
    Play play(seed);
    scene(play);
    hashes[round] = play.loop.trace_hash();
    lines[round] = play.sink.lines;
    if (testing::Test::HasFailure()) {
      for (const std::string& line : lines[round]) std::fprintf(stderr, "  %s\n", line.c_str());
      return;
    }
  }
  EXPECT_EQ(hashes[0], hashes[1]) << "seed " << seed << " told two stories";
}

}  // namespace kith::test
