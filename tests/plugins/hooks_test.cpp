// SPDX-License-Identifier: MIT
// The hooks app on a real Node, its receivers played by a fake kith.http/1: what is posted, in
// which order, and what happens when nobody takes it.
#include <gtest/gtest.h>

#include "engine/wire/json.h"
#include "plugins/apps/hooks/limits.h"
#include "plugins/apps/hooks/options.h"
#include "plugins/apps/hooks/retry.h"
#include "tests/support/play.h"

namespace kith::test {
namespace {

using namespace hooks;

// Answers each request 1 ms after it was made, as `script` says; afterwards with 200.
class FakeHttp {
 public:
  struct Asked {
    std::string url;
    wire::Value body;
    std::uint64_t at_us;
  };
  struct Reply {
    int status = 200;  // or a kith_err
    std::string header;
  };
  explicit FakeHttp(Loop& loop) : loop_(loop) {}
  static const kith_http* table() {
    static constexpr kith_http made{sizeof(kith_http), &FakeHttp::request};
    return &made;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const Asked& each : asked) out.push_back(each.body.string_or("text"));
    return out;
  }

  std::vector<Asked> asked;
  std::deque<Reply> script;
  std::size_t under_way = 0, under_way_max = 0;
  bool is_silent = false;  // until it speaks again

 private:
  struct Answer {
    FakeHttp& fake;
    kith_done done;
    Timer timer;
  };
  static kith_op* request(kith_host* self, const kith_http_request* given, kith_done done) {
    auto& fake = *reinterpret_cast<FakeHttp*>(self);
    EXPECT_EQ(given->flags, unsigned{KITH_HTTP_OPERATOR});
    EXPECT_STREQ(given->method, "POST");
    EXPECT_EQ(given->ms, 15'000u);
    EXPECT_EQ(given->n_headers, 1u);
    EXPECT_EQ(text(given->headers[0]), "content-type: application/json");
    fake.asked.push_back(
        {to_string(given->url), wire::from_json(text(given->body)).value(), fake.loop_.now_us()});
    fake.under_way_max = std::max(fake.under_way_max, ++fake.under_way);
    fake.answers_.push_back(std::unique_ptr<Answer>(new Answer{fake, done, {}}));
    Answer& answer = *fake.answers_.back();
    answer.timer.done = kith_done{&FakeHttp::fire, &answer};
    if (!fake.is_silent) fake.loop_.start(answer.timer, 1'000);
    return reinterpret_cast<kith_op*>(std::uintptr_t{1});
  }
  static void fire(void* ctx, std::int64_t, const void*) {
    auto& answer = *static_cast<Answer*>(ctx);
    FakeHttp& fake = answer.fake;
    Reply reply;
    if (!fake.script.empty()) {
      reply = fake.script.front();
      fake.script.pop_front();
    }
    --fake.under_way;
    const kith_bytes header = c_bytes(reply.header);
    const kith_http_reply given{
        sizeof given, reply.status, &header, reply.header.empty() ? std::size_t{0} : 1, {}};
    const kith_bytes sentence = c_bytes(std::string_view("nobody there"));
    const void* result = reply.status < 0 ? static_cast<const void*>(&sentence) : &given;
    answer.done.fn(answer.done.ctx, reply.status, result);
  }
  Loop& loop_;
  std::vector<std::unique_ptr<Answer>> answers_;
};

wire::Value hook(const char* topic, const char* url) {
  wire::Value made;
  made["topic"] = topic;
  made["url"] = url;
  return made;
}

class HooksTest : public testing::Test {
 protected:
  node::Node& start(wire::Value::List post) {
    Play::Role role;
    role.options["hooks"]["post"] = std::move(post);
    node::Node& made = play.make(role);
    made.offer(KITH_HTTP, FakeHttp::table(), &http);
    play.run_task(made.start());
    return made;
  }
  void publish(const std::string& text, const char* topic = "t") {
    play.publish(*play.nodes.front(), topic, text);
  }
  void wait_s(std::uint64_t seconds) { play.loop.run_for(seconds * 1'000'000); }
  wire::Value row(std::size_t which = 0) {
    const auto rows = play.call(*play.nodes.front(), "hooks.list", wire::Value::Map());
    return rows.value().list()->at(which);
  }
  std::string row_text(std::size_t which = 0) { return wire::to_json(row(which)); }
  int configure(wire::Value::List post, int commit) {
    wire::Value options;
    options["post"] = std::move(post);
    const ByteVector body = wire::encode_cbor(options);
    for (const auto& plugin : play.nodes.front()->plugins().all()) {
      if (std::string_view(plugin->entry->name) == "hooks")
        return plugin->entry->configure(plugin->me, c_bytes(Bytes(body)), commit);
    }
    return KITH_ABSENT;
  }
  bool logged(std::string_view part) const {
    return std::any_of(play.sink.lines.begin(), play.sink.lines.end(),
                       [part](const auto& line) { return line.find(part) != std::string::npos; });
  }

  Play play{21};
  FakeHttp http{play.loop};
};

using Texts = std::vector<std::string>;

TEST_F(HooksTest, PostsWhatListenShowsOnceInOrderOneAtATime) {
  node::Node& node = start({hook("t", "http://127.0.0.1:9000/in")});
  EXPECT_TRUE(logged("it is lost when the node stops"));
  wire::Value shown;
  wire::Value args;
  args["topic"] = "t";
  const auto ticket = node.bus().call("listen", args,
                                      {[&](const wire::Value& part) { shown = part; },
                                       [](wire::Value) {}, [](const std::string&, int) {}});
  wait_s(1);
  const bus::Owner somebody{"somebody", false};
  node.topics().publish(somebody, "t", as_bytes("one")).value();
  EXPECT_TRUE(http.asked.empty()) << "posted on the message path";
  wait_s(1);
  ASSERT_EQ(http.texts(), Texts{"one"});
  EXPECT_EQ(wire::to_json(http.asked[0].body), wire::to_json(shown));
  EXPECT_EQ(http.asked[0].body.string_or("from"), node.setup().identity.peer_id().text());
  EXPECT_EQ(http.asked[0].url, "http://127.0.0.1:9000/in");
  for (const char* text : {"two", "three", "four"}) publish(text);
  wait_s(1);
  EXPECT_EQ(http.texts(), (Texts{"one", "two", "three", "four"}));
  EXPECT_EQ(http.under_way_max, 1u);
  EXPECT_EQ(row_text(),
            R"({"url":"http://127.0.0.1:9000/in","hook":1,"topic":"t","failed":0,"dropped":0,)"
            R"("waiting":0,"next_try":null,"delivered":4,"last_error":null,"last_status":200})");
}

TEST_F(HooksTest, APeersMessageCarriesItsAuthor) {
  node::Node& node = start({hook("t", "http://a/")});
  node::Node& other = play.add();
  play.connect(other, node);
  wait_s(2);
  play.publish(other, "t", "from afar");
  wait_s(2);
  ASSERT_EQ(http.texts(), Texts{"from afar"});
  EXPECT_EQ(http.asked[0].body.string_or("from"), other.setup().identity.peer_id().text());
}

TEST_F(HooksTest, APatternHearsWhatIsJoinedAndSaysSoWhenThatIsNothing) {
  node::Node& node = start({hook("alerts/#", "http://a/"), hook("alerts/fire", "http://b/")});
  EXPECT_TRUE(logged("pattern matches no joined topic yet owner=hooks"));
  publish("hot", "alerts/fire");
  publish("unjoined", "alerts/flood");
  publish("other", "t");
  wait_s(1);
  EXPECT_EQ(http.asked.size(), 3u) << "own messages need no join";
  EXPECT_EQ(node.topics().rows().size(), 1u) << "a literal topic is joined, a pattern is not";
}

TEST_F(HooksTest, ARetryHoldsBackWhatComesAfter) {
  start({hook("t", "http://a/")});
  http.script = {{500, ""}, {KITH_IO, ""}, {302, ""}};
  publish("one");
  publish("two");
  wait_s(1);
  EXPECT_EQ(http.texts(), (Texts{"one", "one"})) << "the first retry is at once";
  EXPECT_EQ(row().integer_or("waiting", 0), 2);
  EXPECT_EQ(row().string_or("last_error"), "nobody there");
  EXPECT_TRUE(row().find("last_status")->is_null());
  EXPECT_NEAR(*row().find("next_try")->number(),
              static_cast<double>(play.loop.wall_us()) / 1e6 + 4.5, 0.7);
  wait_s(6);
  EXPECT_EQ(http.texts(), (Texts{"one", "one", "one"}));
  EXPECT_EQ(row().string_or("last_error"), "answered 302: redirects are not followed");
  wait_s(37);
  EXPECT_EQ(http.texts(), (Texts{"one", "one", "one", "one", "two"}));
  EXPECT_EQ(row().integer_or("delivered", 0), 2);
  EXPECT_TRUE(row().find("last_error")->is_null());
  EXPECT_TRUE(row().find("next_try")->is_null());
  EXPECT_TRUE(logged("hook delivers again"));
}

TEST_F(HooksTest, AfterTenTriesTheNextHasItsTurn) {
  start({hook("t", "http://a/")});
  http.script = std::deque<FakeHttp::Reply>(10, {503, ""});
  publish("one");
  publish("two");
  wait_s(2'400);
  EXPECT_EQ(http.texts(),
            (Texts{"one", "one", "one", "one", "one", "one", "one", "one", "one", "one", "two"}));
  const std::uint64_t expected_s[] = {0, 5, 30, 120, 300, 300, 300, 300, 300, 0};
  for (std::size_t i = 0; i < 10; ++i) {
    const std::uint64_t gap_us = http.asked[i + 1].at_us - http.asked[i].at_us;
    EXPECT_GE(gap_us, expected_s[i] * 1'000'000) << i;
    EXPECT_LE(gap_us, expected_s[i] * 1'200'000 + 10'000) << i;
  }
  EXPECT_EQ(row().integer_or("failed", 0), 1);
  EXPECT_EQ(row().integer_or("delivered", 0), 1);
  EXPECT_TRUE(logged("hook gives a message up"));
}

TEST_F(HooksTest, TheReceiverMaySayWhenToComeBack) {
  start({hook("t", "http://a/")});
  http.script = {{429, "retry-after: 60"}, {503, "retry-after: 99999999"}, {503, "retry-after: x"}};
  publish("one");
  wait_s(2 * 3'600);
  ASSERT_EQ(http.asked.size(), 4u);
  const auto gap_s = [this](std::size_t i) {
    return (http.asked[i].at_us - http.asked[i - 1].at_us) / 1'000'000;
  };
  EXPECT_GE(gap_s(1), 60u);
  EXPECT_LE(gap_s(1), 72u);
  EXPECT_GE(gap_s(2), 3'600u);
  EXPECT_LE(gap_s(2), 4'320u);
  EXPECT_LE(gap_s(3), 36u);
}

TEST_F(HooksTest, GoneStopsThatHookAlone) {
  start({hook("t", "http://a/"), hook("t", "http://b/")});
  http.script = {{410, ""}};
  for (const char* text : {"one", "two", "three"}) publish(text);
  wait_s(600);
  EXPECT_EQ(http.asked.size(), 4u);
  EXPECT_EQ(row(0).integer_or("dropped", 0), 3);
  EXPECT_EQ(row(0).integer_or("last_status", 0), 410);
  EXPECT_EQ(row(1).integer_or("delivered", 0), 3);
  EXPECT_TRUE(logged("hook stops until the node is started again"));
  configure({hook("t", "http://a/")}, 1);
  publish("four");
  wait_s(600);
  EXPECT_EQ(http.asked.size(), 4u) << "an unchanged hook stays stopped";
}

TEST_F(HooksTest, ADeadReceiverCostsBoundedMemoryAndTheOldestAreDropped) {
  start({hook("t", "http://a/")});
  http.is_silent = true;
  for (int i = 0; i < 1'100; ++i) publish(std::to_string(i));
  wait_s(1);
  EXPECT_EQ(http.texts(), Texts{"0"}) << "what is under way is not dropped";
  EXPECT_EQ(row().integer_or("waiting", 0), 1'000);
  EXPECT_EQ(row().integer_or("dropped", 0), 100);
  wait_s(61);
  const auto notices = std::count_if(
      play.sink.lines.begin(), play.sink.lines.end(),
      [](const auto& line) { return line.find("hook dropped messages") != line.npos; });
  EXPECT_EQ(notices, 2) << "one at once, one after a minute for all the others";
  EXPECT_TRUE(logged("dropped=99"));
}

TEST_F(HooksTest, BytesAreBoundedToo) {
  start({hook("t", "http://a/")});
  http.is_silent = true;
  const std::string large(1'000'000, 'x');  // 2.3 MB as JSON with its base64
  for (int i = 0; i < 12; ++i) publish(large);
  EXPECT_EQ(row().integer_or("waiting", 0), 7);
  EXPECT_EQ(row().integer_or("dropped", 0), 5);
}

TEST_F(HooksTest, AReconfigurationKeepsTheQueuesOfUnchangedHooks) {
  start({hook("t", "http://a/"), hook("u", "http://b/")});
  http.script = std::deque<FakeHttp::Reply>(4, {500, ""});
  publish("one", "t");
  publish("two", "u");
  wait_s(1);
  ASSERT_EQ(http.asked.size(), 4u);
  EXPECT_EQ(configure({hook("t", "ftp://a/")}, 0), KITH_BAD);
  EXPECT_EQ(configure({hook("v", "http://c/"), hook("t", "http://a/")}, 0), 0);
  wait_s(1);
  EXPECT_EQ(row(1).string_or("topic"), "u") << "a judgement changes nothing";
  EXPECT_EQ(configure({hook("v", "http://c/"), hook("t", "http://a/")}, 1), 0);
  EXPECT_TRUE(logged("hook ends with messages undelivered topic=u"));
  publish("three", "v");
  publish("four", "u");
  wait_s(30);
  EXPECT_EQ(http.texts(), (Texts{"one", "two", "one", "two", "three", "one"}));
  EXPECT_EQ(row(1).integer_or("delivered", 0), 1);
}

TEST_F(HooksTest, AStopWithARequestUnderWaySaysWhatIsLost) {
  start({hook("t", "http://a/")});
  http.is_silent = true;
  publish("one");
  publish("two");
  wait_s(1);
  EXPECT_EQ(http.under_way, 1u);
  play.stop(play.nodes.front());
  EXPECT_TRUE(logged("waiting=2"));
}

TEST_F(HooksTest, ATestPostsASampleOnceAndAnswersWithTheStatus) {
  node::Node& node = start({hook("a/#", "http://a/")});
  wire::Value args;
  args["hook"] = 1;
  http.script = {{500, ""}, {KITH_REFUSED, ""}};
  const auto refused = play.call(node, "hooks.test", args);
  EXPECT_EQ(wire::to_json(refused.value()), R"({"ms":1,"error":"answered 500","status":500})");
  const auto none = play.call(node, "hooks.test", args);
  EXPECT_EQ(none.error().message(), "nobody there");
  EXPECT_EQ(play.call(node, "hooks.test", args).value().integer_or("status", 0), 200);
  EXPECT_EQ(http.asked.size(), 3u);
  EXPECT_EQ(http.asked[0].body.string_or("topic"), "a/#");
  EXPECT_EQ(row().integer_or("delivered", 0), 0);
  args["hook"] = 2;
  EXPECT_EQ(play.call(node, "hooks.test", args).error().message(), "hooks are numbered 1 to 1");
}

TEST_F(HooksTest, WhatTheConfigGetsWrongIsSaidByItsPath) {
  const auto why = [](const char* json) {
    const auto specs = judge_options(wire::from_json(json).value());
    return specs ? std::string("good") : specs.error().message();
  };
  EXPECT_EQ(why(R"({"post":[]})"), "good");
  EXPECT_EQ(
      why(R"({"post":[{"topic":"a","url":"http://x"},{"topic":"a/+/b/#","url":"https://x/"}]})"),
      "good");
  EXPECT_EQ(why(R"({"post":[{"topic":"a","url":"http://x"},{"topic":"a","ulr":"http://x"}]})"),
            "post[2].ulr: unknown key: a hook has topic and url");
  EXPECT_EQ(why(R"({"post":[{"topic":"a"}]})"),
            "post[1].url: expected http://HOST/... or https://HOST/..., without spaces");
  EXPECT_EQ(why(R"({"post":[{"topic":7,"url":"http://x"}]})"), "post[1].topic: expected a text");
  EXPECT_EQ(why(R"({"post":{"topic":"a"}})"),
            "post: expected tables: write [[plugins.hooks.post]]");
  EXPECT_EQ(why(R"({"post":["a"]})"), "post[1]: a hook is a table: write [[plugins.hooks.post]]");
  for (const char* topic : {"", "a+", "#/a", "a/#/b", "a/b#"}) {
    EXPECT_NE(
        why((std::string(R"({"post":[{"url":"http://x","topic":")") + topic + "\"}]}").c_str())
            .find("post[1].topic: expected a topic"),
        std::string::npos)
        << topic;
  }
  for (const char* url : {"", "http://", "ftp://x", "x", "http://a b", "http://a\\n"}) {
    EXPECT_NE(why((std::string(R"({"post":[{"topic":"a","url":")") + url + "\"}]}").c_str())
                  .find("post[1].url: expected"),
              std::string::npos)
        << url;
  }
  Play::Role role;
  role.options["hooks"]["post"] = wire::Value::List{hook("", "http://x")};
  const std::string refused = play.outcome(play.make(role).start());
  EXPECT_NE(refused.find("plugins.hooks.post[1].topic"), std::string::npos) << refused;
}

TEST(HooksParts, APasswordIsNotShown) {
  const auto shown = [](const char* url) { return HookSpec{"t", url}.shown_url(); };
  EXPECT_EQ(shown("http://me:secret@host:1/p@th?x@y"), "http://***@host:1/p@th?x@y");
  EXPECT_EQ(shown("http://me:se@cret@host"), "http://***@host");
  EXPECT_EQ(shown("https://host/a@b"), "https://host/a@b");
}

TEST(HooksParts, RetryAfterIsSecondsOrADate) {
  constexpr std::uint64_t kWall = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("120", kWall), 120u);
  EXPECT_EQ(parse_retry_after(" 0 ", kWall), 0u);
  EXPECT_EQ(parse_retry_after("3601", kWall), 3'600u);
  EXPECT_EQ(parse_retry_after("99999999999999999999999", kWall), 3'600u);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kWall), 0u);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", kWall), 60u);
  EXPECT_EQ(parse_retry_after("Thu, 29 Feb 2024 00:00:00 GMT", 1'709'164'800 - 5), 5u);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", kWall), 0u);
  for (const char* bad : {"", " ", "soon", "-5", "1.5", "Sun, 06 Nov 1994 08:49:37", "1e3",
                          "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT",
                          "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"})
    EXPECT_FALSE(parse_retry_after(bad, kWall)) << bad;
}

}  // namespace
}  // namespace kith::test
