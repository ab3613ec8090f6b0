// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/sandbox.h"

#include <cmath>

#include "engine/wire/encodings.h"
#include "engine/wire/json.h"
#include "engine/wire/quantity.h"
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/message.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

// ffi, jit, package, debug and io are not opened at all; os loses all but clock, date and time in
// the prelude.
void open_libraries(lua_State* lua) {
  static constexpr luaL_Reg kLibraries[] = {{"", &luaopen_base},
                                            {LUA_TABLIBNAME, &luaopen_table},
                                            {LUA_STRLIBNAME, &luaopen_string},
                                            {LUA_MATHLIBNAME, &luaopen_math},
                                            {LUA_BITLIBNAME, &luaopen_bit},
                                            {LUA_OSLIBNAME, &luaopen_os}};
  for (const luaL_Reg& library : kLibraries) {
    lua_pushcfunction(lua, library.func);
    lua_pushstring(lua, library.name);
    lua_call(lua, 1, 0);
  }
}

// math.random repeats by the loop's seed.
void seed_random(lua_State* lua, const Host& host) {
  lua_getglobal(lua, "math");
  lua_getfield(lua, -1, "randomseed");
  lua_pushnumber(lua, static_cast<double>(host.random_u64() >> 11));
  lua_call(lua, 1, 0);
  lua_pop(lua, 1);
}

int now(lua_State* lua) {
  const std::uint64_t us = Script::of(lua).host().wall_us();
  lua_pushnumber(lua, static_cast<double>(us) / 1e6);
  return 1;
}

int clock_s(lua_State* lua) {
  lua_pushnumber(lua, static_cast<double>(Script::of(lua).host().now_us()) / 1e6);
  return 1;
}

int charge(lua_State* lua) {
  State::of(lua).charge(lua, static_cast<std::uint64_t>(luaL_checkinteger(lua, 1)));
  return 0;
}

int collect(lua_State* lua) {
  State& state = State::of(lua);
  state.charge(lua, state.used_bytes() / 64);  // about what it costs
  lua_gc(lua, LUA_GCCOLLECT, 0);
  return 0;
}

int hold(lua_State* lua) {
  State::of(lua).hold(static_cast<int>(luaL_checkinteger(lua, 1)));
  return 0;
}

void write_id(State& state) { state.scratch = wire::to_base58(state.script().host().self()); }

void open_kith(lua_State* lua, const wire::Value& config) {
  lua_newtable(lua);
  add_events(lua);
  add_log(lua);
  add_json(lua);
  add_waits(lua);
  add_store(lua);
  add_ledger(lua);
  add_http(lua, config);
  push_value(lua, config, Nulls::drop);
  lua_setfield(lua, -2, "config");
  State& state = State::of(lua);
  write_id(state);
  lua_pushlstring(lua, state.scratch.data(), state.scratch.size());
  lua_setfield(lua, -2, "id");
  lua_pushcfunction(lua, &now);
  lua_setfield(lua, -2, "now");
  lua_setglobal(lua, "kith");
}

void run_chunk(lua_State* lua, const char* chunk, int arguments) {
  if (luaL_loadbufferx(lua, chunk, std::char_traits<char>::length(chunk), "=kith", "t") != 0)
    lua_error(lua);
  lua_insert(lua, -1 - arguments);
  lua_call(lua, arguments, 0);
}

// What the prelude has beyond what a script will have.
void push_host(lua_State* lua) {
  lua_newtable(lua);
  static constexpr luaL_Reg kHost[] = {
      {"clock", &clock_s}, {"charge", &charge}, {"collect", &collect}, {"hold", &hold}, {}};
  luaL_register(lua, nullptr, kHost);
  luaL_getmetatable(lua, kErrorKey);
  lua_setfield(lua, -2, "error");
  luaL_getmetatable(lua, kListKey);
  lua_setfield(lua, -2, "list");
  luaL_getmetatable(lua, kLedgerKey);
  lua_setfield(lua, -2, "ledger");
  push_wait_mark(lua);
  lua_setfield(lua, -2, "mark");
  lua_pushinteger(lua, static_cast<lua_Integer>(kSourceBytesMax));
  lua_setfield(lua, -2, "source_bytes_max");
  lua_pushinteger(lua, kCoroutinesMax);
  lua_setfield(lua, -2, "coroutines_max");
  lua_pushinteger(lua, kWritesMax);
  lua_setfield(lua, -2, "writes_max");
}

void run_preludes(lua_State* lua) {
  push_host(lua);
  lua_pushvalue(lua, -1);
  run_chunk(lua, kPreludeWaits, 1);
  run_chunk(lua, kPrelude, 1);
}

struct Code {
  int code;
  const char* name;
  bool retryable;
};
constexpr Code kCodes[] = {
    {KITH_AGAIN, "again", true},     {KITH_CLOSED, "closed", false},   {KITH_RESET, "reset", true},
    {KITH_TIMEOUT, "timeout", true}, {KITH_REFUSED, "refused", false}, {KITH_LIMIT, "limit", true},
    {KITH_BAD, "bad", false},        {KITH_ABSENT, "absent", false},   {KITH_IO, "io", true}};

constexpr double kDurationMaxS = 100.0 * 366 * 86'400;

bool write_json(State& state) {
  state.scratch.clear();
  return wire::append_exact_json(state.scratch, state.scratch_value);
}

}  // namespace

void open_sandbox(lua_State* lua, const wire::Value& config) {
  open_libraries(lua);
  patch_strings(lua);
  luaL_newmetatable(lua, kErrorKey);
  luaL_newmetatable(lua, kListKey);
  lua_pop(lua, 2);
  seed_random(lua, Script::of(lua).host());
  open_messages(lua);
  open_kith(lua, config);
  run_preludes(lua);
}

void push_error_text(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
      lua_pushvalue(lua, index);
      lua_tostring(lua, -1);
      return;
    case LUA_TTABLE:
      lua_pushliteral(lua, "message");
      lua_rawget(lua, index);
      if (lua_type(lua, -1) == LUA_TSTRING) return;
      lua_pop(lua, 1);
      [[fallthrough]];
    default: lua_pushfstring(lua, "an error that is a %s value", luaL_typename(lua, index));
  }
}

int give_error(lua_State* lua, int code, const char* message) {
  const Code* known = &kCodes[6];
  for (const Code& each : kCodes) {
    if (each.code == code) known = &each;
  }
  lua_pushnil(lua);
  lua_createtable(lua, 0, 3);
  lua_pushstring(lua, known->name);
  lua_setfield(lua, -2, "code");
  lua_pushstring(lua, message);
  lua_setfield(lua, -2, "message");
  lua_pushboolean(lua, known->retryable);
  lua_setfield(lua, -2, "retryable");
  luaL_getmetatable(lua, kErrorKey);
  lua_setmetatable(lua, -2);
  return 2;
}

int give_absent(lua_State* lua, const char* what) {
  lua_pushfstring(lua, "not offered here: %s", what);
  return give_error(lua, KITH_ABSENT, lua_tostring(lua, -1));
}

std::string_view check_text(lua_State* lua, int index) {
  std::size_t size = 0;
  const char* start = luaL_checklstring(lua, index, &size);
  return {start, size};
}

std::uint64_t check_duration_us(lua_State* lua, int index) {
  double seconds = -1;
  if (lua_type(lua, index) == LUA_TNUMBER) {
    seconds = lua_tonumber(lua, index);
  } else if (lua_type(lua, index) == LUA_TSTRING) {
    seconds = wire::parse_duration(lua_tostring(lua, index)).value_or(-1);
  }
  if (!(seconds >= 0 && seconds <= kDurationMaxS))
    luaL_argerror(lua, index, "a duration expected: seconds, or text such as \"30s\"");
  return static_cast<std::uint64_t>(std::llround(seconds * 1e6));
}

std::string_view check_data(lua_State* lua, int index, const char* call) {
  if (lua_type(lua, index) != LUA_TTABLE) return check_text(lua, index);
  State& state = State::of(lua);
  const char* why = read_value(lua, index, state.scratch_value);
  if (!why && !write_json(state)) why = "text that is not UTF-8";
  if (why) luaL_error(lua, "%s: %s", call, why);
  state.charge(lua, state.scratch.size());
  lua_pushlstring(lua, state.scratch.data(), state.scratch.size());
  lua_replace(lua, index);
  return check_text(lua, index);
}

}  // namespace kith::lua
