// SPDX-License-Identifier: MIT
// Node: an ordinary object that takes a Loop and puts all rooms together. The only file that knows
// everything is node.cpp; thousands of Nodes live in one process in tests. Loop thread only.
#pragma once
#include <functional>
#include <memory>

#include "engine/node/apps.h"
#include "engine/node/ledger_news.h"
#include "engine/node/plugins.h"
#include "engine/protocols/identify.h"
#include "engine/protocols/ping.h"
#include "engine/protocols/sync.h"

namespace kith::node {

struct NodeSetup {
  crypto::Identity identity;
  Config config;
  std::map<std::string, const kith_plugin*> plugins;  // what can be enabled, by name
  std::vector<std::string> script_folders;            // HOME/scripts, then the shipped ones
  std::string version = "0";
  std::string home;                        // for status; may be empty
  std::shared_ptr<store::KeyValue> store;  // null: in memory, gone with the node
  std::string store_origin;                // which store this is (store::LedgersSetup::origin)
  bool early_muxer = true;
  bool http = false;  // outbound HTTP, by a real loop alone
  // The interfaces' addresses, for what listens on all of them; literal IPs.
  std::function<std::vector<std::string>()> interfaces = [] { return std::vector<std::string>(); };
};

class Node {
 public:
  Node(Loop& loop, LogSink& sink, NodeSetup setup);
  ~Node();  // stops at once what was not stopped
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Offers a service that is not the engine's own (kith.memory/1), before start.
  void offer(const char* id, const void* ops, void* self);

  // Plugins, listeners, apps: all or a sentence. After an error the node can only be destroyed.
  Task<void> start();
  // Apps; then connections, jobs on the worker and what waits for the disk, 10 s at most; then
  // plugins in reverse.
  Task<void> stop();
  // The `stop` command asks for it; whoever runs the node listens here.
  std::function<void()> on_stop_asked;

  wire::Value status();
  std::vector<wire::Multiaddr> addresses() const;  // with /p2p, interfaces filled in

  Loop& loop() { return loop_; }
  net::Swarm& swarm() { return swarm_; }
  bus::Bus& bus() { return bus_; }
  bus::Topics& topics() { return topics_; }
  protocols::Ping& ping() { return ping_; }
  store::Ledgers& ledgers() { return ledgers_; }
  protocols::Clocks& clocks() { return sync_.clocks(); }
  // Makes or opens the ledger of that name and has it synced with peers. Throws Fault.
  store::Ledger& open_ledger(std::string_view name);
  // The same of one that is new here (store::Ledgers::found and join).
  store::Ledger& found_ledger(const store::Ledgers::Founding& founding);
  store::Ledger& join_ledger(Bytes genesis_block, std::string_view name);
  // Opens them and holds all ledgers to what is told of them. Throws Fault.
  void keep_ledgers(const std::vector<Config::Ledger>& wanted);
  Plugins& plugins() { return plugins_; }
  Apps& apps() { return apps_; }
  const NodeSetup& setup() const { return setup_; }
  const Log& log() const { return log_; }

 private:
  class Relay;  // swarm's news to router, discovery and bus

  Loop& loop_;
  Log log_;
  NodeSetup setup_;
  net::Shared shared_;
  net::Swarm swarm_;
  bus::Bus bus_;
  bus::Topics topics_;
  protocols::Identify identify_;
  protocols::Ping ping_;
  store::Committer committer_;
  store::Ledgers ledgers_;
  protocols::Sync sync_;
  LedgerNews ledger_news_;
  std::unique_ptr<net::HttpClient> http_;  // above its requests, which hang on hosts
  Services services_;
  Plugins plugins_;
  Apps apps_;
  std::unique_ptr<Relay> relay_;
  kith_host engine_;  // owner of the engine's own commands
  Scope scope_;
  bool stopped_ = false;
};

// The engine's commands (status, connect, publish, ...), registered for `engine`.
void add_commands(Node& node, Services& services, kith_host& engine, Scope& scope);

}  // namespace kith::node
