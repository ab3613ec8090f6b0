// SPDX-License-Identifier: MIT
// Commands and calls of a plugin's, over the C table: parts, ends, cancels, and what comes late.
#include <gtest/gtest.h>

#include "tests/support/done.h"
#include "tests/support/probe.h"

namespace kith::test {
namespace {

class HostCalls : public testing::Test {
 protected:
  // "probe.work" keeps its call for the test to answer.
  HostCalls() : play(1), node(play.add(Play::Role{.own = {&kProbe, &kRival}, .routes = false})) {
    const kith_command command{
        sizeof(kith_command), KITH_COMMAND_STREAM, "probe.work", "works", "{}", kArgs, 1};
    const auto begin = [this](kith_call* call, Bytes args) {
      calls.push_back(call);
      given = wire::decode_body(args).value_or(wire::Value());
      auto tell = [](void* self, std::int64_t, const void*) {
        ++static_cast<HostCalls*>(self)->told;
      };
      server().bus().cancelled(server().raw(), call, {tell, this});
    };
    served = server().command(command, begin);
  }
  Host server() { return started<Probe>(node, kProbe).host; }
  Host caller() { return started<Rival>(node, kRival).host; }

  kith_op* call(const char* name, const wire::Value& args) {
    const ByteVector body = wire::encode_cbor(args);
    return caller().bus().call(caller().raw(), name, c_bytes(Bytes(body)), each());
  }
  kith_op* call_work() {
    wire::Value args;
    args["n"] = 7;
    kith_op* op = call("probe.work", args);
    play.loop.run_for(1'000);
    EXPECT_EQ(calls.size(), 1u);
    return op;
  }
  kith_done each() {
    return {[](void* self, std::int64_t r, const void* result) {
              auto* test = static_cast<HostCalls*>(self);
              const Bytes body = view(*static_cast<const kith_bytes*>(result));
              const auto value = r < 0 ? wire::Value(as_text(body)) : *wire::decode_cbor(body);
              const std::string text = value.string() ? *value.string() : value.string_or("text");
              test->heard.push_back(fmt::format("{} {}", r, text));
              if (test->cancel_at_part) {
                test->caller().api()->cancel(test->caller().raw(), test->cancel_at_part);
              }
            },
            this};
  }
  int part(std::string_view text) {
    const ByteVector body = body_of(text);
    return server().bus().part(server().raw(), calls.at(0), c_bytes(Bytes(body)));
  }
  void end(std::string_view text) {
    const ByteVector body = body_of(text);
    server().bus().end(server().raw(), calls.at(0), 0, c_bytes(Bytes(body)));
  }
  static ByteVector body_of(std::string_view text) {
    wire::Value value;
    value["text"] = text;
    return wire::encode_cbor(value);
  }

  static constexpr kith_arg kArgs[] = {{"n", "int", KITH_ARG_REQUIRED, nullptr, "how many"}};
  Play play;
  node::Node& node;
  std::vector<kith_call*> calls;
  wire::Value given;
  int told = 0;
  std::vector<std::string> heard;
  kith_op* cancel_at_part = nullptr;
  Op served;
};

using Lines = std::vector<std::string>;

TEST_F(HostCalls, PartsThenTheEnd) {
  kith_op* op = call_work();
  EXPECT_EQ(given.integer_or("n", 0), 7);
  EXPECT_EQ(part("a"), 0);
  EXPECT_EQ(part("b"), 0);
  end("c");
  EXPECT_EQ(heard, (Lines{"1 a", "1 b", "0 c"}));
  EXPECT_EQ(part("late"), KITH_CLOSED);
  end("twice");
  caller().api()->cancel(caller().raw(), op);
  play.loop.run_for(1'000);
  EXPECT_EQ(heard.size(), 3u);
  EXPECT_EQ(told, 0);
}

TEST_F(HostCalls, AFailureIsASentence) {
  call_work();
  server().bus().end(server().raw(), calls.at(0), KITH_LIMIT, c_bytes("too much of it"));
  EXPECT_EQ(heard, (Lines{fmt::format("{} too much of it", static_cast<int>(KITH_LIMIT))}));
}

TEST_F(HostCalls, BytesThatAreNoValueAreTheHandlersFault) {
  call_work();
  const Bytes bad = as_bytes("\xff\xff");
  EXPECT_EQ(server().bus().part(server().raw(), calls.at(0), c_bytes(bad)), KITH_BAD);
  server().bus().end(server().raw(), calls.at(0), 0, c_bytes(bad));
  EXPECT_EQ(heard, (Lines{fmt::format("{} probe answered with bytes that are no DAG-CBOR",
                                      static_cast<int>(KITH_BAD))}));
}

TEST_F(HostCalls, WhatCannotBeCalledIsToldLater) {
  call("probe.wrok", wire::Value());
  call("probe.work", wire::Value());  // n is missing
  const Bytes bad = as_bytes("\xff");
  caller().bus().call(caller().raw(), "probe.work", c_bytes(bad), each());
  EXPECT_TRUE(heard.empty());
  play.loop.run_for(1'000);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[0].find(fmt::format("{} ", static_cast<int>(KITH_ABSENT))), 0u) << heard[0];
  EXPECT_NE(heard[0].find("probe.work"), std::string::npos) << heard[0];  // the nearest
  EXPECT_TRUE(calls.empty());
}

TEST_F(HostCalls, ACancelTellsTheHandler) {
  kith_op* op = call_work();
  part("a");
  caller().api()->cancel(caller().raw(), op);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(part("b"), KITH_CLOSED);
  end("c");
  play.loop.run_for(1'000);
  EXPECT_EQ(heard, Lines(1, "1 a"));
  EXPECT_EQ(told, 1);
}

TEST_F(HostCalls, ACancelFromInsideOfAPartDoes) {
  cancel_at_part = call_work();
  EXPECT_EQ(part("a"), KITH_CLOSED);
  play.loop.run_for(1'000);
  EXPECT_EQ(told, 1);
  end("c");
  EXPECT_EQ(heard, Lines(1, "1 a"));
}

// The handler is told in a later turn, and is gone by then.
TEST_F(HostCalls, AStopAfterACancelTellsNobody) {
  cancel_at_part = call_work();
  part("a");
  served.forget();
  node.plugins().stop();
  play.loop.run_for(1'000);
  EXPECT_EQ(told, 0);
}

TEST_F(HostCalls, AHandlersStopEndsItsCalls) {
  wire::Value args;
  args["n"] = 1;
  // The engine's own caller, who outlives both plugins.
  std::string why;
  const auto ticket = node.bus().call(
      "probe.work", args,
      {nullptr, nullptr, [&why](const std::string& sentence, int) { why = sentence; }});
  play.loop.run_for(1'000);
  ASSERT_EQ(calls.size(), 1u);
  served.forget();
  node.plugins().stop();
  play.loop.run_for(1'000);
  EXPECT_EQ(why, "probe was stopped");
}

TEST_F(HostCalls, ACallersStopTellsTheHandler) {
  call_work();
  for (const auto& plugin : node.plugins().all()) {
    if (plugin->entry == &kRival) plugin->host->undo();
  }
  EXPECT_EQ(told, 1);
  EXPECT_EQ(part("b"), KITH_CLOSED);
  end("c");
  EXPECT_TRUE(heard.empty());
}

TEST_F(HostCalls, AForeignOrInventedCallIsHarmless) {
  call_work();
  const ByteVector body = body_of("x");
  const kith_bytes text = c_bytes(Bytes(body));
  EXPECT_EQ(caller().bus().part(caller().raw(), calls.at(0), text), KITH_CLOSED);
  caller().bus().end(caller().raw(), calls.at(0), 0, text);
  auto* invented = reinterpret_cast<kith_call*>(std::uintptr_t{12'345});
  EXPECT_EQ(server().bus().part(server().raw(), invented, text), KITH_CLOSED);
  server().bus().end(server().raw(), nullptr, 0, text);
  EXPECT_TRUE(heard.empty());
  end("c");
  EXPECT_EQ(heard, Lines(1, "0 c"));
}

TEST_F(HostCalls, ATakenOrMalformedCommandIsRefused) {
  const auto unused = [](void*, kith_call*, kith_bytes) {};
  kith_op* op = nullptr;
  const kith_command taken{sizeof(kith_command), 0, "probe.work", "", "", nullptr, 0};
  EXPECT_EQ(caller().bus().command(caller().raw(), &taken, unused, nullptr, &op), KITH_REFUSED);
  const kith_command unnamed{sizeof(kith_command), 0, "Not A Name", "", "", nullptr, 0};
  EXPECT_EQ(caller().bus().command(caller().raw(), &unnamed, unused, nullptr, &op), KITH_BAD);
  const kith_arg arg{"n", "int", 0, "{no json", ""};
  const kith_command garbled{sizeof(kith_command), 0, "rival.work", "", "", &arg, 1};
  EXPECT_EQ(caller().bus().command(caller().raw(), &garbled, unused, nullptr, &op), KITH_BAD);
  EXPECT_EQ(op, nullptr);
}

}  // namespace
}  // namespace kith::test
