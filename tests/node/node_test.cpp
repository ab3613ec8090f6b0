// SPDX-License-Identifier: MIT
// Composition: what keeps a node from starting is named, and undone.
#include "engine/node/node.h"

#include <gtest/gtest.h>

#include "tests/support/probe.h"

namespace kith::test {
namespace {

// How many of a test's plugins live.
struct Counted : App {
  explicit Counted(Host given) : App(given) { ++live; }
  ~Counted() { --live; }
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Counts itself.";
  static inline int live = 0;
};

struct Throwing final : Counted {
  static constexpr const char* kName = "throwing";
  explicit Throwing(Host given) : Counted(given) {
    throw Fault(Error(KITH_IO, "there is no antenna"));
  }
};

struct Picky final : Counted {
  static constexpr const char* kName = "picky";
  static constexpr kith_option kOptions[] = {{"dish", "string", "\"soup\"", "What to serve."}, {}};
  using Counted::Counted;
  Result<void> configure(Bytes options, bool commit) {
    const auto given = wire::decode_body(options).value_or(wire::Value());
    if (given.string_or("dish") != "cake") return Error(KITH_BAD, "dish: only cake will do");
    committed = commit;
    return {};
  }
  bool committed = false;
};

struct Needy final : Counted {
  static constexpr const char* kName = "needy";
  static constexpr const char* kNeeds = "kith.bus/1 test.giving/1";
  using Counted::Counted;
  const void* found() {
    void* self = nullptr;
    return host.service<void>("test.giving/1", &self);
  }
  const void* at_start = found();
};

struct Giving final : Counted {
  static constexpr const char* kName = "giving";  // before "needy"; and see Zealous
  static constexpr const char* kOffers = "test.giving/1";
  explicit Giving(Host given) : Counted(given) {
    host.api()->offer(host.raw(), "test.giving/1", this, this);
  }
};

struct Zealous final : Counted {
  static constexpr const char* kName = "zealous";
  static constexpr const char* kOffers = "test.giving/1";
  explicit Zealous(Host given) : Counted(given) {
    host.api()->offer(host.raw(), "test.giving/1", this, this);
  }
};

struct Chicken final : Counted {
  static constexpr const char* kName = "chicken";
  static constexpr const char* kNeeds = "test.egg/1";
  static constexpr const char* kOffers = "test.chicken/1";
  using Counted::Counted;
};

struct Egg final : Counted {
  static constexpr const char* kName = "egg";
  static constexpr const char* kNeeds = "test.chicken/1";
  static constexpr const char* kOffers = "test.egg/1";
  using Counted::Counted;
};

template <class T>
constinit const kith_plugin kEntry = detail::entry_of<T>();

// Roles that the plugins which ship have, too.
const void* transport_role(void*, const char* id) {
  static constexpr kith_transport table{sizeof(kith_transport), "/memory", nullptr, nullptr,
                                        nullptr};
  return std::string_view(id) == KITH_TRANSPORT ? &table : nullptr;
}
const void* router_role(void*, const char* id) {
  static constexpr kith_router table{
      sizeof(kith_router), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  return std::string_view(id) == KITH_ROUTER ? &table : nullptr;
}

class NodeTest : public testing::Test {
 protected:
  NodeTest() : play(1) { Counted::live = 0; }
  ~NodeTest() override { EXPECT_EQ(Counted::live, 0); }
  // Why it does not start; and that it left the ports and names free.
  std::string refusal(const Play::Role& role) {
    Play::Role at_port = role;
    at_port.options["memory"]["listen"] = wire::Value::List(1, wire::Value("/memory/77"));
    play.make(at_port);
    const std::string why = play.outcome(play.nodes.back()->start());
    play.nodes.back().reset();
    EXPECT_EQ(Counted::live, 0) << why;
    Play::Role plain;
    plain.options = {{"memory", at_port.options["memory"]}};
    play.add(plain);
    play.stop(play.nodes.back());
    return why;
  }
  Play play;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(NodeTest, NamesThePluginThatThrows) {
  const std::string why = refusal(Play::Role{.own = {&kEntry<Throwing>, &kEntry<Giving>}});
  EXPECT_TRUE(has(why, "plugin throwing did not start")) << why;
  EXPECT_TRUE(has(why, "there is no antenna")) << why;
}

TEST_F(NodeTest, NamesThePluginThatRefusesItsOptions) {
  const std::string why = refusal(Play::Role{.own = {&kEntry<Picky>, &kEntry<Giving>}});
  EXPECT_TRUE(has(why, "plugin picky does not accept its options")) << why;
  EXPECT_TRUE(has(why, "only cake will do")) << why;
  Play::Role good{.own = {&kEntry<Picky>}};
  good.options["picky"]["dish"] = "cake";
  EXPECT_TRUE(started<Picky>(play.add(good), kEntry<Picky>).committed);
  play.stop(play.nodes.back());
}

TEST_F(NodeTest, NamesWhatIsNeededAndAbsent) {
  const std::string why = refusal(Play::Role{.own = {&kEntry<Needy>, &kEntry<Picky>}});
  EXPECT_TRUE(has(why, "plugin needy needs test.giving/1")) << why;
  EXPECT_TRUE(has(why, "[plugins.needy]")) << why;
  EXPECT_FALSE(has(why, "kith.bus/1")) << why;
}

TEST_F(NodeTest, NamesThoseThatNeedEachOther) {
  const std::string why = refusal(Play::Role{.own = {&kEntry<Chicken>, &kEntry<Egg>}});
  EXPECT_TRUE(has(why, "chicken, egg")) << why;
}

TEST_F(NodeTest, StartsWhatIsNeededFirstWhateverItsName) {
  for (const kith_plugin* giver : {&kEntry<Giving>, &kEntry<Zealous>}) {
    node::Node& node = play.add(Play::Role{.own = {&kEntry<Needy>, giver}});
    EXPECT_TRUE(started<Needy>(node, kEntry<Needy>).at_start) << giver->name;
    EXPECT_EQ(Counted::live, 2);
    play.stop(play.nodes.back());
    EXPECT_EQ(Counted::live, 0);
  }
}

TEST_F(NodeTest, NamesTwoThatCarryTheSame) {
  kith_plugin rival = kEntry<Giving>;
  rival.role = transport_role;
  const std::string why = refusal(Play::Role{.own = {&rival}});
  EXPECT_TRUE(has(why, "plugin memory")) << why;  // it starts after "giving"
  EXPECT_TRUE(has(why, "/memory")) << why;
}

TEST_F(NodeTest, NamesTwoThatRoute) {
  kith_plugin rival = kEntry<Zealous>;
  rival.role = router_role;
  const std::string why = refusal(Play::Role{.own = {&rival}});
  EXPECT_TRUE(has(why, "gossipsub and zealous both route")) << why;
}

TEST_F(NodeTest, NamesAnAddressThatCannotBeListenedOn) {
  Play::Role taken;
  taken.options["memory"]["listen"] = wire::Value::List(1, wire::Value("/memory/5"));
  play.add(taken);
  play.make(taken);
  const std::string why = play.outcome(play.nodes.back()->start());
  EXPECT_TRUE(has(why, "cannot listen on /memory/5")) << why;
  EXPECT_TRUE(has(why, "taken")) << why;
  play.nodes.pop_back();
  Play::Role garbled;
  garbled.options["memory"]["listen"] = wire::Value::List(1, wire::Value("memory five"));
  play.make(garbled);
  const std::string sentence = play.outcome(play.nodes.back()->start());
  EXPECT_TRUE(has(sentence, "[plugins.memory] listen: 'memory five'")) << sentence;
  play.nodes.pop_back();
}

TEST_F(NodeTest, NamesAPluginThatIsNotInstalled) {
  node::NodeSetup setup{.identity = crypto::Identity::from_seed({}), .config = {}};
  setup.config.plugins.push_back({"quic", wire::Value(wire::Value::Map())});
  node::Node node(play.loop, play.sink, std::move(setup));
  EXPECT_TRUE(has(play.outcome(node.start()), "plugin quic is enabled but not installed"));
}

TEST_F(NodeTest, TheGatesListsAreJudged) {
  Play::Role role;
  role.gate.deny.push_back("nobody");
  EXPECT_TRUE(has(refusal(role), "nobody"));
}

TEST_F(NodeTest, MayEndWithoutAStop) {
  play.network.shape({.delay_us = 10'000});
  node::Node& anna = play.add();
  node::Node& bert = play.add();
  play.listen(bert, "lobby");
  play.connect(anna, bert);
  play.publish(anna, "lobby", "hello");
  play.nodes.erase(play.nodes.begin());
  play.loop.run_for(1'000'000);
  EXPECT_TRUE(bert.swarm().connections().empty());
}

TEST_F(NodeTest, StopsInTheMiddleOfDialsAndUpgrades) {
  for (std::uint64_t us = 0; us <= 80'000; us += 5'000) {
    Play torn(us);
    torn.network.shape({.delay_us = 10'000});
    node::Node& anna = torn.add();
    node::Node& bert = torn.add();
    wire::Value args;
    args["address"] = bert.addresses().at(0).text();
    const auto ticket = anna.bus().call("connect", args, {});
    torn.loop.run_for(us);
    node::Node& stopped = us % 10'000 ? anna : bert;
    const std::uint64_t before_us = torn.loop.now_us();
    torn.run_task(stopped.stop());
    EXPECT_LT(torn.loop.now_us() - before_us, 100'000u) << us;
    EXPECT_TRUE(stopped.swarm().idle()) << us;
    EXPECT_TRUE(stopped.plugins().all().empty());
  }
}

}  // namespace
}  // namespace kith::test
