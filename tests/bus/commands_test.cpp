// SPDX-License-Identifier: MIT
#include "engine/base/limits.h"
#include "tests/bus/rig.h"

namespace kith::bus {
namespace {

using wire::Value;

class Commands : public ::testing::Test, public test::Rig {};

TEST_F(Commands, PartsThenOneEnd) {
  command(engine, "count", [](CallPtr call, Value) {
    EXPECT_TRUE(call->part(1));
    EXPECT_TRUE(call->part(2));
    call->end("done");
    EXPECT_FALSE(call->part(3));
    call->end("again");
    call->fail("again");
  });
  EXPECT_EQ(call("count"), "part:1 part:2 end:\"done\"");
}

TEST_F(Commands, FailSaysSentenceAndCode) {
  command(engine, "no", [](CallPtr call, Value) { call->fail("not today", KITH_REFUSED); });
  EXPECT_EQ(call("no"), "fail:-5:not today");
}

TEST_F(Commands, AHandlerThatDropsItsCallFailsIt) {
  command(engine, "lost", [](CallPtr, Value) {});
  EXPECT_EQ(call("lost"), "fail:-2:the command ended without an answer");
}

TEST_F(Commands, AHandlerThatThrowsFailsItsCall) {
  command(engine, "bad", [](CallPtr, Value) { throw std::runtime_error("oops"); });
  EXPECT_EQ(call("bad"), "fail:-7:oops");
}

TEST_F(Commands, UnknownNamesTheNearest) {
  EXPECT_EQ(call("anything"), "fail:-8:no command \"anything\"");
  command(engine, "publish", [](CallPtr, Value) {});
  command(engine, "peer.list", [](CallPtr, Value) {});
  EXPECT_EQ(call("pubilsh"), "fail:-8:no command \"pubilsh\"; the nearest is \"publish\"");
  EXPECT_EQ(call("peer"), "fail:-8:no command \"peer\"; the nearest is \"peer.list\"");
  EXPECT_EQ(call("pub\x1b[2J").find('\x1b'), std::string::npos);
}

TEST_F(Commands, AnswersThatComeLaterComeLater) {
  CallPtr kept_call;
  command(engine, "wait", [&](CallPtr call, Value) { kept_call = std::move(call); });
  test::Heard heard;
  auto ticket = bus.call("wait", {}, heard.answer());
  settle();
  EXPECT_EQ(heard.said, "");
  kept_call->end(7);
  EXPECT_EQ(heard.said, "end:7");
  kept_call.reset();
  ticket.reset();
  EXPECT_EQ(heard.said, "end:7");
}

TEST_F(Commands, DroppingTheTicketCancels) {
  CallPtr kept_call;
  int told = 0;
  command(engine, "wait", [&](CallPtr call, Value) {
    call->on_cancel([&] { ++told; });
    kept_call = std::move(call);
  });
  test::Heard heard;
  auto ticket = bus.call("wait", {}, heard.answer());
  settle();
  EXPECT_FALSE(kept_call->cancelled());
  ticket.reset();
  EXPECT_TRUE(kept_call->cancelled());
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(kept_call->part(1));
  kept_call->end(1);
  int late = 0;
  kept_call->on_cancel([&] { ++late; });
  EXPECT_EQ(late, 0) << "never from inside on_cancel";
  kept_call.reset();
  settle();
  EXPECT_EQ(heard.said, "");
  EXPECT_EQ(late, 1);
}

TEST_F(Commands, ACallerMayCancelFromInsideAPart) {
  int told = 0, after = -1;
  command(engine, "stream", [&](CallPtr call, Value) {
    call->on_cancel([&told] { ++told; });
    after = call->part(1) ? 1 : 0;
    EXPECT_EQ(told, 0) << "not while the handler is on the stack";
  });
  Bus::Ticket ticket;
  test::Heard heard;
  Answer answer = heard.answer();
  answer.part = [&ticket](const Value&) { ticket.reset(); };
  ticket = bus.call("stream", {}, std::move(answer));
  settle();
  EXPECT_EQ(after, 0);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(heard.said, "");
}

TEST_F(Commands, ATicketThatIsDroppedAtOnceNeverRuns) {
  bool ran = false;
  command(engine, "run", [&](CallPtr call, Value) {
    ran = true;
    call->end({});
  });
  test::Heard heard;
  bus.call("run", {}, heard.answer()).reset();
  settle();
  EXPECT_FALSE(ran);
}

TEST_F(Commands, CallsOfARemovedCommandFailAndItsHandlerIsToldNothing) {
  CallPtr kept_call;
  int told = 0;
  command(app, "wait", [&](CallPtr call, Value) {
    call->on_cancel([&] { ++told; });
    kept_call = std::move(call);
  });
  test::Heard under_way, not_begun;
  const auto first = bus.call("good.wait", {}, under_way.answer());
  settle();
  const auto second = bus.call("good.wait", {}, not_begun.answer());
  bus.forget(app);
  EXPECT_EQ(bus.find_command("good.wait"), nullptr);
  EXPECT_TRUE(kept_call->cancelled());
  kept_call->end("too late");
  settle();
  EXPECT_EQ(under_way.said, "fail:-2:good.wait was removed while it ran");
  EXPECT_EQ(not_begun.said, "fail:-2:the command is gone");
  EXPECT_EQ(told, 0);
}

TEST_F(Commands, NamesAndOwners) {
  const auto end = [](CallPtr call, Value) { call->end({}); };
  command(app, "alive", end);
  EXPECT_EQ(call("good.alive"), "end:null");
  CommandSpec spec;
  for (const char* name : {"", "A", "a..b", ".a", "a.", "a b", "a_b", "\xc3\xa4"}) {
    spec.name = name;
    EXPECT_TRUE(bus.command(engine, spec, end).error().is(bus_error::bad_name)) << name;
  }
  spec.name = "good.alive";
  EXPECT_TRUE(bus.command(engine, spec, end).error().is(bus_error::taken));
  command(engine, "peer.list", end);
  EXPECT_TRUE(bus.judge_app_name("peer").error().is(bus_error::taken));
  EXPECT_TRUE(bus.judge_app_name("peer.list").error().is(bus_error::bad_name));
  EXPECT_TRUE(bus.judge_app_name("good"));
  std::string names;
  for (const CommandSpec* known : bus.commands()) names += known->name + " ";
  EXPECT_EQ(names, "good.alive peer.list ");
}

TEST_F(Commands, CallsUnderWayAreBounded) {
  std::vector<CallPtr> kept_calls;
  command(engine, "wait", [&](CallPtr call, Value) { kept_calls.push_back(std::move(call)); });
  std::vector<Bus::Ticket> tickets;
  test::Heard heard;
  for (std::size_t i = 0; i < limits::kCallsMax; ++i)
    tickets.push_back(bus.call("wait", {}, heard.answer()));
  settle();
  EXPECT_EQ(call("wait"), "fail:-6:too many calls are under way");
  tickets.clear();
  EXPECT_EQ(kept_calls.size(), limits::kCallsMax);
  EXPECT_EQ(heard.said, "");
  kept_calls.clear();
  const std::string again = call("wait");
  EXPECT_EQ(again, "");
}

TEST_F(Commands, ACommandMayCallAnotherAndItself) {
  int depth = 0;
  std::vector<Bus::Ticket> tickets;
  command(engine, "down", [&](CallPtr call, Value) {
    if (++depth == 1'000) return call->end(depth);
    Answer answer;
    answer.end = [call](Value value) { call->end(std::move(value)); };
    tickets.push_back(bus.call("down", {}, std::move(answer)));
  });
  EXPECT_EQ(call("down"), "end:1000");
}

TEST(Bus, MayEndBeforeWhatItStarted) {
  auto rig = std::make_unique<test::Rig>();
  sim::VirtualLoop loop(2);
  test::KeptLog kept;
  auto bus = std::make_unique<Bus>(loop, Log(kept, "bus"));
  CallPtr kept_call;
  CommandSpec spec;
  spec.name = "wait";
  const auto keep = [&](CallPtr call, Value) { kept_call = std::move(call); };
  EXPECT_TRUE(bus->command(rig->engine, spec, keep));
  test::Heard heard;
  const auto first = bus->call("wait", {}, heard.answer());
  loop.run_for(1'000);
  const auto second = bus->call("wait", {}, heard.answer());
  bus.reset();
  EXPECT_FALSE(kept_call->part(1));
  kept_call->end({});
  kept_call.reset();
  loop.run_for(1'000);
  EXPECT_EQ(heard.said, "");
}

}  // namespace
}  // namespace kith::bus
