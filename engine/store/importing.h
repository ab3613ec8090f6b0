// SPDX-License-Identifier: MIT
// Import: reads a file of a ledger and gives its runs to the ledger as if a peer had sent them, so
// nothing in it is trusted. The file is read in steps beside the loop, a run at a time; what was
// taken stays, whatever comes later.
#pragma once
#include <functional>

#include "engine/store/ledger.h"
#include "engine/store/run_file.h"

namespace kith::store {

struct ImportSetup {
  Loop& loop;
  std::string file;
  // The ledger of this genesis, opened where it is not. Throws Fault.
  std::function<Ledger&(const Genesis& genesis, const Digest& id)> open;
  // On the loop; false: nobody waits any more.
  std::function<bool(std::uint64_t entries, std::uint64_t bytes, std::uint64_t of_bytes)> progress;
};
struct ImportReport {
  std::string ledger;
  std::uint64_t entries = 0, fresh = 0;
  std::vector<std::string> refused;  // sentences; at most kProblemsMax
  bool is_proof = false;
};
// Throws Fault where the file cannot be opened, or is of no ledger that can be.
Task<ImportReport> import_file(ImportSetup setup);

}  // namespace kith::store
