// SPDX-License-Identifier: MIT
// PipeContract: what kith.h promises of every pipe, asked of any two connected ends. A test program
// links pipe_contract, writes a PipeWorld for each kind of pipe, and says
//   INSTANTIATE_TEST_SUITE_P(Memory, PipeContract, testing::Values(&make_memory_world));
#pragma once
#include <gtest/gtest.h>
#include <kith/pipe.h>

#include <functional>
#include <memory>
#include <numeric>

namespace kith::test {

struct PipeWorld {
  virtual ~PipeWorld() = default;
  virtual std::pair<Pipe, Pipe> connect() = 0;
  // Runs the loop until done() or ten seconds of its time have passed; whether it became true.
  virtual bool run_until(const std::function<bool()>& done) = 0;
  virtual void settle() = 0;  // what is under way arrives
};
using MakePipeWorld = std::unique_ptr<PipeWorld> (*)();

// Counts what a `want` answered.
struct Wake {
  int count = 0;
  std::int64_t r = 0;
  std::function<void()> then;
  kith_done done() {
    const auto fire = [](void* self, std::int64_t r, const void*) {
      auto* wake = static_cast<Wake*>(self);
      ++wake->count;
      wake->r = r;
      if (wake->then) wake->then();
    };
    return {fire, this};
  }
};

inline ByteVector pattern(std::size_t n) {
  ByteVector bytes(n);
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

class PipeContract : public testing::TestWithParam<MakePipeWorld> {
 protected:
  std::unique_ptr<PipeWorld> world = GetParam()();

  // Reads until n bytes, a FIN or an error; r of the last read.
  std::int64_t read_bytes(Pipe& pipe, std::size_t n, ByteVector& to) {
    std::int64_t last = KITH_AGAIN;
    world->run_until([&] {
      std::uint8_t chunk[4096];
      while (to.size() < n) {
        last = pipe.read(MutableBytes(chunk).first(std::min(n - to.size(), sizeof chunk)));
        if (last <= 0) return last != KITH_AGAIN;
        append(to, Bytes(chunk).first(static_cast<std::size_t>(last)));
      }
      return true;
    });
    return last;
  }
  std::int64_t read_end(Pipe& pipe) {
    ByteVector rest;
    return read_bytes(pipe, SIZE_MAX, rest);
  }
  std::string read_text(Pipe& pipe, std::size_t n) {
    ByteVector bytes;
    read_bytes(pipe, n, bytes);
    return std::string(as_text(bytes));
  }
  // As much as it takes.
  std::size_t fill(Pipe& pipe, Bytes with) {
    std::size_t taken = 0;
    world->run_until([&] {
      const std::int64_t n = pipe.write(with.subspan(taken));
      if (n <= 0) {
        EXPECT_EQ(n, KITH_AGAIN);
        return true;
      }
      taken += static_cast<std::size_t>(n);
      return taken == with.size();
    });
    return taken;
  }
};

}  // namespace kith::test
