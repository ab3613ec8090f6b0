// SPDX-License-Identifier: MIT
// [ledgers.NAME]: what is read, what is refused and how, and what waits for a start.
#include "engine/node/config_ledgers.h"

#include <gtest/gtest.h>

#include "engine/node/config_change.h"

namespace kith::node {
namespace {

constexpr const char* kPeer = "12D3KooWBPAD99c2RqZ4WA4je26PwTNQTeSqcGUKJpCTcgNHRXU5";

ConfigVerdict read(std::string text, std::vector<std::string> sets = {},
                   std::vector<std::pair<std::string, std::string>> environment = {}) {
  return read_config({"kith.toml", std::move(text), std::move(environment), std::move(sets)}, {});
}

std::string only_error(const std::string& text) {
  const auto errors = read(text).errors;
  return errors.size() == 1 ? errors.front() : std::to_string(errors.size()) + " errors";
}

TEST(ConfigLedgers, ATableIsALedgerThatIsKept) {
  const auto [config, errors] =
      read("[ledgers]\nopen = [\"a\", \"b\"]\n[ledgers.b]\nwitness = true\nwitnesses = [\"" +
           std::string(kPeer) +
           "\"]\nretention = { max_age = \"90d\", max_bytes = \"1GiB\" }\n[ledgers.c]\n");
  ASSERT_TRUE(errors.empty()) << errors.front();
  ASSERT_EQ(config.ledgers.size(), 3u);
  EXPECT_EQ(config.ledgers[0].name, "a");
  EXPECT_FALSE(config.ledgers[0].witness);
  const Config::Ledger& ledger = config.ledgers[1];
  EXPECT_EQ(ledger.name, "b");
  EXPECT_TRUE(ledger.witness);
  EXPECT_EQ(ledger.witnesses, std::vector<std::string>{kPeer});
  EXPECT_EQ(ledger.retention.max_age_s, 90u * 24 * 3600);
  EXPECT_EQ(ledger.retention.max_bytes, 1u << 30);
  EXPECT_EQ(config.ledgers[2].name, "c");
  EXPECT_EQ(config.ledgers[2].retention.max_age_s, 0u);
  const store::LedgerSettings settings = settings_of(ledger);
  ASSERT_EQ(settings.witnesses.size(), 1u);
  EXPECT_EQ(store::peer_of(settings.witnesses[0]).text(), kPeer);
}

TEST(ConfigLedgers, OtherSourcesReachIntoATable) {
  const auto [config, errors] =
      read("[ledgers.b]\nretention = { max_age = \"1d\" }\n",
           {"ledgers.b.retention.max_bytes=4096"}, {{"KITH__LEDGERS__B__WITNESS", "true"}});
  ASSERT_TRUE(errors.empty()) << errors.front();
  ASSERT_EQ(config.ledgers.size(), 1u);
  EXPECT_TRUE(config.ledgers[0].witness);
  EXPECT_EQ(config.ledgers[0].retention.max_age_s, 86'400u);
  EXPECT_EQ(config.ledgers[0].retention.max_bytes, 4'096u);
}

TEST(ConfigLedgers, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(only_error("[ledgers.b]\nwitnes = true\n"),
            "kith.toml:2:1: unknown key 'witnes' in [ledgers.b]: did you mean 'witness'?");
  EXPECT_EQ(only_error("[ledgers.b]\nretenton = {}\n"),
            "kith.toml:2:1: unknown key 'retenton' in [ledgers.b]: did you mean 'retention'?");
  EXPECT_EQ(only_error("[ledgers.b]\nretention = { max_ag = \"1d\" }\n"),
            "kith.toml:2:15: unknown key 'max_ag' in [ledgers.b.retention]: did you mean "
            "'max_age'?");
  EXPECT_EQ(only_error("[ledgers.b]\nretention = 7\n"),
            "kith.toml:2:1: 'ledgers.b.retention' is a table: write { max_age = \"90d\", "
            "max_bytes = \"1GiB\" }");
  EXPECT_EQ(only_error("[ledgers.B]\n").find("kith.toml:1:10: 'B' is no ledger's name"), 0u);
  EXPECT_EQ(only_error("[ledgers.b]\nwitnesses = [\"me\"]\n"),
            "kith.toml:2: ledgers.b.witnesses: expected at most 64 peer ids with Ed25519 keys, "
            "such as \"12D3Koo..\", not [\"me\"]");
  EXPECT_EQ(only_error("[ledgers]\nopne = [\"b\"]\n"),
            "kith.toml:2:1: unknown key 'opne' in [ledgers]: did you mean 'open'?");
}

TEST(ConfigLedgers, OnlyThatOneIsKeptNoLongerWaitsForAStart) {
  const auto changed = [](const char* before, const char* after) {
    return changed_sections(read(before).config, read(after).config);
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(changed("[ledgers.b]\n", "[ledgers.b]\nwitness = true\n[ledgers.c]\n"), Names());
  EXPECT_EQ(changed("[ledgers]\nopen = [\"b\"]\n", "[ledgers.b]\n"), Names());
  EXPECT_EQ(changed("[ledgers.b]\n[ledgers.c]\n", "[ledgers.c]\n"), Names{"[ledgers.b]"});
}

}  // namespace
}  // namespace kith::node
