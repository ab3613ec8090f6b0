// SPDX-License-Identifier: MIT
// Any bytes as a Lua pattern (up to the first newline) and its subject: a match lies within the
// subject, ends within its steps, and its captures lie within the match.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "plugins/runners/lua/match.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kith::lua::Matcher;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(all.find('\n'), all.size());
  const std::string_view pattern = all.substr(0, cut);
  const std::string_view subject = all.substr(std::min(cut + 1, all.size()));
  std::uint64_t spent = 0;
  const auto more = [](void* ctx, std::uint64_t steps) {
    return (*static_cast<std::uint64_t*>(ctx) += steps) < 200'000;
  };
  Matcher matcher(subject, pattern, {more, &spent});
  const std::size_t end = matcher.match(0);
  if (end == Matcher::kNone) return 0;
  if (end > subject.size() || matcher.error()) std::abort();
  for (std::size_t at = 0; at < matcher.captures(); ++at) {
    const auto& capture = matcher.capture(at);
    const bool placed = capture.kind == Matcher::Capture::Kind::position;
    if (capture.start > end || (!placed && capture.start + capture.size > end)) std::abort();
  }
  return 0;
}
