// SPDX-License-Identifier: MIT
#include "engine/wire/value.h"

#include <cassert>

namespace kith::wire {

const Value* Value::find(std::string_view key) const {
  const Map* members = map();
  if (!members) return nullptr;
  const auto member = members->find(key);
  return member == members->end() ? nullptr : &member->second;
}

Value& Value::operator[](std::string_view key) {
  if (is_null()) held_ = Map();
  Map* members = get<Map>();
  assert(members);
  const auto member = members->find(key);
  if (member != members->end()) return member->second;
  return members->emplace(std::string(key), Value()).first->second;
}

std::string Value::string_or(std::string_view key, std::string_view fallback) const {
  const Value* member = find(key);
  const std::string* held = member ? member->string() : nullptr;
  return held ? *held : std::string(fallback);
}

std::int64_t Value::integer_or(std::string_view key, std::int64_t fallback) const {
  const Value* member = find(key);
  const std::int64_t* held = member ? member->integer() : nullptr;
  return held ? *held : fallback;
}

bool Value::boolean_or(std::string_view key, bool fallback) const {
  const Value* member = find(key);
  const bool* held = member ? member->boolean() : nullptr;
  return held ? *held : fallback;
}

}  // namespace kith::wire
