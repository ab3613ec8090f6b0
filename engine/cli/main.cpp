// SPDX-License-Identifier: MIT
#include <cstdlib>

#include "engine/cli/program.h"

int main(int count, char** words) {
  kith::cli::Doors doors;
  doors.run = kith::cli::run_node;
  doors.known_plugins = kith::cli::known_plugins;
  doors.environment = [](const char* name) -> const char* { return std::getenv(name); };
  doors.version = KITH_VERSION;
  return kith::cli::run_program({words + 1, words + count}, doors);
}
