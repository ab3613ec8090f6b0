// SPDX-License-Identifier: MIT
// string.find, match, gmatch, gsub with counted steps; rep, format and table.concat that look at
// the size of their result before they build it.
#include <cstring>

#include "plugins/runners/lua/match.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/state.h"

namespace kith::lua {

namespace {

Matcher::Leave leave_of(State& state) {
  return {[](void* ctx, std::uint64_t steps) { return static_cast<State*>(ctx)->afford(steps); },
          &state};
}

// After each match: pays for it, and raises what was wrong with the pattern.
void settle(lua_State* lua, State& state, const Matcher& matcher) {
  state.charge(lua, matcher.steps());
  if (matcher.error() && !matcher.out_of_steps()) luaL_error(lua, "%s", matcher.error());
}

struct Found {
  const Matcher& matcher;
  std::string_view subject;
  std::size_t start, end;
};

// The view of capture `at`; all of the match when the pattern has none. Raises on a bad one.
std::string_view capture_text(lua_State* lua, const Found& found, std::size_t at) {
  if (at >= found.matcher.captures()) {
    if (at > 0) luaL_error(lua, "invalid capture index");
    return found.subject.substr(found.start, found.end - found.start);
  }
  const Matcher::Capture& capture = found.matcher.capture(at);
  if (capture.kind == Matcher::Capture::Kind::open) luaL_error(lua, "unfinished capture");
  return found.subject.substr(capture.start, capture.size);
}

void push_capture(lua_State* lua, const Found& found, std::size_t at) {
  if (at < found.matcher.captures()) {
    const Matcher::Capture& capture = found.matcher.capture(at);
    if (capture.kind == Matcher::Capture::Kind::position)
      return lua_pushinteger(lua, static_cast<lua_Integer>(capture.start + 1));
  }
  const std::string_view text = capture_text(lua, found, at);
  lua_pushlstring(lua, text.data(), text.size());
}

int push_captures(lua_State* lua, const Found& found, bool whole_if_none) {
  std::size_t count = found.matcher.captures();
  if (count == 0 && whole_if_none) count = 1;
  luaL_checkstack(lua, static_cast<int>(count), "too many captures");
  for (std::size_t i = 0; i < count; ++i) push_capture(lua, found, i);
  return static_cast<int>(count);
}

std::size_t first_index(lua_State* lua, std::size_t size) {
  const lua_Integer given = luaL_optinteger(lua, 3, 1);
  if (given > 0) return std::min(static_cast<std::size_t>(given) - 1, size);
  if (given == 0) return 0;
  const std::size_t back = static_cast<std::size_t>(-(given + 1)) + 1;
  return back > size ? 0 : size - back;
}

int find_plain(lua_State* lua, State& state, std::string_view subject, std::string_view piece,
               std::size_t from) {
  state.charge(lua, (subject.size() - from + piece.size()) / 8);
  const char* start = subject.data() + from;
  const void* at = memmem(start, subject.size() - from, piece.data(), piece.size());
  if (!at) return 0;
  const auto first = static_cast<lua_Integer>(static_cast<const char*>(at) - subject.data());
  lua_pushinteger(lua, first + 1);
  lua_pushinteger(lua, first + static_cast<lua_Integer>(piece.size()));
  return 2;
}

int find_or_match(lua_State* lua, bool finds) {
  State& state = State::of(lua);
  const std::string_view subject = check_text(lua, 1);
  std::string_view pattern = check_text(lua, 2);
  const std::size_t from = first_index(lua, subject.size());
  const bool plain = lua_toboolean(lua, 4) ||
                     (pattern.size() < 64 && pattern.find_first_of("^$*+?.([%-") == pattern.npos);
  if (finds && plain) {
    if (find_plain(lua, state, subject, pattern, from) == 2) return 2;
    lua_pushnil(lua);
    return 1;
  }
  const bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  Matcher matcher(subject, pattern, leave_of(state));
  for (std::size_t at = from; at <= subject.size(); ++at) {
    const std::size_t end = matcher.match(at);
    if (end != Matcher::kNone) {
      settle(lua, state, matcher);
      const Found found{matcher, subject, at, end};
      if (!finds) return push_captures(lua, found, true);
      lua_pushinteger(lua, static_cast<lua_Integer>(at + 1));
      lua_pushinteger(lua, static_cast<lua_Integer>(end));
      return 2 + push_captures(lua, found, false);
    }
    if (anchored || matcher.error()) break;
  }
  settle(lua, state, matcher);
  lua_pushnil(lua);
  return 1;
}

int find(lua_State* lua) { return find_or_match(lua, true); }
int match(lua_State* lua) { return find_or_match(lua, false); }

// Upvalues: subject, pattern, where to go on.
int next_match(lua_State* lua) {
  State& state = State::of(lua);
  const std::string_view subject = check_text(lua, lua_upvalueindex(1));
  const std::string_view pattern = check_text(lua, lua_upvalueindex(2));
  Matcher matcher(subject, pattern, leave_of(state));
  std::size_t at = static_cast<std::size_t>(lua_tointeger(lua, lua_upvalueindex(3)));
  for (; at <= subject.size(); ++at) {
    const std::size_t end = matcher.match(at);
    if (matcher.error()) break;
    if (end == Matcher::kNone) continue;
    settle(lua, state, matcher);
    lua_pushinteger(lua, static_cast<lua_Integer>(end == at ? end + 1 : end));
    lua_replace(lua, lua_upvalueindex(3));
    return push_captures(lua, {matcher, subject, at, end}, true);
  }
  settle(lua, state, matcher);
  return 0;
}

int gmatch(lua_State* lua) {
  check_text(lua, 1);
  check_text(lua, 2);
  lua_settop(lua, 2);
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, &next_match, 3);
  return 1;
}

// What gsub has built; every doubling is asked for before it is made.
struct Built {
  lua_State* lua;
  State& state;
  luaL_Buffer buffer;
  std::size_t bytes = 0, granted_bytes = 64 * 1024;

  void add(std::string_view text) {
    bytes += text.size();
    if (bytes > granted_bytes) {
      granted_bytes = 2 * bytes;
      state.need_room(lua, 2 * granted_bytes);
    }
    luaL_addlstring(&buffer, text.data(), text.size());
  }
};

void add_replacement(Built& built, const Found& found, std::string_view form) {
  built.state.charge(built.lua, form.size());
  for (std::size_t at = 0; at < form.size();) {
    const std::size_t mark = std::min(form.find('%', at), form.size());
    built.add(form.substr(at, mark - at));
    if (mark == form.size()) return;
    const char next = mark + 1 < form.size() ? form[mark + 1] : '\0';
    at = mark + 2;
    if (next < '0' || next > '9') {
      built.add(form.substr(mark + 1, 1));
      continue;
    }
    if (next == '0') {
      built.add(found.subject.substr(found.start, found.end - found.start));
      continue;
    }
    const auto which = static_cast<std::size_t>(next - '1');
    if (which < found.matcher.captures() &&
        found.matcher.capture(which).kind == Matcher::Capture::Kind::position) {
      char digits[24];
      const auto position = static_cast<unsigned long long>(found.matcher.capture(which).start + 1);
      const int n = std::snprintf(digits, sizeof digits, "%llu", position);
      built.add({digits, static_cast<std::size_t>(n)});
    } else {
      built.add(capture_text(built.lua, found, which));
    }
  }
}

void add_value(Built& built, const Found& found) {
  lua_State* lua = built.lua;
  switch (lua_type(lua, 3)) {
    case LUA_TTABLE:
      push_capture(lua, found, 0);
      lua_gettable(lua, 3);
      break;
    case LUA_TFUNCTION:
      lua_pushvalue(lua, 3);
      lua_call(lua, push_captures(lua, found, true), 1);
      break;
    default: return add_replacement(built, found, check_text(lua, 3));
  }
  if (!lua_toboolean(lua, -1)) {
    lua_pop(lua, 1);
    return built.add(found.subject.substr(found.start, found.end - found.start));
  }
  if (!lua_isstring(lua, -1))
    luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
  std::size_t size = 0;
  lua_tolstring(lua, -1, &size);
  built.bytes += size;
  luaL_addvalue(&built.buffer);
}

int gsub(lua_State* lua) {
  State& state = State::of(lua);
  state.check_stack(lua);
  const std::string_view subject = check_text(lua, 1);
  std::string_view pattern = check_text(lua, 2);
  const int type = lua_type(lua, 3);
  luaL_argcheck(
      lua,
      type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
      "string/function/table expected");
  const std::size_t limit =
      lua_isnoneornil(lua, 4)
          ? subject.size() + 1
          : static_cast<std::size_t>(std::max<lua_Integer>(luaL_checkinteger(lua, 4), 0));
  const bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  Matcher matcher(subject, pattern, leave_of(state));
  Built built{lua, state, {}};
  luaL_buffinit(lua, &built.buffer);
  std::size_t count = 0, at = 0;
  while (count < limit) {
    const std::size_t end = matcher.match(at);
    if (matcher.error()) break;
    if (end != Matcher::kNone) {
      ++count;
      add_value(built, {matcher, subject, at, end});
    }
    if (end != Matcher::kNone && end > at) {
      at = end;
    } else if (at < subject.size()) {
      built.add(subject.substr(at++, 1));
    } else {
      break;
    }
    if (anchored) break;
  }
  settle(lua, state, matcher);
  built.add(subject.substr(at));
  luaL_pushresult(&built.buffer);
  lua_pushinteger(lua, static_cast<lua_Integer>(count));
  return 2;
}

// ---- the library's own functions, behind a look at the size. Upvalue 1 is the original.

int call_original(lua_State* lua) {
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
  return lua_gettop(lua);
}

int rep(lua_State* lua) {
  const std::size_t piece = check_text(lua, 1).size();
  const lua_Integer times = luaL_checkinteger(lua, 2);
  const std::size_t between = lua_isnoneornil(lua, 3) ? 0 : check_text(lua, 3).size();
  std::size_t bytes = 0;
  if (times > 0 &&
      __builtin_mul_overflow(2 * (piece + between), static_cast<std::size_t>(times), &bytes))
    bytes = SIZE_MAX;
  State::of(lua).need_room(lua, bytes);
  return call_original(lua);
}

int format(lua_State* lua) {
  constexpr std::size_t kNumberBytesMax = 512;  // "%.99f" of the largest double
  const std::string_view form = check_text(lua, 1);
  const std::size_t quoted = form.find('q') == form.npos ? 1 : 4;
  const int last = lua_gettop(lua);
  std::size_t bytes = form.size();
  for (int i = 2; i <= last; ++i)
    bytes += quoted * (lua_type(lua, i) == LUA_TSTRING ? lua_objlen(lua, i) : 0) + kNumberBytesMax;
  State::of(lua).need_room(lua, 2 * bytes);
  return call_original(lua);
}

int concat(lua_State* lua) {
  State& state = State::of(lua);
  luaL_checktype(lua, 1, LUA_TTABLE);
  const std::size_t between = lua_isnoneornil(lua, 2) ? 0 : check_text(lua, 2).size();
  const lua_Integer first = luaL_optinteger(lua, 3, 1);
  const lua_Integer last = lua_isnoneornil(lua, 4) ? static_cast<lua_Integer>(lua_objlen(lua, 1))
                                                   : luaL_checkinteger(lua, 4);
  std::size_t bytes = 0;
  for (lua_Integer i = first; i <= last; ++i) {
    lua_rawgeti(lua, 1, static_cast<int>(i));
    // A number takes at most 24 characters; anything else is the original's to refuse.
    const int type = lua_type(lua, -1);
    bytes += between + (type == LUA_TSTRING ? lua_objlen(lua, -1) : 24);
    lua_pop(lua, 1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) break;
    if (i % 1'024 == 0) state.charge(lua, 1'024);
    if (i == last) break;
  }
  state.need_room(lua, 2 * bytes);
  return call_original(lua);
}

void wrap(lua_State* lua, const char* table, const char* name, lua_CFunction fn) {
  lua_getglobal(lua, table);
  lua_getfield(lua, -1, name);
  lua_pushcclosure(lua, fn, 1);
  lua_setfield(lua, -2, name);
  lua_pop(lua, 1);
}

}  // namespace

void patch_strings(lua_State* lua) {
  static constexpr luaL_Reg kOwn[] = {
      {"find", &find}, {"match", &match}, {"gmatch", &gmatch}, {"gsub", &gsub}, {}};
  lua_getglobal(lua, "string");
  luaL_register(lua, nullptr, kOwn);
  lua_pop(lua, 1);
  wrap(lua, "string", "rep", &rep);
  wrap(lua, "string", "format", &format);
  wrap(lua, "table", "concat", &concat);
  // The table behind ("").method is the same one; its metatable is nobody's business.
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 2);
}

}  // namespace kith::lua
