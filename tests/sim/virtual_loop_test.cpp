// SPDX-License-Identifier: MIT
#include "engine/sim/virtual_loop.h"

#include <gtest/gtest.h>

#include "engine/sim/memory_network.h"
#include "tests/support/done.h"

namespace kith::sim {
namespace {

using test::done_of;

TEST(VirtualLoop, RunForEndsExactlyThatMuchLater) {
  VirtualLoop loop(1);
  std::vector<std::uint64_t> at;
  auto note = [&] { at.push_back(loop.now_us()); };
  Timer first(done_of(note)), second(done_of(note)), third(done_of(note));
  loop.start(second, 500);
  loop.start(first, 499);
  loop.start(third, 501);
  loop.run_for(500);
  EXPECT_EQ(loop.now_us(), 500u);
  EXPECT_EQ(at, (std::vector<std::uint64_t>{499, 500}));
  EXPECT_TRUE(third.armed());
}

TEST(VirtualLoop, StartNeverFiresFromInside) {
  VirtualLoop loop(1);
  int fired = 0;
  auto note = [&] { ++fired; };
  Timer timer(done_of(note));
  loop.start(timer, 0);
  EXPECT_EQ(fired, 0);
  loop.run_for(0);
  EXPECT_EQ(fired, 1);
}

TEST(VirtualLoop, FarTimersDoNotWrap) {
  VirtualLoop loop(1);
  int fired = 0;
  auto note = [&] { ++fired; };
  Timer timer(done_of(note));
  loop.run_for(10);
  loop.start(timer, UINT64_MAX);
  loop.run_for(1'000'000);
  EXPECT_EQ(fired, 0);
}

TEST(VirtualLoop, ATurnEndsAfter256CallbacksAndThenTheHooks) {
  VirtualLoop loop(1);
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
  loop.run_for(0);
  EXPECT_EQ(calls, 1'000);
  EXPECT_EQ(calls_at_end, 256);
}

TEST(VirtualLoop, TimeStandsWhileAHookIsDirty) {
  VirtualLoop loop(1);
  std::uint64_t ended_us = UINT64_MAX;
  Loop::TurnHook hook;
  auto end = [&] { ended_us = loop.now_us(); };
  hook.end_turn = done_of(end);
  int fired = 0;
  auto note = [&] { ++fired; };
  Timer timer(done_of(note));
  loop.start(timer, 100);
  loop.mark_dirty(hook);
  loop.run_for(1'000);
  EXPECT_EQ(ended_us, 0u);
  EXPECT_EQ(fired, 1);
}

TEST(VirtualLoop, AHookThatDiesIsForgotten) {
  VirtualLoop loop(1);
  int ended = 0;
  auto end = [&] { ++ended; };
  Loop::TurnHook first, last;
  first.end_turn = last.end_turn = done_of(end);
  loop.mark_dirty(first);
  {
    Loop::TurnHook middle;
    middle.end_turn = done_of(end);
    loop.mark_dirty(middle);
    loop.mark_dirty(last);
  }
  loop.run_for(0);
  EXPECT_EQ(ended, 2);
}

TEST(VirtualLoop, OffloadAnswersInALaterTurn) {
  VirtualLoop loop(1);
  std::int64_t got = 0;
  std::uint64_t asked_turn = 0, answered_turn = 0;
  auto answer = [&](std::int64_t r, const void*) {
    got = r;
    answered_turn = loop.turns();
  };
  int arg = 20;
  auto ask = [&] {
    asked_turn = loop.turns();
    const auto work = [](void* n) -> std::int64_t { return *static_cast<int*>(n) + 1; };
    EXPECT_TRUE(loop.offload(work, &arg, done_of(answer), Loop::Beside::brief));
    EXPECT_EQ(got, 0);
  };
  loop.post(done_of(ask));
  loop.run_for(0);
  EXPECT_EQ(got, 21);
  EXPECT_GT(answered_turn, asked_turn);
}

TEST(VirtualLoop, ResolvesFromNames) {
  VirtualLoop loop(1);
  loop.names()["here.test"] = {"10.0.0.1", "fd00::1"};
  std::vector<std::string> found;
  std::int64_t r = 0;
  std::unique_ptr<Loop::Lookup> lookup;
  auto answer = [&](std::int64_t n, const void* result) {
    r = n;
    lookup.reset();
    if (n > 0) found = *static_cast<const std::vector<std::string>*>(result);
  };
  lookup = loop.resolve("here.test", done_of(answer));
  EXPECT_EQ(r, 0);
  loop.run_for(0);
  EXPECT_EQ(r, 2);
  EXPECT_EQ(found, (std::vector<std::string>{"10.0.0.1", "fd00::1"}));
  lookup = loop.resolve("nowhere.test", done_of(answer));
  loop.run_for(0);
  EXPECT_EQ(r, KITH_ABSENT);
  r = 7;
  loop.resolve("here.test", done_of(answer)).reset();
  loop.run_for(0);
  EXPECT_EQ(r, 7) << "a destroyed lookup answered";
}

TEST(VirtualLoop, RunUntilStopsAsSoonAsItIsTrue) {
  VirtualLoop loop(1);
  int fired = 0;
  auto note = [&] { ++fired; };
  Timer timer(done_of(note));
  loop.start(timer, 300);
  EXPECT_TRUE(loop.run_until([&] { return fired == 1; }, 1'000));
  EXPECT_EQ(loop.now_us(), 300u);
  EXPECT_FALSE(loop.run_until([&] { return fired == 2; }, 1'000));
  EXPECT_EQ(loop.now_us(), 1'300u);
}

TEST(VirtualLoop, ChanceRepeatsBySeed) {
  const auto draw = [](std::uint64_t seed) {
    VirtualLoop loop(seed);
    ByteVector bytes(37);
    loop.random(bytes);
    ByteVector keys(37);
    loop.entropy(keys);
    EXPECT_NE(bytes, keys);
    append(bytes, keys);
    return bytes;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// Two hundred pairs that echo with random naps, hashed.
struct Echo {
  static Task<> talk(VirtualLoop& loop, Pipe& pipe, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      std::uint8_t word[2];
      loop.random(word);
      Nap nap(loop, word[0]);
      co_await nap;
      co_await write_all(pipe, word);
      std::uint8_t back[2];
      co_await read_exact(pipe, back);
      loop.trace(as_text(back));
    }
    pipe.close();
  }
  static Task<> echo(Pipe& pipe) {
    std::uint8_t word[2];
    for (;;) {
      const int r = co_await read_exact(pipe, word);
      if (r < 0) break;
      co_await write_all(pipe, word);
    }
  }
};

std::uint64_t play(std::uint64_t seed) {
  VirtualLoop loop(seed);
  MemoryNetwork network(loop);
  std::vector<std::pair<Pipe, Pipe>> links;
  for (std::uint64_t i = 0; i < 200; ++i) links.push_back(network.pair({.delay_us = i % 7}));
  {
    Scope scope;
    for (auto& [a, b] : links) {
      scope.spawn(Echo::talk(loop, a, 10));
      scope.spawn(Echo::echo(b));
    }
    EXPECT_TRUE(loop.run_until([&] { return scope.empty(); }, 10'000'000));
  }
  links.clear();
  return loop.trace_hash();
}

TEST(VirtualLoop, TwoRunsByOneSeedLeaveOneTrace) {
  EXPECT_EQ(play(7), play(7));
  EXPECT_NE(play(7), play(8));
}

}  // namespace
}  // namespace kith::sim
