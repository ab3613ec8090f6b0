// SPDX-License-Identifier: MIT
// Config: what this node is told, judged against what can be told (the engine's tables and each
// plugin's options), with the origin of every value. Defaults < file < environment < --set. Pure:
// it reads no file and no environment itself, and writes nothing.
#pragma once
#include <utility>

#include "engine/node/config_types.h"

namespace kith::node {

struct ConfigSources {
  std::string file_name;  // as sentences name it
  std::string file_text;
  std::vector<std::pair<std::string, std::string>> environment;  // NAME, value; others are ignored
  std::vector<std::string> sets;                                 // "plugins.tcp.listen=[...]"
};

// One effective value and where it came from: "default", "kith.toml:12", "env KITH__..", "--set".
struct Setting {
  std::string path;
  wire::Value value;
  std::string origin;
};

struct Config {
  struct Logging {
    std::string level, format;
  } log;
  struct Lists {
    std::vector<std::string> allow, deny;
  } gate;
  struct Limits {
    std::int64_t connections = 0, connections_per_peer = 0;
  } limits;
  struct Store {
    std::string durability = "sync";
  } store;
  struct Ledger {
    struct Retention {  // 0: no bound
      std::uint64_t max_age_s = 0, max_bytes = 0;
    };
    std::string name;
    bool witness = false;                // signs heads of others that were held and checked
    std::vector<std::string> witnesses;  // peer ids whose receipts are believed, beside members'
    Retention retention;
  };
  std::vector<Ledger> ledgers;  // kept and served without an app
  // Enabled ones, by name. Options: a map with every declared option; durations are seconds as a
  // double, sizes bytes as an integer.
  struct Plugin {
    std::string name;
    wire::Value options;
  };
  std::vector<Plugin> plugins;
  struct App {
    std::string name;
    std::string file;    // as given; empty: found by its name
    wire::Value config;  // a map of its own keys, without `file`
  };
  std::vector<App> apps;
  std::vector<Setting> settings;  // in the order they are shown

  const Plugin* find_plugin(std::string_view name) const;
};

struct ConfigVerdict {
  Config config;
  std::vector<std::string> errors;  // sentences; any of them refuses the config
};
ConfigVerdict read_config(const ConfigSources& sources, const std::vector<PluginOptions>& known);

// The engine's own tables: log, gate, limits, store, ledgers.
const std::vector<PluginOptions>& engine_options();

}  // namespace kith::node
