// SPDX-License-Identifier: MIT
// [ledgers.NAME]: what can be told of one ledger, and what is made of it. Pure; the config's own.
#pragma once
#include "engine/node/config.h"
#include "engine/store/ledger.h"

namespace kith::node {

const PluginOptions& ledger_options();     // of the table itself
const PluginOptions& retention_options();  // of its `retention`

// From maps with every option of the two.
Config::Ledger ledger_of(const std::string& name, const wire::Value& own,
                         const wire::Value& retention);
// Peer ids that name the keys of ledger authors, no more than a ledger keeps receipts of.
bool are_witnesses_good(const Config::Ledger& ledger);

// As the ledger takes it, from a config that was judged.
store::LedgerSettings settings_of(const Config::Ledger& ledger);

}  // namespace kith::node
