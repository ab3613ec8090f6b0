// SPDX-License-Identifier: MIT
// The engine's own commands on the bus. Each is a small task; `answer` is the one place that turns
// what it threw into the sentence that its caller reads.
#include <fmt/core.h>

#include <filesystem>

#include "engine/node/node.h"
#include "engine/wire/encodings.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::uint32_t kConnectMs = 10'000;

Task<void> answer(bus::CallPtr call, Task<Value> work) {
  try {
    Value result = co_await work;
    call->end(std::move(result));
  } catch (const Fault& fault) {  // the border to the caller
    call->fail(fault.what(), code_of(fault.error()));
  }
}

Value::List texts(const std::vector<wire::Multiaddr>& addresses) {
  Value::List out;
  for (const auto& address : addresses) out.emplace_back(address.text());
  return out;
}

Value peer_row(const net::PeerRecord& record, net::Connection& best) {
  Value row;
  row["peer_id"] = record.id.text();
  row["agent"] = record.agent;
  row["address"] = best.remote().text();
  row["direction"] = best.dialed() ? "out" : "in";
  row["streams"] = static_cast<std::int64_t>(best.streams());
  row["rtt_us"] = best.rtt_us();
  row["kept"] = record.kept;
  return row;
}

Value::List peer_rows(Node& node) {
  Value::List rows;
  for (const auto& [id, record] : node.swarm().peers().all()) {
    net::Connection* best = record.connections > 0 ? node.swarm().best(id) : nullptr;
    if (best) rows.push_back(peer_row(record, *best));
  }
  return rows;
}

Value::List plugin_rows(Node& node, bool with_available) {
  Value::List rows;
  for (const auto& [name, entry] : node.setup().plugins) {
    bool running = false;
    for (const auto& plugin : node.plugins().all()) running |= plugin->entry == entry;
    if (!running && !with_available) continue;
    Value row;
    row["name"] = name;
    row["version"] = entry->version;
    row["state"] = running ? "running" : "available";
    if (with_available) row["summary"] = entry->summary ? entry->summary : "";
    rows.push_back(std::move(row));
  }
  return rows;
}

Value::List app_rows(Node& node) {
  Value::List rows;
  for (const auto& [name, app] : node.apps().all()) {
    Value row;
    row["name"] = name;
    row["state"] = app->state;
    row["file"] = app->file;
    rows.push_back(std::move(row));
  }
  return rows;
}

Value::List topic_rows(Node& node) {
  Value::List rows;
  for (const auto& joined : node.topics().rows()) {
    Value row;
    row["topic"] = joined.topic;
    row["mesh"] = std::int64_t{joined.mesh};
    row["peers"] = std::int64_t{joined.peers};
    Value::List owners;
    for (const auto& owner : joined.joined_by) owners.emplace_back(owner);
    row["joined_by"] = std::move(owners);
    rows.push_back(std::move(row));
  }
  return rows;
}

Value::List command_rows(Node& node) {
  Value::List rows;
  for (const bus::CommandSpec* spec : node.bus().commands()) {
    Value row;
    row["name"] = spec->name;
    row["summary"] = spec->summary;
    row["result"] = spec->result;
    row["read"] = spec->read;
    row["admin"] = spec->admin;
    row["stream"] = spec->stream;
    Value::List args;
    for (const bus::ArgSpec& arg : spec->args) {
      Value made;
      made["name"] = arg.name;
      made["type"] = arg.type;
      made["required"] = arg.required;
      made["option"] = arg.option;
      made["rest"] = arg.rest;
      made["default"] = arg.fallback;
      made["help"] = arg.help;
      args.push_back(std::move(made));
    }
    row["args"] = std::move(args);
    rows.push_back(std::move(row));
  }
  return rows;
}

// A peer id in either text form, or an address that ends in one.
wire::PeerId peer_named(const std::string& text) {
  if (text.starts_with('/')) {
    const auto address = wire::Multiaddr::from_text(text).value();
    if (const auto peer = address.peer()) return *peer;
    throw Fault(Error(KITH_BAD, fmt::format("'{}' names no peer: end it with /p2p/PEER", text)));
  }
  const auto peer = wire::PeerId::from_text(text);
  if (!peer)
    throw Fault(
        Error(KITH_BAD, fmt::format("'{}' is no peer id: {}", text, peer.error().message())));
  return *peer;
}

wire::Multiaddr address_named(const std::string& text) {
  const auto address = wire::Multiaddr::from_text(text);
  if (address) return *address;
  throw Fault(
      Error(KITH_BAD, fmt::format("'{}' is no multiaddr such as /ip4/192.0.2.1/tcp/4001: {}", text,
                                  address.error().message())));
}

// Proven, identified, subscriptions exchanged: what a person means by connected.
Task<Value> connect(Node& node, Loop& loop, std::string text) {
  const wire::Multiaddr address = address_named(text);
  const std::uint64_t until_us = loop.now_us() + kConnectMs * 1'000ull;
  const wire::PeerId expected = address.peer().value_or(wire::PeerId());
  std::vector<wire::Multiaddr> addresses(1, address);
  net::Connection* connection =
      co_await node.swarm().connect(expected, std::move(addresses), kConnectMs);
  const wire::PeerId peer = connection->peer();
  node.swarm().peers().hint(peer, address.without_peer());
  node.swarm().keep(peer);
  while (!node.topics().settled(peer.bytes()) && loop.now_us() < until_us) {
    Nap nap(loop, 5'000);
    co_await nap;
  }
  // Streams of one connection arrive in order: once a ping is back, so are the subscriptions that
  // left before it.
  try {
    co_await node.ping().ping(peer);
  } catch (const Fault& fault) {
    node.log().debug("no ping after connect peer={} err={}", peer.short_text(), fault.what());
  }
  Value result;
  result["peer_id"] = peer.text();
  net::Connection* best = node.swarm().best(peer);
  result["address"] = best ? best->remote().text() : address.without_peer().text();
  co_return result;
}

Task<Value> ping(Node& node, std::string text) {
  const wire::PeerId peer = peer_named(text);
  if (!node.swarm().best(peer)) {
    throw Fault(Error(KITH_ABSENT, fmt::format("not connected to {}: kith connect MULTIADDR first",
                                               peer.text())));
  }
  const std::uint64_t us = co_await node.ping().ping(peer);
  Value result;
  result["peer_id"] = peer.text();
  result["rtt_us"] = us;
  co_return result;
}

// `publish TOPIC TEXT`, or data = bytes as they are.
Value publish(Node& node, kith_host& engine, const Value& args) {
  const Value* data = args.find("data");
  const Value* words = args.find("text");
  Bytes bytes;
  if (data && data->bytes()) {
    bytes = Bytes(*data->bytes());
  } else if (words && words->string()) {
    bytes = as_bytes(*words->string());
  } else {
    throw Fault(Error(KITH_BAD, "nothing to publish: give TEXT, or - and the message on stdin"));
  }
  const auto published =
      node.topics().publish(engine.owner, args.string_or("topic"), bytes).value();
  Value result;
  result["id"] = wire::to_hex(published.id);
  result["peers"] = static_cast<std::int64_t>(published.peers);
  return result;
}

// Parts: first {listening, peers}, then one a message, until the caller goes.
void listen(Node& node, kith_host& engine, bus::CallPtr call, const Value& args) {
  const std::string topic = args.string_or("topic");
  const bool is_pattern = topic.find_first_of("+#") != std::string::npos;
  bus::Bus& bus = node.bus();
  if (!is_pattern) node.topics().join(engine.owner, topic).value();
  const auto id =
      bus.on(engine.owner, "message/" + topic, 0, KITH_ON_OWN, [call](const kith_event& event) {
        if (event.message) call->part(bus::message_body(*event.message));
        return KITH_PASS;
      });
  call->on_cancel([&node, &engine, &bus, id, topic, is_pattern] {
    bus.off(id);
    if (!is_pattern) node.topics().leave(engine.owner, topic);
  });
  Value notice;
  notice["listening"] = topic;
  notice["peers"] = std::int64_t{node.topics().peers_of(topic).first};
  call->part(notice);
}

const char* level_name(LogLevel level) {
  static constexpr const char* kNames[] = {"trace", "debug", "info", "warn", "error"};
  return kNames[static_cast<int>(level)];
}

Value log_part(const LogLine& line) {
  Value part;
  part["time"] = static_cast<double>(line.time_us) / 1e6;
  part["level"] = level_name(line.level);
  part["text"] = line.text;
  return part;
}

// Loads a file, follows its log, and unloads it when the caller goes (unless detached).
Task<void> run_app(Node& node, bus::CallPtr call, std::string file, std::string name, Value config,
                   bool detach) {
  const std::weak_ptr<bus::Call> caller = call;
  const auto follow = [caller](const LogLine& line) {
    if (const auto to = caller.lock()) to->part(log_part(line));
  };
  try {
    std::string as = name;
    Apps::App* app =
        co_await node.apps().load(std::move(as), std::move(file), std::move(config), follow);
    Value notice;
    notice["running"] = app->name;
    notice["file"] = app->file;
    if (detach) {
      app->follow = nullptr;
      call->end(std::move(notice));
      co_return;
    }
    call->part(notice);
    if (call->cancelled()) {
      node.apps().unload(name);
      co_return;
    }
    // The call lives in this closure until its caller goes.
    call->on_cancel([&node, name, call] {
      node.apps().unload(name);
      call->end(Value());
    });
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
              auto work = connect(adder.node, adder.services.loop, args.string_or("address"));
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
              auto work = ping(adder.node, args.string_or("peer"));
              adder.scope.spawn(answer(std::move(call), std::move(work)));
            });
}

void add_messages(Adder adder) {
  Node& node = adder.node;
  kith_host& engine = adder.engine;
  adder.add(
      spec("publish", "send one message to a topic", "{id, peers}",
           {required("topic", "string", "the topic"),
            optional("text", "string", "the message as text", false),
            optional("data", "bytes", "the message as base64", true)}),
      [&node, &engine](bus::CallPtr call, Value args) { call->end(publish(node, engine, args)); });
  auto listening = spec("listen", "hear a topic", "{topic, from, text, data, id, seqno} each",
                        {required("topic", "string", "a topic, or a pattern with + and #")});
  listening.stream = true;
  adder.add(std::move(listening), [&node, &engine](bus::CallPtr call, Value args) {
    listen(node, engine, std::move(call), args);
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
    std::string file = args.string_or("file");
    std::string name = args.string_or("name");
    if (name.empty()) name = std::filesystem::path(file).stem().string();
    const Value* config = args.find("config");
    Value own = config && config->map() ? *config : Value(Value::Map());
    adder.scope.spawn(run_app(adder.node, std::move(call), std::move(file), std::move(name),
                              std::move(own), args.boolean_or("detach", false)));
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
              for (const LogLine& line : app->lines) rows.push_back(log_part(line));
              call->end(std::move(rows));
            });
}

}  // namespace

Value Node::status() {
  Value out;
  out["peer_id"] = setup_.identity.peer_id().text();
  out["addresses"] = texts(addresses());
  out["version"] = setup_.version;
  out["home"] = setup_.home;
  out["plugins"] = plugin_rows(*this, false);
  out["apps"] = app_rows(*this);
  out["peers"] = peer_rows(*this);
  return out;
}

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
