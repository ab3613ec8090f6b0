// SPDX-License-Identifier: MIT
#include "engine/node/home.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "engine/node/config_text.h"
#include "engine/node/config_toml.h"

namespace kith::node {
namespace {

class HomeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string form = (std::filesystem::temp_directory_path() / "kith-home-XXXXXX").string();
    ASSERT_NE(::mkdtemp(form.data()), nullptr);
    folder_ = form;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static unsigned mode(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777u : 0u;
  }
  std::string folder_;
};

Result<std::string> path_with(const std::string& given,
                              const std::map<std::string, std::string>& variables) {
  return home_path(given, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(HomePath, TheFirstOfFourWins) {
  std::map<std::string, std::string> variables{
      {"KITH_HOME", "/k"}, {"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}};
  EXPECT_EQ(*path_with("/given/", variables), "/given");
  EXPECT_EQ(*path_with("", variables), "/k");
  variables.erase("KITH_HOME");
  EXPECT_EQ(*path_with("", variables), "/x/kith");
  variables["XDG_STATE_HOME"] = "relative";
  EXPECT_EQ(*path_with("", variables), "/h/.local/state/kith");
  EXPECT_FALSE(path_with("", {}));
  EXPECT_EQ(*path_with("a/../b", {}), (std::filesystem::current_path() / "b").string());
}

TEST_F(HomeTest, IsMadeForItsOwnerAlone) {
  const std::string path = folder_ + "/a/b/home";
  auto home = Home::open(path);
  ASSERT_TRUE(home) << home.error().message();
  EXPECT_EQ(mode(path), 0700u);
  EXPECT_EQ(running_pid(path), ::getpid());
}

TEST_F(HomeTest, ALockedHomeSaysWhoAndWhatToDo) {
  {
    auto first = Home::open(folder_ + "/h");
    ASSERT_TRUE(first);
    auto second = Home::open(folder_ + "/h");
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(home_error::locked));
    EXPECT_EQ(second.error().detail(), "a node already runs in " + folder_ + "/h (pid " +
                                           std::to_string(::getpid()) +
                                           "): stop it with 'kith stop', or choose another --home");
  }
  EXPECT_EQ(running_pid(folder_ + "/h"), 0);
  EXPECT_TRUE(Home::open(folder_ + "/h"));
}

TEST_F(HomeTest, ALongHomeWorks) {
  const std::string path = folder_ + "/" + std::string(120, 'x') + "/" + std::string(120, 'y');
  EXPECT_TRUE(Home::open(path));
}

TEST_F(HomeTest, AFileIsNoHome) {
  std::ofstream(folder_ + "/file") << "x";
  const auto home = Home::open(folder_ + "/file");
  ASSERT_FALSE(home);
  EXPECT_NE(home.error().message().find("is not a directory"), std::string::npos);
  EXPECT_FALSE(Home::open(folder_ + "/file/below"));
}

const std::vector<PluginOptions>& known() {
  static const std::vector<PluginOptions> plugins = {
      {"echo", "Every byte back.", {}},
      {"gossipsub", "Topics.", {{"d", "int", "6", "Mesh degree."}}},
      {"tcp", "TCP links.", {{"listen", "strings", "[]", "Multiaddrs."}}}};
  return plugins;
}

TEST_F(HomeTest, TheFirstConfigIsWhatItSays) {
  const std::string text =
      first_config(known(), {{"tcp", {"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"}}});
  const auto [config, errors] = read_config({"kith.toml", text, {}, {}}, known());
  ASSERT_TRUE(errors.empty()) << errors.front() << "\n" << text;
  ASSERT_EQ(config.plugins.size(), 2u);
  EXPECT_EQ(to_toml(*config.find_plugin("tcp")->options.find("listen")),
            "[\"/ip4/0.0.0.0/tcp/4001\", \"/ip6/::/tcp/4001\"]");
  EXPECT_NE(text.find("# d = 6  # Mesh degree."), std::string::npos);
  EXPECT_NE(text.find("# [plugins.echo]  # Every byte back."), std::string::npos);
  EXPECT_NE(text.find("# level = \"info\""), std::string::npos);
  EXPECT_NE(text.find("# [apps.echo]"), std::string::npos);
}

TEST_F(HomeTest, TheFirstConfigRunsWhatShips) {
  std::vector<PluginOptions> more = known();
  more.push_back({"hooks", "Hooks.", {}});
  more.push_back({"lua", "Scripts.", {}});
  more.push_back({"websocket", "WebSocket links.", {{"listen", "strings", "[]", "Multiaddrs."}}});
  const auto listen = pick_listen_addresses();
  ASSERT_TRUE(listen);
  const std::string text = first_config(more, *listen);
  const auto [config, errors] = read_config({"kith.toml", text, {}, {}}, more);
  ASSERT_TRUE(errors.empty()) << errors.front() << "\n" << text;
  const std::string ws = to_toml(*config.find_plugin("websocket")->options.find("listen"));
  EXPECT_EQ(ws.find("[\"/ip4/127.0.0.1/tcp/"), 0u) << ws;
  EXPECT_NE(ws.find("/ws\"]"), std::string::npos) << ws;
  EXPECT_FALSE(config.find_plugin("hooks"));
  EXPECT_NE(text.find("# [[plugins.hooks.post]]"), std::string::npos);
  ASSERT_EQ(config.apps.size(), 2u);
  EXPECT_EQ(config.apps[0].name, "chat");
  EXPECT_EQ(to_toml(config.apps[0].config), "{ rooms = [\"lobby\"] }");
  EXPECT_EQ(config.apps[1].name, "notes");
}

// Taking the '#' from every option line must give the same config again.
TEST_F(HomeTest, CommentedDefaultsAreTheDefaults) {
  std::string text = first_config(known(), {{"tcp", {"/ip4/0.0.0.0/tcp/1"}}}), live;
  std::size_t taken = 0;
  const std::size_t examples = text.find("# [ledgers.");  // not of the defaults
  ASSERT_NE(examples, text.npos);
  for (std::size_t at = 0, end; at < examples; at = end + 1) {
    end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    const std::size_t equals = line.find(" = ");
    const bool option = line.starts_with("# ") && equals != line.npos &&
                        line.substr(2, equals - 2).find_first_of(" ['") == line.npos &&
                        !line.starts_with("# file") && !line.starts_with("# http") &&
                        !line.starts_with("# listen");
    if (option) ++taken;
    live += (option ? line.substr(2) : line) + "\n";
  }
  EXPECT_EQ(taken, 9u);
  const auto a = read_config({"kith.toml", text, {}, {}}, known());
  const auto b = read_config({"kith.toml", live, {}, {}}, known());
  ASSERT_TRUE(b.errors.empty()) << b.errors.front();
  ASSERT_EQ(a.config.settings.size(), b.config.settings.size());
  for (std::size_t i = 0; i < a.config.settings.size(); ++i)
    EXPECT_EQ(a.config.settings[i].value, b.config.settings[i].value);
}

TEST_F(HomeTest, AFirstConfigIsWrittenOnceAndNeverOver) {
  const ConfigRequest request{folder_, "", {}};
  auto wrote = ensure_first_config(request, known());
  ASSERT_TRUE(wrote) << wrote.error().message();
  EXPECT_TRUE(*wrote);
  const std::string path = HomeFiles{folder_}.config();
  const auto text = read_config_file(path);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("/ip4/0.0.0.0/tcp/"), std::string::npos);
  EXPECT_EQ(text->find("/tcp/0\""), std::string::npos) << "the port must be picked";
  EXPECT_FALSE(*ensure_first_config(request, known()));
  ASSERT_TRUE(write_first_config(path, "other"));
  EXPECT_EQ(*read_config_file(path), *text);
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing else is left behind";
  EXPECT_TRUE(load_config(request, known()).errors.empty());
}

TEST_F(HomeTest, AConfigThatIsNotThereIsAnError) {
  const auto verdict = load_config({folder_, folder_ + "/none.toml", {}}, known());
  ASSERT_EQ(verdict.errors.size(), 1u);
  EXPECT_EQ(verdict.errors[0],
            "the config cannot be read: " + folder_ + "/none.toml: No such file or directory");
}

TEST(ConfigEnvironment, TakesItsOwnEntriesByName) {
  const char* entries[] = {"PATH=/bin", "KITH__B=2=3", "KITH_HOME=/k", "KITH__A=1", nullptr};
  const auto found = config_environment(entries);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], std::pair(std::string("KITH__A"), std::string("1")));
  EXPECT_EQ(found[1], std::pair(std::string("KITH__B"), std::string("2=3")));
}

}  // namespace
}  // namespace kith::node
