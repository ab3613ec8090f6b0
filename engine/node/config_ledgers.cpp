// SPDX-License-Identifier: MIT
#include "engine/node/config_ledgers.h"

#include <algorithm>

#include "engine/crypto/ed25519.h"
#include "engine/store/receipts.h"

namespace kith::node {
namespace {

std::optional<crypto::Key32> key_of(const std::string& witness) {
  const auto peer = wire::PeerId::from_text(witness);
  const auto key = peer ? store::author_of(*peer) : std::nullopt;
  return key && crypto::is_prime_order_point(*key) ? key : std::nullopt;
}

}  // namespace

const PluginOptions& ledger_options() {
  static const PluginOptions options = {
      "ledger",
      "A ledger that this node keeps and serves.",
      {{"witness", "bool", "false", "Sign receipts for what it holds of others."},
       {"witnesses", "strings", "[]", "Peer ids whose receipts are believed beside members'."},
       {"retention", "table", "{}", "How long bodies are kept."}}};
  return options;
}

const PluginOptions& retention_options() {
  static const PluginOptions options = {
      "retention",
      "Which bodies are dropped; their entries stay.",
      {{"max_age", "duration", "\"0s\"", "Those of older entries; 0s: none for its age."},
       {"max_bytes", "size", "0", "The oldest beyond so many bytes; 0: no bound."}}};
  return options;
}

Config::Ledger ledger_of(const std::string& name, const wire::Value& own,
                         const wire::Value& retention) {
  Config::Ledger made;
  made.name = name;
  made.witness = own.boolean_or("witness", false);
  if (const auto* witnesses = own.find("witnesses"); witnesses && witnesses->list())
    for (const auto& witness : *witnesses->list()) made.witnesses.push_back(*witness.string());
  const auto* age = retention.find("max_age");
  if (age && age->number())
    made.retention.max_age_s = static_cast<std::uint64_t>(std::max(0.0, *age->number()));
  const std::int64_t bytes = retention.integer_or("max_bytes", 0);
  made.retention.max_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes));
  return made;
}

bool are_witnesses_good(const Config::Ledger& ledger) {
  return ledger.witnesses.size() <= store::kWitnessesMax &&
         std::all_of(ledger.witnesses.begin(), ledger.witnesses.end(),
                     [](const std::string& witness) { return key_of(witness).has_value(); });
}

store::LedgerSettings settings_of(const Config::Ledger& ledger) {
  store::LedgerSettings made;
  made.witness = ledger.witness;
  for (const std::string& witness : ledger.witnesses)
    if (const auto key = key_of(witness)) made.witnesses.push_back(*key);
  made.retention = {ledger.retention.max_age_s, ledger.retention.max_bytes};
  return made;
}

}  // namespace kith::node
