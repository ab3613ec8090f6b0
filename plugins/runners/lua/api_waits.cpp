// SPDX-License-Identifier: MIT
// kith.sleep(duration), kith.parallel(fn, ...), kith.call(command, [args], [on_part]): what waits
// and needs no service of its own.
#include <algorithm>

#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

int sleep(lua_State* lua) {
  const std::uint64_t us = check_duration_us(lua, 1);
  Wait* const wait = open_wait(lua, &read_nothing);
  if (!wait) return 2;
  const Host& host = wait->host();
  return wait_for(lua, *wait, host.loop().after(host.raw(), us, wait->done()));
}

// ---- parallel

int push_parts(lua_State* lua, Wait& wait) {
  if (wait.error < 0) return give_error(lua, wait.error, wait.why.c_str());
  luaL_checkstack(lua, wait.count + 1, "too many results");
  lua_rawgeti(lua, LUA_REGISTRYINDEX, wait.results);
  const int table = lua_gettop(lua);
  for (int i = 1; i <= wait.count; ++i) lua_rawgeti(lua, table, i);
  lua_remove(lua, table);
  return wait.count;
}

int parallel(lua_State* lua) {
  const int count = lua_gettop(lua);
  luaL_argcheck(lua, count > 0 && count <= static_cast<int>(kWaitsMax), count,
                "1 to 64 functions expected");
  for (int i = 1; i <= count; ++i) luaL_checktype(lua, i, LUA_TFUNCTION);
  Wait* const wait = open_wait(lua, &read_nothing);
  if (!wait) return 2;
  Script& script = Script::of(lua);
  wait->push = &push_parts;
  wait->count = wait->left = count;
  lua_createtable(lua, count, 0);
  wait->results = luaL_ref(lua, LUA_REGISTRYINDEX);
  std::uint32_t begun[kWaitsMax];
  for (int i = 0; i < count; ++i) {
    lua_pushvalue(lua, i + 1);
    const int function = luaL_ref(lua, LUA_REGISTRYINDEX);
    const Script::Hooked part = script.start_part(wait->id, i + 1, function);
    begun[i] = part.id;
    if (part.id != 0) continue;
    luaL_unref(lua, LUA_REGISTRYINDEX, function);
    std::for_each(begun, begun + i, [&script](std::uint32_t id) { script.release(id); });
    script.drop_wait(wait->id);
    return give_error(lua, KITH_LIMIT, part.why);
  }
  return yield_for(lua);
}

// ---- call

// Into the scratch text; without a table there are none.
void write_arguments(State& state, bool given) {
  if (!given) state.scratch_value = wire::Value(wire::Value::Map());
  state.scratch = as_text(wire::encode_cbor(state.scratch_value));
  state.scratch_value = wire::Value();
}

int call(lua_State* lua) {
  State& state = State::of(lua);
  lua_settop(lua, 3);
  const char* name = luaL_checkstring(lua, 1);
  const bool has_args = !lua_isnil(lua, 2);
  if (has_args) {
    luaL_checktype(lua, 2, LUA_TTABLE);
    if (const char* why = read_value(lua, 2, state.scratch_value))
      return luaL_error(lua, "kith.call: %s", why);
    if (!state.scratch_value.map()) return luaL_argerror(lua, 2, "arguments by name expected");
  }
  const bool has_part = !lua_isnil(lua, 3);
  if (has_part) luaL_checktype(lua, 3, LUA_TFUNCTION);
  write_arguments(state, has_args);
  state.charge(lua, state.scratch.size());
  Wait* const wait = open_wait(lua, &read_body);
  if (!wait) return 2;
  wait->what = name;
  if (has_part) wait->function = luaL_ref(lua, LUA_REGISTRYINDEX);
  const Host& host = wait->host();
  const kith_bytes args = c_bytes(std::string_view(state.scratch));
  return wait_for(lua, *wait, host.bus().call(host.raw(), name, args, wait->each()));
}

}  // namespace

void add_waits(lua_State* lua) {
  static constexpr luaL_Reg kCalls[] = {
      {"sleep", &sleep}, {"parallel", &parallel}, {"call", &call}, {}};
  luaL_register(lua, nullptr, kCalls);
}

}  // namespace kith::lua
