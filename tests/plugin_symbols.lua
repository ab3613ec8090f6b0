-- SPDX-License-Identifier: MIT
-- `luajit tests/plugin_symbols.lua FOLDER`: no plugin there may want a C++ symbol of the engine;
-- the C table that it is handed is all it knows. One that breaks this would load here alone.
local folder = assert(arg[1], "which folder?")
local plugins, failed = 0, 0
for path in io.popen("find '" .. folder .. "' -name '*.so' | sort"):lines() do
  plugins = plugins + 1
  local listed = io.popen("nm -D --undefined-only '" .. path .. "' && echo done")
  local last
  for line in listed:lines() do
    last = line
    local symbol = line:match("^%s*U%s+(_Z%S*4kith%S*)")
    if symbol then
      failed = failed + 1
      print(path .. " wants " .. symbol)
    end
  end
  if last ~= "done" then
    failed = failed + 1
    print("nm failed on " .. path)
  end
end
print(plugins .. " plugins, " .. failed .. " foreign symbols")
os.exit(plugins > 0 and failed == 0 and 0 or 1)
