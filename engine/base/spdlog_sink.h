// SPDX-License-Identifier: MIT
// SpdlogSink: the LogSink of a running node: stderr by way of spdlog, which stays inside the .cpp.
// A line of text on a terminal, one JSON object a line elsewhere, with journald's <N> in front when
// stderr is the journal. What strangers said cannot end or forge a line. Loop thread only.
#pragma once
#include <cstdio>
#include <memory>

#include "engine/base/log.h"

namespace kith {

// "trace" "debug" "info" "warn" "error"; info where it is none of these.
LogLevel log_level(std::string_view name);
const char* log_level_name(LogLevel level);

class SpdlogSink final : public LogSink {
 public:
  // format: "auto", "text" or "json". The file is not owned.
  SpdlogSink(std::string_view level, std::string_view format, std::FILE* to = stderr);
  ~SpdlogSink() override;
  void write(LogLevel level, std::string_view room, std::string_view line) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith
