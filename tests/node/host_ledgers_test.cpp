// SPDX-License-Identifier: MIT
// kith.ledgers/1 as a plugin calls it, the events that follow, and the commands of ledgers.
#include <gtest/gtest.h>

#include "tests/support/done.h"
#include "tests/support/probe.h"

namespace kith::test {
namespace {

// One call, and its answer; of a page or an entry what a test looks at.
struct Asked {
  std::optional<std::int64_t> r;
  std::string why;
  std::vector<std::string> bodies;
  std::vector<std::uint64_t> arrivals;
  bool more = false;
  std::uint64_t next = 0, before = 0;
  std::size_t links = 0;
  std::string id, author, type;

  void keep(const kith_entry& entry) {
    bodies.push_back(to_string(entry.body));
    arrivals.push_back(entry.arrival);
    id = wire::Cid::from_bytes(view(entry.id)).value().text();
    author = wire::PeerId::from_bytes(view(entry.author)).value().text();
    type = to_string(entry.type);
    EXPECT_EQ(entry.size, sizeof entry);
    EXPECT_EQ(entry.feed.n, 36u);
    EXPECT_GT(entry.time_us, 0u);
    links += entry.n_links;
  }
  void fail(std::int64_t code, const void* result) {
    EXPECT_FALSE(r) << "told twice";
    r = code;
    if (code < 0) why = to_string(*static_cast<const kith_bytes*>(result));
  }
  static void entry(void* ctx, std::int64_t code, const void* result) {
    auto* asked = static_cast<Asked*>(ctx);
    asked->fail(code, result);
    if (code >= 0) asked->keep(*static_cast<const kith_entry*>(result));
  }
  static void page(void* ctx, std::int64_t code, const void* result) {
    auto* asked = static_cast<Asked*>(ctx);
    asked->fail(code, result);
    if (code < 0) return;
    const auto* page = static_cast<const kith_page*>(result);
    EXPECT_EQ(static_cast<std::int64_t>(page->n), code);
    for (std::size_t i = 0; i < page->n; ++i) asked->keep(page->entries[i]);
    asked->more = page->more != 0;
    asked->next = page->next;
    asked->before = page->before;
  }
};

class HostLedgers : public testing::Test {
 protected:
  HostLedgers() : play(1), node(play.add(Play::Role{.own = {&kProbe}, .routes = false})) {}
  Host host() { return started<Probe>(node, kProbe).host; }
  int open(std::string_view name) { return host().ledgers().open(host().raw(), c_bytes(name)); }
  kith_op* begin_append(Asked& asked, std::string_view name, std::string_view type,
                        std::string_view body) {
    return host().ledgers().append(host().raw(), c_bytes(name), c_bytes(type), c_bytes(body),
                                   {&Asked::entry, &asked});
  }
  Asked append(std::string_view body, std::string_view type = "note",
               std::string_view name = "notes") {
    Asked asked;
    EXPECT_TRUE(begin_append(asked, name, type, body));
    EXPECT_FALSE(asked.r) << "told before the call returned";
    wait(asked);
    return asked;
  }
  Asked read(kith_query query, std::string_view name = "notes") {
    query.size = sizeof query;
    Asked asked;
    EXPECT_TRUE(host().ledgers().read(host().raw(), c_bytes(name), &query, {&Asked::page, &asked}));
    wait(asked);
    return asked;
  }
  void wait(Asked& asked) {
    EXPECT_TRUE(play.loop.run_until([&] { return asked.r.has_value(); }, 1'000'000));
  }

  Play play;
  node::Node& node;
};

TEST_F(HostLedgers, AnEntryIsAppendedAndReadBack) {
  ASSERT_EQ(open("notes"), 0);
  const Asked made = append("hello");
  ASSERT_EQ(made.r, 0) << made.why;
  EXPECT_EQ(made.author, node.setup().identity.peer_id().text());
  EXPECT_EQ(made.type, "note");
  EXPECT_EQ(made.arrivals, std::vector<std::uint64_t>{1});
  const Asked seen = read({});
  ASSERT_EQ(seen.r, 1) << seen.why;
  EXPECT_EQ(seen.bodies, std::vector<std::string>{"hello"});
  EXPECT_EQ(seen.id, made.id);
  EXPECT_FALSE(seen.more);
}

TEST_F(HostLedgers, PagesFollowOneAnother) {
  ASSERT_EQ(open("notes"), 0);
  for (int i = 0; i < 7; ++i) append(std::to_string(i));
  const Asked first = read({.limit = 3});
  EXPECT_EQ(first.bodies, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_TRUE(first.more);
  const Asked second = read({.after = first.next, .limit = 100});
  EXPECT_EQ(second.bodies, (std::vector<std::string>{"3", "4", "5", "6"}));
  EXPECT_FALSE(second.more);
  const Asked newest = read({.flags = KITH_READ_TIMELINE | KITH_READ_NEWEST, .limit = 2});
  EXPECT_EQ(newest.bodies, (std::vector<std::string>{"5", "6"}));
  const ByteVector self = to_vector(host().self());
  EXPECT_EQ(read({.author = c_bytes(Bytes(self))}).r, 7);
}

TEST_F(HostLedgers, AnEntryIsFoundByItsId) {
  ASSERT_EQ(open("notes"), 0);
  const Asked made = append("hello");
  append("other");
  const auto find = [&](const ByteVector& id) {
    Asked asked;
    EXPECT_TRUE(host().ledgers().find(host().raw(), c_bytes(std::string_view("notes")),
                                      c_bytes(Bytes(id)), {&Asked::entry, &asked}));
    wait(asked);
    return asked;
  };
  ByteVector id = to_vector(wire::Cid::from_text(made.id).value().bytes());
  const Asked found = find(id);
  ASSERT_EQ(found.r, 1) << found.why;
  EXPECT_EQ(found.bodies, std::vector<std::string>{"hello"});
  EXPECT_EQ(found.links, 0u);
  id.back() ^= 1;
  EXPECT_EQ(find(id).r, KITH_ABSENT);
  EXPECT_EQ(find({1, 2, 3}).r, KITH_BAD);
}

TEST_F(HostLedgers, BeforeAPlaceAndOfAType) {
  ASSERT_EQ(open("notes"), 0);
  for (int i = 0; i < 6; ++i) append(std::to_string(i), i % 3 == 0 ? "mark" : "note");
  using Bodies = std::vector<std::string>;
  const Asked newest = read({.flags = KITH_READ_NEWEST, .limit = 2});
  EXPECT_EQ(newest.bodies, (Bodies{"4", "5"}));
  const Asked before = read({.flags = KITH_READ_NEWEST, .limit = 3, .before = newest.before});
  EXPECT_EQ(before.bodies, (Bodies{"1", "2", "3"}));
  const Asked first = read({.flags = KITH_READ_NEWEST, .limit = 3, .before = before.before});
  EXPECT_EQ(first.bodies, Bodies{"0"});
  EXPECT_EQ(first.before, 0u);
  const kith_bytes mark = c_bytes(std::string_view("mark"));
  EXPECT_EQ(read({.type = mark}).bodies, (Bodies{"0", "3"}));
  EXPECT_EQ(read({.flags = KITH_READ_TIMELINE, .type = mark}).bodies, (Bodies{"0", "3"}));
}

TEST_F(HostLedgers, RefusesWithASentence) {
  EXPECT_EQ(open("No Such Name"), KITH_BAD);
  EXPECT_NE(host().why(KITH_BAD), "");
  const Asked absent = append("hello");
  EXPECT_EQ(absent.r, KITH_ABSENT);
  EXPECT_EQ(absent.why, "no ledger 'notes' is open: open it first");
  EXPECT_EQ(read({}).r, KITH_ABSENT);
  ASSERT_EQ(open("notes"), 0);
  for (const char* type : {"No Type", "", "ledger/grant"}) {
    const Asked bad = append("x", type);
    EXPECT_EQ(bad.r, KITH_BAD) << type;
    EXPECT_NE(bad.why, "");
  }
  const Asked large = append(std::string(300'000, 'x'));
  EXPECT_EQ(large.r, KITH_LIMIT);
  EXPECT_NE(large.why, "");
  EXPECT_EQ(read({.author = c_bytes(std::string_view("nobody"))}).r, KITH_BAD);
  EXPECT_EQ(read({}).r, 0);
}

TEST_F(HostLedgers, ACancelledCallIsNotAnswered) {
  ASSERT_EQ(open("notes"), 0);
  Asked asked;
  kith_op* op = begin_append(asked, "notes", "note", "gone");
  host().api()->cancel(host().raw(), op);
  kith_query query{.size = sizeof query};
  op = host().ledgers().read(host().raw(), c_bytes(std::string_view("notes")), &query,
                             {&Asked::page, &asked});
  host().api()->cancel(host().raw(), op);
  play.loop.run_for(1'000'000);
  EXPECT_FALSE(asked.r);
}

TEST_F(HostLedgers, APluginMayStopWhileItsCallsAreUnderWay) {
  ASSERT_EQ(open("notes"), 0);
  Asked appended, seen;
  begin_append(appended, "notes", "note", "gone");
  kith_query query{.size = sizeof query};
  host().ledgers().read(host().raw(), c_bytes(std::string_view("notes")), &query,
                        {&Asked::page, &seen});
  node.plugins().stop();
  play.loop.run_for(1'000'000);
  EXPECT_FALSE(appended.r);
  EXPECT_FALSE(seen.r);
}

TEST_F(HostLedgers, VerifyTellsItsVerdict) {
  ASSERT_EQ(open("notes"), 0);
  for (int i = 0; i < 5; ++i) append("hello");
  std::optional<wire::Value> verdict;
  auto each = [&](std::int64_t r, const void* result) {
    if (r == KITH_CALL_END)
      verdict = wire::decode_body(view(*static_cast<const kith_bytes*>(result))).value();
  };
  const kith_bytes name = c_bytes(std::string_view("notes"));
  host().ledgers().verify(host().raw(), name, done_of(each));
  ASSERT_TRUE(play.loop.run_until([&] { return verdict.has_value(); }, 10'000'000));
  EXPECT_TRUE(verdict->boolean_or("ok", false));
  EXPECT_EQ(verdict->integer_or("entries", 0), 5);
  EXPECT_EQ(verdict->integer_or("feeds", 0), 1);
}

TEST_F(HostLedgers, EachEntryIsToldOnceInItsOrder) {
  ASSERT_EQ(open("notes"), 0);
  append("nobody hears");
  std::vector<wire::Value> told;
  Op on = host().on("entry/notes", [&](const kith_event& event) {
    told.push_back(wire::decode_body(view(event.body)).value());
    return KITH_PASS;
  });
  std::vector<Asked> asked(40);
  for (Asked& one : asked) begin_append(one, "notes", "note", "many");
  const Asked binary = append("\xff\xfe", "blob");
  play.loop.run_for(1'000'000);
  ASSERT_EQ(told.size(), 41u);
  for (std::size_t i = 0; i < told.size(); ++i)
    EXPECT_EQ(told[i].integer_or("arrival", 0), static_cast<std::int64_t>(i) + 2);
  EXPECT_EQ(told[0].string_or("text"), "many");
  EXPECT_EQ(told[0].string_or("author"), node.setup().identity.peer_id().text());
  EXPECT_EQ(told[0].boolean_or("late", true), false);
  const wire::Value& last = told.back();
  EXPECT_EQ(last.string_or("id"), binary.id);
  EXPECT_EQ(last.string_or("type"), "blob");
  EXPECT_TRUE(last.find("text")->is_null());
  EXPECT_EQ(as_text(*last.find("data")->bytes()), "\xff\xfe");
  on.cancel();
  append("nobody hears");
  play.loop.run_for(1'000'000);
  EXPECT_EQ(told.size(), 41u);
}

TEST_F(HostLedgers, CommandsListAndVerify) {
  wire::Value args;
  args["name"] = "nots";
  auto verdict = play.call(node, "ledger.verify", args);
  ASSERT_FALSE(verdict);
  EXPECT_NE(verdict.error().message().find("no ledger is open here"), std::string::npos);
  ASSERT_EQ(open("notes"), 0);
  append("hello");
  verdict = play.call(node, "ledger.verify", args);
  ASSERT_FALSE(verdict);
  EXPECT_NE(verdict.error().message().find("did you mean 'notes'?"), std::string::npos);
  args["name"] = "notes";
  verdict = play.call(node, "ledger.verify", args);
  ASSERT_TRUE(verdict) << verdict.error().message();
  EXPECT_TRUE(verdict->boolean_or("ok", false));
  const auto rows = play.call(node, "ledger.list", {});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->list()->size(), 1u);
  const wire::Value& row = rows->list()->front();
  EXPECT_EQ(row.string_or("name"), "notes");
  EXPECT_EQ(row.integer_or("entries", 0), 1);
  EXPECT_EQ(row.integer_or("feeds", 0), 1);
}

}  // namespace
}  // namespace kith::test
