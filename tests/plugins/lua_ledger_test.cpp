// SPDX-License-Identifier: MIT
// kith.ledger: pages in both orders and both directions, single entries, and `on` by arrival.
#include "tests/plugins/lua_rig.h"

namespace kith::test {
namespace {

class LuaLedgerOn : public testing::Test {
 protected:
  // Runs a command of the app "writer", which appends `count` entries of a type, each its number.
  void write(const std::string& type, std::int64_t count) {
    if (!rig.node.apps().find("writer")) load_writer();
    wire::Value args;
    args["type"] = type;
    args["count"] = count;
    EXPECT_TRUE(rig.play.call(rig.node, "writer.write", args));
  }
  std::string said(std::uint64_t us = 1'000'000) {
    rig.play.loop.run_for(us);
    return rig.lines("spy");
  }
  // The script as "spy", from which nothing is heard yet.
  void follow(std::string_view source) {
    ASSERT_EQ(rig.load("spy", source), "");
    rig.clear();
  }
  LuaRig rig;

 private:
  void load_writer() {
    ASSERT_EQ(rig.load("writer", R"(
      local l, n = kith.ledger('shop'), 0
      kith.command('write', { { 'type' }, { 'count', 'int' } }, function(a)
        for i = 1, a.count do n = n + 1 l:append(a.type, tostring(n)) end
        return n
      end))"),
              "");
  }
};

TEST(LuaLedgerRead, PagesByTimeForwardsAndBackwards) {
  LuaRig rig;
  EXPECT_EQ(rig.say(R"(
    local l = kith.ledger('shop')
    for i = 1, 10 do l:append(i % 2 == 0 and 'even' or 'odd', tostring(i)) end
    local function texts(list)
      local all = {}
      for i, e in ipairs(list) do all[i] = e.text end
      return table.concat(all, ' ')
    end
    local page, more, next = l:timeline{ limit = 4 }
    print(texts(page), more, type(next))
    page, more, next = l:timeline{ after = next, limit = 4 }
    print(texts(page), more)
    page, more, next = l:timeline{ after = next, limit = 4 }
    print(texts(page), more)
    local newest, before = {}, nil
    repeat
      page, more, before = l:timeline{ newest = true, before = before, limit = 4 }
      newest[#newest + 1] = texts(page)
    until not more
    print(table.concat(newest, ' | '))
    page, more, next = l:read{ type = 'even', limit = 3 }
    print(texts(page), more, next)
    print(texts(l:read{ type = 'even', after = next, before = 10 }))
    print(texts(l:read{ newest = true, limit = 2, type = 'odd' }), #l:read{ type = 'none' })
    local time = page[2].time
    print(texts(l:timeline{ after = time, limit = 2 }), texts(l:timeline{ before = time })))"),
            "1 2 3 4\ttrue\tstring\n5 6 7 8\ttrue\n9 10\tfalse\n7 8 9 10 | 3 4 5 6 | 1 2\n"
            "2 4 6\ttrue\t6\n8\n7 9\t0\n4 5\t1 2 3");
}

TEST(LuaLedgerRead, GivesOneEntryByItsId) {
  LuaRig rig;
  EXPECT_EQ(rig.say(R"(
    local l = kith.ledger('shop')
    local made = l:append('note', 'one')
    local e = l:get(made.id)
    print(e.id == made.id, e.text, e.seq, e.arrival == made.arrival, #e.links)
    print(e.late, e.fork, e.early, e.odd, e.dropped, e.void)
    print(l:get(made.feed))
    print(l:get('nonsense'))
    print(#l.id, l.id == kith.ledger('shop').id, l.id == kith.ledger('other').id, l.name))"),
            "true\tone\t1\ttrue\t0\nfalse\tfalse\tfalse\tfalse\tfalse\tfalse\nnil\n"
            "nil\tthat is no entry's id: one begins with \"bafyrei\"\n59\ttrue\tfalse\tshop");
}

TEST(LuaLedgerRead, RefusesWhatIsNoPlace) {
  LuaRig rig;
  EXPECT_EQ(
      rig.say(R"(
    local l = kith.ledger('shop')
    for _, bad in ipairs({ -1, 'then', {}, 0/0 }) do
      print(pcall(l.timeline, l, { after = bad }))
      print(pcall(l.read, l, { before = bad }))
    end
    print(pcall(l.on, l, { after = 'x' }, print))
    print(pcall(l.on, l, 'x'))
    print(pcall(l.on_void, l)))"),
      "false\tafter: a time in seconds expected\nfalse\tbefore: a number of arrival expected\n"
      "false\tafter: neither a time nor what a page gave\n"
      "false\tbefore: a number of arrival expected\n"
      "false\tafter: a time in seconds expected\nfalse\tbefore: a number of arrival expected\n"
      "false\tafter: a time in seconds expected\nfalse\tbefore: a number of arrival expected\n"
      "false\tafter: a number of arrival expected\n"
      "false\tbad argument #3 to '?' (function expected, got no value)\n"
      "false\tledger:on_void(fn)");
}

TEST_F(LuaLedgerOn, FromACursorGivesWhatIsThereAndWhatComesOnce) {
  write("note", 150);
  follow(R"(
    local got = {}
    kith.ledger('shop'):on({ after = 20 }, function(e) got[#got + 1] = e.arrival end)
    kith.command('got', function()
      for i, arrival in ipairs(got) do
        if arrival ~= i + 20 then return { at = i, arrival = arrival } end
      end
      return #got
    end))");
  write("note", 100);
  said();
  EXPECT_EQ(*rig.play.call(rig.node, "spy.got", {}), wire::Value(230));
}

TEST_F(LuaLedgerOn, FromNowGivesOnlyWhatComes) {
  write("note", 3);
  follow("kith.ledger('shop'):on(function(e) print(e.text, #e.links, e.odd) end)");
  EXPECT_EQ(said(), "");
  write("note", 2);
  EXPECT_EQ(said(), "4\t0\tfalse\n5\t0\tfalse");
}

TEST_F(LuaLedgerOn, GivesOneType) {
  write("note", 1);
  write("item", 2);
  follow("kith.ledger('shop'):on({ after = 0, type = 'item' }, function(e) print(e.text) end)");
  write("note", 1);
  write("item", 1);
  EXPECT_EQ(said(), "2\n3\n5");
}

TEST_F(LuaLedgerOn, GoesOnAfterAnErrorAndLogsIt) {
  follow(R"(
    kith.ledger('shop'):on(function(e)
      if e.text == '2' then error('no ' .. e.text) end
      print(e.text)
    end))");
  write("note", 3);
  const std::string lines = said();
  EXPECT_TRUE(lines.starts_with("1\nentry/shop: spy.lua:3: no 2")) << lines;
  EXPECT_TRUE(lines.ends_with("\n3")) << lines;
}

TEST_F(LuaLedgerOn, ASlowHandlerGetsOneAfterTheOther) {
  follow(R"(
    local inside = 0
    kith.ledger('shop'):on(function(e)
      inside = inside + 1
      if inside > 1 then print('two at once') end
      kith.sleep('20ms')
      inside = inside - 1
      if e.arrival % 50 == 0 then print(e.arrival) end
    end))");
  write("note", 200);
  EXPECT_EQ(said(5'000'000), "50\n100\n150\n200");
}

TEST_F(LuaLedgerOn, ASuspendedAppGetsTheRestLater) {
  follow(R"(
    kith.ledger('shop'):on(function(e)
      if e.arrival <= 3 then while true do end end
      print(e.arrival)
    end))");
  write("note", 5);
  EXPECT_EQ(said().find("\n4"), std::string::npos);
  EXPECT_TRUE(said(20'000'000).ends_with("\n4\n5")) << rig.lines("spy");
}

TEST_F(LuaLedgerOn, OffEndsItAlsoFromWithin) {
  follow(R"(
    local on
    on = kith.ledger('shop'):on({ after = 0 }, function(e) print(e.text) on:off() end)
    local other = kith.ledger('shop'):on(function(e) print('other', e.text) end)
    kith.command('off', function() other:off() end))");
  write("note", 2);
  EXPECT_EQ(said(), "1\nother\t1\nother\t2");
  rig.clear();
  EXPECT_TRUE(rig.play.call(rig.node, "spy.off", {}));
  write("note", 1);
  EXPECT_EQ(said(), "");
}

TEST_F(LuaLedgerOn, AReloadLeavesOneHandler) {
  const char* const kSource = "kith.ledger('shop'):on(function(e) print('%', e.text) end)";
  const auto version = [&](char letter) {
    std::string source = kSource;
    source[source.find('%')] = letter;
    return source;
  };
  follow(version('a'));
  write("note", 1);
  EXPECT_EQ(said(), "a\t1");
  ASSERT_EQ(rig.load("spy", version('b')), "");
  rig.clear();
  write("note", 1);
  EXPECT_EQ(said(), "b\t2");
}

TEST_F(LuaLedgerOn, AVersionThatIsRefusedIsGivenNothing) {
  write("note", 2);
  EXPECT_EQ(rig.load("spy", R"(
    kith.ledger('shop'):on({ after = 0 }, function(e) kith.store.put('given', true) end)
    kith.sleep('100ms')
    error('no'))"),
            "spy.lua:4: no");
  rig.play.loop.run_for(1'000'000);
  EXPECT_EQ(rig.say("print(kith.store.get('given'))"), "nil");
}

TEST_F(LuaLedgerOn, HearsOfWhatBecameVoidInItsOwnLedger) {
  follow(R"(
    local l = kith.ledger('shop')
    l:on_void(function(e) print(e.first_seq, e.last_seq, e.counts) return true end)
    l:on_void(function(e) print('also', e.ledger) end))");
  wire::Value body;
  body["ledger"] = "shop";
  body["first_seq"] = 3;
  body["last_seq"] = 9;
  body["counts"] = false;
  rig.node.bus().emit("ledger/void", body);
  body["ledger"] = "other";
  rig.node.bus().emit("ledger/void", body);
  EXPECT_EQ(said(), "3\t9\tfalse\nalso\tshop");
}

}  // namespace
}  // namespace kith::test
