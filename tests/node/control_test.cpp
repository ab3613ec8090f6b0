// SPDX-License-Identifier: MIT
#include "engine/node/control.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/base/limits.h"
#include "engine/bus/topics.h"
#include "engine/node/control_caller.h"
#include "engine/sim/virtual_loop.h"
#include "engine/wire/json.h"
#include "tests/support/real_world.h"

namespace kith::node {
namespace {

using wire::Value;

class QuietLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// Keeps what is written; `stuck` lets nothing leave.
class KeptSink final : public LineSink {
 public:
  void write(std::string_view line) override {
    lines += line;
    if (stuck) queued += line.size();
  }
  std::size_t queued_bytes() const override { return queued; }
  void close(std::string_view why) override { closed = why; }
  std::string lines, closed;
  std::size_t queued = 0;
  bool stuck = false;
};

template <class Loops>
struct World {
  World() {
    bus::CommandSpec spec;
    spec.name = "echo";
    spec.args = {{"text", "string", true}, {"times", "int"}};
    spec.args[1].fallback = 1;
    const auto echo = [](bus::CallPtr call, Value args) {
      for (std::int64_t i = args.integer_or("times", 0); i > 1; --i)
        call->part(args.string_or("text"));
      call->end(args.string_or("text"));
    };
    EXPECT_TRUE(bus.command(engine, spec, echo));
    spec.name = "wait";
    spec.args.clear();
    EXPECT_TRUE(bus.command(engine, spec, [this](bus::CallPtr call, Value) {
      call->on_cancel([this] { ++cancelled; });
      waiting.push_back(std::move(call));
    }));
  }
  ~World() { waiting.clear(); }
  static Loops make() {
    if constexpr (std::is_constructible_v<Loops, std::uint64_t>) {
      return Loops(1);
    } else {
      return Loops();
    }
  }
  Loops loop = make();
  QuietLog quiet;
  Log log{quiet, "control"};
  bus::Bus bus{loop, log};
  bus::Owner engine{"engine", false};
  std::vector<bus::CallPtr> waiting;
  int cancelled = 0;
};

class Lines : public ::testing::Test, public World<sim::VirtualLoop> {
 protected:
  // What the caller answers to these bytes.
  std::string say(std::string_view bytes) {
    sink.lines.clear();
    caller->receive(as_bytes(bytes));
    loop.run_for(1'000);
    return sink.lines;
  }
  KeptSink sink;
  std::unique_ptr<ControlCaller> caller = std::make_unique<ControlCaller>(bus, sink);
};

TEST_F(Lines, CallByNameAndByWords) {
  EXPECT_EQ(say(R"({"id":1,"call":"echo","args":{"text":"hi","times":2}})"
                "\n"),
            "{\"id\":1,\"part\":\"hi\"}\n{\"id\":1,\"end\":\"hi\"}\n");
  EXPECT_EQ(say(R"({"id":"a","call":"echo","args":["--times=2","x"]})"
                "\r\n\n"),
            "{\"id\":\"a\",\"part\":\"x\"}\n{\"id\":\"a\",\"end\":\"x\"}\n");
}

TEST_F(Lines, ErrorsSayCodeAndSentence) {
  EXPECT_EQ(say("{\"id\":1,\"call\":\"ehco\"}\n"),
            R"({"id":1,"error":{"code":"unknown_command","message":)"
            R"("no command \"ehco\"; the nearest is \"echo\""}})"
            "\n");
  EXPECT_EQ(say("{\"id\":1,\"call\":\"echo\"}\n"),
            R"({"id":1,"error":{"code":"bad_arguments","message":)"
            R"("echo needs the argument \"text\""}})"
            "\n");
  EXPECT_EQ(say("{\"id\":1,\"call\":\"echo\",\"args\":[\"a\",\"1\",\"b\"]}\n"),
            R"({"id":1,"error":{"code":"bad_arguments","message":)"
            R"("echo has no use for the word \"b\""}})"
            "\n");
}

TEST_F(Lines, PiecesOfLinesAreJoined) {
  EXPECT_EQ(say("{\"id\":1,\"call\":\"echo\",\"ar"), "");
  EXPECT_EQ(say("gs\":[\"a\"]}"), "");
  EXPECT_EQ(say("\n{\"id\":2"), "{\"id\":1,\"end\":\"a\"}\n");
}

TEST_F(Lines, EventsUntilCancelled) {
  EXPECT_EQ(say("{\"id\":7,\"on\":\"peer/+\"}\n"), "");
  Value body;
  body["peer"] = "x";
  sink.lines.clear();
  bus.emit("peer/connected", body);
  bus.emit("other", body);
  EXPECT_EQ(sink.lines, R"({"id":7,"event":{"name":"peer/connected","body":{"peer":"x"}}})"
                        "\n");
  EXPECT_EQ(say("{\"id\":7,\"cancel\":true}\n"), "{\"id\":7,\"end\":null}\n");
  EXPECT_FALSE(bus.heard("peer/connected"));
  EXPECT_EQ(say("{\"id\":7,\"cancel\":true}\n"), "") << "it has ended a moment ago";
  EXPECT_EQ(say("{\"id\":7,\"on\":\"a/#/b\"}\n"),
            R"({"id":7,"error":{"code":"bad_arguments","message":"no pattern: \"a/#/b\""}})"
            "\n");
  EXPECT_EQ(caller->under_way(), 0u);
}

TEST_F(Lines, MessagesAreShownAsBodies) {
  bus::Topics topics(bus, log);
  say("{\"id\":1,\"on\":\"message/t\"}\n");
  ASSERT_EQ(topics.rows().size(), 1u);
  kith_message message{};
  message.topic = c_bytes("t");
  message.data = c_bytes("hi");
  int verdict = 0;
  sink.lines.clear();
  topics.deliver(&message, nullptr, &verdict, 1);
  EXPECT_TRUE(sink.lines.starts_with(R"({"id":1,"event":{"name":"message/t","body":{)"));
  EXPECT_NE(sink.lines.find(R"("text":"hi")"), std::string::npos);
  caller.reset();
  EXPECT_TRUE(topics.rows().empty());
}

TEST_F(Lines, CancelAndGoneTellTheHandler) {
  say("{\"id\":1,\"call\":\"wait\"}\n{\"id\":2,\"call\":\"wait\"}\n");
  EXPECT_EQ(say("{\"id\":1,\"cancel\":true}\n"),
            R"({"id":1,"error":{"code":"cancelled","message":"cancelled by the caller"}})"
            "\n");
  EXPECT_EQ(cancelled, 1);
  caller.reset();
  EXPECT_EQ(cancelled, 2);
}

TEST_F(Lines, IdsUnderWayAreUniqueAndBounded) {
  say("{\"id\":1,\"call\":\"wait\"}\n");
  EXPECT_EQ(say("{\"id\":1,\"call\":\"wait\"}\n"),
            R"({"id":null,"error":{"code":"malformed","message":)"
            R"("the id 1 is under way already"}})"
            "\n");
  for (std::size_t i = 2; i <= limits::kControlCallsMax; ++i)
    say("{\"id\":" + std::to_string(i) + ",\"call\":\"wait\"}\n");
  EXPECT_EQ(caller->under_way(), limits::kControlCallsMax);
  EXPECT_EQ(say("{\"id\":0,\"call\":\"wait\"}\n"),
            R"({"id":0,"error":{"code":"limit","message":"too many calls are under way"}})"
            "\n");
}

TEST_F(Lines, SixteenMalformedLinesEndIt) {
  const std::vector<std::string> bad{"x",
                                     "[]",
                                     "{}",
                                     R"({"id":null,"call":"echo"})",
                                     R"({"id":1.5,"call":"echo"})",
                                     R"({"id":1})",
                                     R"({"id":1,"call":2})",
                                     R"({"id":1,"call":"echo","args":1})",
                                     R"({"id":1,"call":"echo","args":[1]})",
                                     R"({"id":1,"call":"echo","extra":1})",
                                     R"({"id":1,"on":1})",
                                     R"({"id":1,"cancel":false})",
                                     R"({"id":1,"id":1,"call":"echo"})",
                                     R"({"id":{},"call":"echo"})",
                                     "\"\xff\""};
  ASSERT_EQ(bad.size(), 15u);
  for (const std::string& line : bad) {
    EXPECT_TRUE(say(line + "\n").starts_with(R"({"id":null,"error":{"code":"malformed")")) << line;
    EXPECT_EQ(sink.closed, "") << line;
  }
  say("x\n{\"id\":1,\"call\":\"wait\"}\n");
  EXPECT_EQ(sink.closed, "too many malformed lines");
  EXPECT_EQ(caller->under_way(), 0u);
}

TEST_F(Lines, ALineThatNeverEndsEndsIt) {
  const std::string piece(limits::kControlLineMax / 2, ' ');
  say(piece);
  say(piece);
  EXPECT_EQ(sink.closed, "");
  EXPECT_TRUE(say(" ").starts_with(R"({"id":null,"error":{"code":"limit")"));
  EXPECT_EQ(sink.closed, "line too long");
}

TEST_F(Lines, ASlowCallerLosesEventsAndIsToldHowMany) {
  say("{\"id\":1,\"on\":\"tick\"}\n{\"id\":2,\"call\":\"wait\"}\n");
  sink.stuck = true;
  Value body;
  body["text"] = std::string(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) bus.emit("tick", body);
  EXPECT_LE(sink.queued, limits::kControlQueueMax);
  sink.lines.clear();
  waiting.front()->end("an end is never dropped");
  EXPECT_EQ(sink.lines, "{\"id\":2,\"end\":\"an end is never dropped\"}\n");
  sink.stuck = false;
  sink.queued = 0;
  sink.lines.clear();
  bus.emit("tick", {});
  EXPECT_EQ(sink.lines, "{\"id\":1,\"dropped\":6}\n");
  bus.emit("tick", Value(Value::Map()));
  EXPECT_TRUE(sink.lines.ends_with("\"body\":{}}}\n"));
  sink.queued = 1;
  sink.lines.clear();
  caller->drained();
  EXPECT_EQ(sink.lines, "");
}

TEST_F(Lines, WhoTakesNoEndsIsCutOff) {
  sink.stuck = true;
  const std::string text(1 << 20, 'x');
  for (int i = 0; i < 20 && sink.closed.empty(); ++i)
    say(R"({"id":1,"call":"echo","args":[")" + text + "\"]}\n");
  EXPECT_EQ(sink.closed, "takes nothing");
  EXPECT_LT(sink.queued, limits::kControlQueueMax + limits::kControlLineMax);
}

// ---- the socket

class Socket : public ::testing::Test, public World<RealLoop> {
 protected:
  void SetUp() override {
    std::string form = ::testing::TempDir() + "kith-control-XXXXXX";
    ASSERT_NE(::mkdtemp(form.data()), nullptr);
    home = form;
  }
  void TearDown() override { std::filesystem::remove_all(home); }

  void open() {
    socket = std::make_unique<ControlSocket>(loop, bus, log);
    const auto opened = socket->open(home);
    ASSERT_TRUE(opened) << opened.error().message();
  }
  int dial() {
    const auto path = SocketPath::in(home);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, path->address(), path->size()), 0) << std::strerror(errno);
    return fd;
  }
  static void send(int fd, std::string_view line) {
    EXPECT_EQ(::send(fd, line.data(), line.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(line.size()));
  }
  // Runs the loop until the other side has said `lines` lines, or ended.
  std::string hear(int fd, std::ptrdiff_t lines) {
    std::string heard;
    std::ptrdiff_t ends = 0;  // of lines; megabytes are looked through once only
    EXPECT_TRUE(run.until([&] {
      char space[65536];
      ssize_t n;
      while ((n = ::recv(fd, space, sizeof space, 0)) > 0) {
        heard.append(space, static_cast<std::size_t>(n));
        ends += std::count(space, space + n, '\n');
      }
      if (n == 0) heard += "<end>";
      return n == 0 || ends >= lines;
    }));
    return heard;
  }
  bool callers_are(std::size_t n) {
    return run.until([&] { return socket->callers() == n; });
  }

  std::string home;
  test::RealRun run{loop};
  std::unique_ptr<ControlSocket> socket;
};

TEST_F(Socket, AnswersAndGoesWhenTheCallerGoes) {
  open();
  struct stat found {};
  ASSERT_EQ(::stat((home + "/kith.sock").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  const int fd = dial();
  send(fd, "{\"id\":1,\"call\":\"echo\",\"args\":[\"hi\"]}\n{\"id\":2,\"call\":\"wait\"}\n");
  EXPECT_EQ(hear(fd, 1), "{\"id\":1,\"end\":\"hi\"}\n");
  EXPECT_EQ(socket->callers(), 1u);
  ::close(fd);
  EXPECT_TRUE(callers_are(0));
  EXPECT_EQ(cancelled, 1);
  socket.reset();
  EXPECT_FALSE(std::filesystem::exists(home + "/kith.sock"));
}

TEST_F(Socket, AHalfClosedCallerGetsItsAnswersThenTheEnd) {
  open();
  const int fd = dial();
  send(fd, "{\"id\":1,\"call\":\"echo\",\"args\":[\"hi\"]}\n");
  ::shutdown(fd, SHUT_WR);
  EXPECT_EQ(hear(fd, 9), "{\"id\":1,\"end\":\"hi\"}\n<end>");
  ::close(fd);
}

TEST_F(Socket, MalformedLinesAreAnsweredThenItIsCutOff) {
  open();
  const int fd = dial();
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += "x\n";
  send(fd, lines);
  const std::string heard = hear(fd, 99);
  EXPECT_EQ(std::count(heard.begin(), heard.end(), '\n'), 16);
  EXPECT_TRUE(heard.ends_with("<end>"));
  ::close(fd);
}

TEST_F(Socket, ASlowCallerIsBoundedThenToldWhatItLost) {
  open();
  const int fd = dial();
  send(fd, "{\"id\":1,\"on\":\"tick\"}\n{\"id\":2,\"call\":\"echo\",\"args\":[\"on\"]}\n");
  EXPECT_EQ(hear(fd, 1), "{\"id\":2,\"end\":\"on\"}\n");
  Value body;
  body["text"] = std::string(1 << 20, 'x');
  for (int i = 0; i < 30; ++i) bus.emit("tick", body);
  const std::string heard = hear(fd, 16);
  EXPECT_TRUE(heard.ends_with("{\"id\":1,\"dropped\":15}\n")) << heard.substr(heard.size() - 40);
  ::close(fd);
}

TEST_F(Socket, LongHomesStaleSocketsAndWhatIsNoSocket) {
  home += "/" + std::string(60, 'a') + "/" + std::string(60, 'b');
  std::filesystem::create_directories(home);
  open();
  const int first = dial();
  send(first, "{\"id\":1,\"call\":\"echo\",\"args\":[\"far\"]}\n");
  EXPECT_EQ(hear(first, 1), "{\"id\":1,\"end\":\"far\"}\n");
  ::close(first);
  const std::string file = home + "/kith.sock";
  std::filesystem::rename(file, home + "/stale");
  socket.reset();
  std::filesystem::rename(home + "/stale", file);
  open();
  ::close(dial());
  socket.reset();
  EXPECT_FALSE(std::filesystem::exists(file));
  ::close(::open(file.c_str(), O_CREAT | O_WRONLY, 0600));
  ControlSocket other(loop, bus, log);
  EXPECT_TRUE(other.open(home).error().is(control_error::refused));
  home = std::filesystem::path(home).parent_path().parent_path();
}

TEST_F(Socket, CallersAreBounded) {
  open();
  std::vector<int> fds;
  for (std::size_t i = 0; i < limits::kControlPeersMax; ++i) {
    fds.push_back(dial());
    if (i % 64 == 63) {
      EXPECT_TRUE(callers_are(i + 1));
    }
  }
  const int over = dial();
  EXPECT_TRUE(hear(over, 2).ends_with("control socket\"}}\n<end>"));
  for (const int fd : fds) ::close(fd);
  ::close(over);
  EXPECT_TRUE(callers_are(0));
}

}  // namespace
}  // namespace kith::node
