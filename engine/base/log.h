// SPDX-License-Identifier: MIT
// Log: where facts go, one line each, lower-case, key=value: `dial failed peer=..QmX addr=/ip4/..
// err=timeout`. Handed in, never global. Never payloads, never keys. Strings from strangers are
// escaped by the sink.
#pragma once
#include <fmt/core.h>

#include <string_view>

namespace kith {

enum class LogLevel { trace, debug, info, warn, error };

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view room, std::string_view line) = 0;
  LogLevel lowest = LogLevel::info;
};

// A sink and the name of the room or plugin that speaks. Cheap to copy; room must outlive it.
class Log {
 public:
  Log(LogSink& sink, std::string_view room) : sink_(&sink), room_(room) {}
  Log in(std::string_view room) const { return Log(*sink_, room); }
  bool enabled(LogLevel level) const { return level >= sink_->lowest; }
  void write(LogLevel level, std::string_view line) const {
    if (enabled(level)) sink_->write(level, room_, line);
  }
  template <class... Args>
  void debug(fmt::format_string<Args...> form, Args&&... args) const {
    put(LogLevel::debug, form, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> form, Args&&... args) const {
    put(LogLevel::info, form, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> form, Args&&... args) const {
    put(LogLevel::warn, form, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> form, Args&&... args) const {
    put(LogLevel::error, form, std::forward<Args>(args)...);
  }

 private:
  template <class... Args>
  void put(LogLevel level, fmt::format_string<Args...> form, Args&&... args) const {
    if (enabled(level)) sink_->write(level, room_, fmt::format(form, std::forward<Args>(args)...));
  }
  LogSink* sink_;
  std::string_view room_;
};

}  // namespace kith
