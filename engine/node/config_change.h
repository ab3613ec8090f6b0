// SPDX-License-Identifier: MIT
// What a config that is read anew changes beyond the apps and what is told of ledgers: it waits for
// the next start, as does that a ledger is kept no longer. Pure.
#pragma once
#include "engine/node/config.h"

namespace kith::node {

// "[plugins.tcp]", "[log]": those that differ, then those that came.
std::vector<std::string> changed_sections(const Config& before, const Config& after);

}  // namespace kith::node
