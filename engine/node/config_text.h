// SPDX-License-Identifier: MIT
// The kith.toml of a first start: what is enabled as live tables, every option commented with its
// default, ports picked once. Also reads and writes config files; never overwrites one.
#pragma once
#include <map>

#include "engine/node/config.h"

namespace kith::node {

// Enabled in a first config, in the order they are written.
inline constexpr std::string_view kFirstPlugins[] = {"tcp", "websocket", "bootstrap", "gossipsub",
                                                     "lua"};

// What transports listen on, by plugin; written live.
using ListenAddresses = std::map<std::string, std::vector<std::string>, std::less<>>;
std::string first_config(const std::vector<PluginOptions>& known, const ListenAddresses& listen);

// TCP ports that are free now: for tcp on all interfaces (IPv6 too where the machine has it), for
// websocket on 127.0.0.1.
Result<ListenAddresses> pick_listen_addresses();

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
