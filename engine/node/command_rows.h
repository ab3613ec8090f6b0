// SPDX-License-Identifier: MIT
// The rows that the engine's reading commands answer with, as README's CLI section and `--json`
// show them. Pure views of a node; nothing here changes it.
#pragma once
#include "engine/node/node.h"

namespace kith::node {

wire::Value::List peer_rows(Node& node);
wire::Value::List plugin_rows(Node& node, bool with_available);
wire::Value::List app_rows(Node& node);
wire::Value::List topic_rows(Node& node);
wire::Value::List command_rows(Node& node);
wire::Value log_row(const LogLine& line);

}  // namespace kith::node
