-- SPDX-License-Identifier: MIT
-- The style made executable. `luajit tests/tidy.lua ROOT` judges every source under ROOT and prints
-- "file:line: rule: what"; with --self-test it feeds each rule a bad snippet and expects a refusal.
-- A reader of text, not of C++: function lengths and statements are found by braces, which holds
-- for code that clang-format has laid out.

local kLine, kFile, kTestFile, kFunction = 100, 400, 600, 60

-- The C ABI stands in one file for those who read it in one go.
local long_files = { ["sdk/include/kith/kith.h"] = 500 }

-- Where memory is handed through a C table, and nowhere else.
local may_new = {
  "sdk/include/kith/bytes.h", "sdk/include/kith/plugin.h", "sdk/include/kith/host.h",
  "sdk/include/kith/pipe.h", "sdk/include/kith/task.h", "sdk/include/kith/socket_link.h",
  "engine/node/host", "tests/", -- tests fake the C tables, under a leak checker
}
-- A folder is named by its end in "/"; a prefix of files needs none.
local may_clock = { "engine/node/real_loop", "tests/bench/" }

local base = { "base" }
local crypto = { "base", "wire", "crypto" }
local everything = {
  "base", "wire", "bus", "crypto", "net", "store", "protocols", "sim", "node", "cli",
}
local rooms = {
  base = base, wire = { "base", "wire" }, bus = { "base", "wire", "bus" }, crypto = crypto,
  net = { "base", "wire", "crypto", "net" }, store = { "base", "wire", "crypto", "store" },
  protocols = { "base", "wire", "crypto", "net", "store", "bus", "protocols" },
  sim = everything, node = everything, cli = everything,
}
-- Third parties that stay behind one door.
local doors = {
  ["boost/"] = { "engine/node/real_loop" }, ["spdlog/"] = { "engine/base/" },
  ["toml++/"] = { "engine/node/config_toml.cpp" }, ["nlohmann/"] = { "tests/" },
  ["CLI/"] = { "engine/cli/command_line.cpp" }, ["curl/"] = { "engine/net/curl.h" },
}

local clocks = {
  "steady_clock", "system_clock", "high_resolution_clock", "random_device", "sleep_for",
  "sleep_until", "usleep", "nanosleep", "gettimeofday", "clock_gettime", "getrandom", "srand",
  "rand",
}
local words = {}
for _, word in ipairs({ "session", "manager", "helper", "util", "impl", "channel", "packet" }) do
  words[word], words[word .. "s"] = word, word
end
local folders = { "work", "tmp", "home", "root" } -- of one machine

local function starts(text, head) return text:sub(1, #head) == head end
local function any_starts(text, heads)
  for _, head in ipairs(heads) do
    if starts(text, head) then return true end
  end
  return false
end
local function is_cpp(path) return path:find("%.h$") or path:find("%.cpp$") or path:find("%.c$") end
local function is_test(path) return starts(path, "tests/") end

local function each_line(text, fn)
  local number = 0
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    fn(line, number)
  end
  return number
end
local function line_of(text, at)
  local _, breaks = text:sub(1, at - 1):gsub("\n", "")
  return breaks + 1
end

-- ---- C++ with strings blanked out, and comments too unless they are to be kept. Same length, so
-- that places stay true.
local function blank(text) return (text:gsub("[^\n]", " ")) end

-- The end of the literal or comment that begins at `at`, and its kind; nil when none does.
local function piece(text, at)
  local two = text:sub(at, at + 1)
  if two == "//" then return (text:find("\n", at, true) or #text + 1) - 1, "comment" end
  if two == "/*" then return select(2, text:find("*/", at + 2, true)) or #text, "comment" end
  if two == 'R"' and not text:sub(at - 1, at - 1):find("[%w_]") then
    local mark = text:match('^R"([^(]*)%(', at)
    if mark then
      return select(2, text:find(")" .. mark .. '"', at, true)) or #text, "string"
    end
  end
  local quote = text:sub(at, at)
  if quote ~= '"' and quote ~= "'" then return nil end
  -- 1'000: no character literal.
  if quote == "'" and text:sub(at - 1, at - 1):find("%x") then return nil end
  local i = at + 1
  while i <= #text and text:sub(i, i) ~= quote and text:sub(i, i) ~= "\n" do
    i = i + (text:sub(i, i) == "\\" and 2 or 1)
  end
  return math.min(i, #text), "string"
end

local function strip(text, keep_comments)
  local made, from, at = {}, 1, 1
  while true do
    at = text:find("[/R\"']", at)
    if not at then break end
    local stop, kind = piece(text, at)
    if stop then
      made[#made + 1] = text:sub(from, at - 1)
      local cut = text:sub(at, stop)
      made[#made + 1] = (kind == "comment" and keep_comments) and cut or blank(cut)
      at, from = stop + 1, stop + 1
    else
      at = at + 1
    end
  end
  made[#made + 1] = text:sub(from)
  return table.concat(made)
end

-- Preprocessor lines hold no code for the rules below.
local function without_directives(code)
  return (("\n" .. code):gsub("\n%s*#[^\n]*", function(found)
    return "\n" .. blank(found:sub(2))
  end):sub(2))
end

-- ---- rules: rule(path, text, say), say(line, what)
local rules = {}

function rules.spdx(path, text, say)
  local first, second = text:match("^([^\n]*)\n?([^\n]*)")
  local line = starts(first, "#!") and second or first
  if not line:find("SPDX-License-Identifier: MIT", 1, true) then say(1, "no SPDX line first") end
end

function rules.lines(path, text, say)
  local count = each_line(text, function(line, number)
    local _, continued = line:gsub("[\128-\191]", "")
    if #line - continued > kLine then say(number, "longer than " .. kLine .. " characters") end
    if line:find("[ \t]$") then say(number, "ends in a space") end
  end)
  local most = long_files[path] or (is_test(path) and kTestFile or kFile)
  if count > most then say(count, count .. " lines, at most " .. most) end
end

function rules.functions(path, text, say)
  if not is_cpp(path) then return end
  local code = without_directives(strip(text))
  local open, head_at = {}, 1
  for at, sign in code:gmatch("()([{};])") do
    local head = code:sub(head_at, at - 1)
    if sign == "{" then
      local outer = open[#open]
      local kind = "other"
      local scope = head:find("%f[%w]namespace%f[%W]") or head:find("%f[%w]class%f[%W]") or
                    head:find("%f[%w]struct%f[%W]") or head:find("%f[%w]extern%s*$")
      if outer == nil or outer.kind == "scope" then
        if head:find("%(") and not head:find("=%s*$") then kind = "function"
        elseif scope then kind = "scope" end
      end
      local first = head_at + #head:match("^%s*")
      open[#open + 1] = { kind = kind, line = line_of(code, first) }
    elseif sign == "}" then
      local closed = table.remove(open)
      local last = line_of(code, at)
      if closed and closed.kind == "function" and last - closed.line + 1 > kFunction then
        say(closed.line, "a function of " .. last - closed.line + 1 .. " lines, at most " ..
            kFunction)
      end
    end
    head_at = at + 1
  end
end

function rules.includes(path, text, say)
  if not is_cpp(path) then return end
  local room = path:match("^engine/([^/]+)/")
  local plugin = path:match("^plugins/[^/]+/[^/]+/") or path:match("^sdk/examples/[^/]+/")
  each_line(text, function(line, number)
    local name = line:match('^%s*#%s*include%s*[<"]([^>"]+)[>"]')
    if not name then return end
    local to = name:match("^engine/([^/]+)/")
    if room and to then
      local good = false
      for _, allowed in ipairs(rooms[room] or {}) do good = good or allowed == to end
      if not good then say(number, room .. " may not include " .. name) end
    end
    if plugin and to and to ~= "wire" then
      say(number, "a plugin sees the SDK and engine/wire, not " .. name)
    end
    if starts(name, "plugins/") and not is_test(path) and not (plugin and starts(name, plugin))
    then
      say(number, "nobody includes a plugin: " .. name)
    end
    if starts(path, "sdk/include/") and (to or starts(name, "plugins/")) then
      say(number, "the SDK includes nothing of ours: " .. name)
    end
    for head, homes in pairs(doors) do
      if room and starts(name, head) and not any_starts(path, homes) then
        say(number, name .. " belongs to " .. homes[1])
      end
    end
  end)
end

function rules.clocks(path, text, say)
  if not is_cpp(path) or any_starts(path, may_clock) then return end
  each_line(strip(text), function(line, number)
    for _, name in ipairs(clocks) do
      if line:find("%f[%w_]" .. name .. "%f[^%w_]") then
        say(number, name .. ": time and chance come from Loop")
      end
    end
  end)
end

function rules.memory(path, text, say)
  if not is_cpp(path) or any_starts(path, may_new) then return end
  each_line(without_directives(strip(text)), function(line, number)
    local code = line:gsub("=%s*delete%f[^%w_]", ""):gsub("operator%s+%a+", "")
    for _, word in ipairs({ "new", "delete" }) do
      if code:find("%f[%w_]" .. word .. "%f[^%w_]") then
        say(number, word .. ": owners are values and unique_ptr")
      end
    end
  end)
end

function rules.namespaces(path, text, say)
  if not path:find("%.h$") then return end
  each_line(strip(text), function(line, number)
    if line:find("using%s+namespace") then say(number, "using namespace in a header") end
  end)
end

-- FACTS for g++ 12: `co_await x;`, `v = co_await x;`, `co_return co_await x;` and no more.
function rules.awaits(path, text, say)
  if not is_cpp(path) then return end
  local code = without_directives(strip(text))
  for at in code:gmatch("()%f[%w_]co_await%f[^%w_]") do
    local line = line_of(code, at)
    local head = code:sub(math.max(1, at - 400), at - 1):match("[^;{}]*$")
    head = head:gsub("^%s*else%f[^%w_]", ""):gsub("^%s*%)", ""):gsub("^%s*case [^:]*:", "")
    head = head:gsub("^%s*if%s*%b()", ""):gsub("^%s*while%s*%b()", ""):gsub("^%s*for%s*%b()", "")
    local plain = head:find("^%s*$") or head:find("^%s*co_return%s*$") or
                  head:find("^[%w_:<>,&*%s%.%->]+=%s*$")
    if not plain then say(line, "co_await stands alone, after '=' or after co_return") end
    local tail = code:match("^co_await([^;]*);", at) or ""
    if tail:find("[{%[]") then say(line, "no '{' or '[' in what is awaited") end
  end
  for at, captures, rest in code:gmatch("()%[([^%[%]]+)%]%s*%b()([^{;]*){") do
    if rest:find("^[%w%s]*%->[%s%w:]*Task<") and captures:find("%S") then
      say(line_of(code, at), "a coroutine lambda captures nothing")
    end
  end
end

function rules.words(path, text, say)
  if not is_cpp(path) then return end
  each_line(without_directives(strip(text, true)), function(line, number)
    for name in line:gmatch("[%a_][%w_]*") do
      local spaced = name:gsub("(%l)(%u)", "%1_%2"):lower()
      for part in spaced:gmatch("%a+") do
        if words[part] then say(number, "'" .. name .. "': " .. words[part] .. " is not used") end
      end
    end
  end)
end

function rules.paths(_, text, say)
  each_line(text, function(line, number)
    for _, folder in ipairs(folders) do
      for at in line:gmatch("()/" .. folder .. "/[%w_]") do
        if not line:sub(at - 1, at - 1):find("[%w_.}~-]") then
          say(number, "a path of one machine: /" .. folder .. "/..")
        end
      end
    end
  end)
end

-- ---- running
local function judge(path, text, say)
  for name, rule in pairs(rules) do
    rule(path, text, function(line, what) say(name, line, what) end)
  end
end

local function self_test(cases)
  local failed, seen = 0, {}
  for _, case in ipairs(cases) do
    local expected, path, text = case[1], case[2], case[3]
    local found = {}
    judge(path, text, function(name) found[name] = true end)
    local good = expected and found[expected] or (not expected and next(found) == nil)
    if expected then seen[expected] = true end
    if not good then
      failed = failed + 1
      print(("self-test: expected %s of\n%s"):format(expected or "nothing", text))
      for name in pairs(found) do print("  found " .. name) end
    end
  end
  for name in pairs(rules) do
    if not seen[name] then
      failed = failed + 1
      print("self-test: no bad snippet for rule " .. name)
    end
  end
  print(#cases .. " snippets, " .. failed .. " failed")
  return failed
end

local function run(root)
  local listed = io.popen("cd '" .. root .. "' && find . -type f " ..
    "\\( -name '*.h' -o -name '*.cpp' -o -name '*.c' -o -name '*.lua' -o -name '*.mjs' " ..
    "-o -name '*.js' -o -name kith -o -name '*.sh' " ..
    "-o -path ./.ci/run \\) -not -path './.git/*' -not -path './build*' " ..
    "-not -path '*/node_modules/*' | sort")
  local files, failed = 0, 0
  for name in listed:lines() do
    local path = name:sub(3)
    local file = assert(io.open(root .. "/" .. path, "rb"))
    local text = file:read("*a")
    file:close()
    files = files + 1
    judge(path, text, function(rule, line, what)
      failed = failed + 1
      print(("%s:%d: %s: %s"):format(path, line, rule, what))
    end)
  end
  print(files .. " files, " .. failed .. " to tidy")
  return files > 0 and failed or 1
end

local root = arg[0]:match("^(.*)/tests/[^/]*$") or "."
if arg[1] == "--self-test" then
  os.exit(self_test(dofile(root .. "/tests/tidy_cases.lua")) == 0 and 0 or 1)
end
os.exit(run(arg[1] or root) == 0 and 0 or 1)
