// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/state.h"

#include <cstdio>
#include <cstdlib>

namespace kith::lua {

namespace {

constexpr int kStride = 1'000;
// Beside blocks of that size one instruction (a comparison, a concatenation that makes a string
// that is there already) can take milliseconds that no allocation shows.
constexpr int kStrideLarge = 50;
constexpr std::size_t kLargeBytes = 256 * 1024;
// Once a budget is spent, every instruction raises: a loop of pcalls cannot swallow that.
constexpr int kStrideSpent = 1;
constexpr std::size_t kHostRoom = 2 * 1024 * 1024;
// Bytes allocated between two hooks before the next one comes early: `s .. s` is one instruction.
constexpr std::size_t kChurnMax = 4 * 1024 * 1024;
constexpr std::size_t kBytesPerStep = 64;
constexpr std::size_t kStackMax = 1024 * 1024;

std::uintptr_t stack_here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

// Everything runs protected, so this is never reached unless we have a bug; going on would be
// worse.
int panic(lua_State* lua) {
  const char* why = lua_tostring(lua, -1);
  throw Fault(Error(KITH_BAD, std::string("unprotected Lua error: ") + (why ? why : "?")));
}

}  // namespace

State::State(Host host, Script& script, Bounds bounds)
    : host_(host), script_(script), bounds_(bounds) {
  main_ = luaL_newstate();
  if (!main_) throw Fault(Error(KITH_LIMIT, "no memory for a Lua state"));
  lua_atpanic(main_, &panic);
  used_bytes_ = static_cast<std::size_t>(lua_gc(main_, LUA_GCCOUNT, 0)) * 1024 +
                static_cast<std::size_t>(lua_gc(main_, LUA_GCCOUNTB, 0));
  cap_bytes_ = bounds_.memory_bytes + kHostRoom;
  base_ = lua_getallocf(main_, &base_self_);
  lua_setallocf(main_, &State::allocate, this);
  luaJIT_setmode(main_, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  // The collector runs early enough for a heap that is half full to stay within its bound.
  lua_gc(main_, LUA_GCSETPAUSE, 140);
  lua_gc(main_, LUA_GCSETSTEPMUL, 300);
}

State::~State() {
  lua_sethook(main_, nullptr, 0, 0);
  // lua_close gives its arena back only if it finds its own allocator.
  lua_setallocf(main_, base_, base_self_);
  lua_close(main_);
}

State& State::of(lua_State* lua) {
  void* self = nullptr;
  lua_getallocf(lua, &self);
  auto& state = *static_cast<State*>(self);
  state.current_ = lua;
  return state;
}

void* State::allocate(void* self, void* block, std::size_t old_bytes, std::size_t bytes) {
  auto& state = *static_cast<State*>(self);
  if (bytes > old_bytes) {
    const std::size_t more = bytes - old_bytes;
    if (more > state.cap_bytes_ || state.used_bytes_ > state.cap_bytes_ - more) {
      state.denied_ = true;
      return nullptr;
    }
    state.churn_bytes_ += more;
    if (bytes > kLargeBytes) state.beside_large_ = true;
    if (state.churn_bytes_ > kChurnMax && state.stride_ > kStrideSpent)
      state.set_stride(kStrideSpent);
  }
  void* made = state.base_(state.base_self_, block, old_bytes, bytes);
  if (made || bytes == 0) state.used_bytes_ += bytes - old_bytes;
  return made;
}

bool State::protect(lua_CFunction fn, void* arg, std::string& why) {
  lua_State* lua = current();
  if (depth_ == 0) stack_base_ = stack_here();
  const int top = lua_gettop(lua);
  const int status = lua_cpcall(lua, fn, arg);
  if (status == 0) return true;
  const char* text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : nullptr;
  why = text ? text : "an error that is no text";
  lua_settop(lua, top);
  return false;
}

int State::resume(lua_State* thread, int arguments, Budget& budget) {
  lua_State* const caller = current_;
  const std::size_t cap_bytes = cap_bytes_;
  const int held = std::exchange(held_, 0);
  if (depth_++ == 0) begin(budget);
  current_ = thread;
  cap_bytes_ = bounds_.memory_bytes;
  const int status = lua_resume(thread, arguments);
  cap_bytes_ = cap_bytes;
  current_ = caller;
  held_ = held;
  --depth_;
  if (status == LUA_YIELD) budget = left();
  if (denied_ && spent_ == Spent::nothing) spent_ = Spent::memory;
  return status;
}

void State::begin(const Budget& budget) {
  spent_ = Spent::nothing;
  deadline_us_ = host_.now_us() + budget.cpu_us;
  steps_left_ = budget.instructions;
  churn_bytes_ = 0;
  killed_text_.clear();
  killed_trace_.clear();
  set_stride(usual_stride());
}

Budget State::left() const {
  const std::uint64_t now_us = host_.now_us();
  return {deadline_us_ > now_us ? deadline_us_ - now_us : 0, steps_left_};
}

int State::usual_stride() const { return beside_large_ ? kStrideLarge : kStride; }

void State::set_stride(int stride) {
  if (stride == stride_) return;
  stride_ = stride;
  lua_sethook(main_, &State::on_count, LUA_MASKCOUNT, stride);
}

const char* State::spent_text() const {
  switch (spent_) {
    case Spent::nothing: return "";
    case Spent::time: return "stopped: it took too much time";
    case Spent::instructions: return "stopped: it ran too many instructions";
    case Spent::memory: return "stopped: out of memory";
    case Spent::retired: return "stopped: the app was unloaded";
  }
  return "";
}

void State::retire() {
  retired_ = true;
  set_stride(kStrideSpent);
}

bool State::over() {
  if (spent_ != Spent::nothing) return true;
  if (retired_) {
    spent_ = Spent::retired;
  } else if (denied_) {
    spent_ = Spent::memory;
  } else if (steps_left_ == 0) {
    spent_ = Spent::instructions;
  } else if (host_.now_us() > deadline_us_) {
    spent_ = Spent::time;
  }
  return spent_ != Spent::nothing;
}

// Where it stood is asked now: a dead coroutine cannot tell the line of its innermost function.
void State::kill(lua_State* lua) {
  set_stride(kStrideSpent);
  if (killed_text_.empty()) {
    const std::size_t cap_bytes = std::exchange(cap_bytes_, bounds_.memory_bytes + kHostRoom);
    luaL_where(lua, 0);
    if (lua_objlen(lua, -1) == 0) luaL_where(lua, 1);
    lua_pushstring(lua, spent_text());
    lua_concat(lua, 2);
    killed_text_ = lua_tostring(lua, -1);
    luaL_traceback(lua, lua, killed_text_.c_str(), 0);
    killed_trace_ = lua_tostring(lua, -1);
    cap_bytes_ = cap_bytes;
  }
  lua_pushlstring(lua, killed_text_.data(), killed_text_.size());
  lua_error(lua);
  std::abort();  // lua_error does not return
}

bool State::afford(std::uint64_t steps) {
  if (depth_ == 0) return true;  // host code has no budget
  steps_left_ -= steps < steps_left_ ? steps : steps_left_;
  // Small change is not worth a look at the clock.
  if (steps < kStride && steps_left_ > 0 && spent_ == Spent::nothing) return true;
  return !over();
}

void State::charge(lua_State* lua, std::uint64_t steps) {
  if (!afford(steps)) kill(lua);
}

void State::on_count(lua_State* lua, lua_Debug*) {
  void* self = nullptr;
  lua_getallocf(lua, &self);
  auto& state = *static_cast<State*>(self);
  const std::uint64_t steps =
      static_cast<std::uint64_t>(state.usual_stride()) + state.churn_bytes_ / kBytesPerStep;
  const bool is_crowded =
      state.churn_bytes_ > kChurnMax && state.used_bytes_ > state.bounds_.memory_bytes / 2;
  state.churn_bytes_ = 0;
  if (state.depth_ > 0 && (!state.afford(steps) || state.over())) state.kill(lua);
  // The collector alone does not keep up with large texts that are dropped at once.
  if (is_crowded && state.afford(state.used_bytes_ / kBytesPerStep)) lua_gc(lua, LUA_GCCOLLECT, 0);
  state.set_stride(state.usual_stride());
  state.check_stack(lua);
}

void State::check_stack(lua_State* lua) const {
  const std::uintptr_t here = stack_here();
  if (stack_base_ > here && stack_base_ - here > kStackMax) luaL_error(lua, "C stack overflow");
}

void State::need_room(lua_State* lua, std::size_t bytes) {
  const auto fits = [this, bytes] {
    return bytes <= cap_bytes_ && used_bytes_ <= cap_bytes_ - bytes;
  };
  if (!fits()) {
    charge(lua, used_bytes_ / kBytesPerStep);  // what the collection costs
    lua_gc(lua, LUA_GCCOLLECT, 0);
  }
  if (!fits()) luaL_error(lua, "not enough memory for a result of that size");
  charge(lua, bytes / kBytesPerStep);
}

bool State::has_room(lua_State* lua, std::size_t bytes) {
  const std::size_t cap = bounds_.memory_bytes;
  const auto fits = [this, cap, bytes] { return bytes <= cap && used_bytes_ <= cap - bytes; };
  if (!fits()) lua_gc(lua, LUA_GCCOLLECT, 0);
  return fits();
}

bool State::pin(lua_State* lua, std::size_t bytes) {
  if (!has_room(lua, bytes)) return false;
  used_bytes_ += bytes;
  return true;
}

}  // namespace kith::lua
