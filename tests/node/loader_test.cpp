// SPDX-License-Identifier: MIT
#include "engine/node/loader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/store/folder.h"

namespace kith::node {
namespace {

struct BadCase {
  const char* file;
  loader_error error;
  const char* sentence;  // a part of what a person reads
};

class BadPlugin : public testing::TestWithParam<BadCase> {};

TEST_P(BadPlugin, IsRefusedWithASentence) {
  const std::string path = std::string(KITH_BAD_PLUGIN_DIR) + "/" + GetParam().file;
  const auto judged = judge_plugin(path);
  ASSERT_FALSE(judged);
  const std::string sentence = judged.error().message();
  EXPECT_TRUE(judged.error().is(GetParam().error)) << sentence;
  EXPECT_NE(sentence.find(GetParam().sentence), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(GetParam().file), std::string::npos) << sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Loader, BadPlugin,
    testing::Values(BadCase{"no_entry.so", loader_error::no_entry, "exports no kith_plugin_entry"},
                    BadCase{"wrong_abi.so", loader_error::wrong_abi, "speaks ABI 2, this node 1"},
                    BadCase{"short_table.so", loader_error::malformed, "a table of 16 bytes"},
                    BadCase{"no_start.so", loader_error::malformed,
                            "lacks a version, start or stop"},
                    BadCase{"bad_name.so", loader_error::malformed, "no name of a-z, 0-9 and '-'"},
                    BadCase{"absent.so", loader_error::unreadable, "No such file"}),
    [](const auto& tested) { return std::filesystem::path(tested.param.file).stem().string(); });

TEST(Loader, ATextFileIsRefused) {
  const test::Folder folder;
  const std::string path = folder.path() / "no_library.so";
  std::ofstream(path) << "no library\n";
  const auto judged = judge_plugin(path);
  ASSERT_FALSE(judged);
  EXPECT_TRUE(judged.error().is(loader_error::unreadable)) << judged.error().message();
}

TEST(Loader, FindsWhatShipsByName) {
  const auto found = find_plugins({KITH_PLUGIN_DIR, "/no/such/folder"});
  for (const char* name : {"tcp", "memory", "bootstrap", "gossipsub", "echo"})
    EXPECT_TRUE(found.contains(name)) << name;
  for (const auto& [name, path] : found) {
    const auto facts = judge_plugin(path);
    ASSERT_TRUE(facts) << facts.error().message();
    EXPECT_EQ(facts->name, name);
    EXPECT_EQ(facts->path, path);
    EXPECT_FALSE(facts->summary.empty()) << name;
  }
}

TEST(Loader, AnEarlierFolderWins) {
  const test::Folder folder;
  const std::filesystem::path& first = folder.path();
  std::ofstream(first / "tcp.so") << "another\n";
  std::ofstream(first / "tcp.txt") << "no plugin\n";
  const auto found = find_plugins({first.string(), KITH_PLUGIN_DIR});
  EXPECT_EQ(found.at("tcp"), (first / "tcp.so").string());
  EXPECT_FALSE(found.contains("txt"));
  EXPECT_EQ(found.at("memory"), std::string(KITH_PLUGIN_DIR) + "/memory.so");
}

TEST(Loader, ReadsWhatAPluginDeclares) {
  const auto facts = judge_plugin(std::string(KITH_PLUGIN_DIR) + "/memory.so");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->needs, std::vector<std::string>(1, KITH_MEMORY));
  kith_plugin made{};
  made.name = "made";
  made.version = "1";
  made.needs = "  a/1  b/2 ";
  made.offers = "c/1";
  EXPECT_EQ(facts_of(made, "").needs, (std::vector<std::string>{"a/1", "b/2"}));
  EXPECT_EQ(facts_of(made, "").offers, std::vector<std::string>(1, "c/1"));
}

}  // namespace
}  // namespace kith::node
