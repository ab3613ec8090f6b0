// SPDX-License-Identifier: MIT
// How a script's functions are run, and what becomes of it when they do badly.
#include <algorithm>

#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

bool Script::is_idle() const {
  return failed_ || retired_ || (suspended_until_us_ > 0 && host_.now_us() < suspended_until_us_);
}

bool Script::execute(Run& run, std::string_view what) {
  if (is_idle()) {
    run.failed = true;
    run.why = failed_ ? "the app has failed: see its log" : "the app is suspended: see its log";
    return false;
  }
  run.state = state_.get();
  const std::string name(what);  // what runs may release the hook that it belongs to
  std::string why;
  if (!state_->protect(&execute_protected, &run, why)) {
    run.failed = true;
    run.why = run.traceback = why;
  }
  if (!retired_) judge(run, name);
  return !run.failed;
}

int Script::execute_protected(lua_State* lua) {
  auto& run = *static_cast<Run*>(lua_touserdata(lua, 1));
  lua_State* const thread = lua_newthread(lua);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, run.function);
  const int arguments = run.push(lua, run);
  if (arguments < 0) {
    run.had_no_room = true;
    return luaL_error(lua, "its memory has no room for the event");
  }
  lua_xmove(lua, thread, arguments + 1);
  const int status = run.state->resume(thread, arguments, run.cpu_us);
  // An error raised on the thread itself would find nobody who protects it.
  if (status == 0) {
    lua_settop(thread, 2);
    lua_xmove(thread, lua, 2);
    if (run.take) run.take(lua, lua_gettop(lua) - 1, run);
    return 0;
  }
  run.failed = true;
  if (run.state->spent() != Spent::nothing && !run.state->killed_text().empty()) {
    run.why = run.state->killed_text();
    run.traceback = run.state->killed_trace();
    return 0;
  }
  if (status == LUA_YIELD) return luaL_error(lua, "coroutine.yield outside of a coroutine");
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
void Script::judge(const Run& run, std::string_view what) {
  if (!run.traceback.empty()) write_log(KITH_LOG_ERROR, std::string(what) + ": " + run.traceback);
  if (state_->running()) return;
  if (state_->out_of_memory()) {
    failed_ = true;
    write_log(KITH_LOG_ERROR, "app failed: it needs more than " +
                                  std::to_string(options_.bounds.memory_bytes) +
                                  " bytes of memory; start it again when it is mended");
    return;
  }
  const Spent spent = state_->spent();
  const bool was_killed = run.failed && (spent == Spent::time || spent == Spent::instructions);
  const bool is_strike = was_killed || run.had_no_room;
  strikes_ = is_strike ? strikes_ + 1 : 0;
  if (strikes_ >= kStrikesMax) suspend();
}

void Script::suspend() {
  const std::uint64_t now_us = host_.now_us();
  const bool calm = now_us > suspended_until_us_ + kSuspendMaxUs;
  back_off_us_ =
      calm || back_off_us_ == 0 ? kSuspendFirstUs : std::min(2 * back_off_us_, kSuspendMaxUs);
  suspended_until_us_ = now_us + back_off_us_;
  strikes_ = 0;
  write_log(KITH_LOG_WARN, "app suspended for " + std::to_string(back_off_us_ / 1'000'000) +
                               " s: it spent " + std::to_string(kStrikesMax) + " budgets in a row");
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
