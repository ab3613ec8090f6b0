// SPDX-License-Identifier: MIT
// kith.ledger(name): append, read, timeline, get, on, verify. An object is a table with the
// ledger's name; its id is found when it is first asked for (prelude_waits.cpp).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/wire/cid.h"
#include "engine/wire/peer_id.h"
#include "plugins/runners/lua/api_hook.h"
#include "plugins/runners/lua/ledger_rows.h"
#include "plugins/runners/lua/sandbox.h"

namespace kith::lua {

namespace {

constexpr lua_Integer kPageMax = 1'000;
constexpr double kTimeMaxS = 9e9;  // in microseconds still a whole number to Lua
constexpr double kArrivalMax = 9e15;

const Services& services_of(lua_State* lua) { return Script::of(lua).services(); }

Result<wire::Value> read_appended(Wait&, std::int64_t, const void* result) {
  return appended_row(*static_cast<const kith_entry*>(result));
}

Result<wire::Value> read_entry(Wait&, std::int64_t, const void* result) {
  return entry_row(*static_cast<const kith_entry*>(result));
}

// What is not there is nil, and no error.
int push_entry(lua_State* lua, Wait& wait) {
  if (wait.error == KITH_ABSENT) {
    lua_pushnil(lua);
    return 1;
  }
  if (wait.error < 0) return give_error(lua, wait.error, wait.why.c_str());
  if (push_fitting(lua, wait.value, Nulls::drop)) return 1;
  return give_error(lua, KITH_LIMIT, "the app's memory has no room for the entry");
}

// The entries; `left` tells whether there are more, `next` where they begin.
Result<wire::Value> read_page(Wait& wait, std::int64_t, const void* result) {
  const auto& page = *static_cast<const kith_page*>(result);
  wait.next = wait.is_backwards ? page.before : page.next;
  wait.left = (wait.is_backwards ? page.before != 0 : page.more != 0) ? 1 : 0;
  return wire::Value(entry_rows(page));
}

int push_page(lua_State* lua, Wait& wait) {
  if (wait.error < 0) return give_error(lua, wait.error, wait.why.c_str());
  if (!push_fitting(lua, wait.value, Nulls::drop))
    return give_error(lua, KITH_LIMIT, "the app's memory has no room for so many: ask for fewer");
  lua_pushboolean(lua, wait.left);
  return 2;
}

// Where the next page begins: a number of arrival; of a timeline text, as it tells entries of one
// time apart and has no meaning but that.
int push_page_by_arrival(lua_State* lua, Wait& wait) {
  const int results = push_page(lua, wait);
  if (wait.error < 0 || lua_isnil(lua, -results)) return results;
  lua_pushnumber(lua, static_cast<double>(wait.next));
  return results + 1;
}

int push_page_by_time(lua_State* lua, Wait& wait) {
  const int results = push_page(lua, wait);
  if (wait.error < 0 || lua_isnil(lua, -results)) return results;
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, wait.next).ptr;
  lua_pushlstring(lua, digits, static_cast<std::size_t>(end - digits));
  return results + 1;
}

// ---- arguments

std::string_view check_name(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushliteral(lua, "name");
  lua_rawget(lua, 1);
  lua_replace(lua, 1);
  return check_text(lua, 1);
}

bool read_author(std::string_view given, wire::PeerId& author) {
  const auto read = wire::PeerId::from_text(given);
  if (read) author = *read;
  return static_cast<bool>(read);
}

bool read_cursor(std::string_view given, std::uint64_t& to) {
  const char* const end = given.data() + given.size();
  const auto read = std::from_chars(given.data(), end, to);
  return read.ec == std::errc() && read.ptr == end;
}

// A number of arrival; of a timeline a time in seconds, or the text that a page gave.
std::uint64_t check_place(lua_State* lua, const char* name, bool by_time) {
  lua_getfield(lua, 2, name);
  std::uint64_t place = 0;
  if (lua_isnil(lua, -1)) return place;
  if (by_time && lua_type(lua, -1) == LUA_TSTRING) {
    if (!read_cursor(check_text(lua, -1), place))
      luaL_error(lua, "%s: neither a time nor what a page gave", name);
    return place;
  }
  const double given = lua_tonumber(lua, -1);
  if (!lua_isnumber(lua, -1) || !(given >= 0 && given <= (by_time ? kTimeMaxS : kArrivalMax)))
    luaL_error(lua, "%s: %s expected", name, by_time ? "a time in seconds" : "a number of arrival");
  return static_cast<std::uint64_t>(by_time ? std::round(given * 1e6) : given);
}

// Views what stands in the table at 2, and lives as long as that.
void check_query(lua_State* lua, kith_query& query, wire::PeerId& author) {
  if (lua_isnoneornil(lua, 2)) return;
  luaL_checktype(lua, 2, LUA_TTABLE);
  const bool by_time = (query.flags & KITH_READ_TIMELINE) != 0;
  query.after = check_place(lua, "after", by_time);
  query.before = check_place(lua, "before", by_time);
  lua_getfield(lua, 2, "limit");
  query.limit = static_cast<std::uint32_t>(
      std::clamp<lua_Integer>(luaL_optinteger(lua, -1, kPageMax), 1, kPageMax));
  lua_getfield(lua, 2, "newest");
  if (lua_toboolean(lua, -1)) query.flags |= KITH_READ_NEWEST;
  lua_getfield(lua, 2, "type");
  if (!lua_isnil(lua, -1)) query.type = c_bytes(check_text(lua, -1));
  lua_getfield(lua, 2, "author");
  if (lua_isnil(lua, -1)) return;
  luaL_argcheck(lua, read_author(check_text(lua, -1), author), 2, "author: no peer id");
  query.author = c_bytes(author.bytes());
}

int read_as(lua_State* lua, unsigned flags) {
  const std::string_view name = check_name(lua);
  kith_query query{};
  query.size = sizeof query;
  query.flags = flags;
  wire::PeerId author;
  check_query(lua, query, author);
  const Services& services = services_of(lua);
  Wait* const wait = open_wait(lua, &read_page);
  if (!wait) return 2;
  wait->is_backwards = (query.flags & KITH_READ_NEWEST) != 0;
  wait->push = flags & KITH_READ_TIMELINE ? &push_page_by_time : &push_page_by_arrival;
  return wait_for(
      lua, *wait,
      services.ledgers->read(services.ledgers_self, c_bytes(name), &query, wait->done()));
}

int read(lua_State* lua) { return read_as(lua, 0); }
int timeline(lua_State* lua) { return read_as(lua, KITH_READ_TIMELINE); }

bool write_cid(State& state, std::string_view given) {
  const auto read = wire::Cid::from_text(given);
  if (read) state.scratch = as_text(read->bytes());
  return static_cast<bool>(read);
}

int get(lua_State* lua) {
  const std::string_view name = check_name(lua);
  State& state = State::of(lua);
  if (!write_cid(state, check_text(lua, 2)))
    return give_error(lua, KITH_BAD, "that is no entry's id: one begins with \"bafyrei\"");
  const Services& services = services_of(lua);
  const std::size_t with_find = offsetof(kith_ledgers, find) + sizeof services.ledgers->find;
  if (services.ledgers->size < with_find || !services.ledgers->find)
    return give_absent(lua, "this node finds no entry by its id");
  Wait* const wait = open_wait(lua, &read_entry);
  if (!wait) return 2;
  wait->push = &push_entry;
  const kith_bytes id = c_bytes(std::string_view(state.scratch));
  return wait_for(lua, *wait,
                  services.ledgers->find(services.ledgers_self, c_bytes(name), id, wait->done()));
}

// (self, [opts], fn). Text is Lua's until it is copied, and nothing raises after that.
int on(lua_State* lua) {
  const std::string_view name = check_name(lua);
  const int index = lua_isfunction(lua, 2) ? 2 : 3;
  luaL_checktype(lua, index, LUA_TFUNCTION);
  bool has_after = false;
  std::uint64_t after = 0;
  std::string_view type;
  if (index == 3) {
    luaL_checktype(lua, 2, LUA_TTABLE);
    after = check_place(lua, "after", false);
    has_after = !lua_isnil(lua, -1);
    lua_getfield(lua, 2, "type");
    if (!lua_isnil(lua, -1)) type = check_text(lua, -1);
  }
  const auto wish = [&] {
    Follower::Wish made{std::string(name), std::string(type), std::nullopt};
    if (has_after) made.after = after;
    return made;
  };
  return give_hook(
      lua, index, "ledger:on", lua_tostring(lua, 1),
      [&wish](Script& script, int function) { return script.follow(wish(), function); });
}

int append(lua_State* lua) {
  const std::string_view name = check_name(lua);
  const std::string_view type = check_text(lua, 2);
  const std::string_view body = check_data(lua, 3, "append");
  const Services& services = services_of(lua);
  Wait* const wait = open_wait(lua, &read_appended);
  if (!wait) return 2;
  return wait_for(lua, *wait,
                  services.ledgers->append(services.ledgers_self, c_bytes(name), c_bytes(type),
                                           c_bytes(body), wait->done()));
}

int verify(lua_State* lua) {
  const std::string_view name = check_name(lua);
  const Services& services = services_of(lua);
  Wait* const wait = open_wait(lua, &read_body);
  if (!wait) return 2;
  return wait_for(lua, *wait,
                  services.ledgers->verify(services.ledgers_self, c_bytes(name), wait->each()));
}

void write_refusal(State& state, int code) { state.scratch = state.script().host().why(code); }

// Upvalue 1: the metatable of the objects.
int open(lua_State* lua) {
  State& state = State::of(lua);
  const std::string_view name = check_text(lua, 1);
  const Services& services = services_of(lua);
  if (!services.ledgers) return give_absent(lua, "this node keeps no ledgers");
  const int r = services.ledgers->open(services.ledgers_self, c_bytes(name));
  if (r < 0) {
    write_refusal(state, r);
    return give_error(lua, r, state.scratch.c_str());
  }
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, "name");
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_setmetatable(lua, -2);
  return 1;
}

}  // namespace

void add_ledger(lua_State* lua) {
  static constexpr luaL_Reg kMethods[] = {{"append", &append},
                                          {"read", &read},
                                          {"timeline", &timeline},
                                          {"get", &get},
                                          {"on", &on},
                                          {"verify", &verify},
                                          {}};
  luaL_newmetatable(lua, kLedgerKey);
  lua_newtable(lua);
  luaL_register(lua, nullptr, kMethods);
  lua_setfield(lua, -2, "__index");
  lua_pushcclosure(lua, &open, 1);
  lua_setfield(lua, -2, "ledger");
}

}  // namespace kith::lua
