// SPDX-License-Identifier: MIT
// `kith doctor`: asks the running node how it is; where none runs or answers, it says so and checks
// what can be checked without: config, home, disk. Changes nothing, makes no home.
#pragma once
#include <functional>

#include "engine/cli/remote.h"
#include "engine/node/config_text.h"

namespace kith::cli {

// Asked only where the config is to be judged: it opens every plugin.
using KnownPlugins = std::function<std::vector<node::PluginOptions>(const std::string& home)>;

// kExitFailure where anything is not well.
int call_doctor(const Place& place, const node::ConfigRequest& request, const KnownPlugins& known);

}  // namespace kith::cli
