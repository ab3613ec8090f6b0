// SPDX-License-Identifier: MIT
// kith.json: encode(value) -> text, decode(text) -> value or nil and an error, null.
#include "engine/wire/json.h"
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/state.h"

namespace kith::lua {

namespace {

bool write_text(State& state) {
  state.scratch.clear();
  return wire::append_exact_json(state.scratch, state.scratch_value);
}

// The value, or in scratch the sentence why not.
bool parse(State& state, std::string_view text) {
  auto parsed = wire::from_json(text);
  if (parsed) {
    state.scratch_value = *std::move(parsed);
  } else {
    state.scratch = parsed.error().message();
  }
  return static_cast<bool>(parsed);
}

int encode(lua_State* lua) {
  State& state = State::of(lua);
  luaL_checkany(lua, 1);
  const char* why = read_value(lua, 1, state.scratch_value);
  if (!why && !write_text(state)) why = "text that is not UTF-8";
  if (why) return luaL_error(lua, "kith.json.encode: %s", why);
  state.need_room(lua, 2 * state.scratch.size());
  lua_pushlstring(lua, state.scratch.data(), state.scratch.size());
  return 1;
}

int decode(lua_State* lua) {
  State& state = State::of(lua);
  std::size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  state.charge(lua, 2 * size);
  if (!parse(state, std::string_view(text, size)))
    return give_error(lua, KITH_BAD, state.scratch.c_str());
  push_value(lua, state.scratch_value, Nulls::keep);
  state.scratch_value = wire::Value();
  return 1;
}

}  // namespace

void add_json(lua_State* lua) {
  static constexpr luaL_Reg kCalls[] = {{"encode", &encode}, {"decode", &decode}, {}};
  lua_newtable(lua);
  luaL_register(lua, nullptr, kCalls);
  push_null(lua);
  lua_setfield(lua, -2, "null");
  lua_setfield(lua, -2, "json");
}

}  // namespace kith::lua
