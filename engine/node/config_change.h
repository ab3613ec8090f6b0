// SPDX-License-Identifier: MIT
// What a config that is read anew changes beyond the apps: it waits for the next start. Pure.
#pragma once
#include "engine/node/config.h"

namespace kith::node {

// "[plugins.tcp]", "[log]": those that differ, then those that came.
std::vector<std::string> changed_sections(const Config& before, const Config& after);

}  // namespace kith::node
