// SPDX-License-Identifier: MIT
// kith.http/1 as a plugin and an app see it: over the real client, against a server on loopback.
#include <gtest/gtest.h>

#include "tests/support/captured_log.h"
#include "tests/support/done.h"
#include "tests/support/http_server.h"
#include "tests/support/probe.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

// What a request ended with.
struct Answer {
  bool ended = false;
  std::int64_t r = 0;
  std::string sentence, body;
  std::vector<std::string> headers;

  kith_done done() {
    const auto take = [](void* self, std::int64_t r, const void* result) {
      auto& to = *static_cast<Answer*>(self);
      EXPECT_FALSE(to.ended);
      to.ended = true;
      to.r = r;
      if (r < 0) {
        to.sentence = to_string(*static_cast<const kith_bytes*>(result));
        return;
      }
      const auto& reply = *static_cast<const kith_http_reply*>(result);
      EXPECT_EQ(reply.status, r);
      to.body = to_string(reply.body);
      for (std::size_t i = 0; i < reply.n_headers; ++i)
        to.headers.push_back(to_string(reply.headers[i]));
    };
    return {take, this};
  }
  bool has(const std::string& header) const {
    return std::find(headers.begin(), headers.end(), header) != headers.end();
  }
};

class HostHttp : public testing::Test {
 protected:
  HostHttp() {
    node::NodeSetup setup{.identity = crypto::Identity::from_seed(crypto::Key32{1}), .config = {}};
    setup.version = "7";
    setup.http = true;
    setup.plugins["probe"] = &kProbe;
    setup.config.plugins.push_back({"probe", wire::Value::Map()});
    node = std::make_unique<node::Node>(loop, log, std::move(setup));
    scope.spawn(start(*node, is_started));
    EXPECT_TRUE(run.until([this] { return is_started; }));
    plugin = started<Probe>(*node, kProbe).host.raw();
    app = std::make_unique<kith_host>(plugin->services, "good", true);
  }
  ~HostHttp() override { app.reset(); }
  static Task<void> start(node::Node& node, bool& is_started) {
    co_await node.start();
    is_started = true;
  }

  kith_op* begin(kith_host* host, Answer& to, const std::string& url) {
    asked.url = c_bytes(url);
    void* self = nullptr;
    const auto* http =
        static_cast<const kith_http*>(node::host_api()->service(host, KITH_HTTP, &self));
    return http->request(static_cast<kith_host*>(self), &asked, to.done());
  }
  Answer ask(kith_host* host, const std::string& url) {
    Answer to;
    EXPECT_TRUE(begin(host, to, url));
    EXPECT_FALSE(to.ended) << "answered from inside the call";
    EXPECT_TRUE(run.until([&] { return to.ended; }));
    return to;
  }
  Answer by_operator(const std::string& url) {
    asked.flags = KITH_HTTP_OPERATOR;
    return ask(plugin, url);
  }

  CapturedLog log;
  node::RealLoop loop;
  RealRun run{loop};
  std::unique_ptr<node::Node> node;
  std::unique_ptr<kith_host> app;
  kith_host* plugin = nullptr;
  bool is_started = false;
  Scope scope;
  kith_http_request asked{sizeof asked, 0, "GET", {}, nullptr, 0, {}, 5'000, 0};
};

TEST_F(HostHttp, GetsAndPostsOverOneKeptConnection) {
  HttpServer server([](const std::string& request) {
    return HttpServer::reply("201 Made", request.substr(request.find("\r\n\r\n") + 4),
                             "X-Some:  Thing \r\nx-Empty:\r\n");
  });
  const Answer got = by_operator(server.origin() + "/a?b=c");
  EXPECT_EQ(got.r, 201) << got.sentence;
  EXPECT_TRUE(got.has("x-some: Thing ")) << testing::PrintToString(got.headers);
  EXPECT_TRUE(got.has("x-empty: ")) << testing::PrintToString(got.headers);
  const std::string type = "content-type: text/plain", body = "hello\r\n\r\nthere";
  const kith_bytes headers[] = {c_bytes(type)};
  asked.method = "POST";
  asked.headers = headers;
  asked.n_headers = 1;
  asked.body = c_bytes(body);
  EXPECT_EQ(by_operator(server.origin() + "/post").body, body);
  asked.body = {};
  EXPECT_EQ(by_operator("http://localhost" + server.origin().substr(16)).r, 201);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_TRUE(requests[0].starts_with("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")) << requests[0];
  EXPECT_NE(requests[0].find("User-Agent: kith/7\r\n"), std::string::npos) << requests[0];
  EXPECT_EQ(requests[0].find("Accept-Encoding"), std::string::npos) << requests[0];
  EXPECT_TRUE(requests[1].starts_with("POST /post HTTP/1.1\r\n"));
  EXPECT_NE(requests[1].find("content-type: text/plain\r\n"), std::string::npos) << requests[1];
  EXPECT_EQ(requests[1].find("Expect"), std::string::npos) << requests[1];
  EXPECT_NE(requests[2].find("Content-Length: 0\r\n"), std::string::npos) << requests[2];
  EXPECT_EQ(server.links(), 2u) << "one for each name of the host";
}

TEST_F(HostHttp, AnAppReachesLoopbackOnlyWhereItsTableNamesIt) {
  HttpServer server([](const std::string&) { return HttpServer::reply("200 OK", "in"); });
  asked.flags = KITH_HTTP_OPERATOR;  // which is not an app's to claim
  const Answer refused = ask(app.get(), server.origin() + "/x");
  EXPECT_EQ(refused.r, KITH_REFUSED);
  EXPECT_NE(refused.sentence.find("127.0.0.1, a loopback address"), std::string::npos);
  EXPECT_NE(refused.sentence.find("[apps.good] http = [\"" + server.origin() + "\"]"),
            std::string::npos)
      << refused.sentence;
  const std::string named = "http://localhost" + server.origin().substr(16);
  EXPECT_EQ(ask(app.get(), named).r, KITH_REFUSED) << "after the name is resolved";
  asked.flags = 0;
  EXPECT_EQ(ask(plugin, server.origin()).r, KITH_REFUSED) << "a plugin has to say so, too";
  EXPECT_EQ(server.links(), 0u);
  app->http_allowed = {server.origin()};
  EXPECT_EQ(ask(app.get(), server.origin() + "/x").body, "in");
  EXPECT_EQ(ask(app.get(), named).r, KITH_REFUSED) << "another origin";
}

TEST_F(HostHttp, RedirectsAreNotFollowed) {
  HttpServer other([](const std::string&) { return HttpServer::reply("200 OK"); });
  HttpServer server([&](const std::string&) {
    return HttpServer::reply("302 Found", "", "Location: " + other.origin() + "/\r\n");
  });
  const Answer got = by_operator(server.origin());
  EXPECT_EQ(got.r, 302);
  EXPECT_TRUE(got.has("location: " + other.origin() + "/"));
  EXPECT_EQ(other.links(), 0u);
}

TEST_F(HostHttp, WhatIsTooLargeIsCutOff) {
  HttpServer server([](const std::string& request) {
    if (request.starts_with("GET /headers"))
      return HttpServer::reply("200 OK", "", "X: " + std::string(80'000, 'x') + "\r\n");
    return HttpServer::reply("200 OK", std::string(1'000, 'x'));
  });
  asked.reply_max = 1'000;
  EXPECT_EQ(by_operator(server.origin()).body.size(), 1'000u);
  asked.reply_max = 999;
  EXPECT_EQ(by_operator(server.origin()).r, KITH_LIMIT);
  asked.reply_max = 0;
  EXPECT_EQ(by_operator(server.origin() + "/headers").r, KITH_LIMIT);
}

TEST_F(HostHttp, SilenceEndsAtTheDeadline) {
  HttpServer server([](const std::string&) { return std::string(); });
  asked.ms = 200;
  const std::uint64_t begun_us = loop.now_us();
  const Answer late = by_operator(server.origin());
  EXPECT_EQ(late.r, KITH_TIMEOUT) << late.sentence;
  EXPECT_GE(loop.now_us() - begun_us, 200'000u);
  EXPECT_LT(loop.now_us() - begun_us, 3'000'000u);
}

TEST_F(HostHttp, AClosedPortAndABrokenAnswerAreErrorsThatSayWho) {
  std::string dead;
  {
    HttpServer server([](const std::string&) { return std::string(); });
    dead = server.origin();
  }
  const Answer refused = by_operator(dead);
  EXPECT_EQ(refused.r, KITH_IO);
  EXPECT_TRUE(refused.sentence.starts_with(dead + ": ")) << refused.sentence;
  HttpServer garbage(
      [](const std::string&) { return std::string("SSH-2.0-x\r\n\r\nConnection: close"); });
  EXPECT_EQ(by_operator(garbage.origin()).r, KITH_IO);
}

TEST_F(HostHttp, AMalformedRequestIsRefusedBeforeItIsSent) {
  HttpServer server([](const std::string&) { return HttpServer::reply("200 OK"); });
  for (const std::string line : {"no colon", "x: a\r\ny: b", "Host: other", "content-Length: 3",
                                 "Transfer-Encoding: chunked", "bad name: x", ": x"}) {
    const kith_bytes header = c_bytes(line);
    asked.headers = &header;
    asked.n_headers = 1;
    EXPECT_EQ(by_operator(server.origin()).r, KITH_BAD) << line;
  }
  asked.n_headers = 0;
  for (const char* method : {"", "GET /x", "CONNECT", "TRACE", "G\r\nT"}) {
    asked.method = method;
    EXPECT_EQ(by_operator(server.origin()).r, KITH_BAD) << method;
  }
  asked.method = "GET";
  EXPECT_EQ(by_operator("ftp://127.0.0.1/").r, KITH_BAD);
  EXPECT_EQ(by_operator("http://no-such-name.invalid/").r, KITH_IO);
  EXPECT_EQ(server.links(), 0u);
}

TEST_F(HostHttp, ACancelledRequestNeverAnswersAndAHostThatEndsCancelsAll) {
  HttpServer server([](const std::string&) { return std::string(); });
  app->http_allowed = {server.origin()};
  Answer one, two, three;
  kith_op* first = begin(app.get(), one, server.origin());
  begin(app.get(), two, server.origin());
  ASSERT_TRUE(run.until([&] { return server.requests().size() == 2; }));
  begin(app.get(), three, server.origin());
  app->cancel(first);
  app->cancel(first);
  app->undo();
  run.run_for(50'000);
  EXPECT_FALSE(one.ended || two.ended || three.ended);
  EXPECT_FALSE(begin(app.get(), one, server.origin())) << "it has ended";
}

TEST_F(HostHttp, ManyAtOnceAreAllAnsweredAndMoreThanTheBoundIsRefused) {
  HttpServer server([](const std::string&) { return HttpServer::reply("200 OK"); });
  app->http_allowed = {server.origin()};
  asked.ms = 60'000;
  std::vector<Answer> answers(1'024 + 300);
  for (Answer& each : answers) begin(app.get(), each, server.origin());
  ASSERT_TRUE(run.until(
      [&] { return std::all_of(answers.begin(), answers.end(), [](auto& a) { return a.ended; }); },
      60'000'000));
  const auto good =
      std::count_if(answers.begin(), answers.end(), [](auto& a) { return a.r == 200; });
  const auto full =
      std::count_if(answers.begin(), answers.end(), [](auto& a) { return a.r == KITH_LIMIT; });
  EXPECT_EQ(good, 1'024 + 256);
  EXPECT_EQ(full, 300 - 256);
}

TEST(HostHttpAbsent, ANodeWithoutHttpSaysSo) {
  Play play(5);
  node::Node& node = play.add(Play::Role{.own = {&kProbe}, .routes = false});
  const Host host = started<Probe>(node, kProbe).host;
  void* self = nullptr;
  const auto* http = host.service<kith_http>(KITH_HTTP, &self);
  ASSERT_TRUE(http);
  kith_http_request asked{};
  Answer to;
  EXPECT_EQ(http->request(static_cast<kith_host*>(self), &asked, to.done()), nullptr);
  EXPECT_EQ(host.why(KITH_ABSENT), "this node speaks no HTTP");
}

}  // namespace
}  // namespace kith::test
