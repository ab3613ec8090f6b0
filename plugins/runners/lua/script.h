// SPDX-License-Identifier: MIT
// Script: one loaded Lua file, what it has hooked, and how it is doing. Owned by the Runner from
// load to unload. Every event, call and timer of it runs as one coroutine within the budget; a
// script that spends three budgets in a row is suspended for a while.
#pragma once
#include <map>
#include <memory>

#include "plugins/runners/lua/state.h"

namespace kith::lua {

struct Options {
  Bounds bounds;
  std::uint64_t handler_us = 250'000;
  std::uint64_t load_us = 1'000'000;
  std::uint32_t log_lines_per_s = 50;
};

class Script {
 public:
  Script(Host host, const Options& options, std::string name);
  ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  static Script& of(lua_State* lua) { return State::of(lua).script(); }

  // Reads the file and runs it. False: `why` is the sentence a person reads (file:line: ...).
  bool load(const std::string& file, Bytes config, std::string& why);
  // Something of it is on the stack: it can be retired, but not yet destroyed.
  bool running() const { return state_->running(); }
  // Undoes all that is hooked; what runs right now ends at its next instruction.
  void retire();

  // ---- For the bindings. None raises; an id of 0 is a refusal and `why` its sentence.
  struct Hooked {
    std::uint32_t id = 0;
    const char* why = "";
  };
  Hooked on(const char* pattern, int priority, unsigned flags, int function);
  Hooked validate(const char* pattern, int function);
  Hooked start_timer(std::uint64_t us, bool repeats, int function);
  Hooked add_command(const wire::Value& spec, int function);
  void release(std::uint32_t id);
  void write_log(int level, std::string_view line);

  const Host& host() const { return host_; }
  const Options& options() const { return options_; }
  State& state() { return *state_; }

 private:
  enum class Kind { handler, validator, timer, command };
  struct Hook {
    Script* script;
    std::uint32_t id;
    Kind kind;
    int function;                 // in the registry
    std::uint64_t period_us = 0;  // 0: fires once
    kith_op* op = nullptr;
    std::string name;  // for the log
  };
  // One run of a function as a coroutine of its own. `push` puts its arguments on the stack and
  // returns their number, or -1 when the heap has no room; `take` finds the first two results at 1
  // and 2 from the top of what it is given. Both run protected, and may raise.
  struct Run {
    int function = LUA_NOREF;
    int (*push)(lua_State* lua, Run& run) = nullptr;
    void (*take)(lua_State* lua, int first, Run& run) = nullptr;
    const kith_event* event = nullptr;
    wire::Value value;  // arguments, then the result
    std::uint64_t cpu_us = 0;
    int answer = 0;
    State* state = nullptr;
    bool failed = false, had_no_room = false;
    std::string why, traceback;
  };
  struct Loading {
    Script& script;
    std::string source, chunk_name;
    wire::Value config;
    int function = LUA_NOREF;
  };

  Hook* add(Kind kind, int function, std::string name);
  Hooked hook_event(Kind kind, const char* pattern, int priority, unsigned flags, int function);
  Hooked settle(Hook& hook, int status, const char* why);
  void start(Hook& timer);
  static int on_event(void* ctx, const kith_event* event);
  static void on_timer(void* ctx, std::int64_t, const void*);
  static void on_call(void* ctx, kith_call* call, kith_bytes args);

  // False: it did not run to its end; run.why says why. `what` is for the log.
  bool execute(Run& run, std::string_view what);
  static int execute_protected(lua_State* lua);
  static int load_protected(lua_State* lua);
  void judge(const Run& run, std::string_view what);
  void suspend();
  bool is_idle() const;  // failed or suspended: handlers do nothing

  Host host_;
  Options options_;
  std::string name_;
  std::map<std::uint32_t, std::unique_ptr<Hook>> hooks_;
  std::uint32_t last_id_ = 0;
  std::unique_ptr<State> state_;
  bool failed_ = false, retired_ = false;
  int strikes_ = 0;
  std::uint64_t suspended_until_us_ = 0, back_off_us_ = 0;
  std::uint64_t log_second_ = 0;
  std::uint32_t log_lines_ = 0, log_dropped_ = 0;
};

}  // namespace kith::lua
