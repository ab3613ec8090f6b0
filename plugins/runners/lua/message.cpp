// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/message.h"

#include <memory>

#include "engine/wire/encodings.h"
#include "engine/wire/json.h"
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

constexpr const char* kKey = "kith.message";

struct Message {
  kith_message fields{};
  Buffer hold;
  State* state = nullptr;
  std::size_t pinned_bytes = 0;
  bool has_json = false;  // its environment holds what was parsed
};

// One buffer for all views of a message that nothing holds.
Buffer copy_views(kith_message& message) {
  kith_bytes* const each[] = {&message.topic, &message.id, &message.data, &message.from,
                              &message.via};
  ByteVector bytes;
  for (const kith_bytes* piece : each) append(bytes, view(*piece));
  Buffer made = Buffer::take(std::move(bytes));
  std::size_t at = 0;
  for (kith_bytes* piece : each) {
    piece->p = made.bytes().data() + at;
    at += piece->n;
  }
  return made;
}

// Nothing in here raises: the scratch text is pushed by the caller.
void write_peer(State& state, kith_bytes id) {
  state.scratch = state.script().peer_texts.of(view(id));
}
void write_hex(State& state, kith_bytes id) { state.scratch = wire::to_hex(view(id)); }
void write_number(State& state, std::uint64_t number) { state.scratch = std::to_string(number); }
bool write_json(State& state, kith_bytes data) {
  auto parsed = wire::from_json(text(data));
  if (parsed) state.scratch_value = *std::move(parsed);
  return static_cast<bool>(parsed);
}

void push(lua_State* lua, std::string_view text) { lua_pushlstring(lua, text.data(), text.size()); }

void push_json(State& state, lua_State* lua, Message& message) {
  if (message.has_json) {
    lua_getfenv(lua, 1);
    lua_rawgeti(lua, -1, 1);
    return;
  }
  const kith_bytes data = message.fields.data;
  state.charge(lua, data.n);
  if (!write_json(state, data)) return lua_pushnil(lua);
  lua_createtable(lua, 1, 0);
  push_value(lua, state.scratch_value, Nulls::keep);
  state.scratch_value = wire::Value();
  lua_pushvalue(lua, -1);
  lua_rawseti(lua, -3, 1);
  lua_insert(lua, -2);
  lua_setfenv(lua, 1);
  message.has_json = true;
}

void push_field(State& state, lua_State* lua, Message& message, std::string_view name) {
  const kith_message& fields = message.fields;
  if (name == "text") {
    state.charge(lua, fields.data.n / 16);
    if (!wire::is_utf8(view(fields.data))) return lua_pushnil(lua);
    return push(lua, text(fields.data));
  }
  if (name == "data") return push(lua, text(fields.data));
  if (name == "topic") return push(lua, text(fields.topic));
  if (name == "json") return push_json(state, lua, message);
  if (name == "received") return lua_pushnumber(lua, static_cast<double>(fields.received_us) / 1e6);
  if (name == "id") {
    write_hex(state, fields.id);
  } else if (name == "from" && fields.from.n > 0) {
    write_peer(state, fields.from);
  } else if (name == "via" && fields.via.n > 0) {
    write_peer(state, fields.via);
  } else if (name == "seqno" && fields.seqno != 0) {
    write_number(state, fields.seqno);
  } else {
    return lua_pushnil(lua);
  }
  push(lua, state.scratch);
}

int get_field(lua_State* lua) {
  State& state = State::of(lua);
  auto* message = static_cast<Message*>(luaL_checkudata(lua, 1, kKey));
  if (lua_type(lua, 2) != LUA_TSTRING) return 0;
  std::size_t size = 0;
  const char* name = lua_tolstring(lua, 2, &size);
  push_field(state, lua, *message, std::string_view(name, size));
  return 1;
}

int refuse_write(lua_State* lua) { return luaL_error(lua, "a message is read-only"); }

int free_message(lua_State* lua) {
  auto* message = static_cast<Message*>(lua_touserdata(lua, 1));
  message->state->unpin(message->pinned_bytes);
  std::destroy_at(message);
  return 0;
}

void fill(Message& to, const kith_message& from) {
  to.fields = from;
  to.fields.hold = nullptr;
  to.hold = from.hold ? Buffer::share(from.hold) : copy_views(to.fields);
}

}  // namespace

void open_messages(lua_State* lua) {
  luaL_newmetatable(lua, kKey);
  static constexpr luaL_Reg kMethods[] = {
      {"__index", &get_field}, {"__newindex", &refuse_write}, {"__gc", &free_message}, {}};
  luaL_register(lua, nullptr, kMethods);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
}

bool push_message(State& state, lua_State* lua, const kith_message& message) {
  const std::size_t bytes = message.data.n + 256;
  void* const room = lua_newuserdata(lua, sizeof(Message));
  if (!state.pin(lua, bytes)) {
    lua_pop(lua, 1);
    return false;
  }
  auto* made = std::construct_at(static_cast<Message*>(room));
  made->state = &state;
  made->pinned_bytes = bytes;
  luaL_getmetatable(lua, kKey);
  lua_setmetatable(lua, -2);
  fill(*made, message);
  return true;
}

}  // namespace kith::lua
