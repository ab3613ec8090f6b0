// SPDX-License-Identifier: MIT
// kith.ledger(name): append, read, timeline, verify; `on` is the prelude's. An object is a table
// with the ledger's name.
#include <algorithm>
#include <cmath>

#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"
#include "engine/wire/peer_id.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

constexpr lua_Integer kPageMax = 1'000;
constexpr double kTimeMaxS = 9e9;  // in microseconds still a whole number to Lua

const Services& services_of(lua_State* lua) { return Script::of(lua).services(); }

std::string cid_text(kith_bytes cid) {
  const auto read = wire::Cid::from_bytes(view(cid));
  return read ? read->text() : "";
}

wire::Value row_of(const kith_entry& entry) {
  wire::Value row;
  row["id"] = cid_text(entry.id);
  row["author"] = wire::to_base58(view(entry.author));
  row["feed"] = cid_text(entry.feed);
  row["seq"] = entry.seq;
  row["time"] = static_cast<double>(entry.time_us) / 1e6;
  row["arrival"] = entry.arrival;
  row["type"] = text(entry.type);
  row["late"] = (entry.flags & KITH_ENTRY_LATE) != 0;
  row["fork"] = (entry.flags & KITH_ENTRY_FORK) != 0;
  row["early"] = (entry.flags & KITH_ENTRY_EARLY) != 0;
  if (entry.flags & KITH_ENTRY_DROPPED) {
    row["dropped"] = true;
    return row;
  }
  row["data"] = to_vector(view(entry.body));
  if (wire::is_utf8(view(entry.body))) row["text"] = text(entry.body);
  return row;
}

Result<wire::Value> read_appended(Wait&, std::int64_t, const void* result) {
  const auto& entry = *static_cast<const kith_entry*>(result);
  wire::Value row;
  row["id"] = cid_text(entry.id);
  row["feed"] = cid_text(entry.feed);
  row["seq"] = entry.seq;
  row["time"] = static_cast<double>(entry.time_us) / 1e6;
  return row;
}

// The entries; `left` tells whether there are more.
Result<wire::Value> read_page(Wait& wait, std::int64_t, const void* result) {
  const auto& page = *static_cast<const kith_page*>(result);
  wire::Value::List rows;
  for (std::size_t i = 0; i < page.n; ++i) rows.push_back(row_of(page.entries[i]));
  wait.left = page.more != 0 ? 1 : 0;
  return wire::Value(std::move(rows));
}

int push_page(lua_State* lua, Wait& wait) {
  if (wait.error < 0) return give_error(lua, wait.error, wait.why.c_str());
  if (!push_fitting(lua, wait.value, Nulls::drop))
    return give_error(lua, KITH_LIMIT, "the app's memory has no room for so many: ask for fewer");
  lua_pushboolean(lua, wait.left);
  return 2;
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

// `after` of a timeline is a time in seconds; else a number of arrival.
void check_query(lua_State* lua, kith_query& query, wire::PeerId& author) {
  if (lua_isnoneornil(lua, 2)) return;
  luaL_checktype(lua, 2, LUA_TTABLE);
  const bool by_time = (query.flags & KITH_READ_TIMELINE) != 0;
  lua_getfield(lua, 2, "after");
  const double after = luaL_optnumber(lua, -1, 0);
  luaL_argcheck(lua, after >= 0 && after <= kTimeMaxS, 2, "after: no number of that kind");
  query.after = static_cast<std::uint64_t>(by_time ? std::round(after * 1e6) : after);
  lua_getfield(lua, 2, "limit");
  query.limit = static_cast<std::uint32_t>(
      std::clamp<lua_Integer>(luaL_optinteger(lua, -1, kPageMax), 1, kPageMax));
  lua_getfield(lua, 2, "newest");
  if (lua_toboolean(lua, -1)) query.flags |= KITH_READ_NEWEST;
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
  wait->push = &push_page;
  return wait_for(
      lua, *wait,
      services.ledgers->read(services.ledgers_self, c_bytes(name), &query, wait->done()));
}

int read(lua_State* lua) { return read_as(lua, 0); }
int timeline(lua_State* lua) { return read_as(lua, KITH_READ_TIMELINE); }

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
  static constexpr luaL_Reg kMethods[] = {
      {"append", &append}, {"read", &read}, {"timeline", &timeline}, {"verify", &verify}, {}};
  luaL_newmetatable(lua, kLedgerKey);
  lua_newtable(lua);
  luaL_register(lua, nullptr, kMethods);
  lua_setfield(lua, -2, "__index");
  lua_pushcclosure(lua, &open, 1);
  lua_setfield(lua, -2, "ledger");
}

}  // namespace kith::lua
