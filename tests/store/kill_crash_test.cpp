// SPDX-License-Identifier: MIT
// kill -9 of a process that appends, at random moments, again and again on one folder: what it was
// promised is there, in the order in which it came, and its feed goes on.
// KITH_TEST_KILLS: how many of each durability, for a long run.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "tests/store/crash_child.h"
#include "tests/store/folder.h"
#include "tests/store/ledger_exchange.h"

namespace kith::test {
namespace {

constexpr int kKills = 50;

int kills() {
  const char* given = std::getenv("KITH_TEST_KILLS");
  return given ? std::atoi(given) : kKills;
}

// The child, from its start to its end.
class Child {
 public:
  Child(const std::string& folder, store::Durability durability, int writers) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const char* how = durability == store::Durability::sync ? "sync" : "interval";
    const std::string many = std::to_string(writers);
    const char* given[] = {KITH_CRASH_CHILD, folder.c_str(), how, many.c_str(), nullptr};
    const int failed = posix_spawn(&pid_, KITH_CRASH_CHILD, &actions, nullptr,
                                   const_cast<char* const*>(given), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    from_ = ends[0];
    if (failed != 0) throw std::runtime_error("no child: " KITH_CRASH_CHILD);
  }
  ~Child() { close(from_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Listens for so many words or so long in all, whichever ends first. False: it is gone.
  bool listen(std::size_t words, std::uint64_t us) {
    const std::size_t enough = heard_.size() + words * sizeof(Said);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const itimerspec end{
        {}, {static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000) * 1'000 + 1}};
    timerfd_settime(timer, 0, &end, nullptr);
    bool is_there = true, is_over = false;
    while (is_there && !is_over && heard_.size() < enough) {
      pollfd ready[]{{from_, POLLIN, 0}, {timer, POLLIN, 0}};
      poll(ready, 2, -1);
      is_over = ready[1].revents != 0;
      if (ready[0].revents != 0) is_there = take();
    }
    close(timer);
    return is_there;
  }
  // All that it said before the kill is heard; how it ended.
  int end() {
    kill(pid_, SIGKILL);
    while (take()) {
    }
    int how = 0;
    waitpid(pid_, &how, 0);
    return how;
  }
  std::vector<Said> words() const {
    std::vector<Said> made(heard_.size() / sizeof(Said));
    if (!made.empty()) std::memcpy(made.data(), heard_.data(), made.size() * sizeof(Said));
    return made;
  }

 private:
  bool take() {
    std::uint8_t room[16'384];
    const ssize_t taken = read(from_, room, sizeof room);
    if (taken > 0) heard_.insert(heard_.end(), room, room + taken);
    return taken > 0;
  }
  std::vector<std::uint8_t> heard_;
  pid_t pid_ = -1;
  int from_ = -1;
};

class KillCrash : public testing::TestWithParam<store::Durability> {
 protected:
  void play(int number) {
    Random random(static_cast<std::uint64_t>(number));
    Child child(folder_.store(), GetParam(), 1 + static_cast<int>(below(random, 8)));
    bool is_there = true;
    if (below(random, 4) == 0) {
      is_there = child.listen(1'000'000, below(random, 100'000));  // while it starts, as a rule
    } else {
      is_there = child.listen(1 + below(random, 200), 20'000'000);
    }
    const int how = child.end();
    ASSERT_TRUE(is_there && WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL) << "it ended " << how;
    check(child.words());
  }
  void check(const std::vector<Said>& words) {
    auto opened = store::open_rocks_store(folder_.store());
    ASSERT_TRUE(opened) << opened.error().message();
    sim::VirtualLoop loop(1);
    LedgerWorld world(loop, {1, *std::move(opened), "here", GetParam()});
    store::Query query;
    query.after = ids_.size();
    for (bool more = true; more;) {
      const store::Page page = world.read(query);
      for (const store::Held& each : page.entries) ids_.push_back(each.id);
      more = page.more;
      query.after = page.next;
    }
    ASSERT_EQ(world.ledger->entries(), ids_.size());
    for (const Said& said : words) {
      ++(said.is_told == 1 ? told_ : kept_);
      ASSERT_LE(said.arrival, ids_.size()) << (said.is_told == 1 ? "told, lost" : "kept, lost");
      if (said.is_told == 1) continue;
      EXPECT_TRUE(std::equal(said.id, said.id + sizeof said.id, ids_[said.arrival - 1].begin()));
    }
  }
  // All that was ever seen, as it was, in one feed.
  void check_all() {
    auto opened = store::open_rocks_store(folder_.store());
    ASSERT_TRUE(opened) << opened.error().message();
    sim::VirtualLoop loop(1);
    LedgerWorld world(loop, {1, *std::move(opened), "here", GetParam()});
    const auto all = world.all(false);
    ASSERT_EQ(all.size(), ids_.size());
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i].id, ids_[i]);
    const auto verdict = world.verify();
    EXPECT_TRUE(verdict.ok()) << verdict.problems.at(0);
    EXPECT_EQ(world.ledger->tips().size(), 1u) << "one feed, and no fork";
  }

  Folder folder_;
  std::vector<store::Digest> ids_;  // by arrival: what was there after one of the kills
  std::size_t kept_ = 0, told_ = 0;
};

TEST_P(KillCrash, WhatWasPromisedIsThere) {
  for (int number = 1; number <= kills() && !HasFatalFailure(); ++number) {
    SCOPED_TRACE("kill " + std::to_string(number));
    play(number);
  }
  if (HasFatalFailure()) return;
  check_all();
  std::printf("%d kills, %zu entries kept, %zu runs told, %zu there\n", kills(), kept_, told_,
              ids_.size());
  EXPECT_GT(kept_, static_cast<std::size_t>(kills()));
}

INSTANTIATE_TEST_SUITE_P(Modes, KillCrash,
                         testing::Values(store::Durability::sync, store::Durability::interval),
                         [](const auto& mode) {
                           return mode.param == store::Durability::sync ? "sync" : "interval";
                         });

}  // namespace
}  // namespace kith::test
