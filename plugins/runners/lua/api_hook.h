// SPDX-License-Identifier: MIT
// What the registering calls give a script back: an object with off() and cancel(), which are one.
#pragma once
#include "plugins/runners/lua/script.h"

namespace kith::lua {

inline constexpr const char* kHookKey = "kith.hook";

// Hooks the function at `index` by way of hook(script, reference), which does not raise.
template <class Fn>
int give_hook(lua_State* lua, int index, const char* call, const char* name, Fn hook) {
  Script& script = Script::of(lua);
  auto* id = static_cast<std::uint32_t*>(lua_newuserdata(lua, sizeof(std::uint32_t)));
  *id = 0;
  luaL_getmetatable(lua, kHookKey);
  lua_setmetatable(lua, -2);
  lua_pushvalue(lua, index);
  const int function = luaL_ref(lua, LUA_REGISTRYINDEX);
  const Script::Hooked hooked = hook(script, function);
  if (hooked.id == 0) {
    luaL_unref(lua, LUA_REGISTRYINDEX, function);
    return luaL_error(lua, "%s '%s': %s", call, name, hooked.why);
  }
  *id = hooked.id;
  return 1;
}

}  // namespace kith::lua
