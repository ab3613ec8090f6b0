// SPDX-License-Identifier: MIT
#include "engine/wire/json.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/base/limits.h"
#include "engine/wire/cid.h"

namespace kith::wire {
namespace {

TEST(Json, RoundTripsWhatItHolds) {
  for (const char* json : {"null", "true", "0", "-1", "9223372036854775807", "-9223372036854775808",
                           "0.5", "30.0", "1e+300", "1e-07", R"("")", R"("a\"\\\nb")",
                           R"("\u0001\u001f")", "\"\xc3\xa4\xf0\x9f\x98\x80\"", "[]", "{}",
                           R"([1,[2],{"a":null}])", R"({"a":1,"b":2,"aa":3})"}) {
    const auto value = from_json(json);
    ASSERT_TRUE(value) << json;
    EXPECT_EQ(to_json(*value), json);
  }
}

TEST(Json, NumbersBeyond64BitsAreDoubles) {
  EXPECT_EQ(*from_json("9223372036854775808")->number(), 9223372036854775808.0);
  EXPECT_EQ(*from_json("1e2")->number(), 100.0);
  EXPECT_EQ(*from_json("-9223372036854775807")->integer(), -9223372036854775807);
  EXPECT_FALSE(from_json("1e999"));
  EXPECT_EQ(to_json(Value(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(to_json(Value(std::numeric_limits<double>::infinity())), "null");
}

TEST(Json, BytesAndLinks) {
  EXPECT_EQ(to_json(Value(to_vector(as_bytes("hi")))), R"("aGk=")");
  const auto cid = Cid::of_block(kRawCodec, as_bytes("hi"));
  EXPECT_EQ(to_json(Value(Value::Link{to_vector(cid.bytes())})),
            R"({"/":")" + cid.text() + R"("})");
}

TEST(Json, BadUtf8IsReplacedOnTheWayOutAndRefusedOnTheWayIn) {
  EXPECT_EQ(to_json(Value("a\xff"
                          "b\xc3")),
            "\"a\xef\xbf\xbd"
            "b\xef\xbf\xbd\"");
  EXPECT_EQ(to_json(Value("\xed\xa0\x80")), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_FALSE(from_json("\"\xff\""));
  EXPECT_FALSE(from_json("\"\xed\xa0\x80\""));
  EXPECT_FALSE(from_json(R"("\ud800")"));
}

TEST(Json, NothingThatATerminalObeysLeavesUnescaped) {
  EXPECT_EQ(to_json(Value("\x1b\x7f\xc2\x9b\xc2\xa0")), "\"\\u001b\\u007f\\u009b\xc2\xa0\"");
}

TEST(Json, ExactTextReadsBackOrIsNotWritten) {
  std::string text = "x";
  EXPECT_TRUE(append_exact_json(text, Value(Value::List{1, 1.0, "a\n", nullptr})));
  EXPECT_EQ(text, R"(x[1,1.0,"a\n",null])");
  const Value odd[] = {Value(to_vector(as_bytes("hi"))), Value(Value::Link{}), Value("\xff"),
                       Value(std::numeric_limits<double>::quiet_NaN()),
                       Value(Value::Map{{"\xff", 1}})};
  for (const Value& each : odd) EXPECT_FALSE(append_exact_json(text, Value(Value::List{1, each})));
  EXPECT_EQ(text, R"(x[1,1.0,"a\n",null])");
}

TEST(Json, MinusZeroIsADouble) {
  EXPECT_EQ(to_json(*from_json("-0")), "-0.0");
  EXPECT_EQ(to_json(*from_json("[0,-0.0,1e0]")), "[0,-0.0,1.0]");
}

TEST(Json, ErrorsSayWhere) {
  const auto why = [](std::string_view json) { return from_json(json).error().message(); };
  EXPECT_EQ(why("[1,]"), "not JSON: at byte 4");
  EXPECT_EQ(why(R"({"a":1,"a":2})"), "JSON with a key twice: at byte 12");
  EXPECT_EQ(why("\xff"), "JSON that is not UTF-8");
}

TEST(Json, MalformedIsRefused) {
  for (const char* json : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\"}",
                           "{'a':1}",
                           "nul",
                           "1 2",
                           "[1]]",
                           "01",
                           "\"a\nb\"",
                           "// x\n1",
                           "NaN",
                           "{\"a\":1,}",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u 123\"",
                           "\"\\udc00\"",
                           "1.",
                           ".5",
                           "1e",
                           "+1",
                           "-",
                           "0x1",
                           "\xef\xbb\xbf"
                           "1"})
    EXPECT_FALSE(from_json(json)) << json;
  EXPECT_TRUE(from_json(R"({"a":1,"a":2})").error().is(json_error::duplicate_key));
}

TEST(Json, DepthAndCountAreBounded) {
  const auto nest = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(from_json(nest(limits::kValueDepthMax)));
  EXPECT_TRUE(from_json(nest(limits::kValueDepthMax + 1)).error().is(json_error::too_deep));
  EXPECT_TRUE(from_json(std::string(4'000'000, '[')).error().is(json_error::too_deep));
  std::string many = "[0";
  for (std::size_t i = 0; i < limits::kJsonValuesMax; ++i) many += ",0";
  EXPECT_TRUE(from_json(many + "]").error().is(json_error::too_large));
}

TEST(Json, Pretty) {
  EXPECT_EQ(to_pretty_json(*from_json(R"({"a":[1,2],"b":{},"c":[]})")),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}");
}

}  // namespace
}  // namespace kith::wire
