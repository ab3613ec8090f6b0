// SPDX-License-Identifier: MIT
// What a plugin or an app holds of the node (kith_host), and the services that engine/node hands
// through it. Everything that was hooked hangs on the kith_host, so that its end undoes it. Owned
// by the Node; loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/bus/topics.h"
#include "engine/net/http_client.h"
#include "engine/net/swarm.h"
#include "engine/store/ledgers.h"

namespace kith::node {

class AppKeys;  // host_kv.cpp

// What the engine offers to every host. Outlives all of them.
struct Services {
  Loop& loop;
  Log log;
  const crypto::Identity& identity;
  net::Swarm& swarm;
  bus::Bus& bus;
  bus::Topics& topics;
  store::Committer* committer = nullptr;  // the Node's; whoever asks for them stands above it
  store::Ledgers* ledgers = nullptr;
  // Makes or opens one, and has it synced from now on. Throws Fault.
  std::function<store::Ledger&(std::string_view name)> open_ledger;
  net::HttpClient* http = nullptr;  // none in the simulator, where a fake service stands in
  // Offered by plugins, or by the simulator (kith.memory/1); found before the engine's own.
  struct Offer {
    const void* ops = nullptr;
    void* self = nullptr;
    kith_host* owner = nullptr;
  };
  std::map<std::string, Offer, std::less<>> offers;
  // Of each app and plugin that asked, by kind and name. They go before the committer tells anyone.
  std::map<std::pair<bool, std::string>, std::shared_ptr<AppKeys>> keys;
  std::uintptr_t hosts = 0, calls = 0;  // made so far: no two handles are alike
  // Jobs on the worker whose answer is outstanding: a stop waits until it is 0. Shared, for an
  // answer may come later.
  std::shared_ptr<std::size_t> jobs = std::make_shared<std::size_t>(0);
};

// Something under way or registered for a host. Destroying it cancels or unregisters.
class HostOp {
 public:
  virtual ~HostOp() = default;
  // Of a staged one: what was judged takes effect.
  virtual Result<void> activate() { return {}; }

 protected:
  kith_op* self_ = nullptr;  // once a host has taken it; one that refuses destroys it

 private:
  friend struct ::kith_host;
};

// What a staged host asked for, in order: an op that waits for its activation, or a topic to join
// by itself. `topic` is also what an op will join, `command` what it will be called.
struct StagedStep {
  kith_op* op = nullptr;
  std::string topic, command;
};

}  // namespace kith::node

// The C name of it: opaque to plugins.
struct kith_host {
  kith_host(kith::node::Services& given, std::string name, bool is_app);
  ~kith_host();
  kith_host(const kith_host&) = delete;
  kith_host& operator=(const kith_host&) = delete;

  // Undoes all that was hooked; calls that fire later find nothing. Idempotent.
  void undo();
  // Hooks for good what was staged, in the order of its staging. The version before it is undone.
  kith::Result<void> activate();
  std::vector<std::string> staged_topics();  // that it will join

  // A kith_op* is (host, generation, slot), so that a spent or foreign one is recognised, never
  // followed. nullptr: stopped, or too many.
  kith_op* add(std::unique_ptr<kith::node::HostOp> op);
  void cancel(kith_op* op);
  // For one-shot ops, by themselves, before they fire: the slot is free, the op is given back.
  std::unique_ptr<kith::node::HostOp> spend(kith_op* op);
  // Still under way or registered, else nullptr.
  kith::node::HostOp* peek(kith_op* op);

  kith_call* add_call(kith::bus::CallPtr call);
  kith::bus::CallPtr find_call(kith_call* call) const;
  kith::bus::CallPtr take_call(kith_call* call);

  kith::node::Services& services;
  kith::bus::Owner owner;
  kith::Log log;
  std::string failure;                    // what api->fail said last
  std::vector<std::string> http_allowed;  // origins that the operator's config names for this app
  // A new version of an app while it loads: what it hooks is judged and kept, and does nothing
  // until activate(). Timers, streams, calls, what it publishes and what it stores work at once.
  bool staged = false;
  std::vector<kith::node::StagedStep> steps;
  // How its runner says that it fares (kith.apps/1); set for apps.
  std::function<void(int state, std::string_view sentence)> told;
  std::function<void(kith::LogLevel, std::string_view)>
      tail;  // who follows this host's log, beside the sink
  bool stopped = false;
  // Shared with posts from other threads, which may find this host gone. Read and written on the
  // loop thread alone.
  std::shared_ptr<bool> gone = std::make_shared<bool>(false);

 private:
  struct Slot {
    std::unique_ptr<kith::node::HostOp> op;
    std::uint32_t generation = 1;
  };
  Slot* find(kith_op* op);
  kith_op* handle_of(std::size_t slot) const;
  const std::uintptr_t number_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  std::map<std::uintptr_t, kith::bus::CallPtr> calls_;
};

namespace kith::node {

const kith_api* host_api();  // the table that every plugin gets; constant

// A view of a peer for the C ABI, with what it points to. Not copied: the views are its own.
class PeerView {
 public:
  PeerView(const net::PeerRecord& record, const net::Connection* best);
  PeerView(const PeerView&) = delete;
  PeerView& operator=(const PeerView&) = delete;
  const kith_peer& get() const { return peer_; }

 private:
  std::vector<kith_bytes> protocols_;
  kith_peer peer_{};
};

// The tables, one a file (host_loop.cpp, host_net.cpp, host_bus.cpp).
const kith_loop* loop_table();
const kith_log* log_table();
const kith_streams* streams_table();
const kith_peers* peers_table();
const kith_gate* gate_table();
const kith_topics* topics_table();
const kith_crypto* crypto_table();
const kith_bus* bus_table();
const kith_links* links_table();
const kith_ledgers* ledgers_table();
const kith_kv* kv_table();
const kith_http* http_table();
const kith_apps* apps_table();

wire::Value verdict_body(const store::Verdict& verdict);  // {ok, feeds, entries, problems}

// Answers a kith_done with an error and its sentence.
void fire_error(kith_done done, const Error& error);
int code_of(const Error& error);  // the kith_err nearest to it

}  // namespace kith::node
