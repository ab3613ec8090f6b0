// SPDX-License-Identifier: MIT
// The commands of apps: app.run, list, reload, stop, logs.
#include <filesystem>

#include "engine/node/app_run.h"
#include "engine/node/command_adder.h"
#include "engine/node/command_rows.h"
#include "engine/node/config_toml.h"

namespace kith::node {

namespace {

using wire::Value;

// Throws Fault with the sentence that names what there is instead.
Apps::App& app_named(Node& node, const Value& args) {
  const std::string name = args.string_or("name");
  if (Apps::App* app = node.apps().find(name)) return *app;
  throw Fault(Error(KITH_ABSENT, node.apps().absent(name)));
}

// What the config says of that name, under `config`, under each `set`.
Value config_for(Node& node, const std::string& name, const Value& args) {
  const Config::App* configured = node.apps().configured(name);
  Value made = configured ? configured->config : Value(Value::Map());
  if (const Value* given = args.find("config")) {
    if (!given->map()) throw Fault(Error(KITH_BAD, "config is a table"));
    for (const auto& [key, value] : *given->map()) made[key] = value;
  }
  const Value* sets = args.find("set");
  if (!sets || !sets->list()) return made;
  for (const Value& set : *sets->list()) put_setting(made, *set.string()).value();
  return made;
}

void run(const CommandAdder& adder, bus::CallPtr call, const Value& args) {
  AppRequest request;
  request.file = args.string_or("file");
  request.name = args.string_or("name");
  if (request.name.empty()) request.name = std::filesystem::path(request.file).stem().string();
  request.config = config_for(adder.node, request.name, args);
  request.detach = args.boolean_or("detach", false);
  std::make_shared<AppRun>(adder.node, adder.scope, std::move(call), std::move(request))->start();
}

Task<Value> reload(Node& node, std::string name) {
  Task<Apps::App*> loading = node.apps().reload(std::move(name));
  const Apps::App* app = co_await loading;
  Value result;
  result["name"] = app->name;
  result["file"] = app->file;
  co_return result;
}

void logs(Node& node, bus::CallPtr call, const Value& args) {
  const Apps::App& app = app_named(node, args);
  if (!args.boolean_or("follow", false)) {
    Value::List rows;
    for (const LogLine& line : app.lines) rows.push_back(log_row(line));
    return call->end(std::move(rows));
  }
  for (const LogLine& line : app.lines) call->part(log_row(line));
  const std::weak_ptr<bus::Call> caller = call;
  auto follower = node.apps().follow(app.name, [caller](const LogLine& line) {
    if (const auto to = caller.lock()) to->part(log_row(line));
  });
  // Both live in this closure until the caller goes.
  call->on_cancel([call, follower = std::move(follower)] { call->end(Value()); });
}

void add_running(const CommandAdder& adder) {
  auto running = command_spec(
      "app.run", "run a script, show its log and load it anew at each save, until Ctrl-C",
      "{time, level, text} each",
      {required_arg("file", "string", "path of the script"),
       optional_arg("name", "string", "instead of the file's stem", true),
       optional_arg("set", "strings", "KEY=VALUE of its kith.config, as TOML; any number", true),
       optional_arg("config", "any", "several keys of its kith.config, as JSON", true),
       optional_arg("detach", "bool", "leave it running until the node stops", true, false)});
  running.stream = true;
  adder.add(std::move(running),
            [adder](bus::CallPtr call, Value args) { run(adder, std::move(call), args); });
  adder.add(command_spec("app.reload",
                         "load an app anew from its file and config; the one that runs goes on "
                         "if that fails",
                         "{name, file}", {required_arg("name", "string", "the app")}),
            [adder](bus::CallPtr call, Value args) {
              auto work = reload(adder.node, args.string_or("name"));
              adder.answer(std::move(call), std::move(work));
            });
}

}  // namespace

void add_app_commands(const CommandAdder& adder) {
  Node& node = adder.node;
  adder.add_read("app.list", "the apps and how they fare", "[{name, state, file, since}]",
                 [&node] { return Value(app_rows(node)); });
  add_running(adder);
  adder.add(command_spec("app.stop", "unload an app until it is reloaded or the node starts anew",
                         "{name}", {required_arg("name", "string", "the app")}),
            [&node](bus::CallPtr call, Value args) {
              Value result;
              result["name"] = app_named(node, args).name;
              node.apps().unload(args.string_or("name"));
              call->end(std::move(result));
            });
  auto tail = command_spec(
      "app.logs", "an app's newest log lines", "[{time, level, text}]",
      {required_arg("name", "string", "the app"),
       optional_arg("follow", "bool", "and those to come, until Ctrl-C", true, false)});
  tail.stream = true;
  adder.add(std::move(tail),
            [&node](bus::CallPtr call, Value args) { logs(node, std::move(call), args); });
}

}  // namespace kith::node
