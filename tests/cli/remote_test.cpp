// SPDX-License-Identifier: MIT
#include "engine/cli/remote.h"

#include "engine/wire/json.h"
#include "tests/cli/play.h"

namespace kith::cli {
namespace {

using wire::Value;

bus::ArgSpec arg(const char* name, bool required, bool option = false, bool rest = false) {
  bus::ArgSpec made;
  made.name = name;
  made.type = "string";
  made.required = required;
  made.option = option;
  made.rest = rest;
  return made;
}

Value list_rows(bus::Bus& bus) {
  Value::List rows;
  for (const auto* spec : bus.commands()) {
    Value row;
    row["name"] = spec->name;
    row["summary"] = spec->summary;
    row["stream"] = spec->stream;
    Value::List args;
    for (const auto& one : spec->args) {
      Value made;
      made["name"] = one.name;
      made["type"] = one.type;
      made["required"] = one.required;
      made["option"] = one.option;
      made["rest"] = one.rest;
      args.push_back(std::move(made));
    }
    row["args"] = std::move(args);
    rows.push_back(std::move(row));
  }
  return rows;
}

Value message(int number) {
  Value made;
  made["topic"] = "t";
  made["from"] = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
  made["text"] = "m" + std::to_string(number);
  made["id"] = "0" + std::to_string(number);
  return made;
}

// A listener hears three messages and then no more; what is published comes back to it first.
struct FakeTopic {
  bus::CallPtr listener;
  int published = 0;
};

void add(bus::Bus& bus, const bus::Owner& owner, bus::CommandSpec spec, bus::CommandFn fn) {
  ASSERT_TRUE(bus.command(owner, std::move(spec), std::move(fn)));
}

void add_checks(bus::Bus& bus, const bus::Owner& owner) {
  for (const bool is_stream : {false, true}) {
    bus::CommandSpec check{is_stream ? "check.long" : "check.now", "checks it", "", {}};
    check.stream = is_stream;
    add(bus, owner, std::move(check), [](bus::CallPtr call, Value) {
      Value far;
      far["entries"] = 1;
      far["of"] = 2;
      call->part(far);
      Value verdict;
      verdict["ok"] = false;
      verdict["problems"] = Value::List(1, Value("a hole"));
      call->end(verdict);
    });
  }
}

void add_commands(bus::Bus& bus, const bus::Owner& owner, node::RealLoop& loop) {
  const auto topic = std::make_shared<FakeTopic>();
  add(bus, owner, {"commands.list", "all", "", {}, true},
      [&bus](bus::CallPtr call, Value) { call->end(list_rows(bus)); });
  add(bus, owner, {"peers", "peers", "", {}, true},
      [](bus::CallPtr call, Value) { call->end(Value::List()); });
  add(bus, owner, {"status", "status", "", {}, true}, [](bus::CallPtr call, Value) {
    Value made;
    made["peer_id"] = "me";
    call->end(made);
  });
  add(bus, owner, {"stop", "stop", "", {}}, [&loop](bus::CallPtr call, Value) {
    call->end({});
    loop.stop();
  });
  add(bus, owner,
      {"publish", "publish", "", {arg("topic", true), arg("text", false), arg("data", false)}},
      [topic](bus::CallPtr call, Value args) {
        Value own = message(10 + topic->published++);
        own["text"] = args.string_or("text");
        if (topic->listener) topic->listener->part(own);
        if (topic->listener) topic->listener->part(message(20));
        Value made;
        made["id"] = own.string_or("id");
        made["peers"] = 0;
        made["text"] = args.string_or("text");
        made["data"] = args.string_or("data");
        call->end(made);
      });
  bus::CommandSpec listen{"listen", "listen", "", {arg("topic", true)}};
  listen.stream = true;
  add(bus, owner, std::move(listen), [topic](bus::CallPtr call, Value args) {
    topic->listener = call;
    call->on_cancel([topic] { topic->listener.reset(); });
    Value notice;
    notice["listening"] = args.string_or("topic");
    notice["peers"] = 1;
    call->part(notice);
    for (int i = 1; i <= 3 && args.string_or("topic") == "t"; ++i) call->part(message(i));
  });
  add(bus, owner,
      {"chat.say", "says it", "", {arg("words", true, false, true), arg("to", false, true)}},
      [](bus::CallPtr call, Value args) {
        call->part("one");
        call->part("two");
        call->end(args);
      });
  add_checks(bus, owner);
  add(bus, owner, {"chat.fail", "fails", "", {}},
      [](bus::CallPtr call, Value) { call->fail("it went\x1b[2J wrong", KITH_IO); });
}

class RemoteTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    start();
  }
  void start() { node_.emplace(home_, &add_commands); }
  std::optional<SmallNode> node_;
};

TEST_F(RemoteTest, AnEmptyListIsOneInJsonAndNoneForPeople) {
  EXPECT_EQ(run({"peers", "--json"}).out, "[]\n");
  const Ran made = run({"peers"});
  EXPECT_EQ(made.out, "");
  EXPECT_EQ(made.err, "kith: none\n");
}

TEST_F(RemoteTest, AnAppsCommandIsAVerbLikeAnyOther) {
  const Ran made = run({"chat", "say", "--to", "you", "hello", "there", "--json"});
  EXPECT_EQ(made.code, kExitOk) << made.err;
  EXPECT_EQ(made.out, "[\"one\",\"two\",{\"to\":\"you\",\"words\":\"hello there\"}]\n");
}

TEST_F(RemoteTest, WrongWordsAreUsage) {
  const Ran missing = run({"chat", "say"});
  EXPECT_EQ(missing.code, kExitUsage);
  EXPECT_NE(missing.err.find("chat say WORDS..."), std::string::npos) << missing.err;
  EXPECT_EQ(run({"chat", "say", "--fro", "y", "x"}).code, kExitUsage);
  const Ran group = run({"chat"});
  EXPECT_EQ(group.code, kExitUsage);
  EXPECT_EQ(group.err, "kith: chat what? kith chat --help\n");
  EXPECT_EQ(run({"chat", "sing"}).code, kExitUsage);
  const Ran unknown = run({"chta", "say"});
  EXPECT_EQ(unknown.code, kExitUsage);
  EXPECT_EQ(unknown.err, "kith: no command 'chta': did you mean 'chat'?\n");
  EXPECT_NE(run({"pers"}).err.find("'peers'"), std::string::npos);
}

TEST_F(RemoteTest, AFailureIsOneSentenceWithoutControlCharacters) {
  const Ran made = run({"chat", "fail", "--json"});
  EXPECT_EQ(made.code, kExitFailure);
  EXPECT_EQ(made.out, "");
  EXPECT_EQ(made.err, "kith: it went\\x1b[2J wrong\n");
}

TEST_F(RemoteTest, ABadVerdictIsAResultAndExitsWithOneAndProgressIsNone) {
  for (const char* how : {"now", "long"}) {
    const Ran made = run({"check", how, "--json"});
    EXPECT_EQ(made.code, kExitFailure);
    EXPECT_EQ(made.out, "{\"ok\":false,\"problems\":[\"a hole\"]}\n") << how;
    EXPECT_EQ(made.err, "");
  }
}

TEST_F(RemoteTest, HelpNamesTheCommandsOfTheRunningNode) {
  const Ran all = run({"help"});
  EXPECT_NE(all.out.find("of the node that runs:"), std::string::npos) << all.out;
  EXPECT_NE(all.out.find("chat say"), std::string::npos);
  const Ran one = run({"chat", "say", "--help"});
  EXPECT_EQ(one.code, kExitOk);
  EXPECT_NE(one.out.find("kith chat say WORDS... [--to TO]"), std::string::npos) << one.out;
}

TEST_F(RemoteTest, PublishTakesTextOrStdin) {
  const Ran text = run({"publish", "t", "hi", "--json"});
  EXPECT_EQ(text.code, kExitOk);
  EXPECT_EQ(wire::from_json(text.out)->string_or("text"), "hi");
  EXPECT_NE(text.err.find("no peer is known to be subscribed to t"), std::string::npos);
  const Ran whole = run({"publish", "t", "-", "--json"}, "two\nlines\n");
  EXPECT_EQ(wire::from_json(whole.out)->string_or("data"), "dHdvCmxpbmVzCg==");
}

TEST_F(RemoteTest, ListenEndsAtItsCount) {
  const Ran made = run({"listen", "t", "--count", "2"});
  EXPECT_EQ(made.code, kExitOk);
  EXPECT_EQ(made.err, "kith: listening on t, 1 peer\n");
  EXPECT_EQ(made.out, "..x6nXTN m1\n..x6nXTN m2\n");
}

TEST_F(RemoteTest, ListenInJsonIsOneObjectALine) {
  const Ran made = run({"--json", "listen", "t", "--count", "3"});
  const auto first = wire::from_json(made.out.substr(0, made.out.find('\n')));
  ASSERT_TRUE(first) << made.out;
  EXPECT_EQ(first->string_or("text"), "m1");
  EXPECT_EQ(std::count(made.out.begin(), made.out.end(), '\n'), 3);
}

TEST_F(RemoteTest, ListenWhoseTimeIsUp) {
  const Ran short_of = run({"listen", "t", "--count", "4", "--timeout", "0.05"});
  EXPECT_EQ(short_of.code, kExitFailure);
  EXPECT_NE(short_of.err.find("heard 3 of 4 messages on t"), std::string::npos) << short_of.err;
  EXPECT_EQ(run({"listen", "t", "--timeout", "0.05"}).code, kExitOk);
}

TEST_F(RemoteTest, ListenEndsCleanlyWhenTold) {
  // Blocked here, so that it waits for the verb to take it.
  sigset_t terminate, before;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &terminate, &before);
  ::pthread_kill(::pthread_self(), SIGTERM);
  EXPECT_EQ(run({"listen", "t", "--count", "4"}).code, kExitOk);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(RemoteTest, TalkPublishesLinesAndPrintsOnlyOthers) {
  const Ran made = run({"talk", "talk"}, "hello\nyou");
  EXPECT_EQ(made.code, kExitOk) << made.err;
  EXPECT_EQ(made.out, "..x6nXTN m20\n..x6nXTN m20\n");
}

TEST_F(RemoteTest, StatusWaitsForANode) {
  EXPECT_NE(run({"status", "--wait", "5"}).out.find("peer_id: me"), std::string::npos);
  node_.reset();
  const Ran none = run({"status", "--wait", "0.05"});
  EXPECT_EQ(none.code, kExitFailure);
  EXPECT_EQ(none.err, "kith: no node answered in " + home_ + " within 0.05 s: kith run\n");
}

TEST_F(RemoteTest, StopReturnsWhenTheNodeIsGone) {
  const Ran made = run({"stop", "--json"});
  EXPECT_EQ(made.code, kExitOk) << made.err;
  EXPECT_EQ(made.out, "null\n");
  EXPECT_EQ(node::running_pid(home_), 0);
  EXPECT_TRUE(node::Home::open(home_));
}

class LongHomeTest : public RemoteTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    home_ = folder_ + "/" + std::string(150, 'h');
    start();
  }
};

TEST_F(LongHomeTest, AHomeTooLongForASocketAddressWorksAllTheSame) {
  EXPECT_EQ(run({"peers", "--json"}).out, "[]\n");
}

}  // namespace
}  // namespace kith::cli
