// SPDX-License-Identifier: MIT
// kith.on, validate, every, after, command: what is hooked. kith.publish, join, leave: topics.
#include <algorithm>

#include "engine/wire/encodings.h"
#include "plugins/runners/lua/api_hook.h"
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/sandbox.h"

namespace kith::lua {

namespace {

int release(lua_State* lua) {
  auto* id = static_cast<std::uint32_t*>(luaL_checkudata(lua, 1, kHookKey));
  if (*id != 0) Script::of(lua).release(std::exchange(*id, 0));
  return 0;
}

struct OnOptions {
  int priority = 0;
  unsigned flags = 0;
};

OnOptions check_options(lua_State* lua, int index) {
  OnOptions options;
  luaL_checktype(lua, index, LUA_TTABLE);
  lua_pushnil(lua);
  while (lua_next(lua, index) != 0) {
    const char* name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?";
    const std::string_view known(name);
    if (known == "priority") {
      options.priority =
          static_cast<int>(std::clamp<lua_Integer>(luaL_checkinteger(lua, -1), -1'000, 1'000));
    } else if (known == "own") {
      options.flags = lua_toboolean(lua, -1) ? KITH_ON_OWN : 0;
    } else {
      luaL_error(lua, "kith.on: unknown option '%s'; there are 'priority' and 'own'", name);
    }
    lua_pop(lua, 1);
  }
  return options;
}

int on(lua_State* lua) {
  const char* pattern = luaL_checkstring(lua, 1);
  const bool has_options = !lua_isfunction(lua, 2);
  const OnOptions options = has_options ? check_options(lua, 2) : OnOptions();
  const int index = has_options ? 3 : 2;
  luaL_checktype(lua, index, LUA_TFUNCTION);
  return give_hook(lua, index, "kith.on", pattern, [&](Script& script, int function) {
    return script.on(pattern, options.priority, options.flags, function);
  });
}

int validate(lua_State* lua) {
  luaL_checkstring(lua, 1);
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  lua_pushliteral(lua, "validate/");
  lua_pushvalue(lua, 1);
  lua_concat(lua, 2);
  const char* pattern = lua_tostring(lua, -1);
  return give_hook(
      lua, 2, "kith.validate", lua_tostring(lua, 1),
      [pattern](Script& script, int function) { return script.validate(pattern, function); });
}

int start_timer(lua_State* lua, const char* call, bool repeats) {
  const std::uint64_t us = check_duration_us(lua, 1);
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  return give_hook(lua, 2, call, "timer", [us, repeats](Script& script, int function) {
    return script.start_timer(us, repeats, function);
  });
}
int every(lua_State* lua) { return start_timer(lua, "kith.every", true); }
int after(lua_State* lua) { return start_timer(lua, "kith.after", false); }

// Raw: the prelude has put the declaration in order. ({name, summary, args}, fn)
int command(lua_State* lua) {
  State& state = State::of(lua);
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  if (const char* why = read_value(lua, 1, state.scratch_value))
    return luaL_error(lua, "kith.command: %s", why);
  lua_getfield(lua, 1, "name");
  return give_hook(lua, 2, "kith.command", lua_tostring(lua, -1),
                   [&state](Script& script, int function) {
                     return script.add_command(state.scratch_value, function);
                   });
}

// ---- topics

struct Published {
  int peers = 0;
  std::uint8_t id[128];
  std::size_t id_bytes = 0;
};

// No Lua in here: handlers of this very script may run inside of the call.
Published publish_now(const Host& host, std::string_view topic, std::string_view data) {
  Published out;
  out.peers = host.topics().publish(host.raw(), c_bytes(topic), c_bytes(data), out.id,
                                    sizeof out.id, &out.id_bytes);
  return out;
}

void write_hex(State& state, Bytes id) { state.scratch = wire::to_hex(id); }
void write_refusal(State& state, int code) { state.scratch = state.script().host().why(code); }

int publish(lua_State* lua) {
  State& state = State::of(lua);
  lua_settop(lua, 2);
  const std::string_view topic = check_text(lua, 1);
  const std::string_view data = check_data(lua, 2, "kith.publish");
  state.check_stack(lua);
  state.charge(lua, 100 + data.size() / 16);
  const Published published = publish_now(state.script().host(), topic, data);
  if (published.peers < 0) {
    write_refusal(state, published.peers);
    return give_error(lua, published.peers, state.scratch.c_str());
  }
  lua_createtable(lua, 0, 2);
  write_hex(state, Bytes(published.id, published.id_bytes));
  lua_pushlstring(lua, state.scratch.data(), state.scratch.size());
  lua_setfield(lua, -2, "id");
  lua_pushinteger(lua, published.peers);
  lua_setfield(lua, -2, "peers");
  return 1;
}

int join(lua_State* lua) {
  const Host& host = Script::of(lua).host();
  const int r = host.topics().join(host.raw(), c_bytes(check_text(lua, 1)));
  if (r < 0) return luaL_error(lua, "kith.join '%s': no name of a topic", lua_tostring(lua, 1));
  return 0;
}

int leave(lua_State* lua) {
  const Host& host = Script::of(lua).host();
  host.topics().leave(host.raw(), c_bytes(check_text(lua, 1)));
  return 0;
}

}  // namespace

void add_events(lua_State* lua) {
  luaL_newmetatable(lua, kHookKey);
  lua_createtable(lua, 0, 2);
  lua_pushcfunction(lua, &release);
  lua_setfield(lua, -2, "off");
  lua_pushcfunction(lua, &release);
  lua_setfield(lua, -2, "cancel");
  lua_setfield(lua, -2, "__index");
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
  static constexpr luaL_Reg kCalls[] = {
      {"on", &on},       {"validate", &validate}, {"every", &every},
      {"after", &after}, {"command", &command},   {"publish", &publish},
      {"join", &join},   {"leave", &leave},       {}};
  luaL_register(lua, nullptr, kCalls);
}

}  // namespace kith::lua
