// SPDX-License-Identifier: MIT
// The part of the sandbox that is best said in Lua. It runs before the script and keeps what it
// needs in locals, so that nothing a script overwrites later is used by it.
#include "plugins/runners/lua/sandbox.h"

namespace kith::lua {

const char kPrelude[] = R"lua(
local host = ...
local kith, say, source_bytes_max = kith, kith.log.info, host.source_bytes_max
local pcall, select, type, tostring, error = pcall, select, type, tostring, error
local ipairs, pairs, setmetatable = ipairs, pairs, setmetatable
local load_text, count_memory = load, collectgarbage
local concat, sort, date, time, floor = table.concat, table.sort, os.date, os.time, math.floor

-- The handler runs once the stack is unwound, as ordinary code: on top of an error that the budget
-- raised it could not be stopped.
local function judged(handle, ok, ...)
  if ok then return true, ... end
  return false, select(2, pcall(handle, (...)))
end
function xpcall(run, handle, ...) return judged(handle, pcall(run, ...)) end

-- Text only: bytecode is not checked by anybody.
function load(chunk, name, _, env)
  if type(chunk) == "function" then
    local pieces, bytes = {}, 0
    for piece in chunk do
      if piece == "" then break end
      if type(piece) ~= "string" then return nil, "reader function must return a string" end
      bytes = bytes + #piece
      if bytes > source_bytes_max then return nil, "chunk too large" end
      pieces[#pieces + 1] = piece
    end
    chunk, name = concat(pieces), name or "=(load)"
  end
  if type(chunk) ~= "string" then error("load: text or a function expected", 2) end
  if #chunk > source_bytes_max then return nil, "chunk too large" end
  host.charge(8 * #chunk)
  return load_text(chunk, name or chunk, "t", env)
end
function loadstring(text, name) return load(text, name) end

-- A comparison in C is seen by no count hook.
local function less(a, b) return a < b end
function table.sort(list, before) return sort(list, before or less) end

function collectgarbage(what)
  if what ~= "count" then error('collectgarbage: only "count" is offered', 2) end
  return count_memory("count")
end

os = {
  clock = host.clock,
  time = function(parts) return parts and time(parts) or floor(kith.now()) end,
  date = function(form, at)
    form = form or "%c"
    if #form > 256 then error("os.date: the format is too long", 2) end
    return date(form, at or floor(kith.now()))
  end,
}

function print(...)
  local words = { ... }
  for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
  say(concat(words, "\t"))
end

host.error.__tostring = function(err) return err.message end
host.error.__concat = function(a, b) return tostring(a) .. tostring(b) end
host.error.__metatable = false

function kith.list(list) return setmetatable(list or {}, host.list) end

local add_command = kith.command
function kith.command(name, args, fn)
  if fn == nil then args, fn = {}, args end
  if type(name) ~= "string" or type(args) ~= "table" or type(fn) ~= "function" then
    error("kith.command(name, [args], fn)", 2)
  end
  local rows = kith.list({})
  for i, arg in ipairs(args) do
    local required = arg.required
    if required == nil then required = arg.default == nil and not arg.option end
    rows[i] = {
      name = arg[1] or arg.name, type = arg[2] or arg.type, default = arg.default,
      help = arg.help, option = arg.option, rest = arg.rest, required = required,
    }
  end
  return add_command({ name = name, summary = args.summary, args = rows }, fn)
end

local function only(of, names)
  local known = {}
  for name in names:gmatch("%S+") do known[name] = true end
  for name in pairs(of) do
    if not known[name] then of[name] = nil end
  end
end
only(string, "byte char find format gmatch gsub len lower match rep reverse sub upper")
only(table, "concat insert maxn move remove sort unpack")
only(_G, "_G _VERSION assert bit collectgarbage coroutine error getmetatable ipairs kith load " ..
         "loadstring math next os pairs pcall print rawequal rawget rawlen rawset select " ..
         "setmetatable string table tonumber tostring type unpack xpcall")
)lua";

}  // namespace kith::lua
