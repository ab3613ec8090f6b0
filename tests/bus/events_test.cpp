// SPDX-License-Identifier: MIT
#include "engine/base/limits.h"
#include "tests/bus/rig.h"

namespace kith::bus {
namespace {

class Events : public ::testing::Test, public test::Rig {
 protected:
  Bus::Id say(const Owner& owner, std::string_view pattern, std::string word, int priority = 0,
              int answer = KITH_PASS, unsigned flags = 0) {
    return bus.on(owner, pattern, priority, flags, [this, word, answer](const kith_event&) {
      said += word + " ";
      return answer;
    });
  }
  std::string emit(std::string_view name, const Owner* publisher = nullptr) {
    said.clear();
    const kith_event event{sizeof event, c_bytes(name), {}, nullptr};
    answer = bus.emit(event, publisher);
    return said;
  }
  std::string said;
  int answer = 0;
};

TEST_F(Events, PriorityThenOrderOfRegistrationAcrossLiteralsAndPatterns) {
  say(engine, "a/b", "first");
  say(engine, "a/+", "second");
  say(engine, "a/b", "low", -1);
  say(engine, "#", "high", 5);
  say(engine, "a/b", "third");
  EXPECT_EQ(emit("a/b"), "high first second third low ");
  EXPECT_EQ(emit("a/c"), "high second ");
  EXPECT_EQ(emit("x"), "high ");
}

TEST_F(Events, FirstAnswerEndsTheWalk) {
  say(engine, "a", "one");
  say(engine, "a", "two", 0, KITH_REJECT);
  say(engine, "a", "three");
  EXPECT_EQ(emit("a"), "one two ");
  EXPECT_EQ(answer, KITH_REJECT);
  EXPECT_EQ(emit("b"), "");
  EXPECT_EQ(answer, 0);
}

TEST_F(Events, PublisherIsPassedOverUnlessItAsked) {
  say(app, "a", "own");
  say(app, "a", "own-asked", 0, KITH_PASS, KITH_ON_OWN);
  say(plugin, "a", "other");
  EXPECT_EQ(emit("a", &app), "own-asked other ");
  EXPECT_EQ(emit("a"), "own own-asked other ");
}

TEST_F(Events, RemovalTakesEffectAtOnceAdditionFromTheNextEmission) {
  Bus::Id later = 0;
  int emitted = 0;
  const Bus::Id self = bus.on(engine, "a", 1, 0, [&](const kith_event&) {
    bus.off(later);
    if (emitted++ == 0) say(engine, "a", "added");
    return KITH_PASS;
  });
  later = say(engine, "a", "removed");
  EXPECT_EQ(emit("a"), "");
  EXPECT_EQ(emit("a"), "added ");
  bus.off(self);
  bus.off(self);
  EXPECT_EQ(emit("a"), "added ");
}

TEST_F(Events, AHandlerMayRemoveItselfAndItsWholeOwnerWhileItRuns) {
  auto owned = std::make_shared<std::string>("alive");
  bus.on(app, "a", 0, 0, [this, owned](const kith_event&) {
    bus.forget(app);
    said += *owned + " ";
    return KITH_PASS;
  });
  say(app, "#", "never");
  say(app, "a", "never");
  say(engine, "a", "other");
  EXPECT_EQ(emit("a"), "alive other ");
  EXPECT_EQ(owned.use_count(), 1) << "what is removed is freed when the walk has ended";
  EXPECT_EQ(emit("a"), "other ");
}

TEST_F(Events, ANestedEmissionHearsWhatWasAddedBeforeIt) {
  bus.on(engine, "outer", 0, 0, [this](const kith_event&) {
    say(engine, "inner", "inner");
    const kith_event inner{sizeof inner, c_bytes("inner"), {}, nullptr};
    return bus.emit(inner);
  });
  EXPECT_EQ(emit("outer"), "inner ");
}

TEST_F(Events, NestedEightDeepThenPostedWithACopy) {
  int deepest = 0, depth = 0, calls = 0;
  bus.on(engine, "again", 0, 0, [&](const kith_event& event) {
    deepest = std::max(deepest, ++depth);
    ++calls;
    const auto body = wire::decode_body(view(event.body)).value();
    EXPECT_EQ(body.integer_or("left", -1), 20 - calls);
    const std::string data = "data " + std::to_string(calls - 1);
    if (calls > 1) {
      EXPECT_EQ(text(event.message->data), data);
    }
    if (calls < 20) {
      auto next = std::make_unique<wire::Value>();
      (*next)["left"] = 20 - calls - 1;
      const ByteVector bytes = wire::encode_cbor(*next);
      const std::string name = "again", said_data = "data " + std::to_string(calls);
      kith_message message{};
      message.data = c_bytes(said_data);
      const kith_event nested{sizeof nested, c_bytes(name), c_bytes(Bytes(bytes)), &message};
      bus.emit(nested);
    }
    --depth;
    return KITH_PASS;
  });
  wire::Value body;
  body["left"] = 19;
  bus.emit("again", body);
  EXPECT_EQ(calls, limits::kEventNestingMax);
  settle();
  EXPECT_EQ(calls, 20);
  EXPECT_EQ(deepest, limits::kEventNestingMax);
}

TEST_F(Events, WhatIsPostedIsBounded) {
  std::size_t calls = 0;
  bool wide = false;
  bus.on(engine, "more", 0, 0, [&](const kith_event& event) {
    ++calls;
    if (!bus.too_deep()) return bus.emit(event);
    for (std::size_t i = 0; !wide && i < limits::kEventsPostedMax + 10; ++i) bus.emit(event);
    wide = true;
    return 0;
  });
  emit("more");
  EXPECT_EQ(calls, limits::kEventNestingMax);
  EXPECT_TRUE(kept.has("events dropped"));
  settle();
  EXPECT_EQ(calls, (limits::kEventsPostedMax + 1) * limits::kEventNestingMax);
}

TEST_F(Events, WhatAHandlerThrowsEndsInTheBus) {
  bus.on(app, "#", 0, 0, [](const kith_event&) -> int { throw std::runtime_error("oops"); });
  say(engine, "a", "next");
  EXPECT_EQ(emit("a"), "next ");
  EXPECT_TRUE(kept.has("owner=good err=oops"));
  emit("validate/t");
  EXPECT_EQ(answer, KITH_IGNORE);
}

TEST_F(Events, InterestIsToldOfEachPatternAndOfThoseThatStand) {
  std::string told;
  const Bus::Id early = say(app, "message/a", "x");
  bus.watch_interest([&](const Owner& owner, std::string_view pattern, bool gained) {
    told += (gained ? "+" : "-") + owner.name + ":" + std::string(pattern) + " ";
  });
  EXPECT_EQ(told, "+good:message/a ");
  say(plugin, "message/b", "x");
  bus.off(early);
  bus.forget(plugin);
  EXPECT_EQ(told, "+good:message/a +plugin:message/b -good:message/a -plugin:message/b ");
}

TEST_F(Events, HeardIsTrueOnlyWhileSomebodyHears) {
  EXPECT_FALSE(bus.heard("a/b"));
  const Bus::Id literal = say(engine, "a/b", "x");
  EXPECT_TRUE(bus.heard("a/b"));
  bus.off(literal);
  EXPECT_FALSE(bus.heard("a/b"));
  say(engine, "a/#", "x");
  EXPECT_TRUE(bus.heard("a"));
  EXPECT_FALSE(bus.heard("b"));
}

TEST_F(Events, BadPatternsAreRefused) {
  for (const char* pattern : {"", "a/#/b", "a+", "a/b#", "##", "++"})
    EXPECT_EQ(say(engine, pattern, "x"), 0u) << pattern;
  for (const char* pattern : {"#", "+", "+/+", "a/+/#", "a//b"})
    EXPECT_NE(say(engine, pattern, "x"), 0u) << pattern;
}

TEST(Pattern, Matches) {
  const std::vector<std::tuple<const char*, const char*, bool>> rows{
      {"a/b", "a/b", true},    {"a/b", "a", false},
      {"a/+", "a/b", true},    {"a/+", "a/b/c", false},
      {"a/+", "a", false},     {"a/+", "a/", true},
      {"+", "", true},         {"+/b", "a/b", true},
      {"#", "a/b", true},      {"#", "", true},
      {"a/#", "a", true},      {"a/#", "a/b/c", true},
      {"a/#", "ab", false},    {"a/+/c", "a/b/c", true},
      {"a/+/#", "a/b", true},  {"a/+/#", "a", false},
      {"a", "a/", false},      {"a/", "a", false},
      {"a/b/c", "a/b", false}, {"message/+", "message/chat/x", false},
  };
  for (const auto& [pattern, name, expected] : rows)
    EXPECT_EQ(matches(pattern, name), expected) << pattern << " on " << name;
}

}  // namespace
}  // namespace kith::bus
