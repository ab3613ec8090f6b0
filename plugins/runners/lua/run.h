// SPDX-License-Identifier: MIT
// Run: one run of a script's function, in a coroutine of its own, and Wait: one operation of the
// node's that a run waits for. Both are the Script's. A run stands on the stack of whoever began it
// until it waits; then the Script keeps it until its operation is done.
#pragma once
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/state.h"

namespace kith::lua {

struct Wait;

struct Run {
  std::string what;          // for the log
  int function = LUA_NOREF;  // in the registry
  bool may_wait = true;
  Budget budget;
  // Puts the arguments on the stack and returns their number, or -1 when the heap has no room.
  int (*push)(lua_State* lua, Run& run) = nullptr;
  // Finds the first two results at `first` and after it. Both run protected, and may raise.
  void (*take)(lua_State* lua, int first, Run& run) = nullptr;
  // Once, when it has come to an end of any kind; but not when its script is retired.
  void (*ended)(Script& script, Run& run) = nullptr;

  const kith_event* event = nullptr;  // while it is emitted
  wire::Value value;                  // arguments, then the result
  int answer = 0;                     // to the event
  kith_call* call = nullptr;          // to be answered
  std::uint32_t hook = 0;             // of a timer
  std::uint32_t parent = 0;           // the wait of kith.parallel that it belongs to
  int place = 0;                      // among the functions of that

  Script* script = nullptr;
  bool failed = false, had_no_room = false;
  std::string why, traceback;

  std::uint32_t id = 0;    // given at its first wait
  std::uint32_t wait = 0;  // begun, and not yet done
  bool waits = false;      // it has yielded
  int thread = LUA_NOREF;  // its coroutine, while it waits
  Wait* landed = nullptr;  // what it goes on with
};

struct Wait {
  Script* script;
  std::uint32_t id, run;
  kith_op* op = nullptr;
  // Reads what the operation gave, while that is there; r >= 0. The value, or the error.
  Result<wire::Value> (*read)(Wait& wait, std::int64_t r, const void* result) = nullptr;
  // Puts the results on the stack and returns their number; runs protected. nullptr: the value.
  int (*push)(lua_State* lua, Wait& wait) = nullptr;

  wire::Value value;
  Nulls nulls = Nulls::drop;  // of the value, when it is pushed
  int error = 0;              // < 0: a kith_err, and `why` its sentence
  std::string why;
  std::string what;           // for the log
  int function = LUA_NOREF;   // that hears the parts of a call
  int results = LUA_NOREF;    // of kith.parallel: the table of them, how many they are,
  int count = 0, left = 0;    // and how many are not there yet
  std::uint64_t next = 0;     // of a page of entries: where the one after it begins,
  bool is_backwards = false;  // or, where the newest were asked for, the one before it

  kith_done done();
  kith_done each();  // for calls: parts, then the end
  const Host& host() const;
};

using ReadResult = Result<wire::Value> (*)(Wait& wait, std::int64_t r, const void* result);
Result<wire::Value> read_nothing(Wait&, std::int64_t, const void*);      // true
Result<wire::Value> read_body(Wait&, std::int64_t, const void* result);  // DAG-CBOR

// For a binding that waits. Raises "cannot wait here", or gives nullptr and has pushed nil and an
// error: too many waits.
Wait* open_wait(lua_State* lua, ReadResult read);
// What the binding returns then; `op` is what was begun, or nullptr where that was refused.
int wait_for(lua_State* lua, Wait& wait, kith_op* op);
int yield_for(lua_State* lua);  // likewise, where nothing of the node's is begun
// What a yield to the loop is known by; no script ever holds it.
void push_wait_mark(lua_State* lua);
// What a wait has come to. Protected host code.
int push_landed(lua_State* lua, Wait& wait);

}  // namespace kith::lua
