// SPDX-License-Identifier: MIT
// The composition: the one file that knows everything.
#include "engine/node/node.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/node/config_ledgers.h"

namespace kith::node {

// Hands the swarm's news to whom it concerns: the router, discovery modes, and the bus.
class Node::Relay final : public net::SwarmObserver {
 public:
  explicit Relay(Node& node) : node_(node) { node_.swarm_.observe(*this); }
  ~Relay() { node_.swarm_.unobserve(*this); }

  void on_peer(int event, const net::PeerRecord& record) override {
    const PeerView peer(record, node_.swarm_.best(record.id));
    for (const auto& plugin : node_.plugins_.all()) {
      const auto* router = static_cast<const kith_router*>(plugin->role(KITH_ROUTER));
      if (router) router->peer(plugin->me, event, &peer.get());
    }
    if (event == KITH_PEER_UPDATED) return;
    const char* name = event == KITH_PEER_IDENTIFIED ? "peer/connected" : "peer/gone";
    if (!node_.bus_.heard(name)) return;
    wire::Value body;
    body["peer"] = record.id.text();
    body["agent"] = record.agent;
    node_.bus_.emit(name, body);
  }

  void on_listening() override {
    const auto own = node_.addresses();
    std::vector<kith_bytes> views;
    for (const auto& address : own) views.push_back(c_bytes(address.bytes()));
    for (const auto& plugin : node_.plugins_.all()) {
      const auto* discovery = static_cast<const kith_discovery*>(plugin->role(KITH_DISCOVERY));
      if (discovery) discovery->addresses(plugin->me, views.data(), views.size());
    }
  }

 private:
  Node& node_;
};

namespace {

constexpr std::uint64_t kStopUs = 10'000'000;

crypto::Key32 fresh_key(Loop& loop) {
  crypto::Key32 key;
  loop.entropy(key);
  return key;
}

store::Durability durability_of(const Config& config) {
  return config.store.durability == "interval" ? store::Durability::interval
                                               : store::Durability::sync;
}

}  // namespace

Node::Node(Loop& loop, LogSink& sink, NodeSetup setup)
    : loop_(loop),
      log_(sink, "node"),
      setup_(std::move(setup)),
      shared_{.loop = loop,
              .log = log_.in("net"),
              .identity = setup_.identity,
              .cipher = {},
              .noise_secret = fresh_key(loop),
              .early_muxer = setup_.early_muxer},
      swarm_(shared_),
      bus_(loop, log_.in("bus")),
      topics_(bus_, log_.in("topics")),
      identify_(swarm_, {"kith/" + setup_.version, setup_.interfaces}),
      ping_(swarm_),
      committer_(loop, log_.in("store"),
                 setup_.store ? setup_.store : std::shared_ptr(store::make_memory_store()),
                 durability_of(setup_.config)),
      ledgers_({.loop = loop,
                .log = log_.in("ledger"),
                .identity = setup_.identity,
                .committer = committer_,
                .origin = setup_.store_origin}),
      sync_(swarm_, ledgers_),
      ledger_news_(bus_, ledgers_, sync_.clocks(), log_.in("ledger")),
      http_(setup_.http
                ? std::make_unique<net::HttpClient>(loop, log_.in("http"), "kith/" + setup_.version)
                : nullptr),
      services_{.loop = loop,
                .log = log_,
                .identity = setup_.identity,
                .swarm = swarm_,
                .bus = bus_,
                .topics = topics_,
                .committer = &committer_,
                .ledgers = &ledgers_,
                .open_ledger = [this](std::string_view name) -> store::Ledger& {
                  return open_ledger(name);
                },
                .http = http_.get()},
      plugins_(services_),
      apps_(services_, plugins_, setup_.script_folders),
      relay_(std::make_unique<Relay>(*this)),
      engine_(services_, "kith", false),
      scope_([this](const std::exception& thrown) {
        log_.error("task failed err={}", thrown.what());
      }) {
  add_commands(*this, services_, engine_, scope_);
}

Node::~Node() {
  apps_.stop_all();
  scope_.clear();
  swarm_.end("the node ended");  // no link may outlive its transport
  plugins_.stop();
}

void Node::offer(const char* id, const void* ops, void* self) {
  services_.offers[id] = Services::Offer{ops, self, nullptr};
}

Task<void> Node::start() {
  const Config& config = setup_.config;
  const net::Gate::Lists lists{config.gate.allow, config.gate.deny};
  swarm_.gate().set(lists).value();
  const Config::Limits& limits = config.limits;
  if (limits.connections > 0)
    swarm_.limit(static_cast<std::size_t>(limits.connections),
                 static_cast<std::size_t>(limits.connections_per_peer));
  keep_ledgers(config.ledgers);
  plugins_.start(config.plugins, setup_.plugins);
  for (const auto& plugin : plugins_.all()) {
    for (const std::string& text : plugin->listen) {
      const auto address = wire::Multiaddr::from_text(text);
      if (!address)
        throw Fault(
            Error(KITH_BAD, fmt::format("[plugins.{}] listen: '{}': {}", plugin->entry->name, text,
                                        address.error().message())));
      const auto bound = swarm_.listen(*address);
      if (!bound) {
        const std::string& said = plugin->host->failure;
        throw Fault(
            Error(KITH_IO, fmt::format("[plugins.{}] cannot listen on {}: {}", plugin->entry->name,
                                       text, said.empty() ? bound.error().message() : said)));
      }
    }
  }
  // One bad script keeps no node from starting: it is named in the log and in `app list`.
  std::vector<Config::App> apps = config.apps;
  Task<void> loading = apps_.configure(std::move(apps));
  co_await loading;
}

Task<void> Node::stop() {
  if (std::exchange(stopped_, true)) co_return;
  apps_.stop_all();
  Nap turn(loop_, 0);  // whoever asks for the stop may be a task of what ends here
  co_await turn;
  // Links are their transport's: none may outlive it.
  swarm_.retire("the node stops");
  ledgers_.retire();
  const std::uint64_t until_us = loop_.now_us() + kStopUs;
  const auto is_busy = [this] {
    return *services_.jobs > 0 || !swarm_.idle() || !ledgers_.idle() || !committer_.idle();
  };
  while (is_busy() && loop_.now_us() < until_us) {
    Nap nap(loop_, 2'000);
    co_await nap;
  }
  swarm_.end("the node stopped");
  plugins_.stop();
}

void Node::keep_ledgers(const std::vector<Config::Ledger>& wanted) {
  for (store::Ledger* ledger : ledgers_.all()) {
    const auto is_it = [&](const Config::Ledger& each) { return each.name == ledger->name(); };
    if (std::none_of(wanted.begin(), wanted.end(), is_it)) ledger->settle({});
  }
  for (const Config::Ledger& ledger : wanted) open_ledger(ledger.name).settle(settings_of(ledger));
}

store::Ledger& Node::open_ledger(std::string_view name) {
  const bool is_open = ledgers_.find(name) != nullptr;
  store::Ledger& ledger = ledgers_.open(name);
  if (!is_open) sync_.opened(ledger);
  return ledger;
}

store::Ledger& Node::found_ledger(const store::Ledgers::Founding& founding) {
  store::Ledger& ledger = ledgers_.found(founding);
  sync_.opened(ledger);
  return ledger;
}

store::Ledger& Node::join_ledger(Bytes genesis_block, std::string_view name) {
  store::Ledger& ledger = ledgers_.join(genesis_block, name);
  sync_.opened(ledger);
  return ledger;
}

std::vector<wire::Multiaddr> Node::addresses() const {
  std::vector<wire::Multiaddr> out = identify_.addresses();
  for (auto& address : out) address = address.with_peer(setup_.identity.peer_id());
  return out;
}

}  // namespace kith::node
