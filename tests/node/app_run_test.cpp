// SPDX-License-Identifier: MIT
// `app run`, and what the config says of apps: who has a name, for how long, and what comes back.
#include <gtest/gtest.h>

#include "tests/node/play_runner.h"

namespace kith::test {
namespace {

constexpr std::uint64_t kSaveUs = 600'000;  // two looks at a file, and its loading

class AppRunTest : public AppsTest {
 protected:
  struct Run {
    bus::Bus::Ticket ticket;
    std::vector<std::string> texts;  // of its parts; "running" for the notice
    std::string ended;
  };
  std::unique_ptr<Run> run(const std::string& file, wire::Value more = wire::Value::Map()) {
    auto made = std::make_unique<Run>();
    Run& to = *made;
    more["file"] = file;
    to.ticket = node.bus().call(
        "app.run", std::move(more),
        {[&to](const wire::Value& part) {
           to.texts.push_back(part.find("running") ? "running" : part.string_or("text"));
         },
         [&to](const wire::Value&) { to.ended = "end"; },
         [&to](const std::string& why, int) { to.ended = why; }});
    play.loop.run_for(1'500'000);
    return made;
  }
  void leave(Run& to) {
    to.ticket.reset();
    play.loop.run_for(10'000);
  }
  void configure(std::vector<node::Config::App> wanted) {
    play.run_task(apps().configure(std::move(wanted)));
  }
  std::string version(std::string_view name) {
    const auto* app = apps().find(name);
    return app && runner().newest ? runner().newest->version : "none";
  }
};

using Texts = std::vector<std::string>;

TEST_F(AppRunTest, ASaveLoadsItAnew) {
  const std::string file = write("hook.play", "v1");
  const auto first = run(file);
  EXPECT_EQ(first->texts, Texts{"running"});
  write("hook.play", "version2");
  play.loop.run_for(kSaveUs);
  EXPECT_EQ(first->texts, (Texts{"running", "app reloaded file=" + file}));
  EXPECT_EQ(version("hook"), "version2");
  play.loop.run_for(5'000'000);
  EXPECT_EQ(first->texts.size(), 2u);  // once a save
  leave(*first);
  EXPECT_EQ(state("hook"), "absent");
  EXPECT_EQ(runner().live, 0);
  write("hook.play", "three");
  play.loop.run_for(kSaveUs);
  EXPECT_EQ(runner().live, 0);
}

TEST_F(AppRunTest, AnEditorMayRenameOrTakeItAway) {
  const std::string file = write("ok.play", "v1");
  const auto first = run(file);
  std::filesystem::remove(file);
  play.loop.run_for(kSaveUs);
  EXPECT_EQ(state("ok"), "running");
  const std::string fresh = write("fresh.tmp", "v2");
  std::filesystem::rename(fresh, file);
  play.loop.run_for(kSaveUs);
  EXPECT_EQ(version("ok"), "v2");
  EXPECT_EQ(first->texts.size(), 2u);
}

TEST_F(AppRunTest, ABrokenSaveIsNamedAndTheNextOneTriesAgain) {
  const std::string file = write("ok.play", "v1");
  const auto first = run(file);
  write("ok.play", "bad");
  play.loop.run_for(kSaveUs);
  EXPECT_EQ(first->texts, (Texts{"running", "ok.play:3: boom; the version before goes on"}));
  EXPECT_EQ(state("ok"), "running");
  EXPECT_EQ(version("ok"), "v1");
  write("ok.play", "good");
  play.loop.run_for(kSaveUs);
  EXPECT_EQ(version("ok"), "good");
  EXPECT_EQ(first->ended, "");
}

TEST_F(AppRunTest, WhatDoesNotLoadEndsItAndIsNotListed) {
  const auto first = run("bad.play");
  EXPECT_EQ(first->ended, "bad.play:3: boom");
  EXPECT_EQ(state("bad"), "absent");
  EXPECT_NE(run("My Script.play")->ended.find("--name"), std::string::npos);
  EXPECT_EQ(runner().live, 0);
}

TEST_F(AppRunTest, ItsSetsAreToml) {
  wire::Value more;
  more["set"] = wire::Value::List{"rate=5", "deep.list=[1, 2]", "deep.word=plain text", "on=true"};
  more["name"] = "two";
  const auto first = run("ok.play", more);
  EXPECT_EQ(state("two"), "running");
  const wire::Value config = *wire::decode_cbor(runner().config);
  EXPECT_EQ(config.integer_or("rate", 0), 5);
  EXPECT_TRUE(config.boolean_or("on", false));
  EXPECT_EQ(config.find("deep")->find("list")->list()->size(), 2u);
  EXPECT_EQ(config.find("deep")->string_or("word"), "plain text");
  for (const char* bad : {"rate", "=5", "a..b=1", ".=1"}) {
    wire::Value args;
    args["set"] = wire::Value::List{bad};
    EXPECT_NE(run("ok.play", args)->ended.find(bad), std::string::npos) << bad;
  }
}

TEST_F(AppRunTest, AnotherRunTakesItsPlace) {
  const auto first = run("ok.play");
  const auto second = run("chatty.play", named("name", "ok"));
  EXPECT_EQ(first->ended, "another 'app run' took the place of ok");
  EXPECT_EQ(second->ended, "");
  leave(*first);
  EXPECT_EQ(state("ok"), "running");
  EXPECT_EQ(apps().find("ok")->file, "chatty.play");
  EXPECT_TRUE(play.call(node, "app.stop", named("name", "ok")));
  EXPECT_EQ(second->ended, "app ok was stopped");
}

TEST_F(AppRunTest, TheConfigsComesBack) {
  wire::Value own;
  own["word"] = "configured";
  configure({{"ok", write("ok.play", "v1"), own}});
  EXPECT_EQ(version("ok"), "v1");
  const auto first = run("else/ok.play");
  EXPECT_EQ(version("ok"), "else");
  EXPECT_EQ(wire::decode_cbor(runner().config)->string_or("word"), "configured");
  leave(*first);
  EXPECT_EQ(version("ok"), "v1");
  EXPECT_EQ(state("ok"), "running");
  EXPECT_EQ(runner().live, 1);
}

TEST_F(AppRunTest, TheConfigsThatFailsIsListedWhenTheRunEnds) {
  const std::string file = write("ok.play", "v1");
  configure({{"ok", file, wire::Value::Map()}});
  const auto first = run("else/ok.play");
  write("ok.play", "bad");
  leave(*first);
  EXPECT_EQ(state("ok").find("failed: ok.play:3: boom"), 0u) << state("ok");
  EXPECT_EQ(apps().find("ok")->file, file);
  EXPECT_EQ(runner().live, 0);
  EXPECT_EQ(run("bad.play", named("name", "ok"))->ended, "bad.play:3: boom");
  EXPECT_EQ(apps().find("ok")->file, file);
}

TEST_F(AppRunTest, ItMayEndInManyWays) {
  const std::string file = write("ok.play", "v1");
  auto stopped = run(file);
  apps().unload("ok");
  EXPECT_EQ(stopped->ended, "app ok was stopped");
  auto detached = run(file, named("detach", "true"));
  EXPECT_EQ(detached->ended, "end");
  leave(*detached);
  EXPECT_EQ(state("ok"), "running");
  auto at_the_end = run(file);
  write("ok.play", "v2 and longer");
  play.stop(play.nodes[0]);  // with a run, and perhaps a load, under way
  EXPECT_EQ(at_the_end->ended, "app ok was stopped");
}

TEST_F(AppRunTest, ANewConfigTouchesWhatChanged) {
  const std::string a = write("a.play", "a1"), b = write("b.play", "b1"), c = write("c.play", "c1");
  configure({{"a", a, wire::Value::Map()}, {"b", b, wire::Value::Map()}});
  const auto since = [this](const char* name) { return apps().find(name)->since_us; };
  const auto a_since = since("a"), b_since = since("b");
  play.loop.run_for(1'000'000);
  configure({{"a", a, wire::Value::Map()}, {"b", b, wire::Value::Map()}});
  EXPECT_EQ(since("a"), a_since);
  wire::Value other;
  other["rate"] = 2;
  configure({{"a", a, wire::Value::Map()}, {"b", b, other}, {"c", c, wire::Value::Map()}});
  EXPECT_EQ(since("a"), a_since);
  EXPECT_NE(since("b"), b_since);
  EXPECT_EQ(state("c"), "running");
  write("a.play", "a2 is longer");
  const auto mine = run("ok.play", named("name", "c"));
  configure({{"a", a, wire::Value::Map()}});
  EXPECT_NE(since("a"), a_since);
  EXPECT_EQ(state("b"), "absent");
  EXPECT_EQ(state("c"), "running");  // somebody runs it
  leave(*mine);
  EXPECT_EQ(state("c"), "absent");
  write("a.play", "bad");
  configure({{"a", a, wire::Value::Map()}});
  EXPECT_EQ(state("a"), "running");
  EXPECT_EQ(log_of("a").back(), "a.play:3: boom; the version before goes on");
}

TEST_F(AppRunTest, ReloadsByName) {
  const std::string file = write("ok.play", "v1");
  configure({{"ok", file, wire::Value::Map()}});
  write("ok.play", "v2");
  EXPECT_EQ(play.call(node, "app.reload", named("name", "ok"))->string_or("file"), file);
  EXPECT_EQ(version("ok"), "v2");
  apps().unload("ok");
  EXPECT_TRUE(play.call(node, "app.reload", named("name", "ok")));  // the config has it
  EXPECT_EQ(state("ok"), "running");
  write("ok.play", "bad");
  EXPECT_EQ(play.call(node, "app.reload", named("name", "ok")).error().message(),
            "ok.play:3: boom; the version before goes on");
  for (const char* command : {"app.reload", "app.stop", "app.logs"}) {
    const auto missing = play.call(node, command, named("name", "okk"));
    ASSERT_FALSE(missing) << command;
    EXPECT_NE(missing.error().message().find("did you mean \"ok\"?"), std::string::npos)
        << missing.error().message();
  }
}

TEST_F(AppRunTest, LogsAreFollowedAcrossVersions) {
  load_now("ok", "chatty.play");
  Texts texts;
  wire::Value args = named("name", "ok");
  args["follow"] = true;
  auto ticket = node.bus().call(
      "app.logs", args,
      {[&](const wire::Value& part) { texts.push_back(part.string_or("text")); },
       [](const wire::Value&) {}, [](const std::string& why, int) { ADD_FAILURE() << why; }});
  play.loop.run_for(1'000);
  EXPECT_EQ(texts.size(), node::Apps::kLogLines);
  load_now("ok", "new/ok.play");
  EXPECT_EQ(texts.back(), "app reloaded file=new/ok.play");
  apps().unload("ok");
  load_now("ok", "chatty.play");
  EXPECT_EQ(texts.back(), "line 499");
  ticket.reset();
  const std::size_t heard = texts.size();
  load_now("ok", "chatty.play");
  EXPECT_EQ(texts.size(), heard);
}

}  // namespace
}  // namespace kith::test
