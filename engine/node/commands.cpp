// SPDX-License-Identifier: MIT
// The engine's own commands on the bus. Each is a small task; the adder turns what it threw into
// the sentence that its caller reads.
#include "engine/node/command_adder.h"
#include "engine/node/command_rows.h"
#include "engine/node/command_tasks.h"

namespace kith::node {

namespace {

using wire::Value;

void add_reads(const CommandAdder& adder) {
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
  adder.add_read("commands.list", "every command with its arguments",
                 "[{name, summary, args, ...}]", [&node] { return Value(command_rows(node)); });
}

void add_network(const CommandAdder& adder) {
  Node& node = adder.node;
  adder.add(command_spec(
                "connect", "connect to an address and stay connected", "{peer_id, address}",
                {required_arg("address", "string", "a multiaddr, best with /p2p/PEER at its end")}),
            [adder](bus::CallPtr call, Value args) {
              auto work = connect_to(adder.node, args.string_or("address"));
              adder.answer(std::move(call), std::move(work));
            });
  adder.add(command_spec("disconnect", "close the connections to a peer and do not redial it",
                         "{peer_id}", {required_arg("peer", "string", "a peer id")}),
            [&node](bus::CallPtr call, Value args) {
              const wire::PeerId peer = peer_named(args.string_or("peer"));
              node.swarm().disconnect(peer, "disconnected by command");
              Value result;
              result["peer_id"] = peer.text();
              call->end(std::move(result));
            });
  adder.add(command_spec("ping", "the round trip to a connected peer", "{peer_id, rtt_us}",
                         {required_arg("peer", "string", "a peer id")}),
            [adder](bus::CallPtr call, Value args) {
              auto work = ping_peer(adder.node, args.string_or("peer"));
              adder.answer(std::move(call), std::move(work));
            });
}

void add_messages(const CommandAdder& adder) {
  Node& node = adder.node;
  kith_host& engine = adder.engine;
  adder.add(command_spec("publish", "send one message to a topic", "{id, peers}",
                         {required_arg("topic", "string", "the topic"),
                          optional_arg("text", "string", "the message as text", false),
                          optional_arg("data", "bytes", "the message as base64", true)}),
            [&node, &engine](bus::CallPtr call, Value args) {
              call->end(publish_message(node, engine, args));
            });
  auto listening =
      command_spec("listen", "hear a topic", "{topic, from, text, data, id, seqno} each",
                   {required_arg("topic", "string", "a topic, or a pattern with + and #")});
  listening.stream = true;
  adder.add(std::move(listening), [&node, &engine](bus::CallPtr call, Value args) {
    listen_to(node, engine, std::move(call), args);
  });
}

}  // namespace

void add_commands(Node& node, Services& services, kith_host& engine, Scope& scope) {
  const CommandAdder adder{node, services, engine, scope};
  add_reads(adder);
  add_network(adder);
  add_messages(adder);
  add_app_commands(adder);
  add_doctor(adder);
  add_ledger_commands(adder);
  auto stopping = command_spec("stop", "stop this node", "null", {});
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
