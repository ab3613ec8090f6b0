// SPDX-License-Identifier: MIT
// Sandbox: what a script finds. The safe part of the standard library, patched, and `kith`. Set up
// once a state, before any script code runs in it.
#pragma once
#include <lua.hpp>
#include <string_view>

#include "engine/wire/value.h"

namespace kith::lua {

// Protected host code.
void open_sandbox(lua_State* lua, const wire::Value& config);

extern const char kPrelude[];        // prelude.cpp
extern const char kPreludeWaits[];   // prelude_waits.cpp
void patch_strings(lua_State* lua);  // find, match, gmatch, gsub, rep, format; table.concat

// ---- The binding tables (api_*.cpp): each adds its functions to the table on top of the stack.
void add_events(lua_State* lua);  // on, validate, publish, join, leave, every, after, command (raw)
void add_log(lua_State* lua);     // log
void add_json(lua_State* lua);    // json.encode, json.decode, json.null
void add_waits(lua_State* lua);   // sleep, parallel, call
void add_store(lua_State* lua);   // store, with what its tx is made of
void add_ledger(lua_State* lua);  // ledger
void add_http(lua_State* lua, const wire::Value& config);  // http.request

// Pushes the text of an error value: of a string, of an error of ours, else a word on its type.
// Runs nothing of the script's.
void push_error_text(lua_State* lua, int index);
// Returns nil and an error of ours: prints as its message, has code, message, retryable.
int give_error(lua_State* lua, int code, const char* message);

// What a service lacks here is said by nil and an error.
int give_absent(lua_State* lua, const char* what);

// ---- Arguments; each raises.
std::string_view check_text(lua_State* lua, int index);
std::uint64_t check_duration_us(lua_State* lua, int index);  // seconds, or text such as "250ms"
// Bytes as they are, a table as JSON. They are Lua's, at `index`. `call` is for the error.
std::string_view check_data(lua_State* lua, int index, const char* call);

// Metatables in the registry: of errors, and of a ledger's objects.
inline constexpr const char* kErrorKey = "kith.error";
inline constexpr const char* kLedgerKey = "kith.ledger";

}  // namespace kith::lua
