// SPDX-License-Identifier: MIT
// What a config says beside what the parser judges: origins of apps, what waits for a new start.
#include "engine/node/config_change.h"

#include <gtest/gtest.h>

namespace kith::node {
namespace {

const std::vector<PluginOptions>& known() {
  static const std::vector<PluginOptions> plugins = {
      {"tcp", "", {{"listen", "strings", "[]", ""}}},
      {"lua", "", {{"handler_ms", "int", "250", ""}}},
      {"bare", "", {}},
      {"broken", "", {}, "it speaks ABI 2"}};
  return plugins;
}
ConfigVerdict read(std::string text) {
  return read_config({"kith.toml", std::move(text), {}, {}}, known());
}
std::vector<std::string> changed(const char* before, const char* after) {
  return changed_sections(read(before).config, read(after).config);
}

using Names = std::vector<std::string>;

TEST(ConfigChange, NamesTheSectionsThatWaitForAStart) {
  EXPECT_EQ(changed("[plugins.tcp]\n", "# a line more\n[plugins.tcp]\nlisten = []\n"), Names());
  EXPECT_EQ(changed("[plugins.tcp]\n", "[plugins.tcp]\nlisten = [\"/ip4/1.1.1.1/tcp/1\"]\n"),
            Names{"[plugins.tcp]"});
  EXPECT_EQ(changed("[plugins.bare]\n", ""), Names{"[plugins.bare]"});
  EXPECT_EQ(changed("", "[plugins.bare]\n[plugins.lua]\n"),
            (Names{"[plugins.bare]", "[plugins.lua]"}));
  EXPECT_EQ(changed("[log]\nlevel = \"warn\"\n", "[limits]\nconnections = 7\n"),
            (Names{"[limits]", "[log]"}));
}

TEST(ConfigChange, AppsAreNotAmongThem) {
  EXPECT_EQ(changed("[apps.a]\nrate = 1\n", "[apps.a]\nrate = 2\n[apps.b]\n"), Names());
}

TEST(ConfigChange, APluginThatCannotBeOpenedSaysWhy) {
  const auto errors = read("[plugins.broken]\n").errors;
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0], "kith.toml:1:10: plugin 'broken' cannot be enabled: it speaks ABI 2");
}

TEST(ConfigChange, OriginsOfAnAppAreJudged) {
  const auto good = read("[apps.a]\nhttp = [\"http://127.0.0.1:8080\"]\n");
  EXPECT_TRUE(good.errors.empty());
  EXPECT_TRUE(good.config.apps.at(0).config.find("http"));
  const auto errors = read("[apps.a]\nhttp = [\"127.0.0.1:8080\"]\n").errors;
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].find("kith.toml:2: apps.a.http: \"127.0.0.1:8080\" is no origin"), 0u)
      << errors[0];
}

}  // namespace
}  // namespace kith::node
