// SPDX-License-Identifier: MIT
// `kith ledger check FILE`: judges what `ledger export` or `ledger prove` wrote. Asks no node and
// opens no store.
#pragma once
#include "engine/cli/remote.h"

namespace kith::cli {

int check_ledger_file(const Place& place, const std::string& file);

}  // namespace kith::cli
