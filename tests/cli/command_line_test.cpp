// SPDX-License-Identifier: MIT
#include "engine/cli/command_line.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

using Words = std::vector<std::string>;

TEST(CommandLine, HomeAndJsonStandBeforeOrAfterAnyVerb) {
  for (const Words& words :
       {Words{"--home", "/h", "--json", "peers"}, Words{"peers", "--json", "--home=/h"},
        Words{"--json", "peers", "--home", "/h"}}) {
    const auto line = split_command_line(words);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->verb, "peers");
    EXPECT_EQ(line->home, "/h");
    EXPECT_TRUE(line->json);
    EXPECT_TRUE(line->words.empty());
  }
}

TEST(CommandLine, SetsAndConfigAreCollected) {
  const auto line =
      split_command_line({"--set", "a.b=1", "run", "--set=c.d=2", "--config", "x.toml"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->sets, (Words{"a.b=1", "c.d=2"}));
  EXPECT_EQ(line->config, "x.toml");
}

TEST(CommandLine, AnAppsOwnWordsAreLeftAlone) {
  const auto line = split_command_line({"good", "alive", "--config", "1", "--set", "2", "--json"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->words, (Words{"alive", "--config", "1", "--set", "2"}));
  EXPECT_TRUE(line->json);
  EXPECT_TRUE(line->config.empty());
}

TEST(CommandLine, AfterTwoDashesNothingIsTakenOut) {
  const auto line = split_command_line({"publish", "t", "--", "--json"});
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->json);
  const auto words = parse_verb("publish", line->words);
  ASSERT_TRUE(words) << words.error().detail();
  EXPECT_EQ(words->text, "--json");
}

TEST(CommandLine, WhatIsMissingOrUnknownIsUsage) {
  EXPECT_FALSE(split_command_line({"--home"}));
  EXPECT_FALSE(split_command_line({"--hom", "x", "run"}));
  EXPECT_FALSE(parse_verb("connect", {}));
  EXPECT_FALSE(parse_verb("connect", {"a", "b"}));
  EXPECT_FALSE(parse_verb("peers", {"--fast"}));
  EXPECT_FALSE(parse_verb("listen", {"t", "--count", "0"}));
  EXPECT_FALSE(parse_verb("listen", {"t", "--count", "many"}));
  EXPECT_FALSE(parse_verb("listen", {"t", "--timeout", "soon"}));
  EXPECT_FALSE(parse_verb("plugin", {"check"}));
  EXPECT_FALSE(parse_verb("plugin", {"list", "x.so"}));
  EXPECT_FALSE(parse_verb("config", {"look"}));
  EXPECT_FALSE(parse_verb("run", {"away"}));
}

TEST(CommandLine, VerbsTakeTheirWords) {
  const auto listen = parse_verb("listen", {"chat/lobby", "--count", "2", "--timeout", "1.5"});
  ASSERT_TRUE(listen) << listen.error().detail();
  EXPECT_EQ(listen->topic, "chat/lobby");
  EXPECT_EQ(listen->count, 2);
  EXPECT_EQ(listen->timeout_s, 1.5);
  const auto publish = parse_verb("publish", {"t", "-"});
  ASSERT_TRUE(publish) << publish.error().detail();
  EXPECT_EQ(publish->text, "-");
  EXPECT_TRUE(parse_verb("config", {"show", "--origin"})->origin);
  EXPECT_EQ(parse_verb("status", {"--wait", "10"})->wait_s, 10.0);
  EXPECT_TRUE(parse_verb("run", {"--stdio"})->stdio);
}

TEST(CommandLine, EveryVerbHasHelp) {
  for (const auto& verb : own_verbs()) {
    EXPECT_NE(verb_help(verb.name).find(verb.summary), std::string::npos) << verb.name;
    EXPECT_TRUE(verb.usage.starts_with(verb.name)) << verb.name;
  }
}

}  // namespace
}  // namespace kith::cli
