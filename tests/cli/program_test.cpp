// SPDX-License-Identifier: MIT
#include "engine/cli/program.h"

#include <fstream>

#include "engine/node/config_text.h"
#include "engine/wire/json.h"
#include "tests/cli/play.h"

namespace kith::cli {
namespace {

TEST_F(ProgramTest, WithoutANodeEveryVerbThatNeedsOneSaysSo) {
  const std::string peer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
  const std::vector<std::vector<std::string>> lines = {
      {"status"},           {"stop"},           {"connect", "/ip4/127.0.0.1/tcp/1"},
      {"disconnect", peer}, {"peers"},          {"topics"},
      {"ping", peer},       {"plugin", "list"}, {"publish", "t", "x"},
      {"listen", "t"},      {"talk", "t"},      {"app", "list"},
      {"chat", "say", "hi"}};
  for (const auto& words : lines) {
    const Ran made = run(words);
    EXPECT_EQ(made.code, kExitFailure) << words.front();
    EXPECT_EQ(made.err, "kith: no node runs in " + home_ + ": kith run\n") << words.front();
    EXPECT_EQ(made.out, "") << words.front();
  }
  EXPECT_FALSE(std::filesystem::exists(home_)) << "asking makes no home";
}

TEST_F(ProgramTest, ALongHomeWithoutANodeSaysTheSame) {
  home_ = folder_ + "/" + std::string(150, 'x');
  const Ran made = run({"peers"});
  EXPECT_EQ(made.code, kExitFailure);
  EXPECT_EQ(made.err, "kith: no node runs in " + home_ + ": kith run\n");
}

TEST_F(ProgramTest, UsageIsTwo) {
  EXPECT_EQ(run({}).code, kExitUsage);
  EXPECT_EQ(run({"--nope"}).code, kExitUsage);
  EXPECT_EQ(run({"peers", "now"}).code, kExitUsage);
  const Ran address = run({"connect", "127.0.0.1:4001"});
  EXPECT_EQ(address.code, kExitUsage);
  EXPECT_NE(address.err.find("'127.0.0.1:4001' is no multiaddr such as"), std::string::npos);
  EXPECT_EQ(run({"ping", "somebody"}).code, kExitUsage);
}

TEST_F(ProgramTest, VersionAndHelp) {
  EXPECT_EQ(run({"--version"}).out, "kith 1.2.3\n");
  EXPECT_EQ(run({"--version", "--json"}).out, "{\"version\":\"1.2.3\"}\n");
  const Ran help = run({"help"});
  EXPECT_EQ(help.code, kExitOk);
  for (const char* word : {"publish TOPIC TEXT|-", "--home DIR", "--set"})
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
  EXPECT_EQ(run({"--help"}).out, help.out);
  const Ran verb = run({"listen", "--help"});
  EXPECT_EQ(verb.code, kExitOk);
  EXPECT_NE(verb.out.find("--count"), std::string::npos);
  EXPECT_EQ(run({"help", "listen"}).out, verb.out);
}

TEST_F(ProgramTest, IdNeedsNoNodeAndStaysTheSame) {
  const Ran first = run({"id"});
  EXPECT_EQ(first.code, kExitOk) << first.err;
  EXPECT_TRUE(first.out.starts_with("12D3KooW")) << first.out;
  const Ran again = run({"--json", "id"});
  const auto value = wire::from_json(again.out);
  ASSERT_TRUE(value) << again.out;
  EXPECT_EQ(value->string_or("peer_id") + "\n", first.out);
}

TEST_F(ProgramTest, RunGetsAllThatWasSaid) {
  RunRequest seen;
  doors_.run = [&](const RunRequest& request) {
    seen = request;
    return 7;
  };
  EXPECT_EQ(run({"--set", "a=1", "run", "--json", "--config", "c.toml", "--stdio", "--home",
                 folder_ + "/other"})
                .code,
            7);
  EXPECT_EQ(seen.home, folder_ + "/other");
  EXPECT_EQ(seen.config, "c.toml");
  EXPECT_EQ(seen.sets, std::vector<std::string>{"a=1"});
  EXPECT_TRUE(seen.json);
  EXPECT_TRUE(seen.stdio);
  EXPECT_EQ(seen.version, "1.2.3");
}

class ConfigVerbTest : public ProgramTest {
 protected:
  void write(std::string_view text) {
    std::filesystem::create_directories(home_);
    std::ofstream(home_ + "/kith.toml") << text;
    doors_.known_plugins = [](const std::string&) {
      return std::vector<node::PluginOptions>{
          {"tcp", "TCP links.", {{"listen", "strings", "[]", "Multiaddrs."}}}};
    };
  }
};

TEST_F(ConfigVerbTest, CheckSaysWhatIsWrongAndWhere) {
  write("[plugins.tcp]\nlissten = []\n[log]\nlevel = 3\n");
  const Ran made = run({"config", "check"});
  EXPECT_EQ(made.code, kExitConfig);
  EXPECT_EQ(made.out, "");
  const std::string file = home_ + "/kith.toml";
  EXPECT_EQ(made.err, "kith: " + file +
                          ":2:1: unknown key 'lissten' in [plugins.tcp]: did you mean 'listen'?\n"
                          "kith: " +
                          file + ":4:1: log.level: expected string (a text), not the number 3\n");
  const auto json = wire::from_json(run({"config", "check", "--json"}).out);
  ASSERT_TRUE(json);
  EXPECT_FALSE(json->boolean_or("ok", true));
  EXPECT_EQ(json->find("errors")->list()->size(), 2u);
}

TEST_F(ConfigVerbTest, CheckJudgesTheGateToo) {
  write("[gate]\ndeny = [\"nobody in particular\"]\n");
  const Ran made = run({"config", "check"});
  EXPECT_EQ(made.code, kExitConfig);
  EXPECT_NE(made.err.find("nobody in particular"), std::string::npos) << made.err;
}

TEST_F(ConfigVerbTest, ShowTellsValueAndOrigin) {
  write("[plugins.tcp]\nlisten = [\"/ip4/0.0.0.0/tcp/1\"]\n");
  const Ran made = run({"config", "show", "--origin", "--set", "log.level=debug"});
  EXPECT_EQ(made.code, kExitOk) << made.err;
  EXPECT_NE(made.out.find("log.level = \"debug\"  # --set\n"), std::string::npos) << made.out;
  EXPECT_NE(made.out.find("log.format = \"auto\"  # default\n"), std::string::npos);
  EXPECT_NE(made.out.find("plugins.tcp.listen = [\"/ip4/0.0.0.0/tcp/1\"]  # kith.toml:2\n"),
            std::string::npos);
  const auto json = wire::from_json(run({"config", "show", "--json"}).out);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->list()->size(), 9u);
}

TEST_F(ConfigVerbTest, AConfigOfAnotherPlaceStandsInstead) {
  write("nonsense = 1\n");
  const std::string other = folder_ + "/other.toml";
  std::ofstream(other) << "[log]\nlevel = \"warn\"\n";
  EXPECT_EQ(run({"config", "check", "--config", other}).code, kExitOk);
  EXPECT_EQ(run({"config", "check", "--config", folder_ + "/none"}).code, kExitConfig);
  EXPECT_EQ(run({"config", "check"}).code, kExitConfig);
}

TEST_F(ProgramTest, APluginThatIsNoneIsRefusedInASentence) {
  std::ofstream(folder_ + "/x.so") << "not a library";
  const Ran made = run({"plugin", "check", folder_ + "/x.so"});
  EXPECT_EQ(made.code, kExitFailure);
  EXPECT_NE(made.err.find("x.so"), std::string::npos) << made.err;
}

}  // namespace
}  // namespace kith::cli
