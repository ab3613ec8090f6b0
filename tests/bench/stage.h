// SPDX-License-Identifier: MIT
// What the benchmarks share: time, a log for people, a folder that is gone afterwards, bodies that
// no compression shrinks, and the setup of a node with TCP on the loopback.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/node/node.h"

namespace kith::bench {

using Clock = std::chrono::steady_clock;
double us_since(Clock::time_point start);
double cpu_seconds();            // of all threads of this process
double cpu_seconds_of(int pid);  // of another, in steps of 10 ms
double quantile(std::vector<double> values, double q);

class Quiet final : public LogSink {
 public:
  void write(LogLevel, std::string_view room, std::string_view line) override;
};

struct Folder {
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path path;
};

class Bodies {
 public:
  explicit Bodies(std::size_t bytes) : bytes_(bytes) {}
  ByteVector next();

 private:
  std::size_t bytes_;
  std::uint64_t state_ = 1;
};

// `seed` makes its key.
node::NodeSetup setup_with(std::uint8_t seed);

}  // namespace kith::bench
