// SPDX-License-Identifier: MIT
// The Lua runner as a script's author meets it: kith.on, publish, log, config, json, timers,
// commands. On a real Node with the built plugin.
#include "tests/plugins/lua_rig.h"

namespace kith::test {
namespace {

TEST(Lua, RunsAScriptAndHandsItItsConfig) {
  LuaRig rig;
  wire::Value config;
  config["greeting"] = "hello";
  config["days"] = wire::Value::List{1, 2, 3};
  EXPECT_EQ(rig.load("spy",
                     "print(kith.config.greeting, #kith.config.days, kith.config.none)\n"
                     "kith.log.info(kith.id)",
                     config),
            "");
  const std::string id = rig.node.setup().identity.peer_id().text();
  EXPECT_TRUE(rig.lines("spy").starts_with("hello\t3\tnil\n" + id));
}

TEST(Lua, AHandlerHearsItsTopicAndNodeJoinsIt) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", "kith.on('message/lobby', function(m) print('got ' .. m.text) end)"),
            "");
  EXPECT_EQ(rig.node.topics().rows().at(0).topic, "lobby");
  EXPECT_EQ(rig.tell("lobby", "one"), "got one");
  EXPECT_EQ(rig.tell("kitchen", "two"), "");
}

TEST(Lua, FieldsOfAMessageAreBuiltWhenRead) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kept = nil
    kith.on('message/t', function(m)
      print(m.topic, #m.id > 0, m.from == kith.id, m.via == kith.id, m.data, m.text, m.nothing)
      print(m.json and #m.json.a, m.json == m.json, type(m.seqno), m.received <= kith.now())
      print(pcall(function() m.text = 1 end))
      print(getmetatable(m), #tostring(m) > 0)
      kept = m
    end)
    kith.on('message/later', function() print(kept.text, kept.id == kept.id, kept.json.a) end))"),
            "");
  EXPECT_EQ(rig.tell("t", R"({"a":[1,2]})"),
            "t\ttrue\ttrue\ttrue\t{\"a\":[1,2]}\t{\"a\":[1,2]}\tnil\n"
            "2\ttrue\tstring\ttrue\nfalse\tspy.lua:6: a message is read-only\nfalse\ttrue");
  rig.tell("t", R"({"a":"x"})");
  EXPECT_EQ(rig.tell("later", "?"), R"({"a":"x"})"
                                    "\ttrue\tx");
}

TEST(Lua, TextIsNilUnlessUtf8AndJsonUnlessItParses) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function(m) print(m.text, m.json, #m.data) end)
    kith.publish('own', 'not heard by itself'))"),
            "");
  EXPECT_EQ(rig.tell("t", "{broken"), "{broken\tnil\t7");
  EXPECT_EQ(rig.tell("t", "\xff\xfe"), "nil\tnil\t2");
  EXPECT_EQ(rig.tell("t", std::string(100, '[') + std::string(100, ']')).substr(100),
            std::string(100, ']') + "\tnil\t200");
}

TEST(Lua, EchoAnswersAndDoesNotHearItself) {
  LuaRig rig;
  wire::Value config;
  config["topic"] = "shout";
  const std::string file = std::string(KITH_TEST_FILES) + "/../../scripts/echo.lua";
  ASSERT_EQ(rig.load_file("echo", file, config), "");
  auto& heard = rig.play.listen(rig.node, "echo/reply");
  rig.play.publish(rig.node, "shout", "hello");
  rig.play.publish(rig.node, "echo", "nobody is there");
  EXPECT_EQ(heard.texts, std::vector<std::string>{"hello"});
}

TEST(Lua, EchoAnswersAcrossTwoNodes) {
  LuaRig rig;
  ASSERT_EQ(rig.load_file("echo", std::string(KITH_TEST_FILES) + "/../../scripts/echo.lua"), "");
  node::Node& other = rig.play.add();
  auto& heard = rig.play.listen(other, "echo/reply");
  rig.play.connect(other, rig.node);
  rig.play.loop.run_for(2'000'000);
  EXPECT_EQ(rig.play.publish(other, "echo", "over there"), 1u);
  rig.play.loop.run_for(2'000'000);
  EXPECT_EQ(heard.texts, std::vector<std::string>{"over there"});
}

TEST(Lua, PublishGivesIdAndPeersOrAnError) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    local sent = kith.publish('t', { b = 1, aa = { true, kith.json.null } })
    print(#sent.id > 0, sent.peers)
    local none, err = kith.publish('', 'x')
    print(none, tostring(err), err.code, err.message == tostring(err), 'so: ' .. err)
    print(pcall(kith.publish, 't', { f = print }))
    print(pcall(kith.publish, 't')))");
  EXPECT_EQ(said,
            "true\t0\n"
            "nil\tnot a valid name: topic \"\"\tbad\ttrue\tso: not a valid name: topic \"\"\n"
            "false\tkith.publish: a function is no data\n"
            "false\tbad argument #2 to '?' (string expected, got nil)");
}

TEST(Lua, TablesArePublishedAsJson) {
  LuaRig rig;
  auto& heard = rig.play.listen(rig.node, "t");
  rig.say("kith.publish('t', { b = 1, aa = { true, kith.json.null, 'x\"' }, c = kith.list() })");
  EXPECT_EQ(heard.texts, std::vector<std::string>{R"({"b":1,"c":[],"aa":[true,null,"x\""]})"});
}

TEST(Lua, AnAnswerEndsTheWalkAndPriorityOrdersIt) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function(m) print('late') end)
    kith.on('message/t', { priority = -5 }, function(m) print('last') end)
    kith.on('message/t', { priority = 10 }, function(m)
      print('first')
      if m.text == 'stop' then return true end
    end))"),
            "");
  EXPECT_EQ(rig.tell("t", "go"), "first\nlate\nlast");
  EXPECT_EQ(rig.tell("t", "stop"), "first");
}

TEST(Lua, OwnMessagesAreHeardOnRequestAlone) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function(m) print('deaf to own') end)
    kith.on('message/t', { own = true }, function(m) print('own ' .. m.text) end)
    kith.on('message/go', function() kith.publish('t', 'me') print('sent') end))"),
            "");
  EXPECT_EQ(rig.tell("go", "!"), "own me\nsent");
}

TEST(Lua, OffEndsAHandlerEvenFromInside) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local handler
    handler = kith.on('message/t', function(m) handler:off() handler:off() print('once') end))"),
            "");
  EXPECT_EQ(rig.tell("t", "1"), "once");
  EXPECT_EQ(rig.tell("t", "2"), "");
  EXPECT_TRUE(rig.node.topics().rows().empty());
}

TEST(Lua, OtherEventsComeAsTables) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('peer/connected', function(e) print(e.peer, e.n, e.list[2], e.gone, e.big) end))"),
            "");
  wire::Value body;
  body["peer"] = "Qm";
  body["n"] = 1.5;
  body["list"] = wire::Value::List{1, "two"};
  body["gone"] = nullptr;
  body["big"] = std::int64_t{9007199254740993};
  rig.clear();
  rig.node.bus().emit("peer/connected", body);
  EXPECT_EQ(rig.lines("spy"), "Qm\t1.5\ttwo\tnil\t9007199254740993");
}

TEST(Lua, AValidatorJudgesAndItsErrorIgnores) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.validate('t', function(m)
      if m.text == 'bad' then return 'reject' end
      if m.text == 'dull' then return 'ignore' end
      if m.text == 'oops' then error('broken') end
    end))"),
            "");
  const auto judge = [&rig](std::string_view text) {
    kith_message message{};
    message.size = sizeof message;
    message.topic = c_bytes(std::string_view("t"));
    message.data = c_bytes(text);
    const std::string name = "validate/t";
    const kith_event event{sizeof event, c_bytes(std::string_view(name)), {}, &message};
    return rig.node.bus().emit(event);
  };
  EXPECT_EQ(judge("good"), KITH_PASS);
  EXPECT_EQ(judge("bad"), KITH_REJECT);
  EXPECT_EQ(judge("dull"), KITH_IGNORE);
  EXPECT_EQ(judge("oops"), KITH_IGNORE);
}

TEST(Lua, JsonGoesBothWays) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    local j = kith.json
    print(j.encode({ 1, 2.5, 'x', true, j.null, {}, kith.list() }))
    print(j.encode('a"\\\n\1' .. 'é'), j.encode(1e300), j.encode(9007199254740992))
    local t = j.decode('{"a": [1, -2.5e3, "\\u00e9\\ud83d\\ude00", null], "b": {}}')
    print(t.a[1], t.a[2], t.a[3], t.a[4] == j.null, #t.a, next(t.b))
    for _, bad in ipairs({ '', '{', '[1,]', '01', '"\\ud800"', '{"a":1,"a":2}', '1 1', 'nul',
                           '"\1"', '\255', ('['):rep(70), '[1' .. (',1'):rep(300000) .. ']' }) do
      print(select(2, j.decode(bad)))
    end
    local loop = {} loop.loop = loop
    print(pcall(j.encode, loop))
    print(pcall(j.encode, { [1] = 1, x = 2 }))
    print(pcall(j.encode, 0 / 0), pcall(j.encode, '\255')))");
  const std::string expected =
      R"([1,2.5,"x",true,null,{},[]])"
      "\n"
      R"("a\"\\\n\u0001é")"
      "\t1e+300\t9007199254740992\n"
      "1\t-2500\té😀\ttrue\t4\tnil\n"
      "not JSON: at byte 1\nnot JSON: at byte 2\nnot JSON: at byte 4\nnot JSON: at byte 3\n"
      "not JSON: at byte 8\nJSON with a key twice: at byte 12\nnot JSON: at byte 3\n"
      "not JSON: at byte 1\nnot JSON: at byte 3\nJSON that is not UTF-8\n"
      "JSON nested too deep: at byte 65\nJSON with too many values: at byte 524288\n"
      "false\tkith.json.encode: a table nested too deep, or one that holds itself\n"
      "false\tkith.json.encode: a table whose keys are neither all text nor 1 to n\n"
      "false\tfalse\tkith.json.encode: text that is not UTF-8";
  EXPECT_EQ(said, expected);
}

TEST(Lua, TimersFireInVirtualTimeAndCanBeCancelled) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local n = 0
    local tick
    tick = kith.every('1s', function()
      n = n + 1
      print('tick', n)
      if n == 3 then tick:cancel() end
    end)
    kith.after(0.5, function() print('after') end)
    kith.after('10s', function() print('never') end):cancel()
    print(pcall(kith.every, '3 parsecs', print)))"),
            "");
  rig.clear();
  rig.play.loop.run_for(20'000'000);
  EXPECT_EQ(rig.lines("spy"), "after\ntick\t1\ntick\t2\ntick\t3");
}

TEST(Lua, CommandsAnswerFailAndRaise) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.command('mute', { { 'minutes', 'number', default = 10 } }, function(args)
      return { muted = args.minutes }
    end)
    kith.command('no', function() return nil, 'because' end)
    kith.command('oops', function() error('broken') end)
    kith.command('greet', { { 'who' } }, function(args) return 'hello ' .. args.who end)
    kith.command('odd', function() return print end)
    print(pcall(kith.command, 'mute', print))
    print(pcall(kith.command, 'Bad Name', print)))"),
            "");
  EXPECT_TRUE(rig.lines("spy").find("kith.command 'mute': the name is taken") != std::string::npos);
  EXPECT_TRUE(rig.lines("spy").find("kith.command 'Bad Name': bad name") != std::string::npos);
  wire::Value args;
  auto& play = rig.play;
  EXPECT_EQ(play.call(rig.node, "spy.mute", args)->integer_or("muted", 0), 10);
  args["minutes"] = 2.5;
  EXPECT_EQ(*play.call(rig.node, "spy.mute", args)->find("muted")->number(), 2.5);
  EXPECT_EQ(play.call(rig.node, "spy.no", {}).error().detail(), "because");
  EXPECT_FALSE(play.call(rig.node, "spy.greet", {}));
  rig.clear();
  EXPECT_EQ(play.call(rig.node, "spy.oops", {}).error().detail(), "spy.lua:6: broken");
  EXPECT_TRUE(rig.lines("spy").find("oops: spy.lua:6: broken\nstack traceback:") == 0)
      << rig.lines("spy");
  EXPECT_EQ(play.call(rig.node, "spy.odd", {}).error().detail(),
            "the result cannot be given back: a function is no data");
}

TEST(Lua, LogWritesFieldsAndHasALimit) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local _, err = kith.publish('', '')
    kith.log.warn('not told', { err = err, n = 3, text = 'two words', f = print })
    kith.on('message/t', function() for i = 1, 1000 do kith.log.info('line') end end))"),
            "");
  EXPECT_EQ(rig.node.apps().find("spy")->lines.at(0).level, LogLevel::warn);
  EXPECT_EQ(rig.node.apps().find("spy")->lines.at(0).text,
            "not told f=\"an error that is a function value\" n=3 "
            R"(err="not a valid name: topic \"\"" )"
            "text=\"two words\"");
  rig.play.loop.run_for(1'500'000);
  rig.tell("t", "go");
  EXPECT_EQ(rig.node.apps().find("spy")->lines.size(), 50u);
  rig.play.loop.run_for(1'500'000);
  EXPECT_EQ(rig.tell("t", "go").substr(0, 27), "log lines dropped count=950");
}

TEST(Lua, TwoAppsDoNotSeeEachOther) {
  LuaRig rig;
  ASSERT_EQ(rig.load("one", "secret = 1; string.rep = nil; kith.publish = nil"), "");
  ASSERT_EQ(rig.load("two", "print(secret, ('x'):rep(3), kith.publish ~= nil)"), "");
  EXPECT_TRUE(rig.lines("two").starts_with("nil\txxx\ttrue"));
}

TEST(Lua, UnloadUndoesAllThatWasHooked) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function() print('alive') end)
    kith.on('peer/#', function() end)
    kith.join('joined')
    kith.every(1, function() print('tick') end)
    kith.command('c', function() end))"),
            "");
  EXPECT_EQ(rig.node.topics().rows().size(), 2u);
  EXPECT_TRUE(rig.node.bus().find_command("spy.c"));
  EXPECT_TRUE(rig.node.apps().unload("spy"));
  EXPECT_TRUE(rig.node.topics().rows().empty());
  EXPECT_FALSE(rig.node.bus().find_command("spy.c"));
  EXPECT_FALSE(rig.node.bus().heard("message/t"));
  rig.play.publish(rig.node, "t", "anybody?");
  rig.play.loop.run_for(5'000'000);
}

TEST(Lua, AnAppMayBeUnloadedFromInsideOfItsHandler) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    kith.on('message/t', function()
      kith.publish('end-me', 'now')
      kith.publish('survived', 'no')
    end))"),
            "");
  auto& survived = rig.play.listen(rig.node, "survived");
  const bus::Owner owner{"test"};
  const auto id = rig.node.bus().on(owner, "message/end-me", 0, 0, [&rig](const kith_event&) {
    rig.node.apps().unload("spy");
    return KITH_PASS;
  });
  rig.play.publish(rig.node, "t", "go");
  rig.play.loop.run_for(1'000'000);
  EXPECT_TRUE(survived.texts.empty());
  EXPECT_FALSE(rig.node.apps().find("spy"));
  rig.node.bus().off(id);
}

TEST(Lua, BadCallsSayWhatIsWrong) {
  LuaRig rig;
  const std::string said = rig.say(R"(
    print(pcall(kith.on, 'message/t', { durable = 'x' }, print))
    print(pcall(kith.on, 'message/a+b', print))
    print(pcall(kith.on, 'message/t'))
    print(pcall(kith.join, '#')))");
  EXPECT_EQ(said,
            "false\tkith.on: unknown option 'durable'; there are 'priority' and 'own'\n"
            "false\tkith.on 'message/a+b': bad event name: '+' and '#' stand for whole levels, "
            "'#' for the last ones\n"
            "false\tbad argument #2 to '?' (table expected, got no value)\n"
            "false\tkith.join '#': no name of a topic");
}

}  // namespace
}  // namespace kith::test
