// SPDX-License-Identifier: MIT
#include "engine/node/origins.h"

#include <gtest/gtest.h>

namespace kith::node {
namespace {

TEST(Origins, AreBroughtIntoOneForm) {
  const std::pair<const char*, const char*> good[] = {
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
      {"HTTPS://Example.ORG", "https://example.org"},
      {"http://[::1]:9/", "http://[::1]:9"},
      {"https://[fd00::2]", "https://[fd00::2]"},
      {"http://localhost", "http://localhost"}};
  for (const auto& [given, expected] : good) {
    const auto judged = judge_origin(given);
    ASSERT_TRUE(judged) << given << ": " << judged.error().message();
    EXPECT_EQ(*judged, expected);
  }
}

TEST(Origins, AreRefusedWithASentence) {
  for (const char* bad :
       {"", "127.0.0.1:8080", "ftp://x", "http://", "http://x:", "http://x:0", "http://x:65536",
        "http://x:8080x", "http://x y", "http://user@x", "http://[::1", "http://::1", "http://x?y",
        "http://x#y", "http://x\n", "http://[]:80"}) {
    const auto judged = judge_origin(bad);
    ASSERT_FALSE(judged) << bad;
    EXPECT_NE(judged.error().message().find("no origin such as"), std::string::npos) << bad;
  }
  EXPECT_NE(judge_origin("http://x/hook").error().message().find("has a path"), std::string::npos);
}

TEST(Origins, OfAnAppsTable) {
  wire::Value config;
  EXPECT_TRUE(http_origins(config)->empty());
  config["http"] = "http://a";
  EXPECT_EQ(*http_origins(config), std::vector<std::string>{"http://a"});
  config["http"] = wire::Value::List{"http://a", "https://b:1"};
  EXPECT_EQ(http_origins(config)->size(), 2u);
  config["http"] = wire::Value::List{"http://a", 7};
  EXPECT_FALSE(http_origins(config));
  config["http"] = true;
  EXPECT_FALSE(http_origins(config));
}

}  // namespace
}  // namespace kith::node
