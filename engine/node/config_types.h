// SPDX-License-Identifier: MIT
// The types that an option may have, what plugins declare of theirs, and the judgement of one
// value. Pure; knows no plugin and no key.
#pragma once
#include <kith/result.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/wire/value.h"

namespace kith::node {

enum class config_error { refused = 1, unreadable, unwritable };
const char* describe(config_error error);

// What a plugin declares (kith_option), as data.
struct Option {
  std::string name, type, default_toml, help;
};
struct PluginOptions {
  std::string name, summary;
  std::vector<Option> options;
  std::string fault;  // why it cannot be enabled, although it is there
};

// A value of the type a plugin or the engine declares, in the form that is handed on; or a
// sentence that names the type that was expected.
Result<wire::Value> judge_option(std::string_view type, const wire::Value& value);

}  // namespace kith::node
