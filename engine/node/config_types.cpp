// SPDX-License-Identifier: MIT
#include "engine/node/config_types.h"

#include <algorithm>

#include "engine/node/config_toml.h"
#include "engine/wire/encodings.h"
#include "engine/wire/quantity.h"

namespace kith::node {
namespace {

using wire::Value;

struct Type {
  std::string_view name, words;
};
constexpr Type kTypes[] = {{"string", "a text"},
                           {"int", "a whole number"},
                           {"number", "a number"},
                           {"bool", "true or false"},
                           {"duration", "a text such as \"30s\""},
                           {"size", "a text such as \"64MiB\""},
                           {"strings", "a list of texts"},
                           {"bytes", "base64 text"},
                           {"any", "any value"}};

std::string kind_of(const Value& value) {
  if (value.string()) return "the text " + to_toml(value);
  if (value.integer() || value.number()) return "the number " + to_toml(value);
  if (value.boolean()) return to_toml(value);
  if (value.list()) return "a list";
  return "a table";
}

Result<Value> judged(std::string_view type, const Value& value) {
  const auto* text = value.string();
  const auto* whole = value.integer();
  if (type == "string" && text) return value;
  if (type == "int" && whole) return value;
  if (type == "number" && value.number()) return value;
  if (type == "number" && whole) return Value(static_cast<double>(*whole));
  if (type == "bool" && value.boolean()) return value;
  if (type == "any") return value;
  if (type == "duration") {
    if (whole && *whole >= 0) return judged("duration", to_toml(value));
    if (value.number()) return judged("duration", to_toml(value));
    if (const auto seconds = text ? wire::parse_duration(*text) : std::nullopt)
      return Value(*seconds);
  }
  if (type == "size") {
    if (whole && *whole >= 0) return value;
    if (const auto bytes = text ? wire::parse_size(*text) : std::nullopt) return Value(*bytes);
  }
  if (type == "bytes" && text) {
    if (auto bytes = wire::from_base64(*text)) return Value(*std::move(bytes));
  }
  if (type == "strings" && value.list()) {
    const auto is_text = [](const Value& item) { return item.string() != nullptr; };
    if (std::all_of(value.list()->begin(), value.list()->end(), is_text)) return value;
  }
  return KITH_BAD;
}

}  // namespace

const char* describe(config_error error) {
  switch (error) {
    case config_error::refused: return "the config is refused";
    case config_error::unreadable: return "the config cannot be read";
    case config_error::unwritable: return "the config cannot be written";
  }
  return "unknown config error";
}

Result<Value> judge_option(std::string_view type, const Value& value) {
  if (auto good = judged(type, value)) return good;
  std::string words;
  for (const Type& known : kTypes) {
    if (known.name == type) words = " (" + std::string(known.words) + ")";
  }
  return Error(config_error::refused,
               "expected " + std::string(type) + words + ", not " + kind_of(value));
}

}  // namespace kith::node
