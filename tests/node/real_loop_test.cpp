// SPDX-License-Identifier: MIT
#include "engine/node/real_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "engine/base/limits.h"
#include "tests/support/done.h"
#include "tests/support/real_world.h"

namespace kith::node {
namespace {

using test::done_of;

struct RealLoopTest : testing::Test {
  RealLoop loop;
  test::RealRun run{loop};
};

struct Sockets {
  int fd[2];
  Sockets() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0); }
  ~Sockets() {
    close(fd[0]);
    close(fd[1]);
  }
};

TEST_F(RealLoopTest, TimersFireInOrderAndNotEarly) {
  std::vector<int> order;
  const std::uint64_t begun_us = loop.now_us();
  std::uint64_t last_us = 0;
  auto one = [&] { order.push_back(1); };
  auto two = [&] { order.push_back(2); };
  auto three = [&] {
    order.push_back(3);
    last_us = loop.now_us();
  };
  Timer first(done_of(one)), second(done_of(two)), third(done_of(three));
  loop.start(third, 60'000);
  loop.start(second, 30'000);
  loop.start(first, 2'000);
  EXPECT_TRUE(run.until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_GE(last_us, begun_us + 60'000);
}

TEST_F(RealLoopTest, AnEarlierTimerOvertakesTheAlarm) {
  int fired = 0;
  auto far = [&] { fired += 100; };
  auto near = [&] { ++fired; };
  Timer later(done_of(far)), sooner(done_of(near));
  loop.start(later, 3'600'000'000);
  auto begin = [&] { loop.start(sooner, 3'000); };
  Timer starter(done_of(begin));
  loop.start(starter, 3'000);
  EXPECT_TRUE(run.until([&] { return fired == 1; }));
}

TEST_F(RealLoopTest, StoppedTimersDoNotFire) {
  int fired = 0;
  auto note = [&] { ++fired; };
  Timer stopped(done_of(note));
  loop.start(stopped, 1'000);
  {
    Timer dead(done_of(note));
    loop.start(dead, 1'000);
  }
  stopped.stop();
  run.run_for(5'000);
  EXPECT_EQ(fired, 0);
}

TEST_F(RealLoopTest, PostsFromAnyThreadAllArrive) {
  constexpr int kThreads = 4, kPosts = 5'000;
  int seen = 0;
  const auto here = std::this_thread::get_id();
  auto note = [&] {
    EXPECT_EQ(std::this_thread::get_id(), here);
    ++seen;
  };
  const kith_done done = done_of(note);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kPosts; ++n) loop.post(done);
    });
  }
  EXPECT_TRUE(run.until([&] { return seen == kThreads * kPosts; }));
  for (auto& thread : threads) thread.join();
}

TEST_F(RealLoopTest, PostIsNeverCalledFromInside) {
  bool inside = true, nested = false;
  auto inner = [&] { nested = inside; };
  auto outer = [&] {
    loop.post(done_of(inner));
    inside = false;
  };
  loop.post(done_of(outer));
  run.run_for(1'000);
  EXPECT_FALSE(nested);
  EXPECT_FALSE(inside);
}

TEST_F(RealLoopTest, TurnsAreBoundedAndEnd) {
  int calls = 0, calls_at_end = 0;
  Loop::TurnHook hook;
  auto end = [&] {
    if (calls_at_end == 0) calls_at_end = calls;
  };
  hook.end_turn = done_of(end);
  auto call = [&] {
    ++calls;
    loop.mark_dirty(hook);
  };
  for (int i = 0; i < 1'000; ++i) loop.post(done_of(call));
  EXPECT_TRUE(run.until([&] { return calls == 1'000; }));
  EXPECT_GT(calls_at_end, 0);
  EXPECT_LE(calls_at_end, 256);
}

TEST_F(RealLoopTest, WatchFiresOnceForEachArm) {
  Sockets pair;
  std::vector<std::int64_t> seen;
  auto ready = [&](std::int64_t r, const void*) { seen.push_back(r); };
  auto watch = loop.watch(pair.fd[0], done_of(ready));
  ASSERT_TRUE(watch);
  watch->arm(KITH_RD);
  watch->arm(KITH_RD);
  run.run_for(3'000);
  EXPECT_TRUE(seen.empty());
  ASSERT_EQ(write(pair.fd[1], "xy", 2), 2);
  EXPECT_TRUE(run.until([&] { return seen.size() == 1; }));
  run.run_for(3'000);
  ASSERT_EQ(seen, std::vector<std::int64_t>{KITH_RD});
  watch->arm(KITH_RD);  // bytes are still there: level, not edge
  EXPECT_TRUE(run.until([&] { return seen.size() == 2; }));
  watch->arm(KITH_WR);
  EXPECT_TRUE(run.until([&] { return seen.size() == 3; }));
  EXPECT_EQ(seen.back(), KITH_WR);
}

TEST_F(RealLoopTest, HangUpCountsAsReady) {
  Sockets pair;
  std::int64_t seen = 0;
  auto ready = [&](std::int64_t r, const void*) { seen |= r; };
  auto watch = loop.watch(pair.fd[0], done_of(ready));
  watch->arm(KITH_RD);
  shutdown(pair.fd[1], SHUT_RDWR);
  EXPECT_TRUE(run.until([&] { return (seen & KITH_RD) != 0; }));
}

TEST_F(RealLoopTest, AWatchMayDieInItsOwnCallback) {
  Sockets pair;
  std::unique_ptr<Loop::Watch> watch;
  int fired = 0;
  auto ready = [&] {
    ++fired;
    watch.reset();
  };
  watch = loop.watch(pair.fd[0], done_of(ready));
  watch->arm(KITH_RD | KITH_WR);
  ASSERT_EQ(write(pair.fd[1], "x", 1), 1);
  EXPECT_TRUE(run.until([&] { return fired > 0; }));
  run.run_for(3'000);
  EXPECT_EQ(fired, 1);
}

TEST_F(RealLoopTest, ADeadWatchIsSilentAndLeavesTheFdAsItWas) {
  Sockets pair;
  int fired = 0;
  auto ready = [&] { ++fired; };
  auto watch = loop.watch(pair.fd[0], done_of(ready));
  watch->arm(KITH_RD);
  ASSERT_EQ(write(pair.fd[1], "x", 1), 1);
  watch.reset();
  run.run_for(3'000);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(fcntl(pair.fd[0], F_GETFL) & O_NONBLOCK, 0);
  watch = loop.watch(pair.fd[0], done_of(ready));  // the same fd again
  ASSERT_TRUE(watch);
  watch->arm(KITH_RD);
  EXPECT_TRUE(run.until([&] { return fired == 1; }));
}

TEST_F(RealLoopTest, WatchOfNoFdIsNull) {
  auto ready = [] {};
  EXPECT_FALSE(loop.watch(-1, done_of(ready)));
}

TEST_F(RealLoopTest, ARegularFileIsAlwaysReady) {
  const int fd = open("/proc/self/exe", O_RDONLY);
  ASSERT_GE(fd, 0);
  std::int64_t seen = 0;
  auto ready = [&](std::int64_t r, const void*) { seen = r; };
  auto watch = loop.watch(fd, done_of(ready));
  ASSERT_TRUE(watch);
  watch->arm(KITH_RD);
  EXPECT_TRUE(run.until([&] { return seen == KITH_RD; }));
  watch.reset();
  close(fd);
}

TEST_F(RealLoopTest, OffloadRunsElsewhereAndAnswersHere) {
  for (const auto where : {Loop::Beside::brief, Loop::Beside::lengthy, Loop::Beside::commit}) {
    std::thread::id worked;
    std::int64_t got = 0;
    auto answer = [&](std::int64_t r, const void*) { got = r; };
    const auto work = [](void* where) -> std::int64_t {
      *static_cast<std::thread::id*>(where) = std::this_thread::get_id();
      return 42;
    };
    ASSERT_TRUE(loop.offload(work, &worked, done_of(answer), where));
    EXPECT_TRUE(run.until([&] { return got == 42; }));
    EXPECT_NE(worked, std::this_thread::get_id());
  }
}

TEST_F(RealLoopTest, OffloadIsBounded) {
  std::atomic<bool> go = false;
  const auto work = [](void* flag) -> std::int64_t {
    static_cast<std::atomic<bool>*>(flag)->wait(false);
    return 1;
  };
  std::size_t answered = 0, taken = 0;
  auto answer = [&] { ++answered; };
  while (loop.offload(work, &go, done_of(answer), Loop::Beside::brief)) ++taken;
  EXPECT_GE(taken, limits::kOffloadQueueMax);
  EXPECT_LE(taken, limits::kOffloadQueueMax + 1);
  go = true;
  go.notify_all();
  EXPECT_TRUE(run.until([&] { return answered == taken; }));
}

TEST_F(RealLoopTest, ALoopMayEndWithJobsWaiting) {
  auto answer = [] { FAIL() << "answered after the end"; };
  const auto work = [](void*) -> std::int64_t { return 0; };
  RealLoop ended;
  for (int i = 0; i < 100; ++i)
    ended.offload(work, nullptr, done_of(answer), static_cast<Loop::Beside>(i % 3));
}

TEST_F(RealLoopTest, ResolvesLiteralsAndLocalhost) {
  std::vector<std::string> found;
  std::int64_t r = 0;
  auto answer = [&](std::int64_t n, const void* result) {
    r = n;
    if (n > 0) found = *static_cast<const std::vector<std::string>*>(result);
  };
  auto lookup = loop.resolve("127.0.0.1", done_of(answer));
  EXPECT_EQ(r, 0);
  EXPECT_TRUE(run.until([&] { return r != 0; }));
  EXPECT_EQ(found, std::vector<std::string>{"127.0.0.1"});
}

TEST_F(RealLoopTest, AnUnusableNameIsAbsent) {
  std::int64_t r = 0;
  std::string sentence;
  auto answer = [&](std::int64_t n, const void* result) {
    r = n;
    sentence = to_string(*static_cast<const kith_bytes*>(result));
  };
  auto lookup = loop.resolve("not a name", done_of(answer));
  EXPECT_TRUE(run.until([&] { return r != 0; }));
  EXPECT_EQ(r, KITH_ABSENT);
  EXPECT_FALSE(sentence.empty());
}

TEST_F(RealLoopTest, ADestroyedLookupStaysSilent) {
  int answered = 0;
  auto answer = [&] { ++answered; };
  loop.resolve("127.0.0.1", done_of(answer)).reset();
  run.run_for(20'000);
  EXPECT_EQ(answered, 0);
}

TEST_F(RealLoopTest, SignalsArriveEveryTime) {
  int count = 0;
  std::int64_t number = 0;
  auto each = [&](std::int64_t r, const void*) {
    ++count;
    number = r;
  };
  loop.on_signal(SIGHUP, done_of(each));
  raise(SIGHUP);
  EXPECT_TRUE(run.until([&] { return count == 1; }));
  EXPECT_EQ(number, SIGHUP);
  raise(SIGHUP);
  EXPECT_TRUE(run.until([&] { return count == 2; }));
}

TEST_F(RealLoopTest, StopEndsRunFromAnotherThread) {
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST_F(RealLoopTest, ChanceDiffersBetweenLoops) {
  RealLoop second;
  std::uint8_t a[16], b[16], c[16];
  loop.random(a);
  second.random(b);
  loop.entropy(c);
  EXPECT_FALSE(equal(a, b));
  EXPECT_FALSE(equal(a, c));
  EXPECT_GT(loop.wall_us(), 1'700'000'000'000'000u);
}

}  // namespace
}  // namespace kith::node
