// SPDX-License-Identifier: MIT
// Loader: finds plugins' shared libraries and judges them before any of their code runs. A library
// stays loaded once it was opened (dlclose does not unload what has unique symbols). Starts
// nothing; the Node does.
#pragma once
#include <kith/kith.h>
#include <kith/result.h>

#include <map>
#include <string>
#include <vector>

#include "engine/node/config.h"

namespace kith::node {

enum class loader_error { unreadable = 1, no_entry, wrong_abi, malformed };
const char* describe(loader_error error);

struct PluginFacts {
  std::string path, name, version, summary;
  PluginOptions options;
  std::vector<std::string> needs, offers;
};

// Opens a library and judges its entry: a sentence a person can act on where it cannot run here.
Result<const kith_plugin*> open_plugin(const std::string& path);
Result<PluginFacts> judge_plugin(const std::string& path);
PluginFacts facts_of(const kith_plugin& entry, std::string path);

// NAME.so in each folder, by name; an earlier folder wins.
std::map<std::string, std::string> find_plugins(const std::vector<std::string>& folders);

}  // namespace kith::node
