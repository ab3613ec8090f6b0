// SPDX-License-Identifier: MIT
// How a script's functions are run, and what becomes of it when they do badly.
#include <algorithm>

#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

bool Script::is_idle() const { return failed_ || retired_ || is_suspended(); }

void Script::execute(Run& run) {
  run.script = this;
  if (is_idle()) {
    run.failed = true;
    run.why = failed_ ? "the app has failed: see its log" : "the app is suspended: see its log";
    return leave(run);
  }
  step(run);
  if (retired_) return;
  if (!run.waits) return leave(run);
  auto kept = std::make_unique<Run>(std::move(run));
  kept->event = nullptr;
  const std::uint32_t id = kept->id;
  runs_.emplace(id, std::move(kept));
}

void Script::leave(Run& run) {
  if (run.ended && !retired_) run.ended(*this, run);
}

// Runs it on, until it ends or waits.
void Script::step(Run& run) {
  Run* const outer = std::exchange(on_, &run);
  std::string why;
  run.waits = false;
  if (!state_->protect(&step_protected, &run, why)) {
    run.failed = true;
    run.why = run.traceback = why;
  }
  on_ = outer;
  if (retired_) return;
  if (!run.waits && run.wait != 0) drop_wait(run.wait);  // ended before it yielded
  judge(run);
}

// Leaves the thread on the stack of `lua`, so that it lives while it runs. Returns the number of
// its arguments.
int Script::begin_thread(lua_State* lua, Run& run, lua_State*& thread) {
  if (run.thread != LUA_NOREF) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, run.thread);
    luaL_unref(lua, LUA_REGISTRYINDEX, std::exchange(run.thread, LUA_NOREF));
    thread = lua_tothread(lua, -1);
    lua_settop(thread, 0);
    const int results = push_landed(lua, *run.landed);
    if (!lua_checkstack(thread, results)) return luaL_error(lua, "too many results");
    lua_xmove(lua, thread, results);
    return results;
  }
  thread = lua_newthread(lua);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, run.function);
  const int arguments = run.push(lua, run);
  if (arguments < 0) {
    run.had_no_room = true;
    return luaL_error(lua, "its memory has no room for the event");
  }
  lua_xmove(lua, thread, arguments + 1);
  return arguments;
}

int Script::step_protected(lua_State* lua) {
  auto& run = *static_cast<Run*>(lua_touserdata(lua, 1));
  State& state = run.script->state();
  lua_State* thread = nullptr;
  const int arguments = begin_thread(lua, run, thread);
  const int status = state.resume(thread, arguments, run.budget);
  // An error raised on the thread itself would find nobody who protects it.
  if (status == 0) {
    lua_settop(thread, 2);
    lua_xmove(thread, lua, 2);
    if (run.take) run.take(lua, lua_gettop(lua) - 1, run);
    return 0;
  }
  if (status == LUA_YIELD) {
    if (run.wait == 0) return luaL_error(lua, "a yield to nobody");
    run.thread = luaL_ref(lua, LUA_REGISTRYINDEX);
    run.waits = true;
    return 0;
  }
  run.failed = true;
  if (state.spent() != Spent::nothing && !state.killed_text().empty()) {
    run.why = state.killed_text();
    run.traceback = state.killed_trace();
    return 0;
  }
  if (lua_gettop(thread) > 0) {
    lua_xmove(thread, lua, 1);
  } else {
    lua_pushnil(lua);
  }
  push_error_text(lua, lua_gettop(lua));
  const char* text = lua_tostring(lua, -1);
  run.why = text;
  luaL_traceback(lua, thread, text, 0);
  run.traceback = lua_tostring(lua, -1);
  return 0;
}

// Strikes are counted by the outermost run alone: what it set off shared its budget.
void Script::judge(Run& run) {
  if (!run.traceback.empty()) write_log(KITH_LOG_ERROR, run.what + ": " + run.traceback);
  if (state_->running()) return;
  if (state_->out_of_memory()) {
    fail();
    run.failed = true;
    run.waits = false;
    return;
  }
  if (run.waits) return;
  const Spent spent = state_->spent();
  const bool was_killed = run.failed && (spent == Spent::time || spent == Spent::instructions);
  const bool is_strike = was_killed || run.had_no_room;
  strikes_ = is_strike ? strikes_ + 1 : 0;
  if (strikes_ >= kStrikesMax) suspend();
}

void Script::fail() {
  failed_ = true;
  const std::string why = "it needs more than " + std::to_string(options_.bounds.memory_bytes) +
                          " bytes of memory; start it again when it is mended";
  write_log(KITH_LOG_ERROR, "app failed: " + why);
  tell(KITH_APP_FAILED, why);
  drop_waits();
  while (!runs_.empty() && !retired_)
    drop_run(runs_.begin()->first, "the app has failed: see its log");
}

void Script::suspend() {
  const std::uint64_t now_us = host_.now_us();
  const bool calm = now_us > suspended_until_us_ + kSuspendMaxUs;
  back_off_us_ =
      calm || back_off_us_ == 0 ? kSuspendFirstUs : std::min(2 * back_off_us_, kSuspendMaxUs);
  suspended_until_us_ = now_us + back_off_us_;
  strikes_ = 0;
  const std::string why = "for " + std::to_string(back_off_us_ / 1'000'000) + " s: it spent " +
                          std::to_string(kStrikesMax) + " budgets in a row";
  write_log(KITH_LOG_WARN, "app suspended " + why);
  tell(KITH_APP_SUSPENDED, why);
  waking_ = host_.after(back_off_us_, {[](void* ctx, std::int64_t, const void*) {
                                         Script& self = *static_cast<Script*>(ctx);
                                         self.waking_.forget();
                                         self.tell(KITH_APP_RUNNING, "");
                                       },
                                       this});
}

// In a turn of its own: whoever hears it may unload the app.
void Script::tell(int state, const std::string& sentence) {
  if (!services_.apps) return;
  fare_ = state;
  fare_why_ = sentence;
  telling_ = host_.after(0, {[](void* ctx, std::int64_t, const void*) {
                               Script& self = *static_cast<Script*>(ctx);
                               self.telling_.forget();
                               self.services_.apps->tell(self.services_.apps_self, self.fare_,
                                                         c_bytes(self.fare_why_));
                             },
                             this});
}

// At most so many lines a second; the rest is counted.
void Script::write_log(int level, std::string_view line) {
  if (retired_) return;
  const std::uint64_t second = host_.now_us() / 1'000'000;
  if (second != log_second_) {
    log_second_ = second;
    log_lines_ = 0;
    if (const std::uint32_t dropped = std::exchange(log_dropped_, 0))
      host_.warn("log lines dropped count=" + std::to_string(dropped));
  }
  if (log_lines_ >= options_.log_lines_per_s) {
    ++log_dropped_;
    return;
  }
  ++log_lines_;
  host_.log(level, line.substr(0, kLogLineMax));
}

}  // namespace kith::lua
