// SPDX-License-Identifier: MIT
// The engine's own commands on the bus. Each is a small task; `answer` is the one place that turns
// what it threw into the sentence that its caller reads.
#include <fmt/core.h>

#include <filesystem>

#include "engine/node/command_rows.h"
#include "engine/node/command_tasks.h"

namespace kith::node {

namespace {

using wire::Value;

Task<void> answer(bus::CallPtr call, Task<Value> work) {
  try {
    Value result = co_await work;
    call->end(std::move(result));
  } catch (const Fault& fault) {  // the border to the caller
    call->fail(fault.what(), code_of(fault.error()));
  }
}

// What all commands need; the node outlives it.
struct Adder {
  Node& node;
  Services& services;
  kith_host& engine;
  Scope& scope;

  void add(bus::CommandSpec spec, bus::CommandFn fn) {
    const auto border = [fn = std::move(fn)](bus::CallPtr call, Value args) {
      try {
        fn(call, std::move(args));
      } catch (const Fault& fault) {
        call->fail(fault.what(), code_of(fault.error()));
      }
    };
    services.bus.command(engine.owner, std::move(spec), border).value();
  }
  // A command that answers at once.
  void add_read(const char* name, const char* summary, const char* result,
                std::function<Value()> fn) {
    bus::CommandSpec spec;
    spec.name = name;
    spec.summary = summary;
    spec.result = result;
    spec.read = true;
    add(std::move(spec), [fn = std::move(fn)](bus::CallPtr call, Value) { call->end(fn()); });
  }
};

bus::ArgSpec required(const char* name, const char* type, const char* help) {
  bus::ArgSpec arg;
  arg.name = name;
  arg.type = type;
  arg.required = true;
  arg.help = help;
  return arg;
}

bus::ArgSpec optional(const char* name, const char* type, const char* help, bool option,
                      Value fallback = {}) {
  bus::ArgSpec arg;
  arg.name = name;
  arg.type = type;
  arg.option = option;
  arg.fallback = std::move(fallback);
  arg.help = help;
  return arg;
}

bus::CommandSpec spec(const char* name, const char* summary, const char* result,
                      std::vector<bus::ArgSpec> args) {
  bus::CommandSpec made;
  made.name = name;
  made.summary = summary;
  made.result = result;
  made.args = std::move(args);
  return made;
}

void add_reads(Adder adder) {
  Node& node = adder.node;
  adder.add_read("status", "what this node is and whom it is connected to",
                 "{peer_id, addresses, plugins, apps, peers}", [&node] { return node.status(); });
  adder.add_read("peers", "the connected peers",
                 "[{peer_id, agent, address, direction, streams, rtt_us, kept}]",
                 [&node] { return Value(peer_rows(node)); });
  adder.add_read("topics", "the joined topics", "[{topic, mesh, peers, joined_by}]",
                 [&node] { return Value(topic_rows(node)); });
  adder.add_read("plugin.list", "the plugins that run or could",
                 "[{name, version, state, summary}]",
                 [&node] { return Value(plugin_rows(node, true)); });
  adder.add_read("app.list", "the loaded apps", "[{name, state, file}]",
                 [&node] { return Value(app_rows(node)); });
  adder.add_read("commands.list", "every command with its arguments",
                 "[{name, summary, args, ...}]", [&node] { return Value(command_rows(node)); });
}

void add_network(Adder adder) {
  Node& node = adder.node;
  adder.add(spec("connect", "connect to an address and stay connected", "{peer_id, address}",
                 {required("address", "string", "a multiaddr, best with /p2p/PEER at its end")}),
            [adder](bus::CallPtr call, Value args) {
              auto work = connect_to(adder.node, args.string_or("address"));
              adder.scope.spawn(answer(std::move(call), std::move(work)));
            });
  adder.add(spec("disconnect", "close the connections to a peer and do not redial it", "{peer_id}",
                 {required("peer", "string", "a peer id")}),
            [&node](bus::CallPtr call, Value args) {
              const wire::PeerId peer = peer_named(args.string_or("peer"));
              node.swarm().disconnect(peer, "disconnected by command");
              Value result;
              result["peer_id"] = peer.text();
              call->end(std::move(result));
            });
  adder.add(spec("ping", "the round trip to a connected peer", "{peer_id, rtt_us}",
                 {required("peer", "string", "a peer id")}),
            [adder](bus::CallPtr call, Value args) {
              auto work = ping_peer(adder.node, args.string_or("peer"));
              adder.scope.spawn(answer(std::move(call), std::move(work)));
            });
}

void add_messages(Adder adder) {
  Node& node = adder.node;
  kith_host& engine = adder.engine;
  adder.add(spec("publish", "send one message to a topic", "{id, peers}",
                 {required("topic", "string", "the topic"),
                  optional("text", "string", "the message as text", false),
                  optional("data", "bytes", "the message as base64", true)}),
            [&node, &engine](bus::CallPtr call, Value args) {
              call->end(publish_message(node, engine, args));
            });
  auto listening = spec("listen", "hear a topic", "{topic, from, text, data, id, seqno} each",
                        {required("topic", "string", "a topic, or a pattern with + and #")});
  listening.stream = true;
  adder.add(std::move(listening), [&node, &engine](bus::CallPtr call, Value args) {
    listen_to(node, engine, std::move(call), args);
  });
}

void add_apps(Adder adder) {
  Node& node = adder.node;
  auto running = spec("app.run", "load a script and follow its log", "{time, level, text} each",
                      {required("file", "string", "path of the script"),
                       optional("name", "string", "instead of the file's stem", true),
                       optional("config", "any", "what the script finds in kith.config", true),
                       optional("detach", "bool", "leave it running", true, false)});
  running.stream = true;
  adder.add(std::move(running), [adder](bus::CallPtr call, Value args) {
    AppRequest request;
    request.file = args.string_or("file");
    request.name = args.string_or("name");
    if (request.name.empty()) request.name = std::filesystem::path(request.file).stem().string();
    const Value* config = args.find("config");
    request.config = config && config->map() ? *config : Value(Value::Map());
    request.detach = args.boolean_or("detach", false);
    adder.scope.spawn(run_app(adder.node, std::move(call), std::move(request)));
  });
  adder.add(spec("app.stop", "unload an app until the node starts anew", "{name}",
                 {required("name", "string", "the app")}),
            [&node](bus::CallPtr call, Value args) {
              const std::string name = args.string_or("name");
              if (!node.apps().unload(name)) {
                return call->fail(fmt::format("no app '{}' runs: see 'kith app list'", name),
                                  KITH_ABSENT);
              }
              Value result;
              result["name"] = name;
              call->end(std::move(result));
            });
  adder.add(spec("app.logs", "an app's newest log lines", "[{time, level, text}]",
                 {required("name", "string", "the app")}),
            [&node](bus::CallPtr call, Value args) {
              const std::string name = args.string_or("name");
              const Apps::App* app = node.apps().find(name);
              if (!app)
                return call->fail(fmt::format("no app '{}' runs: see 'kith app list'", name),
                                  KITH_ABSENT);
              Value::List rows;
              for (const LogLine& line : app->lines) rows.push_back(log_row(line));
              call->end(std::move(rows));
            });
}

}  // namespace

void add_commands(Node& node, Services& services, kith_host& engine, Scope& scope) {
  const Adder adder{node, services, engine, scope};
  add_reads(adder);
  add_network(adder);
  add_messages(adder);
  add_apps(adder);
  auto stopping = spec("stop", "stop this node", "null", {});
  stopping.admin = true;
  services.bus
      .command(engine.owner, std::move(stopping),
               [&node](bus::CallPtr call, Value) {
                 call->end(Value());
                 if (node.on_stop_asked) node.on_stop_asked();
               })
      .value();
}

}  // namespace kith::node
