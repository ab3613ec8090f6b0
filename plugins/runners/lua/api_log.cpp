// SPDX-License-Identifier: MIT
// kith.log.debug, info, warn, error(text, [fields]): one line each, the fields as key=value.
#include "engine/wire/json.h"
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

bool is_word(const std::string& text) {
  return !text.empty() && text.find_first_of(" \t\n\"=") == text.npos;
}

void append_fields(std::string& line, const wire::Value& fields) {
  if (!fields.map()) return;
  for (const auto& [name, value] : *fields.map()) {
    line += ' ' + name + '=';
    const std::string* text = value.string();
    if (text && is_word(*text)) {
      line += *text;
    } else if (!wire::append_exact_json(line, value)) {
      line += "(bytes)";
    }
  }
}

// Errors of ours, and what is no data, go by their text.
void flatten(lua_State* lua, int from, int to) {
  lua_pushnil(lua);
  while (lua_next(lua, from) != 0) {
    const int type = lua_type(lua, -1);
    const bool is_error = type == LUA_TTABLE && lua_getmetatable(lua, -1);
    if (is_error) lua_pop(lua, 1);
    lua_pushvalue(lua, -2);
    if (is_error || type == LUA_TFUNCTION || type == LUA_TUSERDATA || type == LUA_TTHREAD) {
      push_error_text(lua, lua_gettop(lua) - 1);
    } else {
      lua_pushvalue(lua, -2);
    }
    lua_rawset(lua, to);
    lua_pop(lua, 1);
  }
}

void write(State& state, int level, std::string_view text) {
  std::string line(text);
  append_fields(line, state.scratch_value);
  state.scratch_value = wire::Value();
  state.script().write_log(level, line);
}

template <int level>
int log(lua_State* lua) {
  State& state = State::of(lua);
  lua_settop(lua, 2);
  if (lua_type(lua, 1) != LUA_TSTRING) {
    push_error_text(lua, 1);
    lua_replace(lua, 1);
  }
  std::size_t size = 0;
  const char* text = lua_tolstring(lua, 1, &size);
  state.scratch_value = wire::Value();
  if (lua_istable(lua, 2)) {
    lua_newtable(lua);
    flatten(lua, 2, 3);
    if (const char* why = read_value(lua, 3, state.scratch_value))
      return luaL_error(lua, "kith.log: %s", why);
  }
  state.charge(lua, 100);
  write(state, level, std::string_view(text, size));
  return 0;
}

}  // namespace

void add_log(lua_State* lua) {
  static constexpr luaL_Reg kCalls[] = {{"debug", &log<KITH_LOG_DEBUG>},
                                        {"info", &log<KITH_LOG_INFO>},
                                        {"warn", &log<KITH_LOG_WARN>},
                                        {"error", &log<KITH_LOG_ERROR>},
                                        {}};
  lua_newtable(lua);
  luaL_register(lua, nullptr, kCalls);
  lua_setfield(lua, -2, "log");
}

}  // namespace kith::lua
