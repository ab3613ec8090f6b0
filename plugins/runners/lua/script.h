// SPDX-License-Identifier: MIT
// Script: one loaded Lua file, what it has hooked, and how it is doing. Owned by the Runner from
// load to unload. Every event, call and timer of it runs as one coroutine within the budget, and
// may wait for the node; a script that spends three budgets in a row is suspended for a while.
#pragma once
#include <functional>
#include <map>
#include <memory>

#include "plugins/runners/lua/follower.h"
#include "plugins/runners/lua/peer_texts.h"
#include "plugins/runners/lua/run.h"

namespace kith::lua {

struct Options {
  Bounds bounds;
  std::uint64_t handler_us = 250'000;
  std::uint64_t load_us = 1'000'000;
  std::uint32_t log_lines_per_s = 50;
};

// Services that a node may lack; each with the first argument of its functions. The host of the
// app's own is what they are found by.
struct Services {
  explicit Services(const Host& host);
  const kith_kv* kv = nullptr;
  const kith_ledgers* ledgers = nullptr;
  const kith_http* http = nullptr;
  const kith_apps* apps = nullptr;
  kith_host *kv_self = nullptr, *ledgers_self = nullptr, *http_self = nullptr, *apps_self = nullptr;
};

class Script {
 public:
  Script(Host host, const Options& options, std::string name);
  ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  static Script& of(lua_State* lua) { return State::of(lua).script(); }

  // Reads the file and runs it. loaded fires once, perhaps before this returns: with the sentence
  // that a person reads (file:line: ...), or with nothing. Not after retire.
  void load(const std::string& file, Bytes config, std::function<void(std::string why)> loaded);
  // In a later turn, says of each pattern that hears no topic how to join one.
  void check_patterns();
  // Soon, as the engine activates what has loaded: what it follows from a cursor on begins.
  void start_following();
  // Something of it is on the stack: it can be retired, but not yet destroyed.
  bool running() const { return state_->running(); }
  // Undoes all that is hooked and waited for; what runs right now ends at its next instruction.
  void retire();

  // ---- For the bindings. None raises; an id of 0 is a refusal and `why` its sentence.
  struct Hooked {
    std::uint32_t id = 0;
    const char* why = "";
  };
  Hooked on(const char* pattern, int priority, unsigned flags, int function);
  Hooked validate(const char* pattern, int function);
  Hooked start_timer(std::uint64_t us, bool repeats, int function);
  // A function of kith.parallel, begun in the next turn; it is the `place`th that `parent` is for.
  Hooked start_part(std::uint32_t parent, int place, int function);
  Hooked add_command(const wire::Value& spec, int function);
  Hooked follow(Follower::Wish wish, int function);
  void release(std::uint32_t id);
  void write_log(int level, std::string_view line);

  bool can_wait(lua_State* lua) const { return on_ && on_->may_wait && state_->can_yield(lua); }
  Wait* add_wait();  // of the run that is on; nullptr: too many
  void drop_wait(std::uint32_t id);
  static void on_done(void* ctx, std::int64_t r, const void* result);  // of a Wait
  static void on_each(void* ctx, std::int64_t r, const void* result);

  // ---- For a Follower.
  void give_entry(std::uint32_t hook, wire::Value row);
  bool has_failed() const { return failed_ || retired_; }
  std::uint64_t rest_us() const;  // for which it is suspended still

  const Host& host() const { return host_; }
  const Services& services() const { return services_; }
  const Options& options() const { return options_; }
  State& state() { return *state_; }
  PeerTexts peer_texts;

 private:
  enum class Kind { handler, validator, timer, command, follower };
  struct Hook {
    Script* script;
    std::uint32_t id;
    Kind kind;
    int function;                 // in the registry
    std::uint64_t period_us = 0;  // 0: fires once
    kith_op* op = nullptr;
    std::string name;          // for the log
    bool busy = false;         // of a timer: the run before still waits
    std::uint32_t parent = 0;  // as in Run
    int place = 0;
    std::unique_ptr<Follower> follower;
  };
  struct Loading {
    Script& script;
    std::string source, chunk_name;
    wire::Value config;
    int function = LUA_NOREF;
  };

  // ---- script.cpp: what is hooked, and what that runs
  Hook* add(Kind kind, int function, std::string name);
  Hooked hook_event(Kind kind, const char* pattern, int priority, unsigned flags, int function);
  Hooked settle(Hook& hook, int status, const char* why);
  Run begin(const Hook& hook);
  static int on_event(void* ctx, const kith_event* event);
  static void on_timer(void* ctx, std::int64_t, const void*);
  static void on_call(void* ctx, kith_call* call, kith_bytes args);
  static void end_timer(Script& script, Run& run);
  static void end_call(Script& script, Run& run);
  static int on_arrival(void* ctx, const kith_event* event);
  static void end_entry(Script& script, Run& run);

  // ---- script_load.cpp
  static int load_protected(lua_State* lua);
  static void end_load(Script& script, Run& run);
  void stop_loading();
  static void on_load_timer(void* ctx, std::int64_t, const void*);
  static void on_topics(void* ctx, std::int64_t r, const void* result);

  // ---- script_run.cpp
  // Runs it until it ends or waits. What waits is moved away; its answer to whoever began it is
  // then none.
  void execute(Run& run);
  void step(Run& run);
  void leave(Run& run);
  static int step_protected(lua_State* lua);
  static int begin_thread(lua_State* lua, Run& run, lua_State*& thread);
  void judge(Run& run);
  void fail();
  void suspend();
  void tell(int state, const std::string& sentence);
  bool is_suspended() const { return suspended_until_us_ > host_.now_us(); }
  bool is_idle() const;  // failed or suspended: handlers do nothing

  // ---- script_wait.cpp
  void come_back(std::uint32_t id);
  void defer(Wait& wait, std::uint64_t us);
  void forget(Wait& wait);
  void hear_part(Wait& wait, const void* result);
  void end_part(const Run& run);
  static void take_part(lua_State* lua, int first, Run& run);
  void drop_waits();
  void drop_run(std::uint32_t id, const std::string& why);
  Wait* find_wait(std::uint32_t id);

  Host host_;
  Services services_;
  Options options_;
  std::string name_;
  std::map<std::uint32_t, std::unique_ptr<Hook>> hooks_;
  std::map<std::uint32_t, std::unique_ptr<Wait>> waits_;
  std::map<std::uint32_t, std::unique_ptr<Run>> runs_;  // that wait
  std::uint32_t last_id_ = 0;
  std::unique_ptr<State> state_;
  Run* on_ = nullptr;  // whose code is on, innermost
  std::function<void(std::string why)> loaded_;
  std::uint32_t load_run_ = 0;
  Op load_timer_, checking_, starting_, waking_, telling_;
  bool is_active_ = false;       // what follows from a cursor on has begun
  int fare_ = KITH_APP_RUNNING;  // as the engine is told next
  std::string fare_why_;
  bool failed_ = false, retired_ = false;
  int strikes_ = 0;
  std::uint64_t suspended_until_us_ = 0, back_off_us_ = 0;
  std::uint64_t log_second_ = 0;
  std::uint32_t log_lines_ = 0, log_dropped_ = 0;
};

}  // namespace kith::lua
