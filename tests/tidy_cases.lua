-- SPDX-License-Identifier: MIT
-- What tidy.lua must refuse, and what it must let pass: {rule or nil, path, text}.
local spdx = "// SPDX-License-Identifier: MIT\n"
local function code(text) return spdx .. text .. "\n" end
local function lines(n) return ("  ++count;\n"):rep(n) end

return {
  { "spdx", "engine/base/a.h", "#pragma once\n" },
  { "spdx", "tool.sh", "#!/bin/sh\necho\n" },
  { nil, "tool.sh", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n" },

  { "lines", "engine/base/a.h", code("// " .. ("x"):rep(98)) },
  { nil, "engine/base/a.h", code("// " .. ("é"):rep(97)) },
  { "lines", "engine/base/a.h", code("int a; ") },
  { "lines", "engine/base/a.h", spdx .. ("\n"):rep(400) },
  { nil, "tests/base/a.cpp", spdx .. ("\n"):rep(599) },
  { "lines", "tests/base/a.cpp", spdx .. ("\n"):rep(600) },

  { "functions", "engine/base/a.cpp", code("void f() {\n" .. lines(59) .. "}") },
  { nil, "engine/base/a.cpp", code("void f() {\n" .. lines(58) .. "}") },
  { "functions", "engine/base/a.cpp",
    code("namespace kith {\nclass A {\n  int f(int a,\n        int b) const {\n" .. lines(58) ..
         "  }\n};\n}") },
  { nil, "engine/base/a.cpp",
    code("struct A {\n" .. ("  int f() { return '{'; }  // {\n"):rep(80) .. "};") },

  { "includes", "engine/base/a.h", code('#include "engine/wire/varint.h"') },
  { "includes", "engine/wire/a.h", code('#include "engine/crypto/keys.h"') },
  { "includes", "engine/net/a.h", code('#include "engine/bus/bus.h"') },
  { "includes", "engine/net/a.h", code('#include "engine/store/feed.h"') },
  { "includes", "plugins/transports/tcp/a.cpp", code('#include "engine/base/log.h"') },
  { "includes", "plugins/transports/tcp/a.cpp",
    code('#include "plugins/routers/gossipsub/rpc.h"') },
  { nil, "plugins/transports/tcp/a.cpp",
    code('#include <kith/plugin.h>\n#include "engine/wire/multiaddr.h"\n' ..
         '#include "plugins/transports/tcp/link.h"') },
  { "includes", "engine/node/a.cpp", code('#include "plugins/transports/tcp/link.h"') },
  { "includes", "sdk/include/kith/a.h", code('#include "engine/wire/varint.h"') },
  { "includes", "engine/node/a.cpp", code("#include <boost/asio.hpp>") },
  { nil, "engine/node/real_loop.cpp", code("#include <boost/asio.hpp>") },

  { "clocks", "engine/net/a.cpp", code("auto t = std::chrono::steady_clock::now();") },
  { "clocks", "tests/net/a.cpp", code("std::this_thread::sleep_for(1s);") },
  { nil, "engine/node/real_loop.cpp", code("auto t = std::chrono::steady_clock::now();") },
  { nil, "engine/net/a.cpp", code("// no steady_clock here\nint operand = 1;") },

  { "memory", "engine/net/a.cpp", code("auto* a = new A;") },
  { "memory", "engine/net/a.cpp", code("delete a;") },
  { nil, "engine/net/a.cpp", code("A(const A&) = delete;\n// a new thing\nint renew = 1;") },

  { "namespaces", "engine/net/a.h", code("using namespace std;") },
  { nil, "engine/net/a.cpp", code("using namespace kith;") },

  { "awaits", "engine/net/a.cpp", code("f(co_await g());") },
  { "awaits", "engine/net/a.cpp", code("if (co_await g()) return;") },
  { "awaits", "engine/net/a.cpp", code("auto a = co_await g(A{1});") },
  { "awaits", "engine/net/a.cpp", code("co_await g([] { return 1; });") },
  { "awaits", "engine/net/a.cpp", code("auto a = c ? co_await g() : 1;") },
  { "awaits", "engine/net/a.cpp", code("auto f = [a](int b) -> Task<void> { co_return; };") },
  { nil, "engine/net/a.cpp",
    code("co_await x;\nauto v = co_await f(a, b);\nco_return co_await x;\nif (a) co_await x;\n" ..
         "const std::vector<int> w = co_await y;\nauto f = [](int b) -> Task<void> { f(); };") },

  { "words", "engine/net/a.h", code("class PeerManager;") },
  { "words", "engine/net/a.h", code("int open_sessions = 0;") },
  { "words", "engine/net/a.h", code("// A helper for frames.") },
  { nil, "engine/net/a.h", code('int simple = 1;\nauto* text = "channel";') },

  { "paths", "engine/net/a.h", code('auto* a = "/ho' .. 'me/someone/x";') },
  { nil, "engine/net/a.h", code('auto* a = "/ip4/1.2.3.4/home/";\nauto* b = "HOME/work";') },
}
