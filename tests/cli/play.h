// SPDX-License-Identifier: MIT
// What the tests of the program share: a home in a temporary folder, a run of one command line with
// what it wrote, and a small node (a bus behind a control socket) in a thread beside it.
#pragma once
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <semaphore>
#include <thread>

#include "engine/bus/bus.h"
#include "engine/cli/program.h"
#include "engine/node/control.h"
#include "engine/node/real_loop.h"

namespace kith::cli {

struct Ran {
  int code = -1;
  std::string out, err;
};

inline std::string read_all(int fd) {
  std::string text(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  ::close(fd);
  return text;
}

class SilentLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// Commands are registered on the thread's own loop, before the socket opens.
class SmallNode {
 public:
  using Register = std::function<void(bus::Bus&, const bus::Owner&, node::RealLoop&)>;
  SmallNode(const std::string& home, Register commands) {
    std::binary_semaphore open(0);
    thread_ = std::thread([&, commands = std::move(commands)] {
      auto held = node::Home::open(home);
      SilentLog sink;
      const bus::Owner owner{"engine", false};
      bus::Bus bus(loop_, Log(sink, "bus"));
      commands(bus, owner, loop_);
      node::ControlSocket socket(loop_, bus, Log(sink, "control"));
      EXPECT_TRUE(socket.open(home));
      open.release();
      loop_.run();
    });
    open.acquire();
  }
  ~SmallNode() {
    loop_.stop();
    thread_.join();
  }

 private:
  node::RealLoop loop_;
  std::thread thread_;
};

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string form = (std::filesystem::temp_directory_path() / "kith-cli-XXXXXX").string();
    ASSERT_NE(::mkdtemp(form.data()), nullptr);
    folder_ = form;
    home_ = folder_ + "/home";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Ran run(std::vector<std::string> words, std::string_view input = {}) {
    Ran made;
    const int out = ::memfd_create("out", 0), err = ::memfd_create("err", 0);
    int in[2];
    EXPECT_EQ(::pipe(in), 0);
    EXPECT_EQ(::write(in[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
    ::close(in[1]);
    doors_.in_fd = in[0];
    doors_.out_fd = out;
    doors_.error_fd = err;
    doors_.version = "1.2.3";
    if (!doors_.environment)
      doors_.environment = [this](const char* name) -> const char* {
        return std::string_view(name) == "KITH_HOME" ? home_.c_str() : nullptr;
      };
    made.code = run_program(words, doors_);
    ::close(in[0]);
    made.out = read_all(out);
    made.err = read_all(err);
    return made;
  }

  std::string folder_, home_;
  Doors doors_;
};

}  // namespace kith::cli
