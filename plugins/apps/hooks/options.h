// SPDX-License-Identifier: MIT
// What the operator asks for ([[plugins.hooks.post]]), judged. Pure.
#pragma once
#include <string>
#include <vector>

#include "engine/wire/value.h"

namespace kith::hooks {

struct HookSpec {
  std::string topic;  // or a pattern
  std::string url;
  bool is_pattern() const { return topic.find_first_of("+#") != topic.npos; }
  // For logs and lists: a password in it is not shown.
  std::string shown_url() const;
  friend bool operator==(const HookSpec&, const HookSpec&) = default;
};

// KITH_BAD with the path of what is wrong: "post[1].url: ...".
Result<std::vector<HookSpec>> judge_options(const wire::Value& options);

}  // namespace kith::hooks
