// SPDX-License-Identifier: MIT
// The kith.toml of a first start: what is enabled as live tables, every option commented with its
// default, ports picked once. Also reads and writes config files; never overwrites one.
#pragma once
#include "engine/node/config.h"

namespace kith::node {

// Enabled in a first config, in the order they are written.
inline constexpr std::string_view kFirstPlugins[] = {"tcp", "bootstrap", "gossipsub", "lua"};

// listen: multiaddrs for [plugins.tcp], written live.
std::string first_config(const std::vector<PluginOptions>& known,
                         const std::vector<std::string>& listen);

// A TCP port that is free now on all interfaces, and the addresses to listen on (IPv6 too where
// the machine has it).
Result<std::vector<std::string>> pick_listen_addresses();

Result<std::string> read_config_file(const std::string& path);  // at most 1 MiB
// Whole or not at all, 0644; a file that is there already is left alone and is no error.
Result<void> write_first_config(const std::string& path, std::string_view text);

// What a verb needs: the file of this home (or `config` instead), the environment, the sets.
struct ConfigRequest {
  std::string home, config;
  std::vector<std::string> sets;
};
// Writes HOME/kith.toml where neither it nor --config is there. Whether it wrote one.
Result<bool> ensure_first_config(const ConfigRequest& request,
                                 const std::vector<PluginOptions>& known);
ConfigVerdict load_config(const ConfigRequest& request, const std::vector<PluginOptions>& known);

// The environment's KITH__ entries, by name.
std::vector<std::pair<std::string, std::string>> config_environment(const char* const* entries);

}  // namespace kith::node
