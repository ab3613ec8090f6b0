// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/convert.h"

#include <cmath>

#include "engine/wire/encodings.h"
#include "plugins/runners/lua/state.h"

namespace kith::lua {

namespace {

using wire::Value;

constexpr std::int64_t kWholeMax = std::int64_t{1} << 53;

void push_text(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

void push_integer(lua_State* lua, std::int64_t value) {
  if (value >= -kWholeMax && value <= kWholeMax) {
    lua_pushnumber(lua, static_cast<double>(value));
    return;
  }
  char digits[24];
  std::size_t n = sizeof digits;
  const bool negative = value < 0;
  std::uint64_t rest =
      negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  for (; rest > 0; rest /= 10) digits[--n] = static_cast<char>('0' + rest % 10);
  if (negative) digits[--n] = '-';
  lua_pushlstring(lua, digits + n, sizeof digits - n);
}

void push_list(lua_State* lua, const Value::List& list, Nulls nulls) {
  lua_createtable(lua, static_cast<int>(list.size()), 0);
  if (list.empty()) {
    luaL_getmetatable(lua, kListKey);
    lua_setmetatable(lua, -2);
  }
  int at = 0;
  for (const Value& item : list) {
    push_value(lua, item, nulls);
    lua_rawseti(lua, -2, ++at);
  }
}

void push_map(lua_State* lua, const Value::Map& map, Nulls nulls) {
  lua_createtable(lua, 0, static_cast<int>(map.size()));
  for (const auto& [name, value] : map) {
    if (value.is_null() && nulls == Nulls::drop) continue;
    push_text(lua, name);
    push_value(lua, value, nulls);
    lua_rawset(lua, -3);
  }
}

// Reads one table after another into a Value; the budget is for all of it.
class Reader {
 public:
  explicit Reader(lua_State* lua) : lua_(lua) {}

  const char* read(int index, Value& out, int depth) {
    if (++values_ > kValuesMax) return "a table with too many values";
    switch (lua_type(lua_, index)) {
      case LUA_TNIL: out = Value(); return nullptr;
      case LUA_TBOOLEAN: out = Value(lua_toboolean(lua_, index) != 0); return nullptr;
      case LUA_TNUMBER: return number(lua_tonumber(lua_, index), out);
      case LUA_TSTRING: return string(index, out);
      case LUA_TTABLE: return table(index, out, depth);
      case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(lua_, index)) return "a value that is no data";
        out = Value();
        return nullptr;
      case LUA_TFUNCTION: return "a function is no data";
      default: return "a userdata or a coroutine is no data";
    }
  }

 private:
  static const char* number(double value, Value& out) {
    if (!std::isfinite(value)) return "a number that is infinite or not a number";
    const bool is_whole =
        std::fabs(value) <= static_cast<double>(kWholeMax) && value == std::floor(value);
    out = is_whole ? Value(static_cast<std::int64_t>(value)) : Value(value);
    return nullptr;
  }
  const char* take(int index, std::string_view& text) {
    std::size_t size = 0;
    const char* start = lua_tolstring(lua_, index, &size);
    if (size > kTextBytesMax - text_bytes_) return "a table with too much text";
    text_bytes_ += size;
    text = std::string_view(start, size);
    return nullptr;
  }
  const char* string(int index, Value& out) {
    std::string_view text;
    if (const char* why = take(index, text)) return why;
    out = text_or_bytes(as_bytes(text));
    return nullptr;
  }
  // A list has the keys 1..n and no other; an empty table is a map unless kith.list made it.
  const char* table(int index, Value& out, int depth) {
    if (depth >= kDepthMax) return "a table nested too deep, or one that holds itself";
    luaL_checkstack(lua_, 6, "a table nested too deep");
    const std::size_t size = lua_objlen(lua_, index);
    if (size > 0 || is_marked_list(index)) return list(index, size, out, depth);
    out = Value(Value::Map());
    lua_pushnil(lua_);
    while (lua_next(lua_, index) != 0) {
      if (lua_type(lua_, -2) != LUA_TSTRING)
        return "a table whose keys are neither all text nor 1 to n";
      std::string_view name;
      if (const char* why = take(-2, name)) return why;
      if (!wire::is_utf8(as_bytes(name))) return "a key that is not UTF-8";
      if (const char* why = read(lua_gettop(lua_), out[name], depth + 1)) return why;
      lua_pop(lua_, 1);
    }
    return nullptr;
  }
  const char* list(int index, std::size_t size, Value& out, int depth) {
    if (size > kValuesMax - values_) return "a table with too many values";
    std::size_t keys = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, index) != 0) {
      lua_pop(lua_, 1);
      ++keys;
    }
    if (keys != size) return "a table whose keys are neither all text nor 1 to n";
    out = Value(Value::List(size));
    for (std::size_t i = 0; i < size; ++i) {
      lua_rawgeti(lua_, index, static_cast<int>(i + 1));
      if (lua_isnil(lua_, -1)) return "a list with a hole";
      if (const char* why = read(lua_gettop(lua_), (*out.get<Value::List>())[i], depth + 1))
        return why;
      lua_pop(lua_, 1);
    }
    return nullptr;
  }
  bool is_marked_list(int index) {
    if (!lua_getmetatable(lua_, index)) return false;
    luaL_getmetatable(lua_, kListKey);
    const bool is_list = lua_rawequal(lua_, -1, -2) != 0;
    lua_pop(lua_, 2);
    return is_list;
  }

  lua_State* lua_;
  std::size_t values_ = 0, text_bytes_ = 0;
};

}  // namespace

void push_value(lua_State* lua, const Value& value, Nulls nulls) {
  luaL_checkstack(lua, 6, "a value nested too deep");
  if (const auto* truth = value.boolean()) return lua_pushboolean(lua, *truth);
  if (const auto* whole = value.integer()) return push_integer(lua, *whole);
  if (const auto* number = value.number()) return lua_pushnumber(lua, *number);
  if (const auto* text = value.string()) return push_text(lua, *text);
  if (const auto* bytes = value.bytes()) return push_text(lua, as_text(*bytes));
  if (const auto* list = value.list()) return push_list(lua, *list, nulls);
  if (const auto* map = value.map()) return push_map(lua, *map, nulls);
  if (const auto* link = value.get<Value::Link>()) return push_text(lua, as_text(link->cid));
  push_null(lua);
}

Value text_or_bytes(Bytes bytes) {
  return wire::is_utf8(bytes) ? Value(as_text(bytes)) : Value(to_vector(bytes));
}

std::size_t heap_bytes(const Value& value) {
  constexpr std::size_t kTable = 64, kSlot = 48, kText = 32;
  if (const auto* text = value.string()) return kText + text->size();
  if (const auto* bytes = value.bytes()) return kText + bytes->size();
  std::size_t sum = kTable;
  if (const auto* list = value.list()) {
    for (const Value& item : *list) sum += kSlot + heap_bytes(item);
    return sum;
  }
  if (const auto* map = value.map()) {
    for (const auto& [name, item] : *map) sum += kSlot + kText + name.size() + heap_bytes(item);
    return sum;
  }
  return 0;
}

bool push_fitting(lua_State* lua, const Value& value, Nulls nulls) {
  if (!State::of(lua).has_room(lua, heap_bytes(value))) return false;
  push_value(lua, value, nulls);
  return true;
}

const char* read_value(lua_State* lua, int index, Value& out) {
  const int top = lua_gettop(lua);
  if (index < 0) index = top + index + 1;
  const char* why = Reader(lua).read(index, out, 0);
  lua_settop(lua, top);
  return why;
}

}  // namespace kith::lua
