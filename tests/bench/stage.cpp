// SPDX-License-Identifier: MIT
#include "tests/bench/stage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace kith::bench {

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double cpu_seconds_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string skipped;
  std::getline(file, skipped, ')');  // the name may hold spaces
  for (int field = 3; field < 14; ++field) file >> skipped;
  double user = 0, system = 0;
  file >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(q * static_cast<double>(values.size() - 1)));
}

void Quiet::write(LogLevel, std::string_view room, std::string_view line) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(room.size()), room.data(),
               static_cast<int>(line.size()), line.data());
}

namespace {

std::filesystem::path fresh_path() {
  std::string path = (std::filesystem::temp_directory_path() / "kith-bench-XXXXXX").string();
  if (!::mkdtemp(path.data())) std::abort();
  return path;
}

}  // namespace

Folder::Folder() : path(fresh_path()) {}
Folder::~Folder() { std::filesystem::remove_all(path); }

// xorshift64 (Marsaglia).
ByteVector Bodies::next() {
  ByteVector made(bytes_);
  for (std::size_t at = 0; at < bytes_; at += sizeof state_) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    std::memcpy(made.data() + at, &state_, std::min(sizeof state_, bytes_ - at));
  }
  return made;
}

node::NodeSetup setup_with(std::uint8_t seed) {
  crypto::Key32 key{};
  key[0] = seed;
  node::NodeSetup setup{.identity = crypto::Identity::from_seed(key), .config = {}};
  for (const auto& [name, path] : node::find_plugins({KITH_PLUGIN_DIR}))
    setup.plugins[name] = node::open_plugin(path).value();
  node::Config::Plugin tcp{"tcp", wire::Value::Map()};
  tcp.options["listen"] = wire::Value::List(1, wire::Value("/ip4/127.0.0.1/tcp/0"));
  setup.config.plugins.push_back(tcp);
  return setup;
}

}  // namespace kith::bench
