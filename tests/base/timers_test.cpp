// SPDX-License-Identifier: MIT
#include "engine/base/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <set>

namespace kith {
namespace {

// Takes all that is due, calling each, as the loops do.
void fire_due(TimerHeap& heap, std::uint64_t now_us) {
  while (Timer* timer = heap.take_due(now_us)) {
    const kith_done done = timer->done;
    done.fn(done.ctx, 0, nullptr);
  }
}

struct Noting {
  Timer timer{kith_done{&Noting::fire, this}};
  std::function<void()> then;
  static void fire(void* self, std::int64_t, const void*) { static_cast<Noting*>(self)->then(); }
};

TEST(Timers, EqualDueKeepsTheOrderOfStarts) {
  TimerHeap heap;
  std::vector<int> order;
  std::deque<Noting> timers(100);
  for (int i = 0; i < 100; ++i) {
    timers[static_cast<std::size_t>(i)].then = [&order, i] { order.push_back(i); };
    heap.start(timers[static_cast<std::size_t>(i)].timer, 7);
  }
  fire_due(heap, 7);
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Timers, StartAnewMovesToTheEndOfItsEquals) {
  TimerHeap heap;
  std::vector<int> order;
  Noting first, second;
  first.then = [&] { order.push_back(1); };
  second.then = [&] { order.push_back(2); };
  heap.start(first.timer, 5);
  heap.start(second.timer, 5);
  heap.start(first.timer, 5);
  EXPECT_EQ(heap.size(), 2u);
  fire_due(heap, 5);
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

TEST(Timers, NothingFiresEarly) {
  TimerHeap heap;
  Noting timer;
  heap.start(timer.timer, 10);
  EXPECT_EQ(heap.next_due_us(), 10u);
  EXPECT_EQ(heap.take_due(9), nullptr);
  EXPECT_TRUE(timer.timer.armed());
  EXPECT_EQ(heap.take_due(10), &timer.timer);
  EXPECT_FALSE(timer.timer.armed());
}

TEST(Timers, ACallbackMayStopStartAndDestroyOthers) {
  TimerHeap heap;
  int fired = 0;
  Noting first, stopped, restarted;
  auto destroyed = std::make_unique<Noting>();
  destroyed->then = stopped.then = [] { FAIL(); };
  restarted.then = [&] { ++fired; };
  first.then = [&] {
    stopped.timer.stop();
    destroyed.reset();
    heap.start(restarted.timer, 20);
    heap.start(first.timer, 30);
  };
  heap.start(first.timer, 10);
  heap.start(stopped.timer, 10);
  heap.start(destroyed->timer, 10);
  heap.start(restarted.timer, 10);
  fire_due(heap, 10);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(heap.size(), 2u);
  fire_due(heap, 20);
  EXPECT_EQ(fired, 1);
}

TEST(Timers, ACallbackMayDestroyItsOwnTimer) {
  TimerHeap heap;
  auto timer = std::make_unique<Noting>();
  timer->then = [&timer] { timer.reset(); };
  heap.start(timer->timer, 1);
  fire_due(heap, 1);
  EXPECT_EQ(timer, nullptr);
  EXPECT_TRUE(heap.empty());
}

TEST(Timers, ATimerMayOutliveItsHeap) {
  Noting timer;
  {
    TimerHeap heap;
    heap.start(timer.timer, 1);
  }
  EXPECT_FALSE(timer.timer.armed());
  timer.timer.stop();
}

// Against an ordered set of (due, start number).
TEST(Timers, HundredThousandRandomStepsAgreeWithAModel) {
  TimerHeap heap;
  std::mt19937_64 random(20260101);
  constexpr std::size_t kTimers = 500;
  std::deque<Timer> timers(kTimers);
  using Due = std::pair<std::uint64_t, std::uint64_t>;
  std::set<std::pair<Due, std::size_t>> model;
  std::vector<Due> started(kTimers);
  std::uint64_t now_us = 0, starts = 0;
  for (int step = 0; step < 100'000; ++step) {
    const std::size_t i = random() % kTimers;
    const std::uint64_t what = random() % 10;
    if (what < 6) {
      if (timers[i].armed()) model.erase({started[i], i});
      started[i] = {now_us + random() % 1'000, ++starts};
      heap.start(timers[i], started[i].first);
      model.insert({started[i], i});
    } else if (what < 8) {
      if (timers[i].armed()) model.erase({started[i], i});
      timers[i].stop();
    } else {
      now_us += random() % 20;
      while (Timer* due = heap.take_due(now_us)) {
        ASSERT_FALSE(model.empty());
        ASSERT_EQ(due, &timers[model.begin()->second]) << "at step " << step;
        ASSERT_LE(model.begin()->first.first, now_us);
        model.erase(model.begin());
      }
    }
    ASSERT_EQ(heap.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(heap.next_due_us(), model.begin()->first.first);
      ASSERT_TRUE(what < 8 || heap.next_due_us() > now_us);
    }
  }
}

}  // namespace
}  // namespace kith
