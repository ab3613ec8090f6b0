// SPDX-License-Identifier: MIT
// plugins/transports/websocket from the build: its links as pipes, over real sockets and in virtual
// time, and what strangers get who talk rubbish to it.
#include "tests/plugins/websocket_world.h"

#include "engine/wire/http_upgrade.h"
#include "engine/wire/websocket.h"
#include "tests/support/captured_log.h"
#include "tests/support/pipe_contract.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

using wire::WebsocketMask;
using wire::WebsocketOpcode;

node::Config::Plugin enabled(const char* name) {
  node::Config::Plugin plugin;
  plugin.name = name;
  plugin.options["listen"] = wire::Value::List();
  return plugin;
}

// One node on real sockets that dials itself through kith.links/1.
struct SocketWorld final : PipeWorld {
  SocketWorld() {
    node::NodeSetup setup{.identity = crypto::Identity::from_seed(crypto::Key32{7}), .config = {}};
    setup.plugins = Play::library();
    setup.plugins["probe"] = &kProbe;
    setup.config.plugins = {enabled("probe"), enabled("tcp"), enabled("websocket")};
    node.emplace(loop, log, std::move(setup));
    scope.spawn(node->start());
    user.emplace(started<Probe>(*node, kProbe).host);
    bound = user->listen("/ip4/127.0.0.1/tcp/0/ws", arrived);
  }
  ~SocketWorld() override {
    user.reset();
    arrived.pipes.clear();
    bool stopped = false;
    scope.spawn(stop(*node, stopped));
    EXPECT_TRUE(run.until([&] { return stopped; }));
  }
  static Task<void> stop(node::Node& node, bool& stopped) {
    co_await node.stop();
    stopped = true;
  }
  std::pair<Pipe, Pipe> connect() override {
    Links dialed;
    const Op op = user->dial(bound, dialed);
    EXPECT_TRUE(run.until([&] { return !dialed.pipes.empty() && !arrived.pipes.empty(); }));
    Pipe listener = std::move(arrived.pipes.back());
    arrived.pipes.pop_back();
    return {std::move(dialed.pipes.front()), std::move(listener)};
  }
  bool run_until(const std::function<bool()>& done) override { return run.until(done); }
  void settle() override { run.run_for(20'000); }

  node::RealLoop loop;
  RealRun run{loop};
  CapturedLog log;
  std::optional<node::Node> node;
  Scope scope;
  std::optional<LinkUser> user;
  Links arrived;
  std::string bound;
};

// Two nodes in virtual time. near dials, far listens.
struct VirtualWorld : PipeWorld {
  VirtualWorld() { bound = far.listen("/ip4/127.0.0.1/tcp/0/ws", arrived); }
  ~VirtualWorld() override { arrived.pipes.clear(); }
  LinkUser add() {
    Play::Role role{.own = {&kProbe, &kFakeTcp}, .routes = false};
    role.options["websocket"]["listen"] = wire::Value::List();
    return LinkUser(started<Probe>(play.add(role), kProbe).host);
  }
  std::pair<Pipe, Pipe> connect() override {
    Links dialed;
    const Op op = near.dial(bound, dialed);
    EXPECT_TRUE(run_until([&] { return !dialed.pipes.empty() && !arrived.pipes.empty(); }));
    Pipe listener = std::move(arrived.pipes.back());
    arrived.pipes.pop_back();
    return {std::move(dialed.pipes.front()), std::move(listener)};
  }
  bool run_until(const std::function<bool()>& done) override {
    return play.loop.run_until(done, 10'000'000);
  }
  void settle() override { play.loop.run_for(100'000); }

  // The link below, to the port of the WebSocket listener.
  Pipe knock() {
    Links dialed;
    const Op op = near.dial(bound.substr(0, bound.size() - 3), dialed);
    EXPECT_TRUE(run_until([&] { return !dialed.pipes.empty(); }));
    return std::move(dialed.pipes.front());
  }
  // All that comes until the other side ends it; what the last read said in *end.
  std::string rest(Pipe& pipe, std::int64_t* end = nullptr, std::uint64_t us = 20'000'000) {
    std::string text;
    play.loop.run_until(
        [&] {
          std::uint8_t chunk[4096];
          std::int64_t n = 0;
          while ((n = pipe.read(chunk)) > 0)
            text += as_text(Bytes(chunk).first(static_cast<std::size_t>(n)));
          if (end) *end = n;
          return n != KITH_AGAIN;
        },
        us);
    return text;
  }
  // A client that has shaken hands and writes its frames by itself.
  Pipe raw_client() {
    Pipe pipe = knock();
    const std::string request = wire::upgrade_request("host", "dGhlIHNhbXBsZSBub25jZQ==");
    EXPECT_GT(pipe.write(as_bytes(request)), 0);
    std::string reply;
    run_until([&] {
      std::uint8_t chunk[512];
      const std::int64_t n = pipe.read(chunk);
      if (n > 0) reply += as_text(Bytes(chunk).first(static_cast<std::size_t>(n)));
      return reply.ends_with("\r\n\r\n");
    });
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 101 ")) << reply;
    EXPECT_TRUE(run_until([&] { return !arrived.pipes.empty(); }));
    return pipe;
  }
  Pipe take_arrived() {
    Pipe taken = std::move(arrived.pipes.back());
    arrived.pipes.pop_back();
    return taken;
  }

  Play play{11};
  LinkUser near = add(), far = add();
  Links arrived;
  std::string bound;
};

std::unique_ptr<PipeWorld> make_sockets() { return std::make_unique<SocketWorld>(); }
std::unique_ptr<PipeWorld> make_virtual() { return std::make_unique<VirtualWorld>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(WebsocketOverTcp, PipeContract, testing::Values(&make_sockets));
INSTANTIATE_TEST_SUITE_P(WebsocketInVirtualTime, PipeContract, testing::Values(&make_virtual));

namespace {

constexpr WebsocketMask kMask{9, 8, 7, 6};

ByteVector frame(WebsocketOpcode opcode, std::string_view body, bool masked = true) {
  ByteVector bytes;
  wire::append_websocket_frame(bytes, opcode, as_bytes(body), masked ? &kMask : nullptr);
  return bytes;
}

struct Websocket : testing::Test {
  VirtualWorld world;
};

TEST_F(Websocket, AddressesSayWs) {
  EXPECT_TRUE(world.bound.ends_with("/ws")) << world.bound;
  auto [a, b] = world.connect();
  EXPECT_TRUE(address_text(view(a.info().remote)).ends_with("/ws"));
  Links dialed;
  const Op op = world.near.dial("/ip4/127.0.0.1/tcp/1/tls/ws", dialed);
  ASSERT_TRUE(world.run_until([&] { return dialed.answers > 0; }));
  EXPECT_EQ(dialed.error, KITH_ABSENT);
  EXPECT_NE(dialed.sentence.find("nothing here speaks /tcp/tls/ws"), std::string::npos);
}

TEST_F(Websocket, ANameIsResolvedBelowAndToldAsTheHost) {
  world.play.loop.names()["kith.test"] = {"127.0.0.1"};
  const auto at = world.bound.find("/tcp/");
  Links lower;
  const std::string below = world.far.listen("/ip4/127.0.0.1/tcp/0", lower);
  Links dialed;
  const std::string port = below.substr(at + 5);
  const Op op = world.near.dial("/dns4/kith.test/tcp/" + port + "/ws", dialed);
  ASSERT_TRUE(world.run_until([&] { return !lower.pipes.empty(); }));
  std::string request;
  world.run_until([&] {
    std::uint8_t chunk[1024];
    const std::int64_t n = lower.pipes[0].read(chunk);
    if (n > 0) request += as_text(Bytes(chunk).first(static_cast<std::size_t>(n)));
    return request.ends_with("\r\n\r\n");
  });
  EXPECT_TRUE(wire::judge_upgrade_request(as_bytes(request)));
  EXPECT_NE(request.find("\r\nHost: kith.test:" + port + "\r\n"), std::string::npos) << request;
}

TEST_F(Websocket, WhatIsNoWebsocketIsRefusedWithASentence) {
  struct Case {
    const char *answer, *sentence;
    int error;
  };
  const Case cases[] = {
      {"HTTP/1.1 404 Not Found\r\n\r\n", "it answered 404 Not Found", KITH_REFUSED},
      {"SSH-2.0-OpenSSH_9\r\n\r\n", "malformed HTTP", KITH_REFUSED},
      {"\x13/multistream/1.0.0\n", "it does not speak HTTP", KITH_REFUSED},
      {"", "it does not answer", KITH_TIMEOUT},
  };
  Links lower;
  const std::string below = world.far.listen("/ip4/127.0.0.1/tcp/0", lower);
  for (const Case& bad : cases) {
    Links dialed;
    const Op op = world.near.dial(below + "/ws", dialed);
    ASSERT_TRUE(world.run_until([&] { return !lower.pipes.empty(); }));
    lower.pipes[0].write(as_bytes(bad.answer));
    world.play.loop.run_for(11'000'000);
    ASSERT_EQ(dialed.answers, 1);
    EXPECT_EQ(dialed.error, bad.error);
    EXPECT_NE(dialed.sentence.find(bad.sentence), std::string::npos) << dialed.sentence;
    lower.pipes.clear();
  }
}

TEST_F(Websocket, WhoOpensItInABrowserReadsASentence) {
  Pipe pipe = world.knock();
  pipe.write(as_bytes("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade-Insecure-Requests: 1\r\n\r\n"));
  std::int64_t end = -1;
  const std::string page = world.rest(pipe, &end);
  EXPECT_TRUE(page.starts_with("HTTP/1.1 426 ")) << page;
  EXPECT_EQ(end, 0) << "closed, not cut off";
}

TEST_F(Websocket, RubbishIsAnsweredAndClosed) {
  const std::pair<std::string, std::string> cases[] = {
      {"\x13/multistream/1.0.0\n", "HTTP/1.1 400 "},
      {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x'), "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nHost: a\r\n", ""},  // and then nothing: its deadline
  };
  for (const auto& [text, answer] : cases) {
    Pipe pipe = world.knock();
    const std::uint64_t from_us = world.play.loop.now_us();
    pipe.write(as_bytes(text));
    const std::string said = world.rest(pipe);
    EXPECT_TRUE(said.starts_with(answer)) << said;
    EXPECT_LE(world.play.loop.now_us() - from_us, answer.empty() ? 10'100'000u : 100'000u);
  }
  EXPECT_TRUE(world.arrived.pipes.empty());
  world.connect();
}

TEST_F(Websocket, SlowHeadersEndAtTheDeadline) {
  Pipe pipe = world.knock();
  const std::string request = wire::upgrade_request("host", "dGhlIHNhbXBsZSBub25jZQ==");
  const std::uint64_t from_us = world.play.loop.now_us();
  std::int64_t n = 1;
  for (const char letter : request) {
    n = pipe.write(as_bytes(std::string_view(&letter, 1)));
    if (n < 0) break;
    world.play.loop.run_for(500'000);
  }
  EXPECT_EQ(n, KITH_RESET);
  EXPECT_LE(world.play.loop.now_us() - from_us, 11'000'000u);
  EXPECT_TRUE(world.arrived.pipes.empty());
}

TEST_F(Websocket, UpgradesUnderWayAreBounded) {
  std::vector<Pipe> crowd;
  for (int i = 0; i < 300; ++i) crowd.push_back(world.knock());
  world.play.loop.run_for(100'000);
  int refused = 0;
  for (Pipe& pipe : crowd) {
    std::uint8_t to[8];
    if (pipe.read(to) == KITH_RESET) ++refused;
  }
  EXPECT_EQ(refused, 300 - 256);
  world.play.loop.run_for(11'000'000);
  world.connect();  // they are gone, and others have their turn
}

TEST_F(Websocket, BrokenFramesAreAnsweredWithACloseThatSaysWhy) {
  struct Case {
    const char* name;
    ByteVector bytes;
    int code;
  };
  const auto head = [](std::initializer_list<std::uint8_t> bytes) { return ByteVector(bytes); };
  const Case cases[] = {
      {"unmasked", frame(WebsocketOpcode::binary, "hello", false), 1002},
      {"text", frame(WebsocketOpcode::text, "hello"), 1003},
      {"a length of 2^63", head({0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}), 1002},
      {"17 MiB", head({0x82, 0xff, 0, 0, 0, 0, 1, 0x10, 0, 0, 1, 2, 3, 4}), 1009},
      {"a ping of 200 bytes", frame(WebsocketOpcode::ping, std::string(200, 'x')), 1002},
      {"a fragment of nothing", frame(WebsocketOpcode::continuation, "hello"), 1002},
  };
  for (const Case& bad : cases) {
    Pipe client = world.raw_client();
    Pipe server = world.take_arrived();
    Wake wake;
    server.want(KITH_RD, wake.done());
    client.write(frame(WebsocketOpcode::binary, "good"));
    client.write(bad.bytes);
    ASSERT_TRUE(world.run_until([&] { return wake.count > 0; })) << bad.name;
    std::uint8_t to[64];
    EXPECT_EQ(server.read(to), 4) << "what came before is read";
    EXPECT_EQ(server.read(to), KITH_BAD) << bad.name;
    EXPECT_EQ(server.write(as_bytes("x")), KITH_CLOSED);
    server.reset(KITH_BAD);
    std::int64_t end = -1;
    const std::string said = world.rest(client, &end);
    const std::uint8_t expected[] = {0x88, 2, static_cast<std::uint8_t>(bad.code >> 8),
                                     static_cast<std::uint8_t>(bad.code)};
    EXPECT_EQ(said, as_text(expected)) << bad.name;
    EXPECT_EQ(end, 0) << bad.name;
  }
}

TEST_F(Websocket, ControlFramesNeverWakeTheReader) {
  Pipe client = world.raw_client();
  Pipe server = world.take_arrived();
  Wake wake;
  server.want(KITH_RD, wake.done());
  client.write(frame(WebsocketOpcode::ping, std::string(125, 'p')));
  client.write(frame(WebsocketOpcode::pong, "unasked"));
  client.write(frame(WebsocketOpcode::binary, ""));
  world.settle();
  EXPECT_EQ(wake.count, 0);
  std::uint8_t to[256];
  ASSERT_EQ(client.read(to), 127) << "a pong";
  EXPECT_EQ(as_text(Bytes(to).first(127)),
            as_text(frame(WebsocketOpcode::pong, std::string(125, 'p'), false)));
  client.write(frame(WebsocketOpcode::binary, "now"));
  ASSERT_TRUE(world.run_until([&] { return wake.count > 0; }));
  EXPECT_EQ(server.read(to), 3);
}

TEST_F(Websocket, PingsOfWhoReadsNothingAreAnsweredOnceItDoes) {
  Pipe client = world.raw_client();
  Pipe server = world.take_arrived();
  const ByteVector bytes = pattern(1 << 20);
  std::size_t sent = 0;
  for (std::int64_t n = 0; (n = server.write(Bytes(bytes).subspan(sent))) > 0;)
    sent += static_cast<std::size_t>(n);
  ASSERT_LT(sent, bytes.size());
  Wake wake;
  server.want(KITH_RD, wake.done());
  for (int i = 0; i < 1'000; ++i) {
    client.write(frame(WebsocketOpcode::ping, std::to_string(i)));
    world.play.loop.run_for(100);
  }
  server.shut();
  std::string said = world.rest(client);
  wire::WebsocketReader reader(false);
  const ByteVector last = frame(WebsocketOpcode::pong, "999", false);
  const std::string end = std::string(as_text(last)) + "\x88\x02\x03\xe8";
  ASSERT_TRUE(said.ends_with(end)) << "the newest ping is answered, then the close";
  said.resize(said.size() - end.size());
  const std::size_t kept = reader.take({reinterpret_cast<std::uint8_t*>(said.data()), said.size()});
  EXPECT_EQ(kept, sent) << "nothing but the bytes in between";
  EXPECT_TRUE(equal(as_bytes(said).first(kept), Bytes(bytes).first(sent)));
}

TEST_F(Websocket, FragmentsAndTheirPiecesStreamThrough) {
  Pipe client = world.raw_client();
  Pipe server = world.take_arrived();
  ByteVector bytes = frame(WebsocketOpcode::binary, "one ");
  bytes[0] = 0x02;
  ByteVector next = frame(WebsocketOpcode::continuation, "two ");
  next[0] = 0x00;
  append(bytes, next);
  append(bytes, frame(WebsocketOpcode::continuation, "three"));
  std::string heard;
  for (const std::uint8_t byte : bytes) {
    client.write({&byte, 1});
    heard += world.rest(server, nullptr, 100);
  }
  EXPECT_EQ(heard, "one two three");
}

TEST_F(Websocket, ACloseIsAnsweredWhenTheHolderIsDone) {
  Pipe client = world.raw_client();
  Pipe server = world.take_arrived();
  client.write(frame(WebsocketOpcode::close, std::string("\x03\xe9", 2)));
  std::int64_t end = -1;
  EXPECT_EQ(world.rest(server, &end), "");
  EXPECT_EQ(end, 0);
  EXPECT_EQ(server.write(as_bytes("last words")), 10);
  server.reset();  // even so: the other side has said goodbye
  EXPECT_EQ(world.rest(client, &end),
            std::string(as_text(frame(WebsocketOpcode::binary, "last words", false))) +
                "\x88\x02\x03\xe8");
}

TEST_F(Websocket, AnEndWithoutACloseIsACut) {
  Pipe client = world.raw_client();
  Pipe server = world.take_arrived();
  client.write(frame(WebsocketOpcode::binary, "then"));
  client.close();
  std::int64_t end = 0;
  EXPECT_EQ(world.rest(server, &end), "then");
  EXPECT_EQ(end, KITH_RESET);
}

TEST_F(Websocket, WhatCameWithTheHandshakeIsReadFirst) {
  Pipe client = world.knock();
  std::string all = wire::upgrade_request("host", "dGhlIHNhbXBsZSBub25jZQ==");
  all += as_text(frame(WebsocketOpcode::binary, "early"));
  client.write(as_bytes(all));
  ASSERT_TRUE(world.run_until([&] { return !world.arrived.pipes.empty(); }));
  Pipe server = world.take_arrived();
  Wake wake;
  server.want(KITH_RD, wake.done());
  EXPECT_EQ(wake.count, 0);
  ASSERT_TRUE(world.run_until([&] { return wake.count > 0; }));
  std::uint8_t to[3];
  EXPECT_EQ(server.read(to), 3);
  EXPECT_EQ(server.read(to), 2);
  EXPECT_EQ(server.read(to), KITH_AGAIN);
}

TEST_F(Websocket, AClosedLinkThatNobodyReadsIsCutOffInTheEnd) {
  Pipe client = world.raw_client();
  Pipe server = world.take_arrived();
  const ByteVector bytes = pattern(1 << 20);
  while (server.write(bytes) > 0) {
  }
  server.close();
  world.play.loop.run_for(9'000'000);
  std::uint8_t to[16];
  EXPECT_EQ(client.read(to), 16) << "it still waits for its reader";
  world.play.loop.run_for(2'000'000);
  std::int64_t end = 0;
  EXPECT_EQ(world.rest(client, &end).size() % 65'536, 0u);
  EXPECT_EQ(end, KITH_RESET);
}

TEST_F(Websocket, MasksDifferFromFrameToFrame) {
  Links lower, dialed;
  const std::string below = world.far.listen("/ip4/127.0.0.1/tcp/0", lower);
  const Op op = world.near.dial(below + "/ws", dialed);
  ASSERT_TRUE(world.run_until([&] { return !lower.pipes.empty(); }));
  std::string request;
  world.run_until([&] {
    std::uint8_t chunk[1024];
    const std::int64_t n = lower.pipes[0].read(chunk);
    if (n > 0) request += as_text(Bytes(chunk).first(static_cast<std::size_t>(n)));
    return request.ends_with("\r\n\r\n");
  });
  const auto key = wire::judge_upgrade_request(as_bytes(request));
  ASSERT_TRUE(key);
  lower.pipes[0].write(as_bytes(wire::upgrade_reply(*key)));
  ASSERT_TRUE(world.run_until([&] { return !dialed.pipes.empty(); }));
  dialed.pipes[0].write(as_bytes("same"));
  dialed.pipes[0].write(as_bytes("same"));
  world.settle();
  std::uint8_t to[64];
  ASSERT_EQ(lower.pipes[0].read(to), 20);
  EXPECT_NE(as_text(Bytes(to).first(10)), as_text(Bytes(to).subspan(10, 10)));
  EXPECT_EQ(to[1], 0x84);
}

}  // namespace

TEST(WebsocketNodes, MeetAndGossipOverIt) {
  play_twice(5, [](Play& play) {
    Play::Role role{.own = {&kFakeTcp}};
    role.options["websocket"]["listen"] =
        wire::Value::List(1, wire::Value("/ip4/127.0.0.1/tcp/0/ws"));
    role.options["memory"]["listen"] = wire::Value::List();
    node::Node& ann = play.add(role);
    node::Node& bob = play.add(role);
    EXPECT_NE(bob.addresses().at(0).text().find("/ws/p2p/"), std::string::npos);
    play.connect(ann, bob);
    auto& heard = play.listen(bob, "lobby");
    play.listen(ann, "lobby");
    play.loop.run_for(2'000'000);
    play.publish(ann, "lobby", "over a socket of the web");
    play.loop.run_for(1'000'000);
    EXPECT_EQ(heard.texts, std::vector<std::string>{"over a socket of the web"});
  });
}

TEST(WebsocketNodes, WithoutTcpTheyDoNotStartAndSayWhatToDo) {
  Play play(1);
  Play::Role role{.routes = false};
  role.options["websocket"] = {};
  const std::string why = play.outcome(play.make(role).start());
  EXPECT_NE(why.find("enable [plugins.tcp]"), std::string::npos) << why;
}

TEST(WebsocketNodes, AStopEndsUpgradesThatAreUnderWay) {
  Play play(3);
  Play::Role role{.own = {&kProbe, &kFakeTcp}, .routes = false};
  role.options["websocket"]["listen"] =
      wire::Value::List(1, wire::Value("/ip4/127.0.0.1/tcp/0/ws"));
  node::Node& stops = play.add(role);
  node::Node& stays = play.add(role);
  const std::string at = stops.addresses().at(0).text();
  Links dialed;
  const LinkUser user(started<Probe>(stays, kProbe).host);
  const Op op = user.dial(at.substr(0, at.find("/ws")), dialed);
  play.loop.run_for(1'000);
  ASSERT_EQ(dialed.pipes.size(), 1u);
  dialed.pipes[0].write(as_bytes("GET / HT"));
  play.loop.run_for(1'000);
  play.stop(play.nodes.front());
  std::uint8_t to[8];
  EXPECT_EQ(dialed.pipes[0].read(to), KITH_RESET);
  dialed.pipes.clear();
}

}  // namespace kith::test
