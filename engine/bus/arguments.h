// SPDX-License-Identifier: MIT
// Arguments of commands: judged against what a command declares, and made from the words of a
// command line. Pure. The detail of an error is a sentence for a person.
#pragma once
#include "engine/bus/bus.h"

namespace kith::bus {

// Of a spec that is registered: argument names and types, and defaults in their judged form.
// bad_name.
Result<void> prepare(CommandSpec& spec);

// A map (null is an empty one) by name; unknown names are refused, defaults filled, and each value
// brought into the form of its type: a duration is seconds as a double, a size bytes as an integer,
// bytes are bytes. Text is taken for every type that people write as text. bad_arguments.
Result<wire::Value> judge_arguments(const CommandSpec& spec, wire::Value args);

// --name value, --name=value, --flag of a bool, words by position, all remaining words to a `rest`;
// after -- nothing is an option. '-' and '_' in option names are one. bad_arguments.
Result<wire::Value> args_from_words(const CommandSpec& spec, const std::vector<std::string>& words);

}  // namespace kith::bus
