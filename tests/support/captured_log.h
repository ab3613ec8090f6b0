// SPDX-License-Identifier: MIT
// CapturedLog: a LogSink that keeps its lines for a test to look at.
#pragma once
#include <string>
#include <vector>

#include "engine/base/log.h"

namespace kith::test {

class CapturedLog final : public LogSink {
 public:
  struct Line {
    LogLevel level;
    std::string room, text;
  };
  CapturedLog() { lowest = LogLevel::trace; }
  void write(LogLevel level, std::string_view room, std::string_view line) override {
    lines.push_back({level, std::string(room), std::string(line)});
  }
  bool has(std::string_view part) const {
    for (const Line& line : lines) {
      if (line.text.find(part) != std::string::npos) return true;
    }
    return false;
  }
  std::vector<Line> lines;
};

}  // namespace kith::test
