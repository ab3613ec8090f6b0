// SPDX-License-Identifier: MIT
// What can be told of the engine itself.
#include "engine/node/config.h"

namespace kith::node {

const std::vector<PluginOptions>& engine_options() {
  static const std::vector<PluginOptions> tables = {
      {"log",
       "What is written to stderr.",
       {{"level", "string", "\"info\"", "trace, debug, info, warn or error."},
        {"format", "string", "\"auto\"", "auto (text on a terminal, else JSON), text or json."}}},
      {"gate",
       "Who may connect: peer ids, IP addresses or CIDRs.",
       {{"allow", "strings", "[]", "If not empty, nobody else passes."},
        {"deny", "strings", "[]", "Never pass; wins over allow."}}},
      {"limits",
       "How much this node takes on.",
       {{"connections", "int", "4096", "Connections at once, all peers together."},
        {"connections_per_peer", "int", "4", "Connections at once with one peer."}}},
      {"store",
       "What ledgers and apps keep, in HOME/store.",
       {{"durability", "string", "\"sync\"",
         "sync: what was acknowledged survives a power cut; interval: all but the last 50 ms."}}},
      {"ledgers",
       "Ledgers that this node keeps and serves; apps open their own. Of one: [ledgers.NAME].",
       {{"open", "strings", "[]", "Names of open ledgers, kept also without an app."}}}};
  return tables;
}

}  // namespace kith::node
