// SPDX-License-Identifier: MIT
#include "engine/node/plugins.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>

namespace kith::node {

namespace {

// Why none of those that wait can start: a need that nobody meets, else a circle of needs.
Error unmet_need(const std::deque<const kith_plugin*>& waiting, std::vector<std::string> offered) {
  for (const kith_plugin* entry : waiting) {
    for (const std::string& offer : facts_of(*entry, {}).offers) offered.push_back(offer);
  }
  for (const kith_plugin* entry : waiting) {
    for (const std::string& need : facts_of(*entry, {}).needs) {
      if (std::find(offered.begin(), offered.end(), need) != offered.end()) continue;
      return {KITH_ABSENT,
              fmt::format("plugin {} needs {}, which no enabled plugin offers: enable one that "
                          "does, or remove [plugins.{}]",
                          entry->name, need, entry->name)};
    }
  }
  std::string names;
  for (const kith_plugin* entry : waiting)
    names += (names.empty() ? "" : ", ") + std::string(entry->name);
  return {KITH_ABSENT, fmt::format("plugins {} need each other: none can start first", names)};
}

// The enabled ones in an order in which every need was offered before; by name where nothing else
// decides.
std::vector<const kith_plugin*> in_order(std::deque<const kith_plugin*> waiting,
                                         Services& services) {
  std::vector<const kith_plugin*> order;
  std::vector<std::string> offered;
  kith_host asks(services, "plugins", false);  // for what is there before any of them
  // Who builds on the links of others holds some of them: it starts after them, and ends before.
  std::stable_partition(waiting.begin(), waiting.end(), [](const kith_plugin* entry) {
    const auto needs = facts_of(*entry, {}).needs;
    return std::find(needs.begin(), needs.end(), KITH_LINKS) == needs.end();
  });
  for (const kith_plugin* entry : waiting) {
    for (const std::string& need : facts_of(*entry, {}).needs) {
      void* self = nullptr;
      if (host_api()->service(&asks, need.c_str(), &self)) offered.push_back(need);
    }
  }
  const auto is_ready = [&](const kith_plugin* entry) {
    for (const std::string& need : facts_of(*entry, {}).needs) {
      if (std::find(offered.begin(), offered.end(), need) == offered.end()) return false;
    }
    return true;
  };
  while (!waiting.empty()) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), is_ready);
    if (next == waiting.end()) throw Fault(unmet_need(waiting, offered));
    for (const std::string& offer : facts_of(**next, {}).offers) offered.push_back(offer);
    order.push_back(*next);
    waiting.erase(next);
  }
  return order;
}

}  // namespace

void Plugins::start(const std::vector<Config::Plugin>& enabled,
                    const std::map<std::string, const kith_plugin*>& available) {
  std::deque<const kith_plugin*> waiting;
  for (const Config::Plugin& plugin : enabled) {
    const auto at = available.find(plugin.name);
    if (at == available.end())
      throw Fault(Error(KITH_ABSENT, "plugin " + plugin.name + " is enabled but not installed"));
    waiting.push_back(at->second);
  }
  for (const kith_plugin* entry : in_order(std::move(waiting), services_)) {
    const auto of_it = [&](const Config::Plugin& plugin) { return plugin.name == entry->name; };
    const auto config = std::find_if(enabled.begin(), enabled.end(), of_it);
    start_one(*entry, config->options);
  }
}

void Plugins::start_one(const kith_plugin& entry, const wire::Value& options) {
  auto plugin = std::make_unique<Plugin>();
  plugin->entry = &entry;
  plugin->host = std::make_unique<kith_host>(services_, entry.name, false);
  kith_host* host = plugin->host.get();
  const auto refuse = [&](int code, std::string_view step) {
    const std::string why =
        host->failure.empty() ? kith::describe(static_cast<kith_err>(code)) : host->failure;
    throw Fault(
        Error(static_cast<kith_err>(code), fmt::format("plugin {} {}: {}", entry.name, step, why)));
  };
  if (const int r = entry.start(host_api(), host, &plugin->me); r < 0) refuse(r, "did not start");
  Plugin& started = *plugin;
  started_.push_back(std::move(plugin));
  if (entry.configure) {
    const ByteVector body = wire::encode_cbor(options);
    for (const int commit : {0, 1}) {
      if (const int r = entry.configure(started.me, c_bytes(Bytes(body)), commit); r < 0) {
        refuse(r, "does not accept its options");
      }
    }
  }
  if (const wire::Value* listen = options.find("listen"); listen && listen->list()) {
    for (const wire::Value& address : *listen->list()) {
      if (address.string()) started.listen.push_back(*address.string());
    }
  }
  give_roles(started);
  host->log.debug("plugin started name={} version={}", entry.name, entry.version);
}

void Plugins::give_roles(Plugin& plugin) {
  if (const auto* transport = static_cast<const kith_transport*>(plugin.role(KITH_TRANSPORT))) {
    const auto why = [host = plugin.host.get()] { return host->failure; };
    const auto added = services_.swarm.add_transport(transport, plugin.me, why);
    if (!added) {
      throw Fault(Error(KITH_REFUSED,
                        fmt::format("plugin {}: {}", plugin.entry->name, added.error().detail())));
    }
  }
  const auto* router = static_cast<const kith_router*>(plugin.role(KITH_ROUTER));
  if (!router) return;
  if (router_) {
    throw Fault(Error(KITH_REFUSED, fmt::format("plugins {} and {} both route: enable one of them",
                                                router_->entry->name, plugin.entry->name)));
  }
  router_ = &plugin;
  services_.topics.set_router(router, plugin.me);
}

void Plugins::stop() {
  while (!started_.empty()) {
    Plugin& plugin = *started_.back();
    if (&plugin == router_) {
      services_.topics.set_router(nullptr, nullptr);
      router_ = nullptr;
    }
    if (plugin.role(KITH_TRANSPORT)) services_.swarm.remove_transport(plugin.me);
    plugin.entry->stop(plugin.me);
    plugin.host->undo();
    started_.pop_back();
  }
}

Plugins::Runner Plugins::runner_for(std::string_view extension) const {
  for (const auto& plugin : started_) {
    const auto* ops = static_cast<const kith_runner*>(plugin->role(KITH_RUNNER));
    if (ops && extension == ops->extension) return {ops, plugin->me};
  }
  return {};
}

}  // namespace kith::node
