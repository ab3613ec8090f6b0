// SPDX-License-Identifier: MIT
// Runner: the plugin `lua`, which runs *.lua files as apps (role kith.runner/1). Owns its scripts;
// all that a script hooks hangs on the kith_host of its own.
#pragma once
#include <kith/plugin.h>

#include <map>
#include <memory>

#include "plugins/runners/lua/script.h"

namespace kith::lua {

class Runner final : public App {
 public:
  static constexpr const char* kName = "lua";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Runs Lua scripts as apps, each in a sandbox.";
  static constexpr kith_option kOptions[] = {
      {"memory", "size", "\"16MiB\"", "Heap of one script."},
      {"handler_ms", "int", "250", "Time that one handler may take; then it is ended."},
      {"load_ms", "int", "1000", "Time that a script's top level may take."},
      {"instructions", "int", "50000000", "Instructions that one handler may run."},
      {"log_lines", "int", "50", "Log lines a second of one script; the rest is counted."},
      {}};

  using App::App;
  ~Runner();
  const void* role(std::string_view id);
  Result<void> configure(Bytes options, bool commit);

 private:
  struct Loaded {
    Loaded(Host app, const Options& options, std::string name) : script(app, options, name) {}
    Script script;
    kith_done done{};
    std::string sentence;
    Op settle;
  };
  static int load(void* me, kith_host* app, const kith_app_spec* spec, kith_done done,
                  void** loaded);
  static void unload(void* me, void* loaded);
  static void answer(void* ctx, std::int64_t, const void*);
  void sweep();

  Options options_;
  std::vector<std::unique_ptr<Loaded>> loaded_;
  // Unloaded from inside of one of their own handlers: they end as soon as it has returned.
  std::vector<std::unique_ptr<Loaded>> retired_;
  Op sweeping_;
};

}  // namespace kith::lua
