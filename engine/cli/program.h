// SPDX-License-Identifier: MIT
// The program: a command line in, an exit code out. What it needs of the node is handed in, so that
// a test runs it without one.
#pragma once
#include <functional>

#include "engine/cli/run.h"
#include "engine/node/home.h"

namespace kith::cli {

struct Doors {
  std::function<int(const RunRequest&)> run;
  std::function<std::vector<node::PluginOptions>(const std::string& home)> known_plugins;
  node::Environment environment;  // as getenv
  std::string version;
  int in_fd = 0, out_fd = 1, error_fd = 2;
};

// args: without the program's own name.
int run_program(const std::vector<std::string>& args, const Doors& doors);

}  // namespace kith::cli
