// SPDX-License-Identifier: MIT
// Sandbox: what a script finds. The safe part of the standard library, patched, and `kith`. Set up
// once a state, before any script code runs in it.
#pragma once
#include <lua.hpp>

#include "engine/wire/value.h"

namespace kith::lua {

// Protected host code.
void open_sandbox(lua_State* lua, const wire::Value& config);

extern const char kPrelude[];        // prelude.cpp
void patch_strings(lua_State* lua);  // find, match, gmatch, gsub, rep, format; table.concat

// ---- The binding tables (api_*.cpp): each adds its functions to the table on top of the stack.
void add_events(lua_State* lua);  // on, validate, publish, join, leave, every, after, command (raw)
void add_log(lua_State* lua);     // log
void add_json(lua_State* lua);    // json.encode, json.decode, json.null

// Pushes the text of an error value: of a string, of an error of ours, else a word on its type.
// Runs nothing of the script's.
void push_error_text(lua_State* lua, int index);
// Returns nil and an error of ours: prints as its message, has code, message, retryable.
int give_error(lua_State* lua, int code, const char* message);

inline constexpr const char* kErrorKey = "kith.error";  // the metatable's, in the registry

}  // namespace kith::lua
