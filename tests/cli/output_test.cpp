// SPDX-License-Identifier: MIT
#include "engine/cli/output.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "engine/cli/listen.h"
#include "engine/wire/json.h"

namespace kith::cli {
namespace {

wire::Value from(const char* json) { return *wire::from_json(json); }

TEST(Output, ListsOfMapsAreTables) {
  EXPECT_EQ(readable(from(R"([{"topic":"a","mesh":2,"joined_by":["x","y"]},{"topic":"longer"}])")),
            "topic   mesh  joined_by\n"
            "a       2     x, y\n"
            "longer  -     -\n");
}

TEST(Output, MapsAreLines) {
  EXPECT_EQ(readable(from(R"({"id":"q","no":[],"peers":[{"name":"n"}],"texts":["a","b"]})")),
            "id: q\n"
            "no: none\n"
            "peers:\n  name\n  n\n"
            "texts:\n  a\n  b\n");
  EXPECT_EQ(readable({}), "");
  EXPECT_EQ(readable(3), "3\n");
}

TEST(Output, WhatStrangersSaidCannotDriveATerminal) {
  const std::string evil =
      "\x1b[2J\r\n\x7f\xc2\x9b"
      "31m";
  for (const std::string& text :
       {readable(wire::Value(evil)), readable(wire::Value(wire::Value::List{evil})),
        wire::to_json(wire::Value(evil))}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
    EXPECT_EQ(text.find('\r'), std::string::npos) << text;
    EXPECT_EQ(text.find('\x7f'), std::string::npos) << text;
  }
  const std::string json = wire::to_json(wire::Value(evil));
  EXPECT_EQ(json.find("\xc2\x9b"), std::string::npos) << json;
  EXPECT_EQ(*wire::from_json(json)->string(), evil) << "escaped, and still the same";
  wire::Value row;
  row["a\nb"] = "c\nd";
  EXPECT_EQ(readable(row), "a\\nb: c\\nd\n");
}

TEST(Output, MessagesAreOneLine) {
  wire::Value message;
  message["from"] = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
  message["text"] = "two\nlines";
  EXPECT_EQ(message_line(message), "..x6nXTN two\\nlines");
}

TEST(Output, AReaderThatWentAwayEndsItQuietly) {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  Output output(ends[1], STDERR_FILENO, false);
  EXPECT_FALSE(output.gone());
  output.line("x");
  EXPECT_TRUE(output.gone());
  ::close(ends[1]);
}

}  // namespace
}  // namespace kith::cli
