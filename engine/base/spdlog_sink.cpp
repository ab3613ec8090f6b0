// SPDX-License-Identifier: MIT
#include "engine/base/spdlog_sink.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "engine/base/limits.h"
#include "engine/base/log_text.h"

namespace kith {
namespace {

constexpr const char* kNames[] = {"trace", "debug", "info", "warn", "error"};

// systemd.exec(5), JOURNAL_STREAM: "device:inode" of the stream, which a redirected stderr is not.
bool is_journal(std::FILE* file) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (!stream || fstat(fileno(file), &status) != 0) return false;
  return std::string_view(stream) ==
         std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// sd-daemon(3)
const char* journal_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "<3>";
    case LogLevel::warn: return "<4>";
    case LogLevel::info: return "<6>";
    default: return "<7>";
  }
}

}  // namespace

LogLevel log_level(std::string_view name) {
  const auto* found = std::find(std::begin(kNames), std::end(kNames), name);
  return found == std::end(kNames) ? LogLevel::info : static_cast<LogLevel>(found - kNames);
}

const char* log_level_name(LogLevel level) { return kNames[static_cast<int>(level)]; }

struct SpdlogSink::State {
  State(std::FILE* to, bool is_json, bool is_to_journal)
      : sink(to), json(is_json), journal(is_to_journal) {
    // The name stands where the journal wants its prefix: first.
    const char* pattern =
        json ? "%n{\"ts\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}" : "%n%Y-%m-%dT%H:%M:%S.%eZ %v";
    sink.set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  }
  spdlog::sinks::stdout_sink_base<spdlog::details::console_nullmutex> sink;
  bool json, journal;
  std::string text;  // reused, so that a line allocates nothing
};

SpdlogSink::SpdlogSink(std::string_view level, std::string_view format, std::FILE* to) {
  lowest = log_level(level);
  const bool is_text = format == "text" || (format != "json" && isatty(fileno(to)) == 1);
  state_ = std::make_unique<State>(to, !is_text, is_journal(to));
}

SpdlogSink::~SpdlogSink() = default;

void SpdlogSink::write(LogLevel level, std::string_view room, std::string_view line) {
  const std::size_t cut_bytes = line.size() - std::min(line.size(), limits::kLogLineMax);
  line.remove_suffix(cut_bytes);
  std::string& text = state_->text;
  text.clear();
  if (state_->json) {
    text.append("\"level\":\"").append(log_level_name(level)).append("\",\"room\":\"");
    append_log_json(text, room);
    text.append("\",\"line\":\"");
    append_log_json(text, line);
    if (cut_bytes > 0) text.append("\",\"cut_bytes\":\"").append(std::to_string(cut_bytes));
    text.push_back('"');
  } else {
    text.append(log_level_name(level)).push_back(' ');
    append_log_text(text, room);
    text.push_back(' ');
    append_log_text(text, line);
    if (cut_bytes > 0) text.append(" cut_bytes=").append(std::to_string(cut_bytes));
  }
  const char* prefix = state_->journal ? journal_prefix(level) : "";
  state_->sink.log(spdlog::details::log_msg(prefix, spdlog::level::info, text));
  state_->sink.flush();
}

}  // namespace kith
