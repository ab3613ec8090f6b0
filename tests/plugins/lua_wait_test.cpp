// SPDX-License-Identifier: MIT
// Calls that wait: where they can and cannot, what passes through a script's own coroutines, and
// what becomes of them when the app goes.
#include "tests/plugins/lua_rig.h"

namespace kith::test {
namespace {

// What the app says within so many seconds of virtual time after an event.
std::string tell_for(LuaRig& rig, std::string_view topic, std::string_view text, int seconds) {
  rig.tell(topic, text);
  rig.play.loop.run_for(static_cast<std::uint64_t>(seconds) * 1'000'000);
  return rig.lines("spy");
}

TEST(LuaWait, SleepReadsAsIfItBlocked) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function(m)
      local begun = kith.now()
      print('before', m.text)
      print(kith.sleep('2s'))
      print(m.text, kith.now() - begun)
      kith.sleep(0.5)
      print('after', kith.now() - begun)
    end))"),
            "");
  EXPECT_EQ(tell_for(rig, "t", "x", 5), "before\tx\ntrue\nx\t2\nafter\t2.5");
}

TEST(LuaWait, AHandlerThatWaitsHasPassed) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', { priority = 1 }, function(m) kith.sleep(1) print('first') return true end)
    kith.on('message/t', function(m) print('second') end))"),
            "");
  EXPECT_EQ(tell_for(rig, "t", "x", 2), "second\nfirst");
}

TEST(LuaWait, ACommandAnswersWhenItsCoroutineEnds) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.command('nap', { { 's', 'number' } }, function(a)
      kith.sleep(a.s)
      return { slept = a.s }
    end)
    kith.command('oops', function() kith.sleep(1)
      error('broken') end)
    kith.command('no', function() kith.sleep(1) return nil, 'because' end))"),
            "");
  wire::Value args;
  args["s"] = 3;
  const std::uint64_t begun_us = rig.play.loop.now_us();
  EXPECT_EQ(rig.play.call(rig.node, "spy.nap", args)->integer_or("slept", 0), 3);
  EXPECT_EQ((rig.play.loop.now_us() - begun_us) / 1'000'000, 3u);
  EXPECT_EQ(rig.play.call(rig.node, "spy.no", {}).error().detail(), "because");
  rig.clear();
  EXPECT_EQ(rig.play.call(rig.node, "spy.oops", {}).error().detail(), "spy.lua:7: broken");
  EXPECT_TRUE(rig.lines("spy").starts_with("oops: spy.lua:7: broken\nstack traceback:"))
      << rig.lines("spy");
}

TEST(LuaWait, TheTopLevelMayWait) {
  LuaRig rig;
  EXPECT_EQ(rig.load("spy", "print('a') kith.sleep(9.5) print('b')"), "");
  EXPECT_EQ(rig.lines("spy").substr(0, 3), "a\nb");
  const std::string why = rig.load("late", "kith.on('message/t', print) kith.sleep(11)");
  EXPECT_EQ(why, "its top level has waited for 10 s: what takes longer belongs into kith.spawn");
  EXPECT_FALSE(rig.node.bus().heard("message/t"));
  EXPECT_EQ(rig.load("bad", "kith.sleep(1)\nerror('late')"), "bad.lua:2: late");
}

// Each of these waits for a second on its way, and says "done".
class LuaWaits : public testing::TestWithParam<const char*> {};

TEST_P(LuaWaits, Here) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", std::string("kith.on('message/t', function() ") + GetParam() + " end)"),
            "");
  EXPECT_EQ(rig.tell("t", ""), "");
  rig.play.loop.run_for(3'000'000);
  EXPECT_EQ(rig.lines("spy"), "done");
}

INSTANTIATE_TEST_SUITE_P(
    Lua, LuaWaits,
    testing::Values(
        "pcall(function() kith.sleep(1) print('done') end)",
        "print(select(2, pcall(pcall, function() kith.sleep(1) error('done', 0) end)) == false and "
        "'done')",
        "print(select(2, xpcall(function() kith.sleep(1) error('d', 0) end, function(e) return e "
        ".. "
        "'one' end)))",
        "xpcall(error, function() kith.sleep(1) print('done') end)",
        "local t = setmetatable({}, { __index = function() kith.sleep(1) return 'done' end }) "
        "print(t.x)",
        "local t = setmetatable({}, { __add = function() kith.sleep(1) return 'done' end }) "
        "print(t + 1)",
        "local t = setmetatable({}, { __concat = function() kith.sleep(1) return 'done' end }) "
        "print(t .. 'x')",
        "local t = setmetatable({}, { __lt = function() kith.sleep(1) return true end }) "
        "if t < setmetatable({}, getmetatable(t)) then print('done') end",
        "local t = setmetatable({}, { __call = function() kith.sleep(1) return 'done' end }) "
        "print(t())",
        "local t = setmetatable({}, { __newindex = function() kith.sleep(1) print('done') end }) "
        "t.x = 1",
        "print(setmetatable({}, { __tostring = function() kith.sleep(1) return 'done' end }))",
        "local n = 0 for x in function() n = n + 1 kith.sleep(0.5) return n < 3 and n or nil end "
        "do "
        "if x == 2 then print('done') end end",
        "local co = coroutine.wrap(function() kith.sleep(1) coroutine.yield('do') kith.sleep(0.1) "
        "return 'ne' end) print(co() .. co())",
        "for x in coroutine.wrap(function() kith.sleep(1) coroutine.yield('done') end) do print(x) "
        "end",
        "local function deep(n) if n == 0 then kith.sleep(1) return 'done' end "
        "return coroutine.wrap(function() return deep(n - 1) end)() end print(deep(20))",
        "local co = coroutine.create(function(a) local b = coroutine.yield(a) kith.sleep(1) "
        "return a .. b end) coroutine.resume(co, 'do') print(select(2, coroutine.resume(co, "
        "'ne')))",
        "kith.spawn(function(a, b) kith.sleep(1) print(a .. b) end, 'do', 'ne')",
        "kith.after(0.5, function() kith.sleep(0.5) print('done') end)",
        "local f = load('kith.sleep(1) return \"done\"') print(f())",
        "print(kith.parallel(function() kith.sleep(1) return 'done' end))",
        "print((pcall(kith.sleep, 1)) and 'done')"));

class LuaCannotWait : public testing::TestWithParam<const char*> {};

TEST_P(LuaCannotWait, Here) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", std::string("kith.on('message/t', function() ") + GetParam() + " end)"),
            "");
  const std::string said = tell_for(rig, "t", "", 3);
  EXPECT_NE(said.find("spy.lua:1: cannot wait here"), std::string::npos) << said;
  EXPECT_EQ(said.find("done"), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(
    Lua, LuaCannotWait,
    testing::Values(
        "table.sort({ 2, 1 }, function() kith.sleep(1) print('done') end)",
        "('x'):gsub('x', function() kith.sleep(1) print('done') end)",
        "('x'):gsub('.', setmetatable({}, { __index = function() kith.sleep(1) end }))",
        "('x'):gsub('x', coroutine.wrap(function() kith.sleep(1) print('done') end))",
        "('x'):gsub('x', function() local co = coroutine.create(function() "
        "coroutine.wrap(function() kith.sleep(1) print('done') end)() end) "
        "print(coroutine.resume(co)) end)",
        "('%s'):format(setmetatable({}, { __tostring = function() kith.sleep(1) end }))"));

TEST(LuaWait, AValidatorCannotWait) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.validate('t', function(m) kith.sleep(1) end)
    kith.validate('u', function(m) coroutine.wrap(function() kith.sleep(1) end)() end)
    kith.on('message/t', function() print('heard') end))"),
            "");
  for (const char* topic : {"t", "u"}) {
    kith_message message{};
    message.size = sizeof message;
    message.topic = c_bytes(std::string_view(topic));
    const std::string name = std::string("validate/") + topic;
    const kith_event event{sizeof event, c_bytes(std::string_view(name)), {}, &message};
    EXPECT_EQ(rig.node.bus().emit(event), KITH_IGNORE);
  }
  EXPECT_NE(rig.lines("spy").find("validate/t: spy.lua:2: cannot wait here"), std::string::npos);
  EXPECT_NE(rig.lines("spy").find("validate/u: spy.lua:3: cannot wait here"), std::string::npos);
}

TEST(LuaWait, CoroutinesLookTheSameWhetherTheyWaitOrNot) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function()
      print(coroutine.running(), coroutine.isyieldable(), pcall(coroutine.yield, 1))
      co = coroutine.create(function(...)
        print(coroutine.running() == co, coroutine.isyieldable(), coroutine.status(co), ...)
        kith.sleep(1)
        print(coroutine.running() == co, coroutine.isyieldable(), coroutine.status(co))
        return coroutine.yield()
      end)
      print(coroutine.status(co))
      print(select('#', coroutine.resume(co, 1, nil, nil)), coroutine.status(co))
      print(select('#', coroutine.resume(co, 1, nil, nil)), coroutine.status(co))
      print(coroutine.resume(co))
    end)
    kith.on('message/other', function()
      print(coroutine.status(co), coroutine.resume(co, 'stolen'))
    end))"),
            "");
  EXPECT_EQ(rig.tell("t", ""),
            "nil\tfalse\tfalse\tcoroutine.yield outside of a coroutine\nsuspended\n"
            "true\ttrue\trunning\t1\tnil\tnil");
  EXPECT_EQ(rig.tell("other", ""), "normal\tfalse\tcannot resume a coroutine that waits");
  rig.clear();
  rig.play.loop.run_for(2'000'000);
  EXPECT_EQ(rig.lines("spy"),
            "true\ttrue\trunning\n1\tsuspended\n4\tdead\nfalse\tcannot resume dead coroutine");
}

TEST(LuaWait, ErrorsOfWrappedCoroutinesKeepTheirPlace) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    local f = coroutine.wrap(function() kith.sleep(0.1)
      error('x') end)
    print(pcall(f))
    print(pcall(f))
    print(pcall(coroutine.wrap(function() error({}) end)))
    print(pcall(coroutine.resume, 1))
    print(pcall(coroutine.wrap, 1)))");
  EXPECT_TRUE(
      said.starts_with("false\tspy.lua:3: x\nfalse\tcannot resume dead coroutine\n"
                       "false\ttable: "))
      << said;
}

TEST(LuaWait, ParallelGivesFirstResultsInOrder) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local function nap(s, r) return function() kith.sleep(s) return r, 'more' end end
    kith.on('message/t', function()
      local begun = kith.now()
      print(kith.parallel(nap(3, 'a'), nap(1, nil), nap(2, 'c'), function() return 'd' end))
      print(kith.now() - begun)
      local none, err = kith.parallel(nap(1, 'a'), function() error('bad') end)
      print(none, err)
      print(kith.parallel(function() return kith.parallel(nap(1, 'deep')) end))
      print(pcall(kith.parallel))
    end))"),
            "");
  const std::string said = tell_for(rig, "t", "", 10);
  EXPECT_TRUE(said.starts_with("a\tnil\tc\td\n3\nparallel 2: spy.lua:7: bad")) << said;
  EXPECT_TRUE(
      said.ends_with("\nnil\tfunction 2: spy.lua:7: bad\ndeep\nfalse\tbad argument #0 to "
                     "'?' (1 to 64 functions expected)"))
      << said;
}

TEST(LuaWait, CallReachesAnyCommand) {
  LuaRig rig;
  ASSERT_EQ(rig.load("other",
                     "kith.command('add', { { 'a', 'int' }, { 'b', 'int' } }, "
                     "function(x) kith.sleep(1) return { sum = x.a + x.b } end)"),
            "");
  EXPECT_EQ(rig.load("spy", R"(
    print(kith.call('other.add', { a = 2, b = 3 }).sum)
    print(kith.call('other.add', { a = 2 }))
    local none, err = kith.call('other.ad')
    print(none, err.code, err.retryable)
    print(pcall(kith.call, 'x', { 1 }))
    print(kith.call('publish', { topic = 't', text = 'hello' }).peers)
    print(kith.call('nothing at all')))"),
            "");
  const std::string said = rig.lines("spy");
  EXPECT_TRUE(said.starts_with("5\nnil\t")) << said;
  EXPECT_NE(said.find("\nnil\tabsent\tfalse\nfalse\tbad argument #2 to '?' (arguments by name "
                      "expected)\n0\nnil\tno command"),
            std::string::npos)
      << said;
}

TEST(LuaWait, PartsOfACallAreHeardAsTheyCome) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.spawn(function()
      local seen = 0
      print(kith.call('listen', { topic = 't' }, function(part)
        if part.text then print(part.text) seen = seen + 1 end
        if part.text == 'wait' then kith.sleep(1) print('waited') end
        if part.text == 'bad' then error('bad part') end
        if seen == 4 then return false end
      end))
    end))"),
            "");
  rig.play.loop.run_for(1'000'000);
  rig.clear();
  for (const char* text : {"one", "wait", "bad", "four", "five"})
    rig.play.publish(rig.node, "t", text);
  rig.play.loop.run_for(2'000'000);
  const std::string said = rig.lines("spy");
  EXPECT_TRUE(said.starts_with("one\nwait\nbad\npart of listen: spy.lua:7: bad part\n")) << said;
  EXPECT_TRUE(said.ends_with("\nfour\nnil\nwaited")) << said;
}

TEST(LuaWait, WaitsAreBounded) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local refused, slept = 0, 0
    kith.on('message/t', function()
      local ok, err = kith.sleep(60)
      if not ok then refused = refused + 1 last = err end
      if ok then slept = slept + 1 end
    end)
    kith.on('message/n', function() print(refused, slept, last and last.code) end))"),
            "");
  for (int i = 0; i < 1'000; ++i) rig.play.publish(rig.node, "t", "");
  EXPECT_EQ(rig.tell("n", ""), "936\t0\tlimit");
  rig.play.loop.run_for(61'000'000);
  EXPECT_EQ(rig.tell("n", ""), "936\t64\tlimit");
  rig.tell("t", "");
  rig.play.loop.run_for(61'000'000);
  EXPECT_EQ(rig.tell("n", ""), "936\t65\tlimit");
}

TEST(LuaWait, ATickThatFindsTheOneBeforeWaitingIsLeftOut) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local n = 0
    kith.every(1, function() n = n + 1 local me = n kith.sleep(2.5) print(me) end))"),
            "");
  rig.clear();
  rig.play.loop.run_for(10'000'000);
  EXPECT_EQ(rig.lines("spy"), "1\n2\n3");
}

// ---- what ends a wait early

class LuaUnloads : public testing::TestWithParam<const char*> {};

// At once, and when its command waits too.
TEST_P(LuaUnloads, AndNothingFiresAfter) {
  for (const std::uint64_t delay_us : {0u, 500u, 500'000u}) {
    LuaRig rig;
    rig.http.silent = true;
    ASSERT_EQ(rig.load("slow", "kith.command('nap', function() kith.sleep(1) end)"), "");
    const std::string body =
        std::string("function() ") + GetParam() + " kith.publish('fired', '') end) ";
    const std::string source =
        "ledger = kith.ledger('shop') kith.on('message/t', " + body + "kith.command('c', " + body;
    ASSERT_EQ(rig.load("spy", source), "");
    auto& fired = rig.play.listen(rig.node, "fired");
    rig.play.publish(rig.node, "t", "");
    std::string why;
    const auto ticket =
        rig.node.bus().call("spy.c", {},
                            {[](const wire::Value&) {}, [](wire::Value) {},
                             [&why](const std::string& sentence, int) { why = sentence; }});
    rig.play.loop.run_for(delay_us);
    const std::size_t before = fired.texts.size();
    EXPECT_TRUE(rig.node.apps().unload("spy"));
    rig.play.loop.run_for(5'000'000);
    EXPECT_EQ(fired.texts.size(), before);
    EXPECT_TRUE(before > 0 || !why.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Lua, LuaUnloads,
                         testing::Values("kith.sleep(1)", "kith.call('slow.nap')",
                                         "kith.parallel(function() kith.sleep(1) end)",
                                         "coroutine.wrap(function() kith.sleep(1) end)()",
                                         "pcall(kith.sleep, 1)", "kith.store.put('k', 1)",
                                         "kith.store.tx(function(t) t.put('k', 1) end)",
                                         "ledger:append('a', 'b')", "ledger:read()",
                                         "ledger:verify()",
                                         "kith.http.get('https://example.org')"));

TEST(LuaWait, AnUnloadWhileItsTopLevelWaits) {
  LuaRig rig;
  const std::string file = rig.folder + "/spy.lua";
  std::ofstream(file, std::ios::binary) << "kith.sleep(5) kith.publish('fired', '')";
  auto& fired = rig.play.listen(rig.node, "fired");
  std::string why;
  Scope scope([&why](const std::exception& thrown) { why = thrown.what(); });
  scope.spawn([](node::Node& node, std::string path) -> Task<void> {
    co_await node.apps().load("spy", std::move(path), wire::Value::Map());
  }(rig.node, file));
  rig.play.loop.run_for(1'000'000);
  rig.node.apps().unload("spy");
  rig.play.loop.run_for(20'000'000);
  EXPECT_NE(why, "");
  EXPECT_TRUE(fired.texts.empty());
}

TEST(LuaWait, TheCallersGoingLeavesTheCommandToItsEnd) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", "kith.command('c', function() kith.sleep(1) print('ran on') end)"), "");
  rig.clear();
  {
    const auto ticket = rig.node.bus().call("spy.c", {}, {[](const wire::Value&) {}, {}, {}});
  }
  auto ticket = rig.node.bus().call(
      "spy.c", {}, {[](const wire::Value&) {}, [](wire::Value) {}, [](const std::string&, int) {}});
  rig.play.loop.run_for(500'000);
  ticket = {};
  rig.play.loop.run_for(2'000'000);
  EXPECT_EQ(rig.lines("spy"), "ran on");
}

// ---- budgets and faults

wire::Value small(std::int64_t instructions) {
  wire::Value options;
  options["instructions"] = instructions;
  return options;
}

TEST(LuaWait, TheBudgetIsForAllThatAHandlerRuns) {
  LuaRig rig(small(1'000'000));
  ASSERT_EQ(rig.load("spy", R"(
    local function work() for i = 1, 100000 do end end
    kith.on('message/t', function(m)
      for i = 1, 100 do work() print(i) kith.sleep(1) end
    end)
    kith.on('message/good', function() print('good') end))"),
            "");
  const std::string said = tell_for(rig, "t", "", 100);
  EXPECT_NE(said.find("stopped: it ran too many instructions"), std::string::npos) << said;
  EXPECT_NE(said.find("\n4\n"), std::string::npos) << said;
  EXPECT_EQ(said.find("\n20\n"), std::string::npos) << said;
  EXPECT_EQ(rig.tell("good", ""), "good");
}

TEST(LuaWait, FaultsAfterAWaitAreCaughtAndNamed) {
  LuaRig rig(small(1'000'000));
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/loop', function() kith.sleep(1) while true do pcall(error) end end)
    kith.on('message/error', function() kith.sleep(1)
      error('late') end)
    kith.on('message/nested', function()
      coroutine.wrap(function() kith.sleep(1) while true do end end)()
    end)
    kith.on('message/good', function() print('good') end))"),
            "");
  EXPECT_TRUE(tell_for(rig, "loop", "", 2)
                  .starts_with("message/loop: spy.lua:2: stopped: it ran too many instructions"))
      << rig.lines("spy");
  EXPECT_TRUE(
      tell_for(rig, "error", "", 2).starts_with("message/error: spy.lua:4: late\nstack traceback:"))
      << rig.lines("spy");
  EXPECT_TRUE(tell_for(rig, "nested", "", 2)
                  .starts_with("message/nested: spy.lua:6: stopped: it ran too many"))
      << rig.lines("spy");
  EXPECT_EQ(rig.tell("good", ""), "good");
}

TEST(LuaWait, AMemoryBombAfterAWaitFailsItsAppAlone) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.command('slow', function() kith.sleep(5) end)
    kith.on('message/bomb', function()
      kith.sleep(1)
      local s = 'x' while true do s = s .. s end
    end))"),
            "");
  ASSERT_EQ(rig.load("other", "kith.on('message/t', function() print('fine') end)"), "");
  std::string why;
  const auto ticket =
      rig.node.bus().call("spy.slow", {},
                          {[](const wire::Value&) {}, [](wire::Value) {},
                           [&why](const std::string& sentence, int) { why = sentence; }});
  EXPECT_NE(tell_for(rig, "bomb", "", 2).find("app failed: it needs more than 16777216 bytes"),
            std::string::npos);
  EXPECT_EQ(why, "the app has failed: see its log");
  rig.play.publish(rig.node, "t", "");
  EXPECT_TRUE(rig.lines("other").ends_with("fine"));
}

TEST(LuaWait, WhatWaitsGoesOnWhenASuspensionEnds) {
  LuaRig rig(small(200'000));
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/nap', function() kith.sleep(2) print('woke', kith.now() - begun) end)
    kith.on('message/bad', function() while true do end end)
    kith.on('message/mark', function() begun = kith.now() end))"),
            "");
  rig.tell("mark", "");
  rig.tell("nap", "");
  for (int i = 0; i < 3; ++i) rig.tell("bad", "");
  rig.clear();
  rig.play.loop.run_for(5'000'000);
  EXPECT_EQ(rig.lines("spy"), "");
  rig.play.loop.run_for(6'000'000);
  EXPECT_TRUE(rig.lines("spy").starts_with("woke\t10")) << rig.lines("spy");
}

TEST(LuaWait, ScriptsHaveSoManyCoroutines) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    local kept = {}
    print(pcall(function() while true do kept[#kept + 1] = coroutine.create(print) end end))
    print(#kept)
    kept = {}
    for i = 1, 10000 do coroutine.wrap(function() coroutine.yield() end)() end
    for i = 1, 10000 do coroutine.wrap(function() end)() end
    print('fine'))");
  EXPECT_TRUE(said.starts_with("false\tspy.lua:3: too many coroutines\n256\nfine")) << said;
}

TEST(LuaWait, APatternThatHearsNothingSaysHowToJoin) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy",
                     "kith.on('message/room/+', print) kith.on('message/other/#', print) "
                     "kith.join('room/a')"),
            "");
  rig.play.loop.run_for(1'000'000);
  const std::string said = rig.lines("spy");
  EXPECT_NE(said.find("'message/other/#' hears nothing yet: a pattern joins no topic; "
                      "kith.join(\"TOPIC\") does"),
            std::string::npos)
      << said;
  EXPECT_EQ(said.find("room/+"), std::string::npos) << said;
}

}  // namespace
}  // namespace kith::test
