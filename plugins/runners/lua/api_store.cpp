// SPDX-License-Identifier: MIT
// kith.store: get, put, delete, list, and tx by way of the prelude. Values are kept as DAG-CBOR.
#include <algorithm>

#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

constexpr const char* kNoStore = "this node keeps no store";
constexpr lua_Integer kListMax = 1'000, kListUsual = 100;

const Services& services_of(lua_State* lua) { return Script::of(lua).services(); }

// ---- Nothing in here raises.

void write_cbor(State& state) {
  state.scratch = as_text(wire::encode_cbor(state.scratch_value));
  state.scratch_value = wire::Value();
}

// Into the scratch value, or as the scratch text why not.
bool read_stored(State& state, kith_buf* stored) {
  auto value = wire::decode_cbor(view(stored->b));
  kith_buf_unref(stored);
  if (value) {
    state.scratch_value = *std::move(value);
  } else {
    state.scratch = value.error().message();
  }
  return static_cast<bool>(value);
}

// Values that were not written by a script are left out.
struct Listing {
  wire::Value::List rows;
  std::size_t limit = 0, bytes = 0;

  static int add(void* ctx, kith_bytes key, kith_bytes value) {
    Listing& to = *static_cast<Listing*>(ctx);
    auto decoded = wire::decode_cbor(view(value));
    if (!decoded) return 0;
    wire::Value row;
    row["key"] = text_or_bytes(view(key));
    row["value"] = *std::move(decoded);
    to.rows.push_back(std::move(row));
    to.bytes += key.n + value.n;
    return to.rows.size() >= to.limit || to.bytes >= kListBytesMax ? 1 : 0;
  }
};

int list_into(State& state, std::string_view prefix, std::string_view after, std::size_t limit) {
  const Services& services = state.script().services();
  Listing listing;
  listing.limit = limit;
  const int r =
      services.kv->each(services.kv_self, c_bytes(prefix), c_bytes(after), &Listing::add, &listing);
  state.scratch_value = wire::Value(std::move(listing.rows));
  return r;
}

void write_refusal(State& state, int code) { state.scratch = state.script().host().why(code); }

// ---- the calls

int give_refusal(lua_State* lua, int code) {
  State& state = State::of(lua);
  write_refusal(state, code);
  return give_error(lua, code, state.scratch.c_str());
}

int give_value(lua_State* lua) {
  State& state = State::of(lua);
  const bool fits = push_fitting(lua, state.scratch_value, Nulls::keep);
  state.scratch_value = wire::Value();
  return fits ? 1 : give_error(lua, KITH_LIMIT, "the app's memory has no room for it");
}

int get(lua_State* lua) {
  State& state = State::of(lua);
  const Services& services = services_of(lua);
  const std::string_view key = check_text(lua, 1);
  if (!services.kv) return give_absent(lua, kNoStore);
  state.charge(lua, 500);
  kith_buf* stored = nullptr;
  const int r = services.kv->get(services.kv_self, c_bytes(key), &stored);
  if (r == KITH_ABSENT) {
    lua_pushnil(lua);
    return 1;
  }
  if (r < 0) return give_refusal(lua, r);
  state.afford(stored->b.n / 16);
  if (!read_stored(state, stored)) return give_error(lua, KITH_BAD, state.scratch.c_str());
  return give_value(lua);
}

int commit(lua_State* lua, const kith_write* writes, std::size_t count) {
  const Services& services = services_of(lua);
  if (!services.kv) return give_absent(lua, kNoStore);
  Wait* const wait = open_wait(lua, &read_nothing);
  if (!wait) return 2;
  return wait_for(lua, *wait, services.kv->commit(services.kv_self, writes, count, wait->done()));
}

// The value at `index` as text of DAG-CBOR on top of the stack. `level`: whose line an error names.
void pack(lua_State* lua, int index, int level, const char* call) {
  State& state = State::of(lua);
  const char* why = lua_isnoneornil(lua, index) ? "a value expected; delete takes a key away"
                                                : read_value(lua, index, state.scratch_value);
  if (why) {
    luaL_where(lua, level);
    lua_pushfstring(lua, "%s: %s", call, why);
    lua_concat(lua, 2);
    lua_error(lua);
  }
  write_cbor(state);
  state.charge(lua, state.scratch.size());
  lua_pushlstring(lua, state.scratch.data(), state.scratch.size());
}

int put(lua_State* lua) {
  const std::string_view key = check_text(lua, 1);
  pack(lua, 2, 1, "kith.store.put");
  const kith_write write{c_bytes(key), c_bytes(check_text(lua, -1)), 0};
  return commit(lua, &write, 1);
}

int erase(lua_State* lua) {
  const kith_write write{c_bytes(check_text(lua, 1)), {}, 1};
  return commit(lua, &write, 1);
}

int list(lua_State* lua) {
  State& state = State::of(lua);
  const std::string_view prefix = lua_isnoneornil(lua, 1) ? "" : check_text(lua, 1);
  std::string_view after;
  lua_Integer limit = kListUsual;
  if (!lua_isnoneornil(lua, 2)) {
    luaL_checktype(lua, 2, LUA_TTABLE);
    lua_getfield(lua, 2, "after");
    if (!lua_isnil(lua, -1)) after = check_text(lua, -1);
    lua_getfield(lua, 2, "limit");
    limit = std::clamp<lua_Integer>(luaL_optinteger(lua, -1, kListUsual), 1, kListMax);
  }
  if (!services_of(lua).kv) return give_absent(lua, kNoStore);
  const int r = list_into(state, prefix, after, static_cast<std::size_t>(limit));
  if (r < 0) return give_refusal(lua, r);
  state.charge(lua, 100 * static_cast<std::uint64_t>(limit));
  return give_value(lua);
}

// ---- for kith.store.tx, raw

int pack_raw(lua_State* lua) {
  pack(lua, 1, 2, "put");
  return 1;
}

int unpack_raw(lua_State* lua) {
  State& state = State::of(lua);
  const kith_bytes text = c_bytes(check_text(lua, 1));
  kith_buf borrowed{text, 1, [](kith_buf*) {}};
  read_stored(state, &borrowed);
  return give_value(lua);
}

// A flat list: key, packed value or false, key, ...
int commit_raw(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const std::size_t count = std::min<std::size_t>(lua_objlen(lua, 1) / 2, kWritesMax);
  auto* writes = static_cast<kith_write*>(lua_newuserdata(lua, (count + 1) * sizeof(kith_write)));
  for (std::size_t i = 0; i < count; ++i) {
    const int at = static_cast<int>(2 * i + 1);
    lua_rawgeti(lua, 1, at);
    lua_rawgeti(lua, 1, at + 1);
    const bool erases = !lua_isstring(lua, -1);
    // Views of texts that the list keeps.
    writes[i] = {c_bytes(check_text(lua, -2)), erases ? kith_bytes{} : c_bytes(check_text(lua, -1)),
                 erases ? 1 : 0};
    lua_pop(lua, 2);
  }
  return commit(lua, writes, count);
}

}  // namespace

void add_store(lua_State* lua) {
  static constexpr luaL_Reg kCalls[] = {
      {"get", &get},       {"put", &put},           {"delete", &erase},      {"list", &list},
      {"pack", &pack_raw}, {"unpack", &unpack_raw}, {"commit", &commit_raw}, {}};
  lua_newtable(lua);
  luaL_register(lua, nullptr, kCalls);
  lua_setfield(lua, -2, "store");
}

}  // namespace kith::lua
