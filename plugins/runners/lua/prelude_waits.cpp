// SPDX-License-Identifier: MIT
// The part of the prelude that has to do with waiting. A call that waits yields the handler's
// coroutine to the loop; where the script has coroutines of its own between, each of them passes
// that on, so that no script sees it.
#include "plugins/runners/lua/sandbox.h"

namespace kith::lua {

const char kPreludeWaits[] = R"lua(
local host = ...
local kith, mark, hold, collect = kith, host.mark, host.hold, host.collect
local coroutines_max, writes_max = host.coroutines_max, host.writes_max
local error, ipairs, pairs, rawget = error, ipairs, pairs, rawget
local select, type = select, type
local setmetatable, unpack = setmetatable, unpack
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local running, status, can_yield = coroutine.running, coroutine.status, coroutine.isyieldable

-- The script's own coroutines. False; true once it waits, and what is suspended then is the
-- loop's to resume.
local own, made = setmetatable({}, { __mode = "k" }), 0

local function count_alive()
  local alive = 0
  for co in pairs(own) do
    if status(co) == "dead" then own[co] = nil else alive = alive + 1 end
  end
  return alive
end

local function make(fn, level)
  if type(fn) ~= "function" then error("a function expected", level + 1) end
  if made >= coroutines_max then made = count_alive() end
  if made >= coroutines_max then
    collect()
    made = count_alive()
  end
  if made >= coroutines_max then error("too many coroutines", level + 1) end
  local co = create(fn)
  own[co], made = false, made + 1
  return co
end

local function pass(co, ...)
  local ok, what = ...
  if not ok or what ~= mark then
    if own[co] then own[co] = false end
    return ...
  end
  own[co] = true
  return pass(co, resume(co, yield(mark)))
end

local function let_go(...)
  hold(-1)
  return ...
end

local function go_on(co, ...)
  local waits = own[co]
  if waits == nil then return false, "cannot resume a handler" end
  if waits and status(co) == "suspended" then
    return false, "cannot resume a coroutine that waits"
  end
  if can_yield() then return pass(co, resume(co, ...)) end
  hold(1)
  return let_go(resume(co, ...))
end

local function unwrap(ok, ...)
  if ok then return ... end
  error((...), 0)
end

local function expect(co)
  if type(co) ~= "thread" then error("a coroutine expected", 3) end
end

coroutine = {
  create = function(fn) return make(fn, 1) end,
  wrap = function(fn)
    local co = make(fn, 2)
    return function(...) return unwrap(go_on(co, ...)) end
  end,
  resume = function(co, ...)
    expect(co)
    return go_on(co, ...)
  end,
  yield = function(...)
    if own[running() or false] == nil then error("coroutine.yield outside of a coroutine", 2) end
    return yield(...)
  end,
  status = function(co)
    expect(co)
    local now = status(co)
    return now == "suspended" and own[co] ~= false and "normal" or now
  end,
  running = function()
    local co = running()
    if own[co or false] ~= nil then return co end
  end,
  isyieldable = function() return own[running() or false] ~= nil and can_yield() end,
}

local after = kith.after
function kith.spawn(fn, ...)
  if type(fn) ~= "function" then error("kith.spawn(fn, ...)", 2) end
  local count, given = select("#", ...), { ... }
  return after(0, function() return fn(unpack(given, 1, count)) end)
end

-- What the transaction writes is kept at once, when its function has returned.
local store = kith.store
local get, pack, unpack_value, commit = store.get, store.pack, store.unpack, store.commit
store.pack, store.unpack, store.commit = nil, nil, nil

function store.tx(fn)
  if type(fn) ~= "function" then error("kith.store.tx(fn)", 2) end
  local writes, pending, open = {}, {}, true
  local function write(key, value)
    if type(key) ~= "string" then error("the transaction: a key expected", 3) end
    if not open then error("the transaction is over", 3) end
    if #writes >= 2 * writes_max then error("the transaction: too many writes", 3) end
    writes[#writes + 1], writes[#writes + 2], pending[key] = key, value, value
  end
  fn({
    get = function(key)
      local value = pending[key]
      if value == nil then return get(key) end
      if not value then return nil end
      return unpack_value(value)
    end,
    put = function(key, value) write(key, pack(value)) end,
    delete = function(key) write(key, false) end,
  })
  open = false
  if #writes == 0 then return true end
  return commit(writes)
end

local on, call, ledger, methods = kith.on, kith.call, host.ledger, host.ledger.__index
-- Entries of it that do not count any more, or do again.
function methods:on_void(fn)
  if type(self) ~= "table" or type(self.name) ~= "string" or type(fn) ~= "function" then
    error("ledger:on_void(fn)", 2)
  end
  local name = self.name
  return on("ledger/void", function(event)
    if event.ledger == name then fn(event) end
  end)
end

function ledger.__index(self, key)
  if key ~= "id" then return methods[key] end
  for _, row in ipairs(call("ledger.list") or {}) do
    if row.name == self.name then self.id = row.id end
  end
  return rawget(self, "id")
end
ledger.__metatable = false

local request = kith.http.request
local function with(method, url, opts)
  local all = {}
  for name, value in pairs(opts or {}) do all[name] = value end
  all.method, all.url = method, url
  return all
end
function kith.http.get(url, opts) return request(with("GET", url, opts)) end
function kith.http.post(url, opts) return request(with("POST", url, opts)) end
)lua";

}  // namespace kith::lua
