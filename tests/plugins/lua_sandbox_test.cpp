// SPDX-License-Identifier: MIT
// What a hostile or a broken script cannot do: hold the node up, fill its memory, get out, or take
// its own budget apart. Virtual time stands still, so the bound on instructions is what ends these.
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
extern "C" void __sanitizer_purge_allocator();
#endif

#include "tests/plugins/lua_rig.h"

namespace kith::test {
namespace {

constexpr std::string_view kEnded = "stopped: it ran too many instructions";

wire::Value small(std::int64_t instructions = 2'000'000) {
  wire::Value options;
  options["instructions"] = instructions;
  return options;
}

// Each ends a handler without harm to the app: its next message is heard.
class LuaEnds : public testing::TestWithParam<const char*> {};

TEST_P(LuaEnds, AHandlerThatWillNotEnd) {
  LuaRig rig(small());
  ASSERT_EQ(rig.load("spy", std::string("local function bad(m) ") + GetParam() + R"( end
    kith.on('message/bad', bad)
    kith.on('message/good', function() print('good') end))"),
            "");
  const std::string said = rig.tell("bad", "x");
  EXPECT_TRUE(said.starts_with("message/bad: ")) << said;
  EXPECT_NE(said.find(kEnded), std::string::npos) << said;
  EXPECT_NE(said.find("spy.lua:1:"), std::string::npos) << said;
  EXPECT_EQ(rig.tell("good", "x"), "good");
}

INSTANTIATE_TEST_SUITE_P(
    Lua, LuaEnds,
    testing::Values(
        "while true do end", "while true do pcall(function() while true do end end) end",
        "local function f() while true do end end while true do pcall(pcall, f) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) "
        "end",
        "xpcall(function() error('x') end, function() while true do end end)",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) "
        "while true do pcall(function() return t[1] end) end",
        "while true do pcall(error) end", "local s = ('x'):rep(1000000) while true do s:rep(2) end",
        "local p = ('a?'):rep(28) .. ('a'):rep(28); ('a'):rep(28):find(p) while true do end",
        "while true do pcall(string.find, ('a'):rep(3000), ('.-'):rep(50) .. 'b') end",
        "(('a'):rep(30000)):gsub(('.-'):rep(30) .. 'b', '')",
        "for _ in (('a'):rep(30000)):gmatch(('.-'):rep(30) .. 'b') do end",
        "('x'):gsub('x', function() while true do end end)",
        "table.sort({3, 2, 1}, function() while true do end end)",
        "local t = {} for i = 1, 1e5 do t[i] = i % 7 end while true do table.sort(t) end",
        "setmetatable({}, {__tostring = function() while true do end end}) "
        "print(setmetatable({}, {__tostring = function() while true do end end}))",
        "load(function() while true do end end)", "for x in function() return 1 end do end",
        "goto l ::l:: goto l",
        "local s = 'x' for i = 1, 20 do s = s .. s end while true do for i = 1, 1e9 do local y = s "
        ".. i end end",
        "local ok while true do ok = pcall(kith.json.decode, '[1') end",
        "while true do pcall(kith.publish, 't', 'x') end",
        "while true do pcall(string.rep, 'x', 1e9) end"));

// An error that a script can catch, or that ends one handler; the app goes on.
TEST(LuaSandbox, WhatIsTooLargeIsRefusedBeforeItIsBuilt) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    print(pcall(string.rep, 'x', 1e9))
    print(pcall(string.rep, 'x', 1e15))
    print(pcall(string.rep, '', 1e15))
    print(pcall(string.gsub, ('x'):rep(100000), 'x', ('y'):rep(1000)))
    local t = {} for i = 1, 1000 do t[i] = ('z'):rep(100000) end
    print(pcall(table.concat, t))
    print(pcall(string.format, ('%s'):rep(100), unpack(t, 1, 100)))
    t = nil
    print(#('x'):rep(4000000)))");
  const std::string no = "false\tnot enough memory for a result of that size\n";
  EXPECT_EQ(said, no + no + "true\t\n" + no + no + no + "4000000");
}

TEST(LuaSandbox, DeepRecursionRaises) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local function deep(n) return 1 + deep(n + 1) end
    local function wraps(n) return coroutine.wrap(function() return wraps(n + 1) end)() end
    local function subs() return (('x'):gsub('x', subs)) end
    local function sorts() table.sort({1, 2}, sorts) end
    local function strings()
      local s = tostring(setmetatable({}, { __tostring = strings }))
      return s
    end
    kith.on('message/t', function(m)
      for name, f in pairs({ deep = deep, wraps = wraps, subs = subs, sorts = sorts,
                             strings = strings }) do
        if m.text == name then print(name, (pcall(f, 1))) end
      end
    end))"),
            "");
  for (const char* name : {"deep", "wraps", "subs", "sorts", "strings"})
    EXPECT_EQ(rig.tell("t", name), std::string(name) + "\tfalse");
}

TEST(LuaSandbox, AMemoryBombFailsItsAppAlone) {
  for (const char* bomb : {"local s = 'x' while true do s = s .. s end",
                           "local t = {} while true do t[#t + 1] = {} end",
                           "local t = {} while true do pcall(function() t[#t + 1] = {} end) end",
                           "local t = {} while true do t[#t + 1] = function() return t end end"}) {
    LuaRig rig;
    ASSERT_EQ(rig.load("spy", std::string("kith.on('message/bomb', function() ") + bomb + R"( end)
      kith.on('message/t', function() print('still here') end))"),
              "");
    ASSERT_EQ(rig.load("other", "kith.on('message/t', function() print('fine') end)"), "");
    EXPECT_NE(rig.tell("bomb", "!").find("app failed: it needs more than 16777216 bytes"),
              std::string::npos)
        << rig.lines("spy");
    EXPECT_EQ(rig.tell("t", "?"), "");
    EXPECT_TRUE(rig.lines("other").ends_with("fine"));
  }
}

TEST(LuaSandbox, GarbageIsNoLeak) {
  LuaRig rig;
  EXPECT_TRUE(rig.say(R"(
    local kept = {}
    for i = 1, 60000 do kept[i] = { i } end
    for i = 1, 300000 do local t = { i, tostring(i) } end
    for i = 1, 200 do local s = ('x'):rep(1000000 + i) end
    print(collectgarbage('count') < 16384))")
                  .starts_with("true"));
}

TEST(LuaSandbox, MessagesKeptCountAsMemory) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kept = {}
    kith.on('message/t', function(m) kept[#kept + 1] = m end)
    kith.on('message/n', function(m) print(#kept) end))"),
            "");
  for (int i = 0; i < 40; ++i) rig.play.publish(rig.node, "t", std::string(900'000, 'a'));
  rig.play.loop.run_for(60'000'000);  // three that found no room have suspended it
  const std::string said = rig.tell("n", "");
  EXPECT_GT(std::stoi(said), 10);
  EXPECT_LT(std::stoi(said), 19);
}

TEST(LuaSandbox, ThreeBudgetsInARowSuspend) {
  LuaRig rig(small(200'000));
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/bad', function() while true do end end)
    kith.on('message/good', function() print('good') end))"),
            "");
  rig.tell("bad", "1");
  rig.tell("bad", "2");
  EXPECT_EQ(rig.tell("good", ""), "good");  // not in a row
  rig.tell("bad", "1");
  rig.tell("bad", "2");
  EXPECT_NE(rig.tell("bad", "3").find("app suspended for 10 s"), std::string::npos);
  EXPECT_EQ(rig.tell("good", ""), "");
  rig.play.loop.run_for(9'000'000);
  EXPECT_EQ(rig.tell("good", ""), "");
  rig.play.loop.run_for(2'000'000);
  EXPECT_EQ(rig.tell("good", ""), "good");
  for (int i = 0; i < 2; ++i) rig.tell("bad", "again");
  EXPECT_NE(rig.tell("bad", "3").find("app suspended for 20 s"), std::string::npos);
}

TEST(LuaSandbox, WhatIsAbsentIsAbsent) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    for _, name in ipairs({ 'ffi', 'jit', 'package', 'require', 'module', 'debug', 'io', 'dofile',
        'loadfile', 'newproxy', 'setfenv', 'getfenv', 'gcinfo' }) do
      if rawget(_G, name) ~= nil then print('there is ' .. name) end
    end
    for _, name in ipairs({ 'execute', 'exit', 'getenv', 'remove', 'rename', 'tmpname' }) do
      if os[name] then print('there is os.' .. name) end
    end
    print(string.dump, table.foreach, os.clock and os.date and os.time and true))");
  EXPECT_TRUE(said.starts_with("nil\tnil\ttrue")) << said;
}

TEST(LuaSandbox, BytecodeIsRefused) {
  LuaRig rig;
  EXPECT_TRUE(rig.say(R"(
    print(load('\27LJ\2', 'x'))
    print(loadstring('\27LJ\2', 'x'))
    local n = 0
    print(load(function() n = n + 1 return n == 1 and '\27LJ\2' or nil end, 'x', 'b'))
    print(load('return 6 * 7', 'x', 't', {})()))")
                  .starts_with("nil\tattempt to load chunk with wrong mode\n"
                               "nil\tattempt to load chunk with wrong mode\n"
                               "nil\tattempt to load chunk with wrong mode\n42"))
      << rig.lines("spy");
  EXPECT_EQ(rig.load("bytes", "\x1bLJ\x02"), "attempt to load chunk with wrong mode");
}

TEST(LuaSandbox, TamperingWithItsOwnTablesHurtsNobody) {
  LuaRig rig;
  EXPECT_TRUE(rig.say(R"(
    print(getmetatable(''), pcall(setmetatable, '', {}))
    string.find, string.format, table.concat, pcall, tostring, pairs = nil
    _G.error, _G.type, _G.select, math.floor = nil
    setmetatable(_G, { __index = function() return 1 end, __newindex = function() end })
    kith.list, kith.log.warn = nil
    print(os.time() > 0, (xpcall(function() no.no() end, function(e) return e end))))")
                  .starts_with("false\tfalse\tbad argument #1 to '?' (table expected, got string)\n"
                               "true\tfalse"))
      << rig.lines("spy");
}

TEST(LuaSandbox, ErrorsSayFileAndLine) {
  LuaRig rig;
  EXPECT_EQ(rig.load("alerts", "local a = 1\n\nlocal = 2"),
            "alerts.lua:3: '<name>' expected near '='");
  EXPECT_EQ(rig.load("alerts", "\nerror('boom')"), "alerts.lua:2: boom");
  EXPECT_EQ(rig.load("alerts", "error({})"), "an error that is a table value");
  EXPECT_EQ(rig.load("alerts", "coroutine.yield()"),
            "alerts.lua:1: coroutine.yield outside of a coroutine");
  EXPECT_EQ(rig.load("alerts", "while true do end"), "alerts.lua:1: " + std::string(kEnded));
  EXPECT_EQ(rig.load_file("gone", rig.folder + "/gone.lua"),
            rig.folder + "/gone.lua: cannot be read");
  EXPECT_NE(rig.load("large", std::string(1 << 21, ' ')).find("over 1048576 bytes"),
            std::string::npos);
  ASSERT_EQ(rig.load("spy",
                     "local function inner(m)\n  return m.json.x\nend\n"
                     "kith.on('message/t', function(m)\n  local x = inner(m)\n end)"),
            "");
  const std::string said = rig.tell("t", "no json");
  EXPECT_TRUE(
      said.starts_with("message/t: spy.lua:2: attempt to index field 'json' (a nil value)"
                       "\nstack traceback:"))
      << said;
  EXPECT_NE(said.find("spy.lua:5: in function"), std::string::npos) << said;
}

TEST(LuaSandbox, AFailedLoadLeavesNothingHooked) {
  LuaRig rig;
  EXPECT_EQ(rig.load("spy", "kith.on('message/t', function() print('ghost') end)\nerror('no')"),
            "spy.lua:2: no");
  EXPECT_FALSE(rig.node.bus().heard("message/t"));
  EXPECT_TRUE(rig.node.topics().rows().empty());
}

std::size_t resident_bytes() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_purge_allocator();  // what it holds back of freed memory is no leak
#endif
  std::size_t mapped_pages = 0, resident_pages = 0;
  std::ifstream("/proc/self/statm") >> mapped_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(LuaSandbox, ReloadsLeaveMemoryWhereItWas) {
  LuaRig rig;
  const char* source = R"(
    local t = {}
    for i = 1, 1000 do t[i] = { i, tostring(i) } end
    kith.on('message/t', function(m) t[#t + 1] = m.text end)
    kith.every(1, function() end)
    kith.spawn(function() kith.parallel(function() kith.sleep(1000) end) end)
    kith.spawn(function() kith.call('listen', { topic = 't' }, function() end) end)
    kith.command('c', function() return t end))";
  const auto reload = [&](int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(rig.load("spy", source), "");
      rig.play.publish(rig.node, "t", "x");
      rig.play.loop.run_for(10'000);  // what it has spawned waits
    }
  };
  reload(100);
  const std::size_t before = resident_bytes();
  reload(200);
  EXPECT_LT(resident_bytes(), before + (8u << 20));
}

}  // namespace
}  // namespace kith::test
