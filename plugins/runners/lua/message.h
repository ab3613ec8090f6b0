// SPDX-License-Identifier: MIT
// Message: what a script sees as `msg`. A userdata that owns a reference to the message's bytes, or
// a copy of them, so it stays good after its handler has returned; fields are built when read.
#pragma once
#include "plugins/runners/lua/state.h"

namespace kith::lua {

// Registers the metatable. Protected.
void open_messages(lua_State* lua);
// Pushes a message; false (and nothing pushed) when the heap has no room for its bytes.
bool push_message(State& state, lua_State* lua, const kith_message& message);

}  // namespace kith::lua
