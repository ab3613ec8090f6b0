// SPDX-License-Identifier: MIT
// Apps: scripts by name, each with a kith_host of its own and a runner by its file's extension.
// Owned by the Node. Knows no language.
#pragma once
#include <deque>

#include "engine/node/plugins.h"

namespace kith::node {

struct LogLine {
  std::uint64_t time_us = 0;  // wall clock
  LogLevel level = LogLevel::info;
  std::string text;
};

class Apps {
 public:
  Apps(Services& services, Plugins& plugins, std::vector<std::string> folders)
      : services_(services), plugins_(plugins), folders_(std::move(folders)) {}
  ~Apps() { stop_all(); }

  struct App {
    std::string name, file, state;  // "loading", "running", "failed: why"
    std::unique_ptr<kith_host> host;
    Plugins::Runner runner;
    void* loaded = nullptr;
    Completion done;
    bool is_awaited = false;  // a load waits for `done`; one that was destroyed meanwhile does not
    std::deque<LogLine> lines;  // the newest kLogLines
    std::function<void(const LogLine&)> follow;
  };
  static constexpr std::size_t kLogLines = 200;

  // Loads a file under a name, replacing one of that name. Throws Fault with the runner's sentence
  // (file:line). follow hears the app's log lines, also those of loading.
  Task<App*> load(std::string name, std::string file, wire::Value config,
                  std::function<void(const LogLine&)> follow = {});
  bool unload(std::string_view name);
  void stop_all();

  // NAME with any runner's extension in HOME/scripts, then in the shipped folder. Throws Fault
  // naming where it looked.
  std::string find_file(const std::string& name) const;
  App* find(std::string_view name);
  const std::map<std::string, std::unique_ptr<App>, std::less<>>& all() const { return apps_; }

 private:
  void hook_log(App& app);
  Services& services_;
  Plugins& plugins_;
  std::vector<std::string> folders_;
  std::map<std::string, std::unique_ptr<App>, std::less<>> apps_;
};

}  // namespace kith::node
