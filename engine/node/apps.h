// SPDX-License-Identifier: MIT
// Apps: scripts by name, each with a kith_host of its own and a runner by its file's extension. A
// new version loads beside the one that runs and takes its place in one turn, or not at all. Owned
// by the Node. Knows no language.
#pragma once
#include <deque>

#include "engine/node/file_stamp.h"
#include "engine/node/plugins.h"

namespace kith::node {

struct LogLine {
  std::uint64_t time_us = 0;  // wall clock
  LogLevel level = LogLevel::info;
  std::string text;
};

class Apps {
 public:
  Apps(Services& services, Plugins& plugins, std::vector<std::string> folders);
  ~Apps();

  class Version;  // one loaded file
  struct App {
    App();
    ~App();
    std::string name, file;
    wire::Value config;
    std::string state;               // "loading", "running", "suspended: why", "failed: why"
    std::uint64_t since_us = 0;      // wall clock: of its state
    bool is_configured = false;      // as the config has it; else by `app run`
    std::deque<LogLine> lines;       // the newest kLogLines, of all its versions
    std::optional<FileStamp> stamp;  // of the file when it was last read
    // Told once when it is stopped, or becomes somebody else's: whoever runs it as long as they
    // live.
    std::function<void(const std::string& why)> lost;
    std::unique_ptr<Version> current, next;
  };
  static constexpr std::size_t kLogLines = 200;

  // Loads a file under a name. The one of that name goes on until this one has loaded, and for good
  // if it does not: its log and its followers stay. Throws Fault with the runner's sentence
  // (file:line).
  Task<App*> load(std::string name, std::string file, wire::Value config);
  // The same file and config once more; of one that the config names and that is not there, these.
  Task<App*> reload(std::string name);
  // What the config says of this name: that one, or none. Throws nothing.
  Task<void> restore(std::string name);
  // Loads what is new or of which section or file changed, and stops what is gone. What somebody
  // runs by `app run` is left alone. Logs what fails; throws nothing.
  Task<void> configure(std::vector<Config::App> apps);
  bool unload(std::string_view name);
  void stop_all();  // for good: nothing loads from now on

  // Hears an app's log from now on, also that of its loading and of later ones of that name.
  using Follow = std::function<void(const LogLine&)>;
  using Follower = std::shared_ptr<Follow>;
  [[nodiscard]] Follower follow(const std::string& name, Follow fn);  // as long as it is held

  // NAME with any runner's extension in HOME/scripts, then in the shipped folder. Throws Fault
  // naming where it looked.
  std::string find_file(const std::string& name) const;
  App* find(std::string_view name);
  const std::map<std::string, std::unique_ptr<App>, std::less<>>& all() const { return apps_; }
  const Config::App* configured(std::string_view name) const;
  std::string absent(std::string_view name) const;  // the sentence, with the nearest name

 private:
  // What is to run, and whether the config says so.
  struct Wish {
    std::string name, file;
    wire::Value config;
    bool is_configured = false;
  };
  Task<App*> load_wish(Wish wish);
  void judge_name(const std::string& name) const;
  App& slot(const Wish& wish);
  void settle(App& app);
  void switch_over(App& app);
  void refuse(App& app, const std::string& why);
  void drop_next(App& app, const std::string& why);
  void fares(App& app, int state, std::string_view sentence);
  void set_state(App& app, std::string state);
  void fail(App& app, const std::string& why);
  void tell(const App& app, const std::string& why);
  void hear(App& app, LogLevel level, std::string_view line);
  void say(App& app, LogLevel level, std::string_view line);
  bool is_stale(const Config::App& wanted, const std::vector<Config::App>& before);

  Services& services_;
  Plugins& plugins_;
  std::vector<std::string> folders_;
  std::vector<Config::App> configured_;
  std::map<std::string, std::unique_ptr<App>, std::less<>> apps_;
  std::map<std::string, std::vector<std::weak_ptr<Follow>>, std::less<>> followers_;
  bool stopped_ = false;
};

}  // namespace kith::node
