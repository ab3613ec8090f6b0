// SPDX-License-Identifier: MIT
// A new version beside the one that runs: it takes over in one turn, or leaves no trace.
#include <gtest/gtest.h>

#include "tests/node/play_runner.h"

namespace kith::test {
namespace {

class ReloadTest : public AppsTest {
 protected:
  ReloadTest() : AppsTest(true) {}
  void publish(std::string_view text) { play.publish(node, "t", text); }
  std::string joined_by(std::string_view topic) {
    for (const auto& row : node.topics().rows()) {
      if (row.topic != topic) continue;
      std::string names;
      for (const std::string& name : row.joined_by) names += (names.empty() ? "" : " ") + name;
      return names;
    }
    return "";
  }
  std::string say(const std::string& app) {
    const auto said = play.call(node, app + ".say", {});
    return said ? *said->string() : said.error().message();
  }
};

TEST_F(ReloadTest, NoMessageIsLostOrSeenTwice) {
  ASSERT_EQ(load_now("one", "v1/hook.play"), "running");
  std::string ends;
  begin("one", "v2/slowhook.play", ends);
  for (int i = 0; i < 30; ++i) {
    publish(std::to_string(i));
    play.loop.run_for(50'000);
  }
  EXPECT_EQ(ends, "running");
  std::vector<std::string> expected;
  std::size_t taken_over = 0;
  while (taken_over < runner().heard.size() && runner().heard[taken_over].starts_with("v1"))
    ++taken_over;
  EXPECT_GT(taken_over, 10u);
  EXPECT_LT(taken_over, 30u);
  for (std::size_t i = 0; i < 30; ++i)
    expected.push_back((i < taken_over ? "v1:" : "v2:") + std::to_string(i));
  EXPECT_EQ(runner().heard, expected);
  EXPECT_EQ(runner().live, 1);
  EXPECT_EQ(log_of("one").back(), "app reloaded file=v2/slowhook.play");
}

TEST_F(ReloadTest, WhatLoadsDoesNothingYet) {
  std::string ends;
  begin("one", "v1/slowhook.play", ends);
  play.loop.run_for(100'000);
  EXPECT_EQ(joined_by("t"), "");
  EXPECT_EQ(joined_by("extra"), "");
  EXPECT_FALSE(node.bus().find_command("one.say"));
  publish("early");
  play.loop.run_for(2'000'000);
  EXPECT_EQ(ends, "running");
  EXPECT_EQ(joined_by("t"), "one");
  EXPECT_EQ(joined_by("extra"), "one");
  EXPECT_EQ(say("one"), "v1");
  publish("late");
  EXPECT_EQ(runner().heard, std::vector<std::string>{"v1:late"});
}

TEST_F(ReloadTest, AFailedOneLeavesNoTrace) {
  ASSERT_EQ(load_now("one", "v1/hook.play"), "running");
  const auto since = apps().find("one")->since_us;
  EXPECT_EQ(load_now("one", "v2/badhook.play"), "badhook.play:3: boom; the version before goes on");
  EXPECT_EQ(load_now("one", "refused.play"), "refused.play:1: no; the version before goes on");
  EXPECT_EQ(state("one"), "running");
  EXPECT_EQ(apps().find("one")->file, "v1/hook.play");
  EXPECT_EQ(apps().find("one")->since_us, since);
  publish("x");
  EXPECT_EQ(runner().heard, std::vector<std::string>{"v1:x"});
  EXPECT_EQ(say("one"), "v1");
  EXPECT_EQ(joined_by("t"), "one");
  EXPECT_EQ(runner().live, 1);
  EXPECT_EQ(log_of("one").back(), "refused.play:1: no; the version before goes on");
}

TEST_F(ReloadTest, WhatItAsksForIsJudgedAtOnce) {
  std::string ends;
  begin("one", "slow.play", ends);
  play.loop.run_for(1'000);
  kith_host* raw = runner().newest->app;
  const Host app(runner().host.api(), raw);
  ASSERT_TRUE(raw->staged);
  kith_op* op = nullptr;
  const auto pass = [](void*, const kith_event*) -> int { return KITH_PASS; };
  EXPECT_EQ(app.bus().on(raw, "a/#/b", 0, 0, pass, nullptr, &op), KITH_BAD);
  EXPECT_NE(app.why(KITH_BAD).find("is no pattern"), std::string::npos);
  EXPECT_EQ(app.topics().join(raw, c_bytes(std::string_view("a/+"))), KITH_BAD);
  kith_command say{};
  say.size = sizeof say;
  say.name = "Bad Name";
  const auto run = [](void*, kith_call*, kith_bytes) {};
  EXPECT_EQ(app.bus().command(raw, &say, run, nullptr, &op), KITH_BAD);
  say.name = "say";
  EXPECT_EQ(app.bus().command(raw, &say, run, nullptr, &op), 0);
  kith_op* twin = nullptr;
  EXPECT_EQ(app.bus().command(raw, &say, run, nullptr, &twin), KITH_REFUSED);
  app.api()->cancel(raw, op);  // what is cancelled before it took effect is free again
  EXPECT_EQ(app.bus().command(raw, &say, run, nullptr, &twin), 0);
  EXPECT_EQ(app.topics().join(raw, c_bytes(std::string_view("left"))), 0);
  EXPECT_EQ(app.topics().leave(raw, c_bytes(std::string_view("left"))), 0);
  play.loop.run_for(2'000'000);
  EXPECT_EQ(ends, "running");
  EXPECT_TRUE(node.bus().find_command("one.say"));
  EXPECT_EQ(joined_by("left"), "");
}

TEST_F(ReloadTest, ANameThatWasTakenMeanwhileKeepsTheOldOne) {
  ASSERT_EQ(load_now("one", "v1/hook.play"), "running");
  std::string ends;
  begin("one", "v2/slowhook.play", ends);
  play.loop.run_for(100'000);
  kith_command rival{};
  rival.size = sizeof rival;
  rival.name = "one.other";
  const Op held = probe().command(rival, [](kith_call*, Bytes) {});
  play.loop.run_for(2'000'000);
  EXPECT_NE(ends.find("the version before goes on"), std::string::npos) << ends;
  EXPECT_EQ(say("one"), "v1");
  EXPECT_EQ(runner().live, 1);
}

TEST_F(ReloadTest, ACallThatWasMadeBeforeIsAnsweredByTheNext) {
  ASSERT_EQ(load_now("one", "v1/hook.play"), "running");
  std::string ends;
  std::vector<bus::Bus::Ticket> calls;
  std::map<std::string, std::size_t> said;
  begin("one", "v2/hook.play", ends);
  // One in every turn: one of them is made before the switch and comes to run after it.
  play.loop.run_until(
      [&] {
        calls.push_back(node.bus().call("one.say", {},
                                        {{},
                                         [&said](const wire::Value& end) { ++said[*end.string()]; },
                                         [&said](const std::string& why, int) { ++said[why]; }}));
        return ends == "running";
      },
      1'000'000);
  play.loop.run_for(1'000);
  EXPECT_EQ(said.size(), 2u) << said.begin()->first << ", " << said.rbegin()->first;
  EXPECT_EQ(said["v1"] + said["v2"], calls.size());
}

TEST_F(ReloadTest, AThousandReloadsLeaveNothingBehind) {
  ASSERT_EQ(load_now("one", "v0/hook.play"), "running");
  const std::size_t commands = node.bus().commands().size();
  for (int i = 1; i <= 1'000; ++i) {
    std::string ends;
    // Every third one fails.
    begin("one", fmt::format("v{}/{}.play", i, i % 3 == 0 ? "badhook" : "hook"), ends);
    ASSERT_TRUE(play.loop.run_until([&] { return !ends.empty(); }, 1'000'000));
    ASSERT_EQ(runner().live, 1);
  }
  EXPECT_EQ(node.bus().commands().size(), commands);
  EXPECT_EQ(joined_by("t"), "one");
  EXPECT_EQ(joined_by("extra"), "one");
  EXPECT_EQ(node.topics().rows().size(), 2u);
  EXPECT_EQ(apps().all().size(), 1u);
  EXPECT_EQ(log_of("one").size(), node::Apps::kLogLines);
  publish("x");
  EXPECT_EQ(runner().heard, std::vector<std::string>{"v1000:x"});
  apps().unload("one");
  EXPECT_EQ(node.topics().rows().size(), 0u);
  EXPECT_EQ(node.bus().commands().size(), commands - 1);
}

TEST_F(ReloadTest, TheRunnerTellsHowItFares) {
  std::vector<std::string> errors;
  const Op hearing = probe().on("app/error", [&errors](const kith_event& event) {
    const auto body = *wire::decode_cbor(view(event.body));
    errors.push_back(body.string_or("app") + ": " + body.string_or("error"));
    return KITH_PASS;
  });
  ASSERT_EQ(load_now("one", "ok.play"), "running");
  kith_host* app = runner().newest->app;
  const auto tell = [&](int how, std::string_view why) {
    Host(runner().host.api(), app).apps().tell(app, how, c_bytes(why));
  };
  tell(KITH_APP_SUSPENDED, "it spent 3 budgets");
  EXPECT_EQ(state("one"), "suspended: it spent 3 budgets");
  tell(KITH_APP_RUNNING, "");
  EXPECT_EQ(state("one"), "running");
  tell(KITH_APP_FAILED, "out of memory");
  EXPECT_EQ(state("one"), "failed: out of memory");
  const auto rows = play.call(node, "app.list", {});
  EXPECT_EQ(rows->list()->at(0).string_or("state"), "failed: out of memory");
  EXPECT_TRUE(rows->list()->at(0).find("since")->number());
  EXPECT_EQ(load_now("two", "bad.play"), "bad.play:3: boom");
  EXPECT_EQ(errors, (std::vector<std::string>{"one: it spent 3 budgets", "one: out of memory",
                                              "two: bad.play:3: boom"}));
  EXPECT_EQ(load_now("one", "ok.play"), "running");  // a new version begins anew
  EXPECT_EQ(state("one"), "running");
}

TEST_F(ReloadTest, WhatAVersionToldWhileItLoadedCounts) {
  std::string ends;
  begin("one", "slow.play", ends);
  play.loop.run_for(1'000);
  kith_host* app = runner().newest->app;
  const Host host(runner().host.api(), app);
  host.apps().tell(app, KITH_APP_SUSPENDED, c_bytes(std::string_view("a timer of it")));
  EXPECT_EQ(state("one"), "loading");
  play.loop.run_for(2'000'000);
  EXPECT_EQ(state("one"), "suspended: a timer of it");
}

TEST_F(ReloadTest, TheConfigsOriginsAreTheHosts) {
  wire::Value config;
  config["http"] = wire::Value::List{"http://127.0.0.1:8080"};
  play.run_task([](node::Apps& all, wire::Value given) -> Task<void> {
    co_await all.load("one", "ok.play", std::move(given));
  }(apps(), config));
  EXPECT_EQ(runner().newest->app->http_allowed, std::vector<std::string>{"http://127.0.0.1:8080"});
  EXPECT_TRUE(wire::decode_cbor(runner().config)->find("http"));
  config["http"] = wire::Value::List{"127.0.0.1:8080"};
  const std::string why = play.outcome([](node::Apps& all, wire::Value given) -> Task<void> {
    co_await all.load("one", "ok.play", std::move(given));
  }(apps(), config));
  EXPECT_NE(why.find("is no origin"), std::string::npos) << why;
  EXPECT_EQ(state("one"), "running");
}

}  // namespace
}  // namespace kith::test
