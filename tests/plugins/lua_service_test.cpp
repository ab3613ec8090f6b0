// SPDX-License-Identifier: MIT
// kith.store and kith.ledger on the engine's own store, kith.http on a fake.
#include "tests/plugins/lua_rig.h"

namespace kith::test {
namespace {

Task<void> load(node::Node& node, std::string file) {
  co_await node.apps().load("spy", std::move(file), wire::Value::Map());
}

TEST(LuaStore, KeepsAnyValueThatJsonCanSay) {
  LuaRig rig;
  EXPECT_EQ(rig.say(R"(
    local s = kith.store
    print(s.get('k'), s.put('k', { 1, 2.5, 'x', true, kith.json.null, { a = kith.list() } }))
    print(kith.json.encode(s.get('k')))
    print(s.put('k', false), s.get('k'), s.put('b', '\255\0'), #s.get('b'))
    print(s.delete('k'), s.get('k'), s.delete('k'))
    print(pcall(s.put, 'k', print))
    print(pcall(s.put, 'k'))
    print(s.put('', 1))
    print(s.get(''))
    print(s.put('large', ('x'):rep(1100000)))
    print(s.put('k', kith.now()), math.abs(s.get('k') - kith.now()) < 1))"),
            "nil\ttrue\n[1,2.5,\"x\",true,null,{\"a\":[]}]\ntrue\tfalse\ttrue\t2\ntrue\tnil\ttrue\n"
            "false\tkith.store.put: a function is no data\n"
            "false\tkith.store.put: a value expected; delete takes a key away\n"
            "nil\ta key has 1 to 1,024 bytes\nnil\ta key has 1 to 1,024 bytes\n"
            "nil\ta value has 1 MiB at most\ntrue\ttrue");
}

TEST(LuaStore, WhatAnAppKeepsOutlivesItsReloadAndIsItsOwn) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", "kith.store.put('k', 'mine')"), "");
  ASSERT_EQ(rig.load("other", "print(kith.store.get('k'))"), "");
  EXPECT_TRUE(rig.lines("other").starts_with("nil"));
  rig.node.apps().unload("spy");
  ASSERT_EQ(rig.load("spy", "print(kith.store.get('k'))"), "");
  EXPECT_TRUE(rig.lines("spy").starts_with("mine"));
}

TEST(LuaStore, ListsByPrefixAndPages) {
  LuaRig rig;
  EXPECT_EQ(rig.say(R"(
    local s = kith.store
    for i = 1, 150 do s.put(('n/%03d'):format(i), i) end
    s.put('o', 'other')
    local page = s.list('n/')
    print(#page, page[1].key, page[1].value, page[100].key)
    page = s.list('n/', { after = page[100].key, limit = 1000 })
    print(#page, page[1].key, page[50].key)
    print(#s.list('n/', { limit = 3 }), #s.list('none'), #s.list(), s.list('o')[1].value)
    for i = 1, 3 do s.put('big/' .. i, ('x'):rep(900000)) end
    print(#s.list('big/')))"),
            "100\tn/001\t1\tn/100\n50\tn/101\tn/150\n3\t0\t100\tother\n2");
}

TEST(LuaStore, ATransactionIsKeptWholeOrNotAtAll) {
  LuaRig rig;
  EXPECT_EQ(
      rig.say(R"(
    local s = kith.store
    s.put('a', 1) s.put('gone', true)
    local kept
    print(s.tx(function(t)
      kept = t
      t.put('a', t.get('a') + 1)
      t.put('b', { t.get('a') })
      t.delete('gone')
      print(t.get('a'), t.get('b')[1], t.get('gone'), s.get('a'), s.get('gone'))
    end))
    print(s.get('a'), s.get('b')[1], s.get('gone'))
    print(pcall(s.tx, function(t) t.put('a', 10) error('no', 0) end))
    print(s.get('a'), pcall(kept.put, 'a', 3))
    print(s.tx(function() end))
    print(pcall(s.tx, function(t) for i = 1, 2000 do t.put('k' .. i, i) end end))
    print(s.get('k1')))"),
      "2\t2\tnil\t1\ttrue\ntrue\n2\t2\tnil\nfalse\tno\n2\tfalse\tthe transaction is over\ntrue\n"
      "false\tspy.lua:16: the transaction: too many writes\nnil");
}

TEST(LuaStore, ReadsWorkWhereNothingCanWait) {
  LuaRig rig;
  EXPECT_EQ(rig.say(R"(
    kith.store.put('k', 1)
    table.sort({ 2, 1 }, function(a, b)
      print(kith.store.get('k'), #kith.store.list())
      return a < b
    end)
    print(pcall(table.sort, { 2, 1 }, function() kith.store.put('k', 2) end)))"),
            "1\t1\nfalse\tspy.lua:7: cannot wait here: neither in a validator nor inside of a "
            "function that the library calls");
}

// ---- ledgers

TEST(LuaLedger, AppendsReadsAndVerifies) {
  LuaRig rig;
  EXPECT_EQ(rig.say(R"(
    local l = kith.ledger('shop')
    local first = l:append('note', 'one')
    print(#first.id > 10, #first.feed > 10, first.seq, first.time <= kith.now())
    print(l:append('item', { price = 3 }).seq, l:append('raw', '\255').seq)
    local entries, more = l:read()
    local e = entries[1]
    print(#entries, more, e.id == first.id, e.author == kith.id, e.feed == first.feed)
    print(entries[1].text, entries[2].text, entries[3].text, entries[3].data == '\255')
    print(entries[1].type, entries[1].late, entries[1].fork, entries[1].early, entries[1].arrival)
    entries, more = l:read{ limit = 2 }
    print(#entries, more, #l:read{ after = entries[2].arrival })
    entries, more = l:timeline{ limit = 2, newest = true }
    print(entries[1].type, entries[2].type, #l:timeline{ after = kith.now() + 60 })
    print(#l:read{ author = kith.id }, pcall(l.read, l, { author = 'nobody' }))
    local v = l:verify()
    print(v.ok, v.feeds, v.entries, #v.problems)
    print(kith.ledger('No Name'))
    print(l:append('Bad Type', 'x')))"),
            "true\ttrue\t1\ttrue\n2\t3\n3\tfalse\ttrue\ttrue\ttrue\n"
            "one\t{\"price\":3}\tnil\ttrue\nnote\tfalse\tfalse\tfalse\t1\n"
            "2\ttrue\t1\nitem\traw\t0\n"
            "3\tfalse\tbad argument #2 to '?' (author: no peer id)\ntrue\t1\t3\t0\n"
            "nil\ta ledger's name is 1 to 64 of a-z 0-9 . _ -\n"
            "nil\tan entry's type is 1 to 64 of a-z 0-9 . _ / -, such as \"note\"");
}

TEST(LuaLedger, TellsOfNewEntriesAsOtherNodesWriteThem) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", R"(
    local l = kith.ledger('shop')
    l:on(function(e) print(e.type, e.text, e.author == kith.id, e.seq, e.late) end)
    kith.command('add', { { 'text' } }, function(a) return l:append('note', a.text) end))"),
            "");
  rig.clear();
  wire::Value args;
  args["text"] = "milk";
  EXPECT_EQ(rig.play.call(rig.node, "spy.add", args)->integer_or("seq", 0), 1);
  rig.play.loop.run_for(1'000'000);
  EXPECT_EQ(rig.lines("spy"), "note\tmilk\ttrue\t1\tfalse");
}

// ---- http

TEST(LuaHttp, AsksAndReadsTheReply) {
  LuaRig rig;
  rig.http.body = R"({"a":[1,null]})";
  rig.http.headers = {"content-type: application/json", "x: 1", "x: 2"};
  EXPECT_EQ(rig.say(R"(
    local opts = { headers = { ['X-One'] = 'two' }, timeout = '2s' }
    local r = kith.http.get('https://example.org/a', opts)
    print(r.ok, r.status, r.headers['content-type'], r.headers.x)
    print(r.text, r.json.a[1], r.json == r.json)
    print(kith.http.post('https://example.org/b', { json = { b = { true } } }).ok)
    kith.http.post('https://example.org/c', { body = 'raw' })
    kith.http.request({ url = 'https://example.org/d', method = 'DELETE' }))"),
            "true\t200\tapplication/json\t1, 2\n{\"a\":[1,null]}\t1\ttrue\ntrue");
  const auto& asked = rig.http.asked;
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_EQ(asked[0].method + asked[0].url, "GEThttps://example.org/a");
  EXPECT_EQ(asked[0].headers, std::vector<std::string>{"X-One: two"});
  EXPECT_EQ(asked[0].ms, 2'000u);
  EXPECT_EQ(asked[1].method + asked[1].body, R"(POST{"b":[true]})");
  EXPECT_EQ(asked[1].headers, std::vector<std::string>{"content-type: application/json"});
  EXPECT_EQ(asked[2].body, "raw");
  EXPECT_EQ(asked[3].method, "DELETE");
}

TEST(LuaHttp, AStatusIsNoErrorAndAFailureIs) {
  LuaRig rig;
  rig.http.status = 503;
  rig.http.body = "\xff";
  EXPECT_EQ(rig.say(R"(
    local r = kith.http.get('https://example.org')
    print(r.ok, r.status, r.text, r.json, #r.data)
    for _, bad in ipairs({ {}, { url = 1 }, { url = 'x', headers = { a = 'b\nc: d' } },
                           { url = 'x', headers = 'y' }, { url = 'x', json = print } }) do
      print(pcall(kith.http.request, bad))
    end)"),
            "false\t503\tnil\tnil\t1\n"
            "false\tbad argument #1 to '?' (url: text expected)\n"
            "false\tbad argument #1 to '?' (url: text expected)\n"
            "false\tbad argument #1 to '?' (headers: a control character)\n"
            "false\tbad argument #1 to '?' (headers: a table expected)\n"
            "false\tjson: a function is no data");
  rig.http.status = KITH_REFUSED;
  rig.http.body = "127.0.0.1 is loopback";
  EXPECT_EQ(rig.load("two",
                     "local r, err = kith.http.get('http://127.0.0.1') "
                     "print(r, err, err.code)"),
            "");
  EXPECT_TRUE(rig.lines("two").starts_with("nil\t127.0.0.1 is loopback\trefused"));
}

TEST(LuaHttp, OnlyTheUrlOfTheConfigIsTheOperators) {
  LuaRig rig;
  wire::Value config;
  config["url"] = "http://127.0.0.1:8080/hook";
  EXPECT_EQ(rig.load("spy", R"(
    for _, url in ipairs({ 'http://127.0.0.1:8080/other?x', 'http://127.0.0.1:8080',
        'http://127.0.0.1:8081/', 'https://127.0.0.1:8080/', 'http://127.0.0.1:8080@evil.example/',
        'http://127.0.0.1:8080\\@evil.example/', 'http://127.0.0.1:80800/', 'nothing' }) do
      kith.http.get(url)
    end)",
                     config),
            "");
  std::string flags;
  for (const auto& asked : rig.http.asked) flags += asked.flags & KITH_HTTP_OPERATOR ? '1' : '0';
  EXPECT_EQ(flags, "11000100");
}

TEST(LuaHttp, WithoutAClientItSaysSo) {
  Play play(3);
  Play::Role role;
  role.options["lua"] = wire::Value();
  node::Node& node = play.add(role);
  const std::string file = testing::TempDir() + "kith-lua-no-http.lua";
  std::ofstream(file, std::ios::binary)
      << "local r, err = kith.http.get('https://example.org') print(r, err, err.code)";
  EXPECT_EQ(play.outcome(load(node, file)), "");
  EXPECT_EQ(node.apps().find("spy")->lines.at(0).text, "nil\tthis node speaks no HTTP\trefused");
}

TEST(LuaHttp, AReplyThatDoesNotComeIsCancelledWithTheApp) {
  LuaRig rig;
  rig.http.silent = true;
  ASSERT_EQ(rig.load("spy",
                     "kith.on('message/t', function() kith.http.get('https://example.org') "
                     "end)"),
            "");
  rig.tell("t", "");
  EXPECT_EQ(rig.http.asked.size(), 1u);
  EXPECT_TRUE(rig.node.apps().unload("spy"));
  rig.play.loop.run_for(1'000'000);
}

// ---- the scripts that ship

class LuaShips : public testing::Test {
 protected:
  std::string start(const std::string& name, const wire::Value& config = wire::Value::Map()) {
    const std::string files = std::string(KITH_TEST_FILES) + "/../../scripts/";
    return rig.load_file(name, files + name + ".lua", config);
  }
  Result<wire::Value> call(const std::string& command, const wire::Value& args) {
    return rig.play.call(rig.node, command, args);
  }
  static wire::Value args(const char* name, const wire::Value& value) {
    wire::Value made;
    made[name] = value;
    return made;
  }
  LuaRig rig;
};

TEST_F(LuaShips, ChatReadsAsAChat) {
  wire::Value config;
  config["rooms"] = wire::Value::List{"lobby", "den"};
  ASSERT_EQ(start("chat", config), "");
  node::Node& other = rig.play.add();
  auto& heard = rig.play.listen(other, "chat/lobby");
  rig.play.connect(other, rig.node);
  rig.play.loop.run_for(2'000'000);
  rig.clear("chat");
  EXPECT_EQ(call("chat.say", args("text", "hello over there"))->integer_or("peers", 0), 1);
  rig.play.loop.run_for(1'000'000);
  rig.play.publish(other, "chat/lobby", "hello yourself");
  rig.play.loop.run_for(1'000'000);
  EXPECT_EQ(heard.texts, (std::vector<std::string>{"hello over there", "hello yourself"}));
  const std::string own = rig.node.setup().identity.peer_id().short_text();
  const std::string their = other.setup().identity.peer_id().short_text();
  EXPECT_EQ(rig.lines("chat"),
            "lobby " + own + ": hello over there\nlobby " + their + ": hello yourself");
}

TEST_F(LuaShips, ChatKeepsTheRoomsThatWereJoined) {
  ASSERT_EQ(start("chat"), "");
  const wire::Value garden = args("room", "garden"), bad = args("room", "a/b");
  EXPECT_EQ(call("chat.join", garden)->string_or("joined"), "garden");
  EXPECT_EQ(*call("chat.rooms", {}), (wire::Value::List{"garden", "lobby"}));
  EXPECT_EQ(call("chat.join", bad).error().detail(),
            "'a/b' is no room: a name has 1 to 64 letters, digits, - _ or .");
  ASSERT_EQ(start("chat"), "");
  EXPECT_EQ(*call("chat.rooms", {}), (wire::Value::List{"garden", "lobby"}));
  EXPECT_EQ(call("chat.leave", garden)->string_or("left"), "garden");
  EXPECT_FALSE(call("chat.leave", garden));
  ASSERT_EQ(start("chat"), "");
  EXPECT_EQ(*call("chat.rooms", {}), (wire::Value::List{"lobby"}));
  EXPECT_EQ(rig.node.topics().rows().size(), 1u);
}

TEST_F(LuaShips, NotesAreKeptListedAndVerified) {
  ASSERT_EQ(start("notes"), "");
  EXPECT_EQ(*call("notes.list", {}), wire::Value(wire::Value::List()));
  EXPECT_EQ(call("notes.add", args("text", "buy milk"))->integer_or("seq", 0), 1);
  EXPECT_EQ(call("notes.add", args("text", "and bread"))->integer_or("seq", 0), 2);
  const auto listed = call("notes.list", {});
  ASSERT_TRUE(listed && listed->list() && listed->list()->size() == 2);
  EXPECT_EQ((*listed->list())[0].string_or("text"), "buy milk");
  EXPECT_EQ((*listed->list())[1].string_or("author"), rig.node.setup().identity.peer_id().text());
  EXPECT_EQ(call("notes.list", args("limit", 1))->list()->size(), 1u);
  const auto verdict = call("notes.verify", {});
  EXPECT_TRUE(verdict->boolean_or("ok", false));
  EXPECT_EQ(verdict->integer_or("entries", 0), 2);
}

// Ledgers whose verification finds what no honest store shows.
class BadLedgers {
 public:
  explicit BadLedgers(Loop& loop) : loop_(loop) {}
  const kith_ledgers* table() const {
    static constexpr kith_ledgers made{sizeof(kith_ledgers),
                                       [](kith_host*, kith_bytes) -> int { return 0; }, nullptr,
                                       nullptr, &BadLedgers::verify};
    return &made;
  }

 private:
  static kith_op* verify(kith_host* self, kith_bytes, kith_done each) {
    auto& ledgers = *reinterpret_cast<BadLedgers*>(self);
    ledgers.each_ = each;
    ledgers.loop_.start(ledgers.timer_, 1'000);
    return reinterpret_cast<kith_op*>(1);
  }
  static void answer(void* self, std::int64_t, const void*) {
    const kith_done each = static_cast<BadLedgers*>(self)->each_;
    wire::Value body;
    body["ok"] = false;
    body["problems"] = wire::Value::List{"feed x, seq 3: the signature does not hold", "more"};
    const ByteVector encoded = wire::encode_cbor(body);
    const kith_bytes bytes = c_bytes(Bytes(encoded));
    each.fn(each.ctx, KITH_CALL_PART, &bytes);
    each.fn(each.ctx, KITH_CALL_END, &bytes);
  }
  Loop& loop_;
  kith_done each_{};
  Timer timer_{kith_done{&BadLedgers::answer, this}};
};

TEST(LuaShipsBad, NotesGiveTheVerdictWithItsProblems) {
  Play play(5);
  BadLedgers ledgers(play.loop);
  Play::Role role;
  role.options["lua"] = wire::Value();
  node::Node& node = play.make(role);
  node.offer(KITH_LEDGERS, ledgers.table(), &ledgers);
  play.run_task(node.start());
  const std::string file = std::string(KITH_TEST_FILES) + "/../../scripts/notes.lua";
  EXPECT_EQ(play.outcome(load(node, file)), "");
  const auto verdict = play.call(node, "spy.verify", {});
  ASSERT_TRUE(verdict) << verdict.error().message();
  EXPECT_FALSE(verdict->boolean_or("ok", true));
  EXPECT_EQ(verdict->find("problems")->list()->size(), 2u);
  play.stop(play.nodes.front());
}

TEST_F(LuaShips, ForwardPostsWhatItHears) {
  wire::Value config;
  EXPECT_EQ(start("forward"), "[apps.forward] needs a topic and a url");
  config["topic"] = "alarms";
  config["url"] = "http://127.0.0.1:9/x";
  ASSERT_EQ(start("forward", config), "");
  rig.play.publish(rig.node, "alarms", "fire");
  rig.play.loop.run_for(1'000'000);
  ASSERT_EQ(rig.http.asked.size(), 1u);
  EXPECT_NE(rig.http.asked[0].body.find(R"("text":"fire")"), std::string::npos);
  EXPECT_EQ(rig.http.asked[0].flags, KITH_HTTP_OPERATOR);
  rig.http.status = 500;
  rig.clear("forward");
  rig.play.publish(rig.node, "alarms", "fire");
  rig.play.loop.run_for(1'000'000);
  EXPECT_TRUE(rig.lines("forward").starts_with("not forwarded ")) << rig.lines("forward");
}

}  // namespace
}  // namespace kith::test
