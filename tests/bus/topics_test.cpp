// SPDX-License-Identifier: MIT
#include "engine/bus/topics.h"

#include "engine/base/limits.h"
#include "engine/wire/message_value.h"
#include "tests/bus/rig.h"

namespace kith::bus {
namespace {

// Writes down what it is asked, and publishes to three peers.
struct FakeRouter {
  std::string asked;
  int answer = 3;
  static FakeRouter& of(void* me) { return *static_cast<FakeRouter*>(me); }
  static int join(void* me, kith_bytes topic) {
    of(me).asked += "+" + to_string(topic) + " ";
    return 0;
  }
  static int leave(void* me, kith_bytes topic) {
    of(me).asked += "-" + to_string(topic) + " ";
    return 0;
  }
  static int publish(void* me, kith_bytes topic, kith_buf* data, kith_message* made) {
    of(me).asked += "publish:" + to_string(topic) + "=" + to_string(data->b) + " ";
    made->id = c_bytes("\x01\xff");
    made->from = c_bytes("self");
    made->seqno = 18'446'744'073'709'551'615u;
    return of(me).answer;
  }
  static int topic_peers(void*, kith_bytes, std::uint32_t* subscribed, std::uint32_t* mesh) {
    *subscribed = 5;
    *mesh = 2;
    return 0;
  }
  static int settled(void*, kith_bytes peer) { return text(peer) == "known"; }
};
constexpr kith_router kRouter{sizeof(kith_router),
                              &FakeRouter::join,
                              &FakeRouter::leave,
                              &FakeRouter::publish,
                              nullptr,
                              nullptr,
                              &FakeRouter::topic_peers,
                              &FakeRouter::settled};

class TopicsTest : public ::testing::Test, public test::Rig {
 protected:
  Bus::Id hear(const Owner& owner, std::string_view pattern, int answer = KITH_PASS,
               unsigned flags = 0) {
    return bus.on(owner, pattern, 0, flags, [this, answer, &owner](const kith_event& event) {
      said += owner.name + ":" + to_string(event.name) + " ";
      last = event.message ? wire::message_value(*event.message) : wire::Value();
      return answer;
    });
  }
  int deliver(std::string_view topic, std::string_view data = "hi") {
    kith_message message{};
    message.size = sizeof message;
    message.topic = c_bytes(topic);
    message.data = c_bytes(data);
    const std::uint64_t ticket = 1;
    int verdict = 99;
    topics.deliver(&message, &ticket, &verdict, 1);
    return verdict;
  }
  Topics topics{bus, log};
  FakeRouter router;
  std::string said;
  wire::Value last;
};

TEST_F(TopicsTest, JoinsByHandlersAndByHandCountedByOwner) {
  topics.set_router(&kRouter, &router);
  const Bus::Id one = hear(app, "message/a");
  const Bus::Id two = hear(plugin, "message/a");
  EXPECT_TRUE(topics.join(app, "a"));
  EXPECT_TRUE(topics.join(app, "a"));
  EXPECT_EQ(router.asked, "+a ");
  bus.off(one);
  bus.off(two);
  topics.leave(app, "a");
  topics.leave(plugin, "a");
  EXPECT_EQ(router.asked, "+a ");
  topics.leave(app, "a");
  topics.leave(app, "a");
  EXPECT_EQ(router.asked, "+a -a ");
}

TEST_F(TopicsTest, LeaveDoesNotTakeAHandlersTopic) {
  topics.set_router(&kRouter, &router);
  hear(app, "message/a");
  topics.leave(app, "a");
  topics.forget(app);
  EXPECT_EQ(router.asked, "+a ");
  bus.forget(app);
  EXPECT_EQ(router.asked, "+a -a ");
}

TEST_F(TopicsTest, ARouterThatComesLateJoinsWhatIsJoined) {
  hear(app, "message/b");
  EXPECT_TRUE(topics.join(plugin, "a"));
  EXPECT_TRUE(topics.settled(as_bytes("anybody")));
  topics.set_router(&kRouter, &router);
  EXPECT_EQ(router.asked, "+a +b ");
  topics.set_router(nullptr, nullptr);
  EXPECT_TRUE(topics.join(plugin, "c"));
  topics.forget(plugin);
  EXPECT_EQ(router.asked, "+a +b ");
}

TEST_F(TopicsTest, PatternsJoinNothingAndSayHowTo) {
  topics.set_router(&kRouter, &router);
  hear(app, "message/+");
  EXPECT_EQ(router.asked, "");
  EXPECT_TRUE(kept.has("kith.join(topic)"));
  kept.lines.clear();
  EXPECT_TRUE(topics.join(app, "a"));
  hear(app, "message/#");
  hear(app, "#");
  EXPECT_TRUE(kept.lines.empty());
  deliver("a");
  EXPECT_EQ(said, "good:validate/a good:message/a good:message/a good:message/a ");
}

TEST_F(TopicsTest, BadTopicsAreRefused) {
  topics.set_router(&kRouter, &router);
  const std::string longest(limits::kTopicBytesMax, 'x');
  EXPECT_TRUE(topics.join(app, longest));
  for (const std::string& topic :
       {std::string(), longest + "x", std::string("a/+"), std::string("#")}) {
    EXPECT_TRUE(topics.join(app, topic).error().is(bus_error::bad_name));
    EXPECT_FALSE(topics.publish(app, topic, {}));
  }
  hear(app, "message/" + longest + "x");
  EXPECT_EQ(router.asked, "+" + longest + " ");
}

TEST_F(TopicsTest, ValidateThenMessage) {
  hear(app, "message/a");
  EXPECT_EQ(deliver("a"), KITH_PASS);
  EXPECT_EQ(said, "good:message/a ");
  const Bus::Id fine = hear(app, "validate/a");
  said.clear();
  EXPECT_EQ(deliver("a"), KITH_PASS);
  EXPECT_EQ(said, "good:validate/a good:message/a ");
  for (const int answer : {int{KITH_IGNORE}, int{KITH_REJECT}}) {
    const Bus::Id judge = hear(plugin, "validate/a", answer);
    said.clear();
    EXPECT_EQ(deliver("a"), answer);
    EXPECT_EQ(said, "good:validate/a plugin:validate/a ");
    bus.off(judge);
  }
  bus.off(fine);
  for (const int answer : {int{KITH_AGAIN}, 7}) {
    const Bus::Id judge = hear(plugin, "validate/a", answer);
    EXPECT_EQ(deliver("a"), KITH_IGNORE) << answer;
    bus.off(judge);
  }
  bus.on(app, "validate/a", 0, 0,
         [](const kith_event&) -> int { throw std::runtime_error("bug"); });
  said.clear();
  EXPECT_EQ(deliver("a"), KITH_IGNORE);
  EXPECT_EQ(said, "");
}

TEST_F(TopicsTest, AnAnswerToAMessageEndsOnlyTheLocalWalk) {
  hear(app, "message/a", KITH_REJECT);
  hear(plugin, "message/a");
  EXPECT_EQ(deliver("a"), KITH_PASS);
  EXPECT_EQ(said, "good:message/a ");
}

TEST_F(TopicsTest, TooDeepToJudgeIsIgnored) {
  hear(app, "message/a");
  int deep = 0, verdict = 99;
  bus.on(engine, "down", 0, 0, [&](const kith_event& event) {
    if (++deep < limits::kEventNestingMax) return bus.emit(event);
    verdict = deliver("a");
    return 0;
  });
  bus.emit("down", {});
  EXPECT_EQ(verdict, KITH_IGNORE);
}

TEST_F(TopicsTest, PublishWalksAtHomePastThePublisher) {
  hear(app, "message/a");
  hear(plugin, "message/a");
  hear(app, "message/a", KITH_PASS, KITH_ON_OWN);
  hear(plugin, "validate/a", KITH_REJECT);
  EXPECT_TRUE(topics.publish(app, "a", as_bytes("x")).error().is(bus_error::refused))
      << "no router";
  topics.set_router(&kRouter, &router);
  router.asked.clear();
  const auto published = topics.publish(app, "a", as_bytes("\xff"));
  ASSERT_TRUE(published);
  EXPECT_EQ(published->peers, 3u);
  EXPECT_EQ(published->id, to_vector(as_bytes("\x01\xff")));
  EXPECT_EQ(router.asked, "publish:a=\xff ");
  EXPECT_EQ(said, "plugin:message/a good:message/a ");
  EXPECT_EQ(to_json(last),
            R"({"id":"01ff","via":"3x5eJ9","data":"/w==","from":"3x5eJ9","text":null,)"
            R"("seqno":"18446744073709551615","topic":"a","received":1767225600.0})");
}

TEST_F(TopicsTest, PublishIsBoundedAndPassesOnWhatTheRouterSays) {
  topics.set_router(&kRouter, &router);
  EXPECT_TRUE(topics.publish(app, "a", ByteVector(limits::kMessageBytesMax)));
  EXPECT_TRUE(topics.publish(app, "a", ByteVector(limits::kMessageBytesMax + 1))
                  .error()
                  .is(bus_error::refused));
  router.answer = KITH_LIMIT;
  EXPECT_TRUE(topics.publish(app, "a", {}).error().is(KITH_LIMIT));
}

TEST_F(TopicsTest, AHandlerMayLeaveAndPublishWhileItHears) {
  topics.set_router(&kRouter, &router);
  Bus::Id self = 0;
  self = bus.on(app, "message/a", 0, 0, [&](const kith_event&) {
    bus.off(self);
    EXPECT_TRUE(topics.publish(app, "b", as_bytes("pong")));
    return KITH_PASS;
  });
  hear(plugin, "message/b");
  EXPECT_EQ(deliver("a"), KITH_PASS);
  EXPECT_EQ(said, "plugin:message/b ");
}

TEST_F(TopicsTest, Rows) {
  hear(app, "message/b");
  EXPECT_TRUE(topics.join(plugin, "b"));
  EXPECT_TRUE(topics.join(plugin, "a"));
  topics.set_router(&kRouter, &router);
  const auto rows = topics.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].topic, "a");
  EXPECT_EQ(rows[1].joined_by, (std::vector<std::string>{"good", "plugin"}));
  EXPECT_EQ(rows[1].peers, 5u);
  EXPECT_EQ(rows[1].mesh, 2u);
  EXPECT_TRUE(topics.settled(as_bytes("known")));
  EXPECT_FALSE(topics.settled(as_bytes("other")));
}

}  // namespace
}  // namespace kith::bus
