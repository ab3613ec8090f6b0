// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/run.h"

#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

// Its address is the mark.
constexpr char kMark = 0;

void write_refusal(State& state) { state.scratch = state.script().host().why(KITH_REFUSED); }

}  // namespace

kith_done Wait::done() { return {&Script::on_done, this}; }
kith_done Wait::each() { return {&Script::on_each, this}; }
const Host& Wait::host() const { return script->host(); }

Result<wire::Value> read_nothing(Wait&, std::int64_t, const void*) { return wire::Value(true); }

Result<wire::Value> read_body(Wait&, std::int64_t, const void* result) {
  return wire::decode_body(view(*static_cast<const kith_bytes*>(result)));
}

Wait* open_wait(lua_State* lua, ReadResult read) {
  Script& script = Script::of(lua);
  if (!script.can_wait(lua)) {
    luaL_error(lua,
               "cannot wait here: neither in a validator nor inside of a function that "
               "the library calls");
  }
  script.state().charge(lua, 100);
  Wait* const wait = script.add_wait();
  if (wait) {
    wait->read = read;
  } else {
    give_error(lua, KITH_LIMIT, "too many waits are under way");
  }
  return wait;
}

int wait_for(lua_State* lua, Wait& wait, kith_op* op) {
  State& state = State::of(lua);
  if (!op) {
    write_refusal(state);
    state.script().drop_wait(wait.id);
    return give_error(lua, KITH_REFUSED, state.scratch.c_str());
  }
  wait.op = op;
  return yield_for(lua);
}

int yield_for(lua_State* lua) {
  push_wait_mark(lua);
  return lua_yield(lua, 1);
}

void push_wait_mark(lua_State* lua) { lua_pushlightuserdata(lua, const_cast<char*>(&kMark)); }

int push_landed(lua_State* lua, Wait& wait) {
  if (wait.push) return wait.push(lua, wait);
  if (wait.error < 0) return give_error(lua, wait.error, wait.why.c_str());
  if (wait.value.is_null()) {
    lua_pushnil(lua);
    return 1;
  }
  if (push_fitting(lua, wait.value, wait.nulls)) return 1;
  return give_error(lua, KITH_LIMIT, "the app's memory has no room for the result");
}

}  // namespace kith::lua
