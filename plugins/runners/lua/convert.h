// SPDX-License-Identifier: MIT
// Value <-> Lua. Called from bindings or protected host code; may raise only for want of memory.
// Tables are read raw: no metamethod of a script's runs here.
#pragma once
#include <lua.hpp>

#include "engine/wire/value.h"

namespace kith::lua {

inline constexpr int kDepthMax = 64;
inline constexpr std::size_t kValuesMax = 262'144;             // in one table
inline constexpr std::size_t kTextBytesMax = 8 * 1024 * 1024;  // of all its strings together

// What stands for null where nil cannot: kith.json.null.
inline void push_null(lua_State* lua) { lua_pushlightuserdata(lua, nullptr); }

// A null member of a map becomes kith.json.null, or is left out.
enum class Nulls { keep, drop };
// Whole numbers beyond 2^53, which Lua has not, become decimal text.
void push_value(lua_State* lua, const wire::Value& value, Nulls nulls);

wire::Value text_or_bytes(Bytes bytes);
// About what it takes of the heap.
std::size_t heap_bytes(const wire::Value& value);
// Pushes it if the heap has room for it; else false, and pushes nothing.
bool push_fitting(lua_State* lua, const wire::Value& value, Nulls nulls);

// Reads what stands at `index`; text that is not UTF-8 becomes bytes. Returns nullptr, or why it
// cannot be: a constant sentence. `out` has to outlive an error raised on the way.
const char* read_value(lua_State* lua, int index, wire::Value& out);

// The metatable that makes an empty table a list (kith.list) is kept under this registry key.
inline constexpr const char* kListKey = "kith.list";

}  // namespace kith::lua
