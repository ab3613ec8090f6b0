// SPDX-License-Identifier: MIT
// The verbs that ask the running node: one call of one command each, printed. Also the groups of
// commands that apps bring. Each answers with an exit code.
#pragma once
#include "engine/bus/bus.h"
#include "engine/cli/control_client.h"
#include "engine/cli/output.h"

namespace kith::cli {

// What every verb works with.
struct Place {
  const std::string& home;
  Output& out;
};

// Says in one sentence why the node could not be asked. kExitFailure.
int refuse(const Place& place, const Error& error);
// Prints how a call ended, with the parts that came before it.
int print_outcome(const Place& place, wire::Value::List parts,
                  const ControlClient::Outcome& outcome);

int call_once(const Place& place, std::string_view command, wire::Value args);
int call_status(const Place& place, std::optional<double> wait_s);
int call_stop(const Place& place);
// text "-": the message is what in_fd has to its end.
int call_publish(const Place& place, const std::string& topic, const std::string& text, int in_fd);

// The words of a command of the node's, longest name first: `kith chat say hello`. With `help` only
// tells what there is.
int call_words(const Place& place, std::vector<std::string> words, bool help);

// Of commands.list.
bus::CommandSpec spec_of(const wire::Value& row);
Result<std::vector<bus::CommandSpec>> list_commands(ControlClient& client);

}  // namespace kith::cli
