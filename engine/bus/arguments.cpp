// SPDX-License-Identifier: MIT
#include "engine/bus/arguments.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "engine/bus/nearest.h"
#include "engine/wire/encodings.h"
#include "engine/wire/json.h"
#include "engine/wire/quantity.h"

namespace kith::bus {

namespace {

using wire::Value;

Error bad(std::string sentence) { return Error(bus_error::bad_arguments, std::move(sentence)); }

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Value> to_string_value(const Value& value) {
  return value.string() ? std::optional(value) : std::nullopt;
}

std::optional<Value> to_int(const Value& value) {
  constexpr double kWholeMax = 9007199254740992.0;  // 2^53: above, a double is no exact integer
  if (value.integer()) return value;
  if (const double* number = value.number()) {
    if (std::abs(*number) > kWholeMax || std::trunc(*number) != *number) return std::nullopt;
    return Value(static_cast<std::int64_t>(*number));
  }
  const std::string* text = value.string();
  const auto number = text ? parse<std::int64_t>(*text) : std::nullopt;
  return number ? std::optional(Value(*number)) : std::nullopt;
}

std::optional<Value> to_number(const Value& value) {
  std::optional<double> number;
  if (const double* given = value.number()) number = *given;
  if (const std::int64_t* whole = value.integer()) number = static_cast<double>(*whole);
  if (const std::string* text = value.string()) number = parse<double>(*text);
  return number && std::isfinite(*number) ? std::optional(Value(*number)) : std::nullopt;
}

std::optional<Value> to_bool(const Value& value) {
  if (value.boolean()) return value;
  const std::string* text = value.string();
  if (!text || (*text != "true" && *text != "false")) return std::nullopt;
  return Value(*text == "true");
}

std::optional<Value> to_duration(const Value& value) {
  if (const std::string* text = value.string()) {
    const auto seconds = wire::parse_duration(*text);
    return seconds ? std::optional(Value(*seconds)) : std::nullopt;
  }
  const auto seconds = to_number(value);
  return seconds && *seconds->number() >= 0 ? seconds : std::nullopt;
}

std::optional<Value> to_size(const Value& value) {
  if (const std::string* text = value.string()) {
    const auto bytes = wire::parse_size(*text);
    return bytes ? std::optional(Value(*bytes)) : std::nullopt;
  }
  const auto bytes = to_int(value);
  return bytes && *bytes->integer() >= 0 ? bytes : std::nullopt;
}

std::optional<Value> to_strings(const Value& value) {
  if (value.string()) return Value(Value::List{value});
  const Value::List* list = value.list();
  const auto is_text = [](const Value& item) { return item.string() != nullptr; };
  if (!list || !std::all_of(list->begin(), list->end(), is_text)) return std::nullopt;
  return value;
}

std::optional<Value> to_bytes(const Value& value) {
  if (value.bytes()) return value;
  const std::string* text = value.string();
  if (!text) return std::nullopt;
  auto bytes = wire::from_base64(*text);
  return bytes ? std::optional(Value(*std::move(bytes))) : std::nullopt;
}

struct Type {
  std::string_view name, expected;
  std::optional<Value> (*take)(const Value&);
};
constexpr std::array<Type, 9> kTypes{{
    {"string", "text", &to_string_value},
    {"int", "a whole number", &to_int},
    {"number", "a number", &to_number},
    {"bool", "true or false", &to_bool},
    {"duration", "a duration such as 30s", &to_duration},
    {"size", "a size such as 64MiB", &to_size},
    {"strings", "a list of texts", &to_strings},
    {"bytes", "bytes as base64", &to_bytes},
    {"any", "a value", [](const Value& value) { return std::optional(value); }},
}};

const Type* find_type(std::string_view name) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [name](const Type& type) { return type.name == name; });
  return found == kTypes.end() ? nullptr : &*found;
}

const ArgSpec* find_arg(const CommandSpec& spec, std::string_view name) {
  const auto same = [name](const ArgSpec& arg) {
    return std::equal(arg.name.begin(), arg.name.end(), name.begin(), name.end(),
                      [](char a, char b) { return (a == '_' ? '-' : a) == (b == '_' ? '-' : b); });
  };
  const auto found = std::find_if(spec.args.begin(), spec.args.end(), same);
  return found == spec.args.end() ? nullptr : &*found;
}

Error unknown_argument(const CommandSpec& spec, std::string_view name) {
  std::vector<std::string_view> known;
  for (const ArgSpec& arg : spec.args) known.push_back(arg.name);
  const std::string sentence = spec.name + " has no argument " + in_quotes(name);
  if (known.empty()) return bad(spec.name + " takes no arguments, not even " + in_quotes(name));
  return bad(sentence + "; the nearest is " + in_quotes(nearest(name, known)));
}

Error missing_argument(const CommandSpec& spec, const ArgSpec& arg) {
  const std::string help = arg.help.empty() ? std::string() : " (" + arg.help + ")";
  return bad(spec.name + " needs the argument " + in_quotes(arg.name) + help);
}

Result<Value> take(const CommandSpec& spec, const ArgSpec& arg, const Value& value) {
  const Type* type = find_type(arg.type);
  auto taken = type ? type->take(value) : std::nullopt;
  if (taken) return *std::move(taken);
  const std::string_view expected = type ? type->expected : std::string_view("nothing");
  const std::string* text = value.string();
  return bad("the argument " + in_quotes(arg.name) + " of " + spec.name + " is " +
             std::string(expected) + (text ? ", not " + in_quotes(*text) : std::string()));
}

}  // namespace

Result<void> prepare(CommandSpec& spec) {
  const auto refuse = [&spec](const ArgSpec& arg, const char* why) {
    return Error(bus_error::bad_name, spec.name + ": argument " + in_quotes(arg.name) + " " + why);
  };
  bool rest = false;
  for (ArgSpec& arg : spec.args) {
    if (arg.name.empty() || arg.name.starts_with('-') || arg.name.find('=') != std::string::npos)
      return refuse(arg, "has no valid name");
    if (find_arg(spec, arg.name) != &arg) return refuse(arg, "is declared twice");
    if (!find_type(arg.type)) return refuse(arg, "has an unknown type");
    if (arg.rest && arg.type != "string" && arg.type != "strings")
      return refuse(arg, "takes all remaining words, so it is string or strings");
    if (rest && !arg.option) return refuse(arg, "comes after the one that takes all words");
    rest = rest || arg.rest;
    if (arg.fallback.is_null()) continue;
    auto judged = take(spec, arg, arg.fallback);
    if (!judged) return refuse(arg, "has a default of another type");
    arg.fallback = *std::move(judged);
  }
  return {};
}

Result<Value> judge_arguments(const CommandSpec& spec, Value args) {
  if (args.is_null()) args = Value(Value::Map());
  const Value::Map* given = args.map();
  if (!given) return bad("the arguments of " + spec.name + " are given by name");
  for (const auto& [name, value] : *given) {
    const auto same = [&name = name](const ArgSpec& arg) { return arg.name == name; };
    if (std::none_of(spec.args.begin(), spec.args.end(), same)) return unknown_argument(spec, name);
  }
  Value::Map judged;
  for (const ArgSpec& arg : spec.args) {
    const Value* value = args.find(arg.name);
    if (!value || value->is_null()) {
      if (arg.required) return missing_argument(spec, arg);
      if (!arg.fallback.is_null()) judged[arg.name] = arg.fallback;
      continue;
    }
    auto taken = take(spec, arg, *value);
    if (!taken) return taken.error();
    judged[arg.name] = *std::move(taken);
  }
  return Value(std::move(judged));
}

namespace {

// Words to a map by name; the values are judged later, as anybody's.
class WordReader {
 public:
  WordReader(const CommandSpec& spec, const std::vector<std::string>& words)
      : spec_(spec), words_(words) {}

  Result<Value> read() {
    for (bool options = true; at_ < words_.size();) {
      const std::string& word = words_[at_];
      const bool is_option = options && word.starts_with("--");
      if (is_option && word.size() == 2) {
        options = false;
        ++at_;
        continue;
      }
      auto taken = is_option ? option(word) : positional();
      if (!taken) return taken.error();
    }
    return Value(std::move(args_));
  }

 private:
  Result<void> option(std::string_view word) {
    ++at_;
    const std::size_t equals = word.find('=');
    const std::string_view name =
        word.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    const ArgSpec* arg = find_arg(spec_, name);
    if (!arg) return unknown_argument(spec_, name);
    if (equals != std::string_view::npos) return put(*arg, word.substr(equals + 1));
    if (arg->type == "bool") return put(*arg, "true");
    if (at_ == words_.size()) return bad("--" + arg->name + " needs a value");
    return put(*arg, words_[at_++]);
  }

  Result<void> positional() {
    const auto open = [this](const ArgSpec& arg) {
      return !arg.option && !args_.contains(arg.name);
    };
    const auto arg = std::find_if(spec_.args.begin(), spec_.args.end(), open);
    if (arg == spec_.args.end())
      return bad(spec_.name + " has no use for the word " + in_quotes(words_[at_]));
    if (!arg->rest) return put(*arg, words_[at_++]);
    if (arg->type == "strings") {
      Value::List all(words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end());
      args_[arg->name] = std::move(all);
      at_ = words_.size();
      return {};
    }
    std::string text = words_[at_++];
    while (at_ < words_.size()) text += " " + words_[at_++];
    args_[arg->name] = std::move(text);
    return {};
  }

  Result<void> put(const ArgSpec& arg, std::string_view word) {
    Value value(word);
    if (arg.type == "any") {
      if (auto parsed = wire::from_json(word)) value = *std::move(parsed);
    } else if (arg.type == "strings") {
      Value::List all;
      if (const Value::List* earlier = args_[arg.name].list()) all = *earlier;
      all.push_back(std::move(value));
      args_[arg.name] = std::move(all);
      return {};
    }
    if (args_.contains(arg.name)) return bad(in_quotes(arg.name) + " is given twice");
    args_[arg.name] = std::move(value);
    return {};
  }

  const CommandSpec& spec_;
  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  Value::Map args_;
};

}  // namespace

Result<Value> args_from_words(const CommandSpec& spec, const std::vector<std::string>& words) {
  return WordReader(spec, words).read();
}

}  // namespace kith::bus
