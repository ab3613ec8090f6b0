// SPDX-License-Identifier: MIT
// What the `run` verb hands to the node, and the line it prints when all is up. The line is
// what people and scripts wait for.
#pragma once
#include <string>
#include <vector>

#include "engine/node/config.h"

namespace kith::cli {

inline constexpr int kExitOk = 0, kExitFailure = 1, kExitUsage = 2, kExitConfig = 78;

struct RunRequest {
  std::string home;               // absolute
  std::string config;             // --config FILE, or empty: HOME/kith.toml
  std::vector<std::string> sets;  // --set
  bool json = false;
  bool stdio = false;  // JSON lines of the control socket on stdin and stdout
  std::string version;
};

// Runs a node until it is told to stop; an exit code.
int run_node(const RunRequest& request);

// What the plugins beside the program and in HOME/plugins declare, by name.
std::vector<node::PluginOptions> known_plugins(const std::string& home);

struct RunningFacts {
  std::string peer_id;
  std::vector<std::string> addresses;
  std::string home;
  int pid = 0;
};
// The one line on stdout, flushed.
void print_running(const RunningFacts& facts, bool json);

}  // namespace kith::cli
