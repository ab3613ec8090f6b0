// SPDX-License-Identifier: MIT
#include "engine/bus/arguments.h"

#include <gtest/gtest.h>

#include "engine/bus/nearest.h"
#include "engine/wire/json.h"

namespace kith::bus {
namespace {

using wire::Value;

CommandSpec spec_of(std::vector<ArgSpec> args) {
  CommandSpec spec;
  spec.name = "test";
  spec.args = std::move(args);
  EXPECT_TRUE(prepare(spec));
  return spec;
}

ArgSpec arg(std::string name, std::string type) { return {std::move(name), std::move(type)}; }

std::string judged(const CommandSpec& spec, std::string_view json) {
  const auto args = judge_arguments(spec, wire::from_json(json).value());
  return args ? to_json(*args) : "error: " + args.error().detail();
}

std::string read(const CommandSpec& spec, const std::vector<std::string>& words) {
  auto args = args_from_words(spec, words);
  if (!args) return "error: " + args.error().detail();
  args = judge_arguments(spec, *std::move(args));
  return args ? to_json(*args) : "error: " + args.error().detail();
}

// type, given, taken; "" = refused.
TEST(Arguments, Types) {
  const std::vector<std::array<const char*, 3>> rows{
      {"string", R"("x")", R"("x")"},
      {"string", "1", ""},
      {"int", "5", "5"},
      {"int", "-9223372036854775808", "-9223372036854775808"},
      {"int", "2.0", "2"},
      {"int", "2.5", ""},
      {"int", "1e300", ""},
      {"int", R"("-12")", "-12"},
      {"int", R"("12x")", ""},
      {"int", R"("")", ""},
      {"int", "true", ""},
      {"number", "2", "2.0"},
      {"number", R"("0.5")", "0.5"},
      {"number", R"("nan")", ""},
      {"bool", "true", "true"},
      {"bool", R"("false")", "false"},
      {"bool", R"("yes")", ""},
      {"bool", "1", ""},
      {"duration", R"("250ms")", "0.25"},
      {"duration", R"("30s")", "30.0"},
      {"duration", R"("5m")", "300.0"},
      {"duration", R"("2h")", "7200.0"},
      {"duration", "1.5", "1.5"},
      {"duration", "-1", ""},
      {"duration", R"("soon")", ""},
      {"size", R"("64MiB")", "67108864"},
      {"size", "10", "10"},
      {"size", "-1", ""},
      {"strings", R"(["a","b"])", R"(["a","b"])"},
      {"strings", R"("a")", R"(["a"])"},
      {"strings", "[1]", ""},
      {"bytes", R"("aGk=")", R"("aGk=")"},
      {"bytes", R"("!")", ""},
      {"any", R"({"a":[1]})", R"({"a":[1]})"},
  };
  for (const auto& [type, given, taken] : rows) {
    const auto result = judge_arguments(spec_of({arg("x", type)}),
                                        Value(Value::Map{{"x", wire::from_json(given).value()}}));
    if (*taken) {
      ASSERT_TRUE(result) << type << " " << given;
      EXPECT_EQ(to_json(*result->find("x")), taken) << type << " " << given;
    } else {
      ASSERT_FALSE(result) << type << " " << given;
      EXPECT_TRUE(result.error().is(bus_error::bad_arguments));
    }
  }
}

TEST(Arguments, BytesBecomeBytes) {
  const auto args =
      judge_arguments(spec_of({arg("x", "bytes")}), wire::from_json(R"({"x":"aGk="})").value());
  ASSERT_TRUE(args);
  EXPECT_EQ(*args->find("x")->bytes(), to_vector(as_bytes("hi")));
}

TEST(Arguments, DefaultsRequiredAndUnknown) {
  ArgSpec topic = arg("topic", "string");
  topic.required = true;
  topic.help = "where to";
  ArgSpec wait = arg("wait", "duration");
  wait.fallback = "30s";
  const CommandSpec spec = spec_of({topic, wait, arg("count", "int")});
  EXPECT_EQ(judged(spec, R"({"topic":"t"})"), R"({"wait":30.0,"topic":"t"})");
  EXPECT_EQ(judged(spec, R"({"topic":"t","wait":null,"count":null})"),
            R"({"wait":30.0,"topic":"t"})");
  EXPECT_EQ(judged(spec, "null"), "error: test needs the argument \"topic\" (where to)");
  EXPECT_EQ(judged(spec, R"({"tpoic":"t"})"),
            "error: test has no argument \"tpoic\"; the nearest is \"topic\"");
  EXPECT_EQ(judged(spec, R"({"topic":"t","count":"many"})"),
            "error: the argument \"count\" of test is a whole number, not \"many\"");
  EXPECT_EQ(judged(spec, "[]"), "error: the arguments of test are given by name");
  EXPECT_EQ(judged(spec_of({}), R"({"a":1})"), "error: test takes no arguments, not even \"a\"");
}

TEST(Arguments, SpecsThatMakeNoSenseAreRefused) {
  ArgSpec rest = arg("all", "strings");
  rest.rest = true;
  ArgSpec wrong = arg("n", "int");
  wrong.fallback = "many";
  ArgSpec rest_int = arg("n", "int");
  rest_int.rest = true;
  const std::vector<std::vector<ArgSpec>> bad{{arg("", "int")},
                                              {arg("--x", "int")},
                                              {arg("a=b", "int")},
                                              {arg("x", "integer")},
                                              {wrong},
                                              {rest_int},
                                              {rest, arg("x", "int")},
                                              {arg("a_b", "int"), arg("a-b", "int")}};
  for (const auto& args : bad) {
    CommandSpec spec;
    spec.args = args;
    EXPECT_FALSE(prepare(spec)) << args.front().name;
  }
}

TEST(Words, PositionsAndOptions) {
  ArgSpec loud = arg("loud", "bool");
  loud.option = true;
  ArgSpec from_start = arg("from_start", "int");
  from_start.option = true;
  const CommandSpec spec = spec_of({arg("topic", "string"), arg("n", "int"), loud, from_start});
  EXPECT_EQ(read(spec, {"t", "-5"}), R"({"n":-5,"topic":"t"})");
  EXPECT_EQ(read(spec, {"--n=3", "t", "--loud"}), R"({"n":3,"loud":true,"topic":"t"})");
  EXPECT_EQ(read(spec, {"--topic", "t", "4", "--from-start", "1"}),
            R"({"n":4,"topic":"t","from_start":1})");
  EXPECT_EQ(read(spec, {"--loud=false", "--", "--t"}), R"({"loud":false,"topic":"--t"})");
  EXPECT_EQ(read(spec, {"t", "1", "more"}), "error: test has no use for the word \"more\"");
  EXPECT_EQ(read(spec, {"--n"}), "error: --n needs a value");
  EXPECT_EQ(read(spec, {"--n=1", "--n=2"}), "error: \"n\" is given twice");
  EXPECT_EQ(read(spec, {"--luod"}),
            "error: test has no argument \"luod\"; the nearest is \"loud\"");
  EXPECT_EQ(read(spec, {"t", "many"}),
            "error: the argument \"n\" of test is a whole number, not \"many\"");
}

TEST(Words, RestStringsAndAny) {
  ArgSpec text = arg("text", "string");
  text.rest = true;
  const CommandSpec say = spec_of({arg("room", "string"), text});
  EXPECT_EQ(read(say, {"lobby", "hello", "--big", "world"}),
            R"({"room":"lobby","text":"hello --big world"})");
  ArgSpec files = arg("files", "strings");
  files.rest = true;
  ArgSpec tags = arg("tag", "strings");
  tags.option = true;
  const CommandSpec put = spec_of({tags, files});
  EXPECT_EQ(read(put, {"--tag", "x", "--tag=y", "a", "b"}),
            R"({"tag":["x","y"],"files":["a","b"]})");
  const CommandSpec any = spec_of({arg("value", "any")});
  EXPECT_EQ(read(any, {R"({"a":1})"}), R"({"value":{"a":1}})");
  EXPECT_EQ(read(any, {"plain text"}), R"({"value":"plain text"})");
}

TEST(Nearest, ByEditsThenFirst) {
  EXPECT_EQ(nearest("pub", {"peers", "publish"}), "publish");
  EXPECT_EQ(nearest("tpoic", {"tonic", "topic"}), "topic");
  EXPECT_EQ(nearest("x", {}), "");
  const std::string huge(1 << 20, 'x');
  EXPECT_EQ(nearest(huge, {"a", "xx"}), "xx");
  EXPECT_LT(in_quotes(huge).size(), 100u);
}

}  // namespace
}  // namespace kith::bus
