// SPDX-License-Identifier: MIT
// Plugins: the started ones, in the order that their needs ask for. Starts, configures, gives roles
// to the engine, and undoes it all in reverse. Owned by the Node.
#pragma once
#include <memory>

#include "engine/node/host.h"
#include "engine/node/loader.h"

namespace kith::node {

class Plugins {
 public:
  explicit Plugins(Services& services) : services_(services) {}
  ~Plugins() { stop(); }

  struct Plugin {
    const kith_plugin* entry = nullptr;
    std::unique_ptr<kith_host> host;
    void* me = nullptr;
    std::vector<std::string> listen;  // of a transport: what its config asks for
    const void* role(const char* id) const { return entry->role ? entry->role(me, id) : nullptr; }
  };

  // Starts every enabled plugin, needed ones first. Throws Fault with a sentence that names the
  // plugin.
  void start(const std::vector<Config::Plugin>& enabled,
             const std::map<std::string, const kith_plugin*>& available);
  void stop();  // in reverse

  const std::vector<std::unique_ptr<Plugin>>& all() const { return started_; }
  struct Runner {
    const kith_runner* ops = nullptr;
    void* me = nullptr;
  };
  Runner runner_for(std::string_view extension) const;

 private:
  void start_one(const kith_plugin& entry, const wire::Value& options);
  void give_roles(Plugin& plugin);
  Services& services_;
  std::vector<std::unique_ptr<Plugin>> started_;
  Plugin* router_ = nullptr;
};

}  // namespace kith::node
