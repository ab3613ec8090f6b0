// SPDX-License-Identifier: MIT
// The rows of ledgers that have a file of their own. Each prints its rows and gives the exit code.
#pragma once
#include <cstddef>

namespace kith::bench {

// Row 22: written in batches, replicated between two processes.
int replicate(std::size_t at_once, std::size_t body_bytes);

}  // namespace kith::bench
