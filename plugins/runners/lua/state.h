// SPDX-License-Identifier: MIT
// State: one Lua state with its budgets. JIT off; a count hook and a counting allocator hold script
// code to its bounds. Owned by a Script; loop thread only. Knows no binding and calls no service
// but the clock. Lua errors may cross C++ frames without running destructors: whoever can raise
// keeps nothing on its stack that needs one.
#pragma once
#include <kith/host.h>

#include <lua.hpp>
#include <string>

#include "engine/wire/value.h"

namespace kith::lua {

class Script;

struct Bounds {
  std::size_t memory_bytes = 16 * 1024 * 1024;  // heap of script code
  std::uint64_t instructions = 50'000'000;      // of one handler, with those that it set off
};

// What is left to one run; time that it waits is not counted.
struct Budget {
  std::uint64_t cpu_us = 0;
  std::uint64_t instructions = 0;
};

// Why script code was ended.
enum class Spent { nothing, time, instructions, memory, retired };

class State {
 public:
  State(Host host, Script& script, Bounds bounds);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Of a running binding; remembers who runs, so that host code that it sets off goes on from
  // there.
  static State& of(lua_State* lua);
  Script& script() const { return script_; }

  // Runs fn as host code; `arg` is its light userdata. False: `why` is what was raised. Nothing of
  // Lua is ever called outside of this, but to close.
  bool protect(lua_CFunction fn, void* arg, std::string& why);
  // From protected host code: runs the function and the arguments on `thread` to their end, or
  // until it yields; then `budget` is what it has left. Nested ones share the budget of the
  // outermost. Returns what lua_resume does.
  int resume(lua_State* thread, int arguments, Budget& budget);
  // Script code that runs below here cannot yield to the loop, whatever coroutine it is in: there
  // is a C function between. Undone by the negative.
  void hold(int by) { held_ += by; }
  bool can_yield(lua_State* lua) const { return held_ == 0 && lua_isyieldable(lua) != 0; }
  // Of the last resume: what ended it.
  Spent spent() const { return spent_; }
  // Empty unless a budget ended it: where that was.
  const std::string& killed_text() const { return killed_text_; }
  const std::string& killed_trace() const { return killed_trace_; }
  // Script code was refused memory: the state is not to be trusted any more.
  bool out_of_memory() const { return denied_; }
  bool running() const { return depth_ > 0; }
  // Whatever runs ends at its next instruction.
  void retire();

  // From a binding. Counts work that no instruction shows; raises when the budget is spent.
  void charge(lua_State* lua, std::uint64_t steps);
  // As charge, but tells instead of raising.
  bool afford(std::uint64_t steps);
  // Raises a plain error when `bytes` more do not fit, even after a collection.
  void need_room(lua_State* lua, std::size_t bytes);
  // Whether host code may put that much into the heap, after a collection if need be.
  bool has_room(lua_State* lua, std::size_t bytes);
  // Raises when script code has nested too deep on the C stack.
  void check_stack(lua_State* lua) const;
  // Memory outside of the heap that script code keeps alive: it counts as if it were inside.
  bool pin(lua_State* lua, std::size_t bytes);
  void unpin(std::size_t bytes) { used_bytes_ -= bytes; }

  lua_State* main() const { return main_; }
  // Who runs, or the main thread.
  lua_State* current() const { return current_ ? current_ : main_; }
  std::size_t used_bytes() const { return used_bytes_; }

  // For what has to survive an error raised while a binding pushes or reads it. Not kept across a
  // call of a service, which may run other bindings.
  std::string scratch;
  wire::Value scratch_value;

 private:
  static void* allocate(void* self, void* block, std::size_t old_bytes, std::size_t bytes);
  static void on_count(lua_State* lua, lua_Debug*);
  void begin(const Budget& budget);
  Budget left() const;
  int usual_stride() const;
  void set_stride(int stride);
  bool over();
  const char* spent_text() const;
  [[noreturn]] void kill(lua_State* lua);

  Host host_;
  Script& script_;
  Bounds bounds_;
  lua_State* main_ = nullptr;
  lua_State* current_ = nullptr;
  lua_Alloc base_ = nullptr;
  void* base_self_ = nullptr;
  std::size_t used_bytes_ = 0, cap_bytes_ = 0, churn_bytes_ = 0;
  bool denied_ = false, retired_ = false, beside_large_ = false;
  int depth_ = 0, held_ = 0;
  int stride_ = 0;  // instructions from one count hook to the next
  Spent spent_ = Spent::nothing;
  std::string killed_text_, killed_trace_;
  std::uint64_t deadline_us_ = 0, steps_left_ = 0;
  std::uintptr_t stack_base_ = 0;
};

}  // namespace kith::lua
