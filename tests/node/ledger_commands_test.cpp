// SPDX-License-Identifier: MIT
// The commands that show entries: ledger.tail, get, history, prove.
#include <gtest/gtest.h>

#include "tests/support/play.h"

namespace kith::test {
namespace {

using wire::Value;

constexpr std::uint64_t kSecondUs = 1'000'000;

Task<void> append_to(store::Ledger& ledger, store::NewEntry entry, store::Appended& made) {
  const store::Appended kept = co_await ledger.append(std::move(entry));
  made = kept;
}

class LedgerCommands : public testing::Test {
 protected:
  LedgerCommands() : play(1), node(play.add(Play::Role{.routes = false, .ledgers = {"notes"}})) {}

  store::Ledger& ledger() { return *node.ledgers().find("notes"); }
  store::Appended append(std::string_view text, std::string_view type = "note") {
    store::Appended made;
    play.run_task(append_to(ledger(), {std::string(type), to_vector(as_bytes(text))}, made));
    return made;
  }
  static std::string id_of(const store::Appended& made) {
    return wire::Cid::from_bytes(store::cid_of(made.id)).value().text();
  }

  // A tail as its caller sees it.
  struct Tail {
    std::vector<std::int64_t> arrivals;
    std::vector<std::string> texts;
    bool is_over = false;
    std::string why;
    bus::Bus::Ticket ticket;
  };
  void begin(Tail& tail, Value args) {
    args["name"] = "notes";
    tail.ticket = node.bus().call("ledger.tail", std::move(args),
                                  {[&tail](const Value& part) {
                                     tail.arrivals.push_back(part.integer_or("arrival", 0));
                                     tail.texts.push_back(part.string_or("text"));
                                   },
                                   [&tail](Value) { tail.is_over = true; },
                                   [&tail](const std::string& why, int) { tail.why = why; }});
  }
  static std::vector<std::int64_t> from_to(std::int64_t from, std::int64_t to) {
    std::vector<std::int64_t> made;
    for (; from <= to; ++from) made.push_back(from);
    return made;
  }
  std::vector<std::string> history(Value args) {
    args["name"] = "notes";
    const auto rows = play.call(node, "ledger.history", args);
    EXPECT_TRUE(rows) << rows.error().message();
    std::vector<std::string> made;
    if (!rows) return made;
    for (const Value& row : *rows->list()) made.push_back(row.string_or("type"));
    return made;
  }

  Play play;
  node::Node& node;
};

TEST_F(LedgerCommands, TailShowsTheNewestAndEachOneToComeOnce) {
  for (int i = 0; i < 15; ++i) append("before");
  Tail tail;
  begin(tail, {});
  // Some arrive while it still reads what was there.
  std::vector<store::Appended> made(300);
  Scope scope;
  for (std::size_t i = 0; i < made.size(); ++i) {
    scope.spawn(append_to(ledger(), {"note", to_vector(as_bytes("after"))}, made[i]));
    if (i % 7 == 0) play.loop.run_for(300);
  }
  play.loop.run_for(kSecondUs);
  EXPECT_EQ(tail.arrivals, from_to(6, 315));
  EXPECT_FALSE(tail.is_over);
  append("last");
  play.loop.run_for(kSecondUs);
  EXPECT_EQ(tail.texts.back(), "last");
  EXPECT_EQ(tail.arrivals, from_to(6, 316));
  tail.ticket.reset();
  append("nobody hears");
  play.loop.run_for(kSecondUs);
  EXPECT_EQ(tail.arrivals.size(), 311u);
}

TEST_F(LedgerCommands, TailOfAnEmptyLedgerShowsAllThatComes) {
  Tail tail;
  begin(tail, {});
  play.loop.run_for(kSecondUs);
  std::vector<store::Appended> made(30);
  Scope scope;
  for (auto& one : made) scope.spawn(append_to(ledger(), {"note", {}}, one));
  play.loop.run_for(kSecondUs);
  EXPECT_EQ(tail.arrivals, from_to(1, 30));
}

TEST_F(LedgerCommands, TailAfterAPlaceEndsWhereNobodyFollows) {
  for (int i = 0; i < 250; ++i) append("x");
  Value args;
  args["after"] = 3;
  args["follow"] = false;
  Tail tail;
  begin(tail, args);
  ASSERT_TRUE(play.loop.run_until([&] { return tail.is_over; }, kSecondUs));
  EXPECT_EQ(tail.arrivals, from_to(4, 250));
  args["after"] = 900;
  Tail none;
  begin(none, args);
  ASSERT_TRUE(play.loop.run_until([&] { return none.is_over; }, kSecondUs));
  EXPECT_TRUE(none.arrivals.empty());
  args["after"] = -1;
  Tail refused;
  begin(refused, args);
  ASSERT_TRUE(play.loop.run_until([&] { return !refused.why.empty(); }, kSecondUs));
}

TEST_F(LedgerCommands, TailOfNoLedgerSaysSo) {
  Value args;
  args["name"] = "nots";
  const auto refused = play.call(node, "ledger.tail", args);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("did you mean 'notes'?"), std::string::npos);
}

TEST_F(LedgerCommands, ANodeStopsWhileATailWaits) {
  append("x");
  Tail tail;
  begin(tail, {});
  play.loop.run_for(kSecondUs);
  EXPECT_EQ(tail.arrivals.size(), 1u);
}

TEST_F(LedgerCommands, GetAndProveFindAnEntry) {
  const auto made = append("hello", "greeting");
  append("other");
  Value args;
  args["entry"] = id_of(made);
  for (int i = 0; i < 2; ++i) {
    const auto shown = play.call(node, "ledger.get", args);
    ASSERT_TRUE(shown) << shown.error().message();
    EXPECT_EQ(shown->string_or("ledger"), "notes");
    EXPECT_EQ(shown->string_or("text"), "hello");
    EXPECT_EQ(shown->string_or("type"), "greeting");
    EXPECT_EQ(shown->integer_or("bytes", 0), 5);
    EXPECT_EQ(shown->boolean_or("odd", true), false);
    EXPECT_TRUE(shown->find("links")->list()->empty());
    const auto proven = play.call(node, "ledger.prove", args);
    ASSERT_TRUE(proven) << proven.error().message();
    EXPECT_GT(proven->find("proof")->bytes()->size(), 500u);
    play.loop.run_for(kSecondUs);  // the index has it then
  }
  store::Appended absent;
  args["entry"] = id_of(absent);
  for (const char* command : {"ledger.get", "ledger.prove"}) {
    const auto refused = play.call(node, command, args);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("no ledger that is open here"), std::string::npos);
  }
  args["entry"] = "no id";
  EXPECT_FALSE(play.call(node, "ledger.get", args));
}

TEST_F(LedgerCommands, HistoryWithinTimesAndOfAType) {
  std::vector<double> times;
  for (const char* type : {"a", "b", "c", "a", "d"}) {
    times.push_back(static_cast<double>(append("x", type).time_us) / 1e6);
    play.loop.run_for(kSecondUs);
  }
  using Types = std::vector<std::string>;
  EXPECT_EQ(history({}), (Types{"a", "b", "c", "a", "d"}));
  Value args;
  args["before"] = times[3];
  EXPECT_EQ(history(args), (Types{"a", "b", "c"}));
  args["limit"] = 2;
  EXPECT_EQ(history(args), (Types{"b", "c"}));
  args = Value();
  args["after"] = times[1];
  args["limit"] = 2;
  EXPECT_EQ(history(args), (Types{"b", "c"}));
  args = Value();
  args["type"] = "a";
  EXPECT_EQ(history(args), (Types{"a", "a"}));
  args["before"] = -1.0;
  args["name"] = "notes";
  EXPECT_FALSE(play.call(node, "ledger.history", args));
}

}  // namespace
}  // namespace kith::test
