// SPDX-License-Identifier: MIT
// What a script waits for, and how its runs go on then.
#include <algorithm>

#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

Wait* Script::find_wait(std::uint32_t id) {
  const auto found = waits_.find(id);
  return found == waits_.end() ? nullptr : found->second.get();
}

Wait* Script::add_wait() {
  if (retired_ || waits_.size() >= kWaitsMax) return nullptr;
  if (on_->id == 0) on_->id = ++last_id_;
  const std::uint32_t id = on_->wait = ++last_id_;
  auto made = std::make_unique<Wait>(Wait{.script = this, .id = id, .run = on_->id});
  return waits_.emplace(id, std::move(made)).first->second.get();
}

void Script::forget(Wait& wait) {
  host_.api()->cancel(host_.raw(), wait.op);
  luaL_unref(state_->current(), LUA_REGISTRYINDEX, wait.function);
  luaL_unref(state_->current(), LUA_REGISTRYINDEX, wait.results);
}

void Script::drop_wait(std::uint32_t id) {
  const auto found = waits_.find(id);
  if (found == waits_.end()) return;
  if (on_ && on_->wait == id) on_->wait = 0;
  forget(*found->second);
  waits_.erase(found);
}

void Script::drop_waits() {
  while (!waits_.empty()) drop_wait(waits_.begin()->first);
}

void Script::drop_run(std::uint32_t id, const std::string& why) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  const std::unique_ptr<Run> run = std::move(found->second);
  runs_.erase(found);
  drop_wait(run->wait);
  luaL_unref(state_->current(), LUA_REGISTRYINDEX, run->thread);
  run->failed = true;
  run->why = why;
  leave(*run);
}

void Script::on_done(void* ctx, std::int64_t r, const void* result) {
  Wait& wait = *static_cast<Wait*>(ctx);
  wait.op = nullptr;
  if (r < 0) {
    wait.error = static_cast<int>(r);
    wait.why = result ? to_string(*static_cast<const kith_bytes*>(result))
                      : describe(static_cast<kith_err>(r));
  } else if (auto read = wait.read(wait, r, result)) {
    wait.value = *std::move(read);
  } else {
    wait.error = read.error().code() < 0 ? read.error().code() : KITH_BAD;
    wait.why = read.error().message();
  }
  wait.script->come_back(wait.id);
}

void Script::on_each(void* ctx, std::int64_t r, const void* result) {
  Wait& wait = *static_cast<Wait*>(ctx);
  if (r != KITH_CALL_PART) return on_done(ctx, r, result);
  if (wait.function != LUA_NOREF) wait.script->hear_part(wait, result);
}

// What the function says is false: enough.
void Script::hear_part(Wait& wait, const void* result) {
  const std::uint32_t id = wait.id;
  Run run;
  run.what = "part of " + wait.what;
  run.function = wait.function;
  run.budget = {options_.handler_us, options_.bounds.instructions};
  run.value =
      wire::decode_body(view(*static_cast<const kith_bytes*>(result))).value_or(wire::Value());
  run.push = [](lua_State* lua, Run& now) -> int {
    return push_fitting(lua, now.value, Nulls::drop) ? 1 : -1;
  };
  run.take = [](lua_State* lua, int first, Run& now) {
    now.answer = lua_isboolean(lua, first) && !lua_toboolean(lua, first) ? 1 : 0;
  };
  execute(run);
  Wait* const still = find_wait(id);
  if (run.answer == 0 || !still) return;
  host_.api()->cancel(host_.raw(), std::exchange(still->op, nullptr));
  come_back(id);
}

void Script::defer(Wait& wait, std::uint64_t us) {
  const auto again = [](void* ctx, std::int64_t, const void*) {
    Wait& due = *static_cast<Wait*>(ctx);
    due.op = nullptr;
    due.script->come_back(due.id);
  };
  wait.op = host_.loop().after(host_.raw(), us, {again, &wait});
}

// The run goes on: not on top of another of this script's, and not while it is suspended.
void Script::come_back(std::uint32_t id) {
  Wait* const due = find_wait(id);
  if (!due) return;
  if (state_->running()) return defer(*due, 0);
  if (is_suspended()) return defer(*due, suspended_until_us_ - host_.now_us());
  const auto found = runs_.find(due->run);
  if (found == runs_.end()) return drop_wait(id);
  std::unique_ptr<Run> run = std::move(found->second);
  runs_.erase(found);
  const std::unique_ptr<Wait> wait = std::move(waits_.at(id));
  waits_.erase(id);
  run->wait = 0;
  run->landed = wait.get();
  step(*run);
  if (retired_) return;
  forget(*wait);
  if (!run->waits) return leave(*run);
  const std::uint32_t kept = run->id;
  runs_.emplace(kept, std::move(run));
}

// ---- kith.parallel

void Script::take_part(lua_State* lua, int first, Run& run) {
  Wait* const wait = run.script->find_wait(run.parent);
  if (!wait) return;
  lua_rawgeti(lua, LUA_REGISTRYINDEX, wait->results);
  lua_pushvalue(lua, first);
  lua_rawseti(lua, -2, run.place);
}

void Script::end_part(const Run& run) {
  Wait* const wait = find_wait(run.parent);
  if (!wait) return;
  if (run.failed && wait->error == 0) {
    wait->error = KITH_BAD;
    wait->why = "function " + std::to_string(run.place) + ": " + run.why;
  }
  if (--wait->left == 0) come_back(wait->id);
}

}  // namespace kith::lua
