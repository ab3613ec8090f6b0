// SPDX-License-Identifier: MIT
// What a store keeps when its process is killed, and when its disk is full. The process is one of
// the test's own: GoogleTest runs this program again for it.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "engine/node/real_loop.h"
#include "engine/store/committer.h"
#include "tests/store/folder.h"
#include "tests/support/captured_log.h"

namespace kith::store {
namespace {

constexpr int kCommitsMax = 100'000;
constexpr std::size_t kValueBytes = 20'000;

std::string key_of(int number) { return std::to_string(1'000'000 + number); }

// Each commit has two keys, so that half a commit is seen.
Batch batch_of(int number) {
  Batch batch;
  batch.put(Column::runs, as_bytes(key_of(number)), ByteVector(kValueBytes, 7));
  batch.put(Column::bodies, as_bytes(key_of(number)), ByteVector(kValueBytes, 9));
  return batch;
}

class RocksCrash : public testing::Test {
 protected:
  RocksCrash() {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    // The process that is run again gets the folder of the first.
    const char* given = std::getenv(kVariable);
    path_ = given ? given : folder_.path().string();
    if (given) return;
    setenv(kVariable, path_.c_str(), 1);
    is_first_ = true;
  }
  ~RocksCrash() override {
    if (is_first_) unsetenv(kVariable);
  }
  std::string store() const { return path_ + "/store"; }

  // Commits until the store says no; every number that was acknowledged goes to the file.
  void commit_all(const std::string& where, std::atomic<int>& acknowledged) const {
    auto opened = open_rocks_store(where);
    if (!opened) return;
    for (int number = 0; number < kCommitsMax; ++number) {
      const auto kept = (*opened)->commit(batch_of(number), true);
      if (!kept)
        return note("error",
                    std::string(describe(store_error::full)) + "\n" + kept.error().message());
      note("acknowledged", std::to_string(number + 1));
      acknowledged = number + 1;
    }
  }
  void note(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    test::write_file(path + ".new", as_bytes(text));
    std::filesystem::rename(path + ".new", path);
  }
  std::string noted(const std::string& name) const {
    return std::string(as_text(test::read_file(path_ + "/" + name)));
  }
  // All that was acknowledged is there, and at most one commit more, whole.
  void expect_all(const std::string& where) const {
    const int acknowledged = std::stoi(noted("acknowledged"));
    EXPECT_GT(acknowledged, 0);
    const auto opened = open_rocks_store(where);
    ASSERT_TRUE(opened) << opened.error().message();
    int found = 0;
    for (const bool is_there = true; found < kCommitsMax; ++found) {
      const auto run = (*opened)->get(Column::runs, as_bytes(key_of(found)));
      const auto body = (*opened)->get(Column::bodies, as_bytes(key_of(found)));
      ASSERT_TRUE(run && body);
      EXPECT_EQ(run->has_value(), body->has_value()) << "half a commit";
      if (run->has_value() != is_there) break;
    }
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
  }

  static constexpr const char* kVariable = "KITH_TEST_STORE_FOLDER";
  test::Folder folder_;
  std::string path_;
  bool is_first_ = false;
};

TEST_F(RocksCrash, WhatWasAcknowledgedSurvivesAKill) {
  const auto write_and_die = [this] {
    std::atomic<int> acknowledged = 0;
    std::thread writer([&] { commit_all(store(), acknowledged); });
    while (acknowledged < 50) std::this_thread::yield();
    kill(getpid(), SIGKILL);
    writer.join();
  };
  EXPECT_EXIT(write_and_die(), testing::KilledBySignal(SIGKILL), "");
  expect_all(store());
}

// EFBIG stands in for ENOSPC where no small disk can be had.
TEST_F(RocksCrash, AFileThatMayNotGrow) {
  const auto fill = [this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{2'000'000, 2'000'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::atomic<int> acknowledged = 0;
    commit_all(store(), acknowledged);
    _exit(7);
  };
  EXPECT_EXIT(fill(), testing::ExitedWithCode(7), "");
  EXPECT_NE(noted("error"), "");
  expect_all(store());
}

// A disk of 8 MiB; root alone may have one.
TEST_F(RocksCrash, AFullDisk) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may mount a small disk";
  const auto fill = [this] {
    const std::string disk = path_ + "/disk", kept = path_ + "/kept";
    std::filesystem::create_directories(disk);
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", disk.c_str(), "tmpfs", 0, "size=8m") != 0) {
      note("skipped", "yes");
      _exit(7);
    }
    std::atomic<int> acknowledged = 0;
    commit_all(disk + "/store", acknowledged);
    std::filesystem::copy(disk + "/store", kept);
    _exit(7);
  };
  EXPECT_EXIT(fill(), testing::ExitedWithCode(7), "");
  if (std::filesystem::exists(path_ + "/skipped")) GTEST_SKIP() << "no mount here";
  EXPECT_EQ(noted("error").find("the disk is full\nthe disk is full: "), 0u) << noted("error");
  expect_all(path_ + "/kept");
}

}  // namespace
}  // namespace kith::store
