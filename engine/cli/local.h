// SPDX-License-Identifier: MIT
// The verbs that need no running node: id, config check, config show, plugin check. Each answers
// with an exit code.
#pragma once
#include "engine/cli/remote.h"
#include "engine/node/config_text.h"

namespace kith::cli {

// Makes the home's identity where it has none yet.
int show_id(const Place& place);

int check_config(const Place& place, const node::ConfigRequest& request,
                 const std::vector<node::PluginOptions>& known);
int show_config(const Place& place, const node::ConfigRequest& request,
                const std::vector<node::PluginOptions>& known, bool origin);

int check_plugin(const Place& place, const std::string& file);

}  // namespace kith::cli
