// SPDX-License-Identifier: MIT
#include "engine/node/command_adder.h"

namespace kith::node {

namespace {

Task<void> answer_with(bus::CallPtr call, Task<wire::Value> work) {
  try {
    wire::Value result = co_await work;
    call->end(std::move(result));
  } catch (const Fault& fault) {  // the border to the caller
    call->fail(fault.what(), code_of(fault.error()));
  }
}

}  // namespace

void CommandAdder::add(bus::CommandSpec spec, bus::CommandFn fn) const {
  const auto border = [fn = std::move(fn)](bus::CallPtr call, wire::Value args) {
    try {
      fn(call, std::move(args));
    } catch (const Fault& fault) {
      call->fail(fault.what(), code_of(fault.error()));
    }
  };
  services.bus.command(engine.owner, std::move(spec), border).value();
}

void CommandAdder::add_read(const char* name, const char* summary, const char* result,
                            std::function<wire::Value()> fn) const {
  bus::CommandSpec spec = command_spec(name, summary, result, {});
  spec.read = true;
  add(std::move(spec), [fn = std::move(fn)](bus::CallPtr call, wire::Value) { call->end(fn()); });
}

void CommandAdder::answer(bus::CallPtr call, Task<wire::Value> work) const {
  scope.spawn(answer_with(std::move(call), std::move(work)));
}

bus::CommandSpec command_spec(const char* name, const char* summary, const char* result,
                              std::vector<bus::ArgSpec> args) {
  bus::CommandSpec made;
  made.name = name;
  made.summary = summary;
  made.result = result;
  made.args = std::move(args);
  return made;
}

bus::ArgSpec required_arg(const char* name, const char* type, const char* help) {
  bus::ArgSpec arg;
  arg.name = name;
  arg.type = type;
  arg.required = true;
  arg.help = help;
  return arg;
}

bus::ArgSpec optional_arg(const char* name, const char* type, const char* help, bool option,
                          wire::Value fallback) {
  bus::ArgSpec arg;
  arg.name = name;
  arg.type = type;
  arg.option = option;
  arg.fallback = std::move(fallback);
  arg.help = help;
  return arg;
}

}  // namespace kith::node
