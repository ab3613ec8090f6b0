// SPDX-License-Identifier: MIT
// What the tests of the bus stand on: a virtual loop, a log that keeps its lines, a bus, and the
// answers that a caller hears.
#pragma once
#include <gtest/gtest.h>

#include "engine/bus/bus.h"
#include "engine/sim/virtual_loop.h"
#include "engine/wire/json.h"

namespace kith::test {

class KeptLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::string_view line) override {
    lines.emplace_back(line);
  }
  bool has(std::string_view part) const {
    return std::any_of(lines.begin(), lines.end(), [part](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  }
  std::vector<std::string> lines;
};

// "part:1 end:2" or "fail:-7:sentence", as it came.
struct Heard {
  std::string said;
  bus::Answer answer() {
    return {[this](const wire::Value& part) { said += "part:" + wire::to_json(part) + " "; },
            [this](const wire::Value& end) { said += "end:" + wire::to_json(end); },
            [this](const std::string& sentence, int code) {
              said += "fail:" + std::to_string(code) + ":" + sentence;
            }};
  }
};

struct Rig {
  sim::VirtualLoop loop{1};
  KeptLog kept;
  Log log{kept, "bus"};
  bus::Bus bus{loop, log};
  bus::Owner engine{"engine", false}, plugin{"plugin", false}, app{"good", true};

  void settle() { loop.run_for(1'000); }
  // Registers a command without arguments.
  bus::Bus::Id command(const bus::Owner& owner, std::string name, bus::CommandFn fn) {
    bus::CommandSpec spec;
    spec.name = std::move(name);
    return bus.command(owner, std::move(spec), std::move(fn)).value();
  }
  std::string call(std::string_view name, wire::Value args = {}) {
    Heard heard;
    const auto ticket = bus.call(name, std::move(args), heard.answer());
    EXPECT_EQ(heard.said, "") << "no answer before call() has returned";
    settle();
    return heard.said;
  }
};

}  // namespace kith::test
