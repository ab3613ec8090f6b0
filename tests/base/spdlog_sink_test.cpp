// SPDX-License-Identifier: MIT
#include "engine/base/spdlog_sink.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <regex>
#include <string>

#include "engine/base/limits.h"
#include "engine/base/log_text.h"

namespace kith {
namespace {

// What a sink wrote into an unnamed file.
class Written {
 public:
  Written() : file_(std::tmpfile()) {}
  ~Written() { std::fclose(file_); }
  std::FILE* file() { return file_; }
  std::string text() {
    std::string all(1 << 16, '\0');
    std::rewind(file_);
    all.resize(std::fread(all.data(), 1, all.size(), file_));
    return all;
  }

 private:
  std::FILE* file_;
};

const std::string kStamp = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";

TEST(SpdlogSink, TextIsTimeLevelRoomLine) {
  Written written;
  SpdlogSink sink("info", "text", written.file());
  Log(sink, "net").info("dial failed peer={} err=timeout", "QmX");
  EXPECT_TRUE(std::regex_match(written.text(),
                               std::regex(kStamp + " info net dial failed peer=QmX err=timeout\n")))
      << written.text();
}

TEST(SpdlogSink, JsonIsOneObjectALine) {
  Written written;
  SpdlogSink sink("debug", "auto", written.file());  // a file is no terminal
  Log(sink, "net").warn("said \"{}\"", "a\nb");
  const std::string wanted =
      R"(\{"ts":")" + kStamp + R"(","level":"warn","room":"net","line":"said \\"a\\\\nb\\""\}\n)";
  EXPECT_TRUE(std::regex_match(written.text(), std::regex(wanted))) << written.text();
}

TEST(SpdlogSink, LowestLevelHolds) {
  Written written;
  SpdlogSink sink("warn", "text", written.file());
  const Log log(sink, "net");
  log.info("unseen");
  log.error("seen");
  sink.lowest = LogLevel::debug;
  log.debug("now seen");
  EXPECT_EQ(written.text().find("unseen"), std::string::npos);
  EXPECT_NE(written.text().find("error net seen"), std::string::npos);
  EXPECT_NE(written.text().find("debug net now seen"), std::string::npos);
}

TEST(SpdlogSink, AStrangerCannotForgeALine) {
  Written written;
  SpdlogSink sink("info", "text", written.file());
  Log(sink, "net").info("agent={}", "x\n2026-01-01T00:00:00.000Z error node stolen\r\x1b[2J");
  const std::string text = written.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(SpdlogSink, LongLinesAreCut) {
  Written written;
  SpdlogSink sink("info", "text", written.file());
  Log(sink, "net").info("{}", std::string(limits::kLogLineMax + 5, 'a'));
  EXPECT_NE(written.text().find("aaa cut_bytes=5\n"), std::string::npos);
}

TEST(SpdlogSink, TheJournalGetsItsPrefix) {
  Written written;
  struct stat status {};
  ASSERT_EQ(fstat(fileno(written.file()), &status), 0);
  const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
  {
    SpdlogSink sink("info", "text", written.file());
    Log(sink, "net").error("broken");
  }
  setenv("JOURNAL_STREAM", "1:1", 1);
  {
    SpdlogSink sink("info", "text", written.file());
    Log(sink, "net").error("elsewhere");
  }
  unsetenv("JOURNAL_STREAM");
  EXPECT_TRUE(std::regex_match(
      written.text(), std::regex("<3>" + kStamp + " error net broken\n" + kStamp + " error.*\n")))
      << written.text();
}

TEST(LogText, EscapesWhatATerminalWouldObey) {
  const auto text = [](std::string_view line) {
    std::string to;
    append_log_text(to, line);
    return to;
  };
  EXPECT_EQ(text("plain \"quoted\" grüße 日本 🙂"), "plain \"quoted\" grüße 日本 🙂");
  EXPECT_EQ(text("a\\b"), "a\\\\b");
  EXPECT_EQ(text("a\tb\x7f"), "a\\x09b\\x7f");
  EXPECT_EQ(text("\xc2\x9b"
                 "31m"),
            "\\xc2\\x9b31m");                          // C1: CSI
  EXPECT_EQ(text("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // U+202E turns the text around
  EXPECT_EQ(text("\xc0\xaf\xff"), "\\xc0\\xaf\\xff");  // overlong, no UTF-8
  EXPECT_EQ(text("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(text("\xf0\x9f\x99"), "\\xf0\\x9f\\x99");  // cut short
  EXPECT_EQ(text(std::string_view("\0", 1)), "\\x00");
}

TEST(LogLevelNames, ReadAsWritten) {
  for (const LogLevel level :
       {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
    EXPECT_EQ(log_level(log_level_name(level)), level);
  }
  EXPECT_EQ(log_level("loud"), LogLevel::info);
}

}  // namespace
}  // namespace kith
