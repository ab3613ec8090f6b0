// SPDX-License-Identifier: MIT
// CommandAdder: how the engine's own commands come onto the bus, a file of them at a time. What a
// command throws becomes the sentence that its caller reads. Copied freely; the Node outlives it.
#pragma once
#include "engine/node/node.h"

namespace kith::node {

struct CommandAdder {
  Node& node;
  Services& services;
  kith_host& engine;
  Scope& scope;

  void add(bus::CommandSpec spec, bus::CommandFn fn) const;
  // A command that answers at once.
  void add_read(const char* name, const char* summary, const char* result,
                std::function<wire::Value()> fn) const;
  // Answers with what the task gives, or with the sentence of its Fault.
  void answer(bus::CallPtr call, Task<wire::Value> work) const;
};

bus::CommandSpec command_spec(const char* name, const char* summary, const char* result,
                              std::vector<bus::ArgSpec> args);
bus::ArgSpec required_arg(const char* name, const char* type, const char* help);
bus::ArgSpec optional_arg(const char* name, const char* type, const char* help, bool option,
                          wire::Value fallback = {});

void add_app_commands(const CommandAdder& adder);     // command_apps.cpp
void add_doctor(const CommandAdder& adder);           // command_doctor.cpp
void add_ledger_commands(const CommandAdder& adder);  // command_ledger.cpp
void add_ledger_access(const CommandAdder& adder);    // command_ledger_access.cpp
void add_ledger_drop(const CommandAdder& adder);      // command_ledger_drop.cpp
void add_ledger_show(const CommandAdder& adder);      // command_ledger_show.cpp
void add_ledger_tools(const CommandAdder& adder);     // command_ledger_tools.cpp
void add_ledger_tail(const CommandAdder& adder);      // command_ledger_tail.cpp

// An open ledger. Throws Fault with the nearest name there is.
store::Ledger& ledger_named(store::Ledgers& ledgers, const std::string& name);
// Of an entry's id as commands show it. Throws Fault.
store::Digest entry_named(const std::string& text);  // command_ledger_tools.cpp

}  // namespace kith::node
