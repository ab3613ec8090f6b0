// SPDX-License-Identifier: MIT
// TOML text to a tree that remembers where each key stood, and values back to TOML text. The one
// door to toml++; knows nothing of what the keys mean.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "engine/wire/value.h"

namespace kith::node {

struct TomlPlace {
  std::uint32_t line = 0, column = 0;
};

struct TomlMember;
struct TomlNode {
  TomlPlace at;                     // of its key
  bool is_table = false;            // else `value` holds it
  wire::Value value;                // a list or a scalar
  std::vector<TomlMember> members;  // of a table, as they stood in the text

  wire::Value as_value() const;  // a table as a map
};
struct TomlMember {
  std::string key;
  TomlNode node;
};

struct TomlFault {
  TomlPlace at;
  std::string sentence;
};

// Either the root table, or what is wrong. Text is at most 1 MiB, a line 8 KiB, nesting as in
// limits::kValueDepthMax; dates and numbers that are not finite are refused.
struct TomlText {
  TomlNode root;
  std::vector<TomlFault> faults;
};
TomlText parse_toml(std::string_view text);

// The value part of `key = value`, tables included ({...}).
Result<TomlNode> parse_toml_value(std::string_view text);

// "deep.key=VALUE" into a table: the value as TOML, as plain text where it is none. KITH_BAD with a
// sentence.
Result<void> put_setting(wire::Value& table, std::string_view setting);

std::string to_toml(const wire::Value& value);  // inline, one line; null as ""
std::string to_toml_key(std::string_view key);  // quoted where it must be

}  // namespace kith::node
