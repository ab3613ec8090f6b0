// SPDX-License-Identifier: MIT
// Apps one at a time: loading, failing, being found, listed, run, stopped and logged.
#include <gtest/gtest.h>

#include "tests/node/play_runner.h"

namespace kith::test {
namespace {

TEST_F(AppsTest, RunAndEnd) {
  EXPECT_EQ(load_now("one", "/x/ok.play"), "running");
  EXPECT_EQ(state("one"), "running");
  EXPECT_EQ(wire::decode_cbor(runner().config)->string_or("word"), "hi");
  EXPECT_EQ(runner().live, 1);
  EXPECT_TRUE(apps().unload("one"));
  EXPECT_FALSE(apps().unload("one"));
  EXPECT_EQ(state("one"), "absent");
  EXPECT_EQ(runner().live, 0);
}

TEST_F(AppsTest, OneOfTheSameNameReplaces) {
  load_now("one", "ok.play");
  const auto* before = apps().find("one");
  ASSERT_TRUE(before);
  EXPECT_EQ(load_now("one", "chatty.play"), "running");
  EXPECT_EQ(apps().all().size(), 1u);
  EXPECT_EQ(apps().find("one")->file, "chatty.play");
  EXPECT_EQ(runner().live, 1);
}

TEST_F(AppsTest, AFailedOneIsListedWithItsReason) {
  EXPECT_EQ(load_now("one", "bad.play"), "bad.play:3: boom");
  EXPECT_EQ(state("one"), "failed: bad.play:3: boom");
  EXPECT_EQ(load_now("two", "refused.play"), "refused.play:1: no");
  EXPECT_NE(load_now("three", "mute.play"), "");
  EXPECT_EQ(state("three").find("failed: "), 0u);
  EXPECT_EQ(runner().live, 0);
  EXPECT_EQ(load_now("one", "ok.play"), "running");  // repaired
}

TEST_F(AppsTest, WhatNobodyRunsIsNamed) {
  const std::string why = load_now("one", "ok.exe");
  EXPECT_NE(why.find("'.exe'"), std::string::npos) << why;
  EXPECT_EQ(state("one"), "absent");
}

TEST_F(AppsTest, MayBeUnloadedWhileLoading) {
  std::string ends;
  begin("one", "slow.play", ends);
  play.loop.run_for(100'000);
  EXPECT_EQ(state("one"), "loading");
  EXPECT_TRUE(apps().unload("one"));
  EXPECT_NE(ends, "");
  EXPECT_NE(ends, "running");
  EXPECT_EQ(runner().live, 0);
  play.loop.run_for(2'000'000);
  EXPECT_EQ(state("one"), "absent");
}

TEST_F(AppsTest, MayBeReplacedWhileLoading) {
  std::string first, second;
  begin("one", "slow.play", first);
  play.loop.run_for(100'000);
  begin("one", "ok.play", second);
  play.loop.run_for(2'000'000);
  EXPECT_NE(first, "running");
  EXPECT_NE(first, "");
  EXPECT_EQ(second, "running");
  EXPECT_EQ(runner().live, 1);
}

TEST_F(AppsTest, WhoLoadedMayGoBeforeItIsLoaded) {
  std::string ends;
  begin("one", "slow.play", ends);
  play.loop.run_for(100'000);
  loading.clear();
  EXPECT_TRUE(apps().unload("one"));
  EXPECT_EQ(ends, "");
  EXPECT_EQ(runner().live, 0);
}

TEST_F(AppsTest, ANodeMayStopWhileOneLoads) {
  std::string ends;
  begin("one", "slow.play", ends);
  play.loop.run_for(100'000);
  play.stop(play.nodes[0]);
  EXPECT_NE(ends, "");
}

TEST_F(AppsTest, TheLogsTailIsBounded) {
  load_now("one", "chatty.play");
  const auto& lines = apps().find("one")->lines;
  EXPECT_LE(lines.size(), node::Apps::kLogLines);
  EXPECT_GE(lines.size(), node::Apps::kLogLines - 1);
  bool has_newest = false;
  for (const auto& line : lines) has_newest |= line.text == "line 499";
  EXPECT_TRUE(has_newest);
  wire::Value args;
  args["name"] = "one";
  const auto rows = play.call(node, "app.logs", args);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->list()->size(), lines.size());
}

// `app.run FILE`: its log as parts, and its end with the caller.
TEST_F(AppsTest, RunsAsLongAsItsCaller) {
  std::vector<std::string> texts;
  wire::Value args;
  args["file"] = "/x/chatty.play";
  auto ticket =
      node.bus().call("app.run", args,
                      {[&](const wire::Value& part) { texts.push_back(part.string_or("text")); },
                       nullptr, [](const std::string& why, int) { ADD_FAILURE() << why; }});
  play.loop.run_for(1'000'000);
  EXPECT_GE(texts.size(), 500u);
  EXPECT_EQ(state("chatty"), "running");
  ticket.reset();
  play.loop.run_for(1'000);
  EXPECT_EQ(state("chatty"), "absent");
}

TEST_F(AppsTest, RunsOnWhenDetached) {
  wire::Value args;
  args["file"] = "/x/ok.play";
  args["detach"] = true;
  ASSERT_TRUE(play.call(node, "app.run", args));
  EXPECT_EQ(state("ok"), "running");
  wire::Value name;
  name["name"] = "ok";
  EXPECT_TRUE(play.call(node, "app.stop", name));
  EXPECT_EQ(state("ok"), "absent");
  EXPECT_FALSE(play.call(node, "app.stop", name));
}

TEST_F(AppsTest, ACallerMayGoWhileItLoads) {
  wire::Value args;
  args["file"] = "/x/slow.play";
  auto ticket = node.bus().call("app.run", args, {});
  play.loop.run_for(100'000);
  ticket.reset();
  play.loop.run_for(2'000'000);
  EXPECT_EQ(state("slow"), "absent");
  EXPECT_EQ(runner().live, 0);
}

TEST_F(AppsTest, AreFoundByNameInTheirFolders) {
  const std::filesystem::path folder = std::filesystem::path(write("ok.play", "\n")).parent_path();
  Play other(2);
  node::NodeSetup setup{.identity = crypto::Identity::from_seed({}), .config = {}};
  setup.plugins["runner"] = &kRunner;
  setup.config.plugins.push_back({"runner", wire::Value(wire::Value::Map())});
  setup.config.apps.push_back({"absent", "", wire::Value(wire::Value::Map())});
  setup.config.apps.push_back({"ok", "", wire::Value(wire::Value::Map())});
  setup.script_folders.push_back(folder.string());
  node::Node alone(other.loop, other.sink, std::move(setup));
  other.run_task(alone.start());  // the one that is absent keeps nobody from starting
  ASSERT_TRUE(alone.apps().find("ok"));
  EXPECT_EQ(alone.apps().find("ok")->file, (folder / "ok.play").string());
  ASSERT_TRUE(alone.apps().find("absent"));
  EXPECT_EQ(alone.apps().find("absent")->state.find("failed: "), 0u);
  ASSERT_EQ(other.sink.errors.size(), 1u);
  EXPECT_NE(other.sink.errors[0].find((folder / "absent.play").string()), std::string::npos);
  other.run_task(alone.stop());
}

}  // namespace
}  // namespace kith::test
