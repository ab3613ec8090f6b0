// SPDX-License-Identifier: MIT
#include "engine/node/config.h"

#include <gtest/gtest.h>

#include "engine/node/config_toml.h"

namespace kith::node {
namespace {

using wire::Value;

const std::vector<PluginOptions>& known() {
  static const std::vector<PluginOptions> plugins = {
      {"bootstrap", "Dials a static list.", {{"peers", "strings", "[]", "Multiaddrs."}}},
      {"echo", "Every byte back.", {}},
      {"gossipsub",
       "Topics.",
       {{"sign", "string", "\"strict\"", "strict or none."},
        {"message_id", "string", "\"auto\"", "The form of ids."},
        {"d", "int", "6", "Mesh degree."},
        {"heartbeat", "duration", "\"1s\"", "Upkeep."},
        {"message_bytes_max", "size", "\"1MiB\"", "Longest message."},
        {"flood_publish", "bool", "true", "Own messages go to all."},
        {"graylist", "number", "-80", "Below, a peer is not heard."}}},
      {"tcp", "TCP links.", {{"listen", "strings", "[\"/ip4/0.0.0.0/tcp/0\"]", "Multiaddrs."}}},
  };
  return plugins;
}

ConfigVerdict read(std::string text, std::vector<std::string> sets = {},
                   std::vector<std::pair<std::string, std::string>> environment = {}) {
  ConfigSources sources{"dir/kith.toml", std::move(text), std::move(environment), std::move(sets)};
  return read_config(sources, known());
}

std::string only_error(const ConfigVerdict& verdict) {
  if (verdict.errors.size() == 1) return verdict.errors.front();
  std::string all = std::to_string(verdict.errors.size()) + " errors";
  for (const auto& error : verdict.errors) all += "\n" + error;
  return all;
}

const Setting& setting(const Config& config, std::string_view path) {
  for (const auto& one : config.settings) {
    if (one.path == path) return one;
  }
  static const Setting none;
  ADD_FAILURE() << "no setting " << path;
  return none;
}

TEST(Config, FillsEveryOptionOfEnabledPluginsAndOfNoOther) {
  const auto [config, errors] = read("[plugins.gossipsub]\nd = 8\n");
  ASSERT_TRUE(errors.empty()) << errors.front();
  ASSERT_EQ(config.plugins.size(), 1u);
  const Value& options = config.plugins[0].options;
  EXPECT_EQ(options.map()->size(), 7u);
  EXPECT_EQ(options.string_or("sign"), "strict");
  EXPECT_EQ(options.integer_or("d", 0), 8);
  EXPECT_EQ(*options.find("heartbeat")->number(), 1.0);
  EXPECT_EQ(options.integer_or("message_bytes_max", 0), 1 << 20);
  EXPECT_EQ(*options.find("graylist")->number(), -80.0);
  EXPECT_TRUE(options.boolean_or("flood_publish", false));
  EXPECT_EQ(config.log.level, "info");
  EXPECT_EQ(config.log.format, "auto");
  EXPECT_EQ(config.limits.connections, 4096);
  EXPECT_EQ(config.limits.connections_per_peer, 4);
  EXPECT_TRUE(config.gate.allow.empty());
}

TEST(Config, AnUnknownKeyNamesPlaceAndNearest) {
  EXPECT_EQ(only_error(read("[plugins.tcp]\n  lissten = []\n")),
            "dir/kith.toml:2:3: unknown key 'lissten' in [plugins.tcp]: did you mean 'listen'?");
  EXPECT_EQ(only_error(read("[plugins.tpc]\n")),
            "dir/kith.toml:1:10: unknown plugin 'tpc' in [plugins]: did you mean 'tcp'?");
  EXPECT_EQ(only_error(read("plugin = 1\n")),
            "dir/kith.toml:1:1: unknown key 'plugin': did you mean 'plugins'?");
  EXPECT_EQ(only_error(read("[log]\nlvel = \"info\"\n")),
            "dir/kith.toml:2:1: unknown key 'lvel' in [log]: did you mean 'level'?");
  EXPECT_EQ(only_error(read("[plugins.echo]\nfast = true\n")),
            "dir/kith.toml:2:1: unknown key 'fast' in [plugins.echo]: it has no options");
}

TEST(Config, AWrongTypeNamesTheTypeExpected) {
  EXPECT_EQ(only_error(read("[plugins.tcp]\nlisten = \"/ip4/127.0.0.1/tcp/0\"\n")),
            "dir/kith.toml:2:1: plugins.tcp.listen: expected strings (a list of texts), not the "
            "text \"/ip4/127.0.0.1/tcp/0\"");
  EXPECT_EQ(only_error(read("[plugins.gossipsub]\nd = \"6\"\n")),
            "dir/kith.toml:2:1: plugins.gossipsub.d: expected int (a whole number), not the text "
            "\"6\"");
  EXPECT_NE(only_error(read("[plugins.gossipsub]\nheartbeat = \"soon\"\n"))
                .find("expected duration (a text such as \"30s\")"),
            std::string::npos);
  EXPECT_NE(only_error(read("[plugins.gossipsub]\nmessage_bytes_max = \"1 megabyte\"\n"))
                .find("expected size (a text such as \"64MiB\")"),
            std::string::npos);
  EXPECT_NE(only_error(read("[plugins]\ntcp = true\n")).find("write [plugins.tcp]"),
            std::string::npos);
  EXPECT_NE(only_error(read("[log]\nlevel = \"loud\"\n")).find("kith.toml:2: log.level: expected"),
            std::string::npos);
  EXPECT_NE(only_error(read("[limits]\nconnections = 0\n")).find("1 to 1000000"),
            std::string::npos);
}

TEST(Config, AllErrorsAreCollected) {
  const auto verdict = read("[log]\na = 1\n[plugins.tcp]\nb = 1\n[plugins.nope]\n",
                            {"plugins.tcp.c=1"}, {{"KITH__LOG__D", "1"}});
  ASSERT_EQ(verdict.errors.size(), 5u);
  EXPECT_TRUE(verdict.errors[3].starts_with("env KITH__LOG__D: unknown key 'd' in [log]"));
  EXPECT_TRUE(verdict.errors[4].starts_with("--set plugins.tcp.c: unknown key 'c'"));
}

TEST(Config, ASyntaxErrorHasAPlace) {
  const auto verdict = read("[log]\nlevel = \n");
  ASSERT_EQ(verdict.errors.size(), 1u);
  EXPECT_TRUE(verdict.errors[0].starts_with("dir/kith.toml:2:")) << verdict.errors[0];
}

TEST(Config, PrecedenceAndOrigin) {
  const std::string file = "[plugins.gossipsub]\nd = 7\nsign = \"none\"\nmessage_id = \"js\"\n";
  const auto [config, errors] = read(
      file, {"plugins.gossipsub.d=9"},
      {{"KITH__PLUGINS__GOSSIPSUB__D", "8"}, {"KITH__PLUGINS__GOSSIPSUB__MESSAGE_ID", "spec"}});
  ASSERT_TRUE(errors.empty()) << errors.front();
  const Value& options = config.plugins[0].options;
  EXPECT_EQ(options.integer_or("d", 0), 9);
  EXPECT_EQ(options.string_or("message_id"), "spec");
  EXPECT_EQ(options.string_or("sign"), "none");
  EXPECT_EQ(setting(config, "plugins.gossipsub.d").origin, "--set");
  EXPECT_EQ(setting(config, "plugins.gossipsub.message_id").origin,
            "env KITH__PLUGINS__GOSSIPSUB__MESSAGE_ID");
  EXPECT_EQ(setting(config, "plugins.gossipsub.sign").origin, "kith.toml:3");
  EXPECT_EQ(setting(config, "plugins.gossipsub.heartbeat").origin, "default");
  EXPECT_EQ(*setting(config, "plugins.gossipsub.heartbeat").value.string(), "1s");
}

TEST(Config, EnvironmentAndSetEnableAPlugin) {
  const auto set = read("", {"plugins.tcp.listen=[\"/ip4/127.0.0.1/tcp/0\"]"});
  ASSERT_TRUE(set.errors.empty()) << set.errors.front();
  ASSERT_EQ(set.config.plugins.size(), 1u);
  EXPECT_EQ(set.config.plugins[0].name, "tcp");
  const auto whole = read("", {"plugins.echo={}"});
  ASSERT_TRUE(whole.errors.empty()) << whole.errors.front();
  ASSERT_NE(whole.config.find_plugin("echo"), nullptr);
  const auto environment = read("", {}, {{"KITH__PLUGINS__TCP__LISTEN", "[]"}});
  ASSERT_NE(environment.config.find_plugin("tcp"), nullptr);
  EXPECT_EQ(environment.config.find_plugin("bootstrap"), nullptr);
}

TEST(Config, WhatIsNoTomlIsAText) {
  const auto [config, errors] = read("", {"log.level=debug", "apps.a.file=x y.lua"});
  ASSERT_TRUE(errors.empty()) << errors.front();
  EXPECT_EQ(config.log.level, "debug");
  EXPECT_EQ(config.apps.at(0).file, "x y.lua");
  EXPECT_EQ(only_error(read("", {"plugins.tcp.listen=/ip4/0.0.0.0/tcp/1"})),
            "--set plugins.tcp.listen: plugins.tcp.listen: expected strings (a list of texts), "
            "not the text \"/ip4/0.0.0.0/tcp/1\"");
  EXPECT_EQ(only_error(read("", {"plugins.tcp.listen"})),
            "--set plugins.tcp.listen: expected NAME=VALUE");
  EXPECT_EQ(read("", {"log..level=x"}).errors.size(), 1u);
  // A second line in a value must not become a second key.
  EXPECT_EQ(read("", {"log.level=1\nformat='text'"}).errors.size(), 1u);
}

TEST(Config, AppsKeepTheirOwnKeys) {
  const auto [config, errors] =
      read("[apps.echo]\nfile = \"echo.lua\"\ngreeting = \"hi\"\n[apps.echo.deep]\na = 1\n",
           {"apps.echo.deep.b=2"});
  ASSERT_TRUE(errors.empty()) << errors.front();
  ASSERT_EQ(config.apps.size(), 1u);
  EXPECT_EQ(config.apps[0].file, "echo.lua");
  EXPECT_EQ(config.apps[0].config.find("file"), nullptr);
  EXPECT_EQ(config.apps[0].config.string_or("greeting"), "hi");
  EXPECT_EQ(config.apps[0].config.find("deep")->integer_or("a", 0), 1);
  EXPECT_EQ(config.apps[0].config.find("deep")->integer_or("b", 0), 2);
  EXPECT_EQ(read("[apps.echo]\n").config.apps.at(0).file, "");
  EXPECT_EQ(read("[apps.echo]\nfile = 7\n").errors.size(), 1u);
  EXPECT_EQ(read("[apps.\"a b\"]\nfile = \"x\"\n").errors.size(), 1u);
}

TEST(ConfigToml, RefusesWhatNoValueCanHold) {
  EXPECT_EQ(parse_toml("a = nan\n").faults.size(), 1u);
  EXPECT_EQ(parse_toml("a = 2026-01-01\n").faults.size(), 1u);
  EXPECT_EQ(parse_toml("a = " + std::string(100, '[') + std::string(100, ']')).faults.size(), 1u);
  std::string deep = "a";
  for (int i = 0; i < 2000; ++i) deep += ".a";
  EXPECT_FALSE(parse_toml(deep + " = 1").faults.empty());
  EXPECT_EQ(parse_toml(std::string(9000, '#')).faults.size(), 1u);
  EXPECT_EQ(parse_toml("[\\").faults.size(), 1u) << "toml++ asserts on it";
  EXPECT_EQ(parse_toml("a = 1\n[b\u0487]\n").faults.at(0).at.line, 2u);
  const char* beyond[] = {R"(a = "\"é" # é)", R"(a = 'é\' # é)", "a = \"\"\"\"é\né\"\"\"\"\" # é",
                          R"("é" = '''é''' # é)"};
  for (const char* text : beyond) EXPECT_TRUE(parse_toml(text).faults.empty()) << text;
  EXPECT_EQ(parse_toml(std::string((1 << 20) + 1, '\n')).faults.size(), 1u);
}

TEST(ConfigToml, ValuesGoToTextAndBack) {
  const char* texts[] = {
      "\"a \\\"quoted\\\" \\\\ line\\n\\tand \\u0001\"", "-3", "1.5", "2.0", "1e300", "true",
      "[1, [\"two\"], { a-b = 3, \"c d\" = {} }]",       "[]"};
  for (const char* text : texts) {
    const auto first = parse_toml_value(text);
    ASSERT_TRUE(first) << text << ": " << first.error().message();
    const auto again = parse_toml_value(to_toml(first->as_value()));
    ASSERT_TRUE(again) << to_toml(first->as_value());
    EXPECT_EQ(again->as_value(), first->as_value()) << text;
  }
}

TEST(ConfigTypes, JudgesDurationsAndSizes) {
  EXPECT_EQ(*judge_option("duration", "250ms")->number(), 0.25);
  EXPECT_EQ(*judge_option("duration", "2h")->number(), 7200.0);
  EXPECT_EQ(*judge_option("duration", 30)->number(), 30.0);
  for (const Value& bad : {Value("-1s"), Value("1s2"), Value("s"), Value("1.s"), Value(-1),
                           Value("1 2s"), Value("1e3s"), Value("999999999999d"), Value(true)})
    EXPECT_FALSE(judge_option("duration", bad)) << to_toml(bad);
  EXPECT_EQ(*judge_option("size", "64KiB")->integer(), 65536);
  EXPECT_EQ(*judge_option("size", "1.5 MB")->integer(), 1500000);
  for (const Value& bad : {Value("64kib"), Value("0.1"), Value(-1), Value("9999999TiB"), Value("")})
    EXPECT_FALSE(judge_option("size", bad)) << to_toml(bad);
  EXPECT_TRUE(judge_option("bytes", "aGk="));
  EXPECT_FALSE(judge_option("bytes", "hi there"));
  EXPECT_TRUE(judge_option("any", Value::Map()));
  EXPECT_FALSE(judge_option("unheard", 1));
}

}  // namespace
}  // namespace kith::node
