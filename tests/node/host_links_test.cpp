// SPDX-License-Identifier: MIT
// kith.links/1, asked by a plugin: dials and listeners of the transports below it.
#include <gtest/gtest.h>

#include "tests/support/link_user.h"

namespace kith::test {
namespace {

// Links of /tcp that never come about.
class Never final : public Transport {
 public:
  static constexpr const char* kName = "never";
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Answers no dial.";
  static constexpr const char* kSuffix = "/tcp";
  using Transport::Transport;
  Task<Pipe> dial(Bytes addr, std::string_view dns_name) override {
    dials.push_back(address_text(addr) + " " + std::string(dns_name));
    Completion nothing;
    const Counted counted(*this);
    co_await nothing;
    co_return Pipe();
  }
  Result<Listening> listen(Bytes, EachLink) override { return KITH_REFUSED; }
  std::vector<std::string> dials;
  int under_way = 0;

 private:
  struct Counted {
    explicit Counted(Never& of) : never(of) { ++never.under_way; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --never.under_way; }
    Never& never;
  };
};
constinit const kith_plugin kNever = detail::entry_of<Never>();

// First by name, and yet it starts last.
struct Above final : App {
  static constexpr const char* kName = "above";
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Builds on the links of others.";
  static constexpr const char* kNeeds = KITH_LINKS;
  using App::App;
};
constinit const kith_plugin kAbove = detail::entry_of<Above>();

struct HostLinks : testing::Test {
  static Play::Role role() {
    return {.own = {&kProbe, &kNever}, .routes = false, .gate = {.deny = {"10.0.0.0/8"}}};
  }
  bool run_until(const std::function<bool()>& done) {
    return play.loop.run_until(done, 20'000'000);
  }
  Links& dial(std::string_view address) {
    op = near.dial(address, dialed);
    EXPECT_EQ(dialed.answers, 0) << "answered from inside dial";
    EXPECT_TRUE(run_until([&] { return dialed.answers > 0; }));
    return dialed;
  }

  Play play{3};
  node::Node& near_node = play.add(role());
  node::Node& far_node = play.add(role());
  Never& never = started<Never>(near_node, kNever);
  LinkUser near{started<Probe>(near_node, kProbe).host};
  LinkUser far{started<Probe>(far_node, kProbe).host};
  Links dialed, arrived;
  Op op;
};

TEST_F(HostLinks, HandOutTheLinksOfTheTransport) {
  const auto before = far_node.addresses().size();
  const std::string bound = far.listen("/memory/0", arrived);
  EXPECT_TRUE(bound.starts_with("/memory/")) << bound;
  EXPECT_EQ(far_node.addresses().size(), before) << "it is not the node's own";
  ASSERT_EQ(dial(bound).pipes.size(), 1u);
  ASSERT_TRUE(run_until([&] { return arrived.pipes.size() == 1; }));
  EXPECT_EQ(dialed.pipes[0].info().flags, unsigned{KITH_PIPE_DIALED});
  dialed.pipes[0].write(as_bytes("raw"));
  std::uint8_t to[8];
  EXPECT_EQ(arrived.pipes[0].read(to), 3) << "nobody has upgraded it";
  EXPECT_TRUE(near_node.swarm().connections().empty());
}

TEST_F(HostLinks, RefusalsAreSentences) {
  EXPECT_EQ(dial("/memory/4711").sentence, "nobody listens on memory port 4711");
  EXPECT_EQ(dialed.error, KITH_REFUSED);
  dialed.answers = 0;
  EXPECT_NE(dial("/ip4/1.2.3.4/udp/1").sentence.find("nothing here speaks /udp"),
            std::string::npos);
  EXPECT_EQ(dialed.error, KITH_ABSENT);
  dialed.answers = 0;
  dial("/ip4/10.1.2.3/tcp/1");
  EXPECT_EQ(dialed.error, KITH_REFUSED) << "the gate holds here too";
  dialed.answers = 0;
  const std::uint8_t rubbish[] = {0xff, 0xff};
  op = near.host.own(near.host.links().dial(near.host.raw(), {rubbish, 2}, dialed.done()));
  ASSERT_TRUE(run_until([&] { return dialed.answers > 0; }));
  EXPECT_EQ(dialed.error, KITH_BAD);

  const std::string bound = far.listen("/memory/0", arrived);
  EXPECT_EQ(far.listen(bound, arrived), "");
  EXPECT_EQ(far.host.why(far.code), "memory port " + bound.substr(8) + " is taken")
      << "in the transport's own words";
  EXPECT_EQ(far.listen("/ip4/127.0.0.1/udp/0", arrived), "");
  EXPECT_EQ(far.code, KITH_ABSENT);
}

TEST_F(HostLinks, ADialEndsAfterFifteenSeconds) {
  const std::uint64_t from_us = play.loop.now_us();
  dial("/ip4/127.0.0.1/tcp/1");
  EXPECT_EQ(dialed.error, KITH_TIMEOUT);
  EXPECT_EQ(dialed.sentence, "no answer in 15 s");
  EXPECT_EQ(play.loop.now_us() - from_us, 15'000'000u);
  EXPECT_EQ(never.under_way, 0);
}

TEST_F(HostLinks, NamesAreResolved) {
  play.loop.names()["kith.test"] = {"::1", "127.0.0.9"};
  op = near.dial("/dns4/kith.test/tcp/1", dialed);
  play.loop.run_for(1'000'000);
  EXPECT_EQ(never.dials, std::vector<std::string>{"/ip4/127.0.0.9/tcp/1 kith.test"});
  op.cancel();
  play.loop.names()["kith.test"] = {"::1"};
  EXPECT_EQ(dial("/dns4/kith.test/tcp/1").sentence, "the name kith.test has no address");
  play.loop.names()["kith.test"] = {"10.0.0.1"};
  dialed.answers = 0;
  dial("/dns/kith.test/tcp/1");
  EXPECT_EQ(dialed.error, KITH_REFUSED) << "judged after it was resolved";
}

TEST_F(HostLinks, CancelIsSilentAndEndsItBelow) {
  op = near.dial("/ip4/127.0.0.1/tcp/1", dialed);
  play.loop.run_for(1'000);
  EXPECT_EQ(never.under_way, 1);
  op.cancel();
  EXPECT_EQ(never.under_way, 0);
  const std::string bound = far.listen("/memory/0", arrived);
  op = near.dial(bound, dialed);
  op.cancel();
  play.loop.run_for(20'000'000);
  EXPECT_EQ(dialed.answers, 0);
  arrived.pipes.clear();
  EXPECT_EQ(play.network.links(), 0u);
}

TEST_F(HostLinks, AListenerEndsWithItsOp) {
  const std::string bound = far.listen("/memory/0", arrived);
  far.listeners.clear();
  EXPECT_EQ(dial(bound).error, KITH_REFUSED);
  EXPECT_EQ(far.listen(bound, arrived), bound) << "its port is free again";
}

TEST_F(HostLinks, AListenerEndsWithItsNode) {
  const std::string bound = far.listen("/memory/0", arrived);
  for (Op& listener : far.listeners) listener.forget();
  far.listeners.clear();
  play.stop(play.nodes[1]);
  EXPECT_EQ(dial(bound).error, KITH_REFUSED);
}

TEST_F(HostLinks, WhoTakesALinkMayEndTheListener) {
  struct Once {
    LinkUser& user;
    int count = 0;
    static void take(void* self, std::int64_t, const void* link) {
      const Pipe taken(static_cast<kith_pipe*>(const_cast<void*>(link)));
      auto* once = static_cast<Once*>(self);
      ++once->count;
      once->user.listeners.clear();
    }
  } once{far};
  const std::string bound = far.listen("/memory/0", kith_done{&Once::take, &once});
  Links more;
  op = near.dial(bound, dialed);
  const Op other = near.dial(bound, more);
  play.loop.run_for(1'000'000);
  EXPECT_EQ(once.count, 1);
}

TEST(HostLinksOrder, WhoNeedsThemStartsLastAndStopsFirst) {
  Play play(1);
  node::Node& node = play.add(Play::Role{.own = {&kAbove, &kProbe}, .routes = false});
  EXPECT_EQ(node.plugins().all().back()->entry, &kAbove);
}

}  // namespace
}  // namespace kith::test
