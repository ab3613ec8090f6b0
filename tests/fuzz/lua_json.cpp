// SPDX-License-Identifier: MIT
// Any bytes as the JSON that a script is handed: what parses is written, and what was written
// parses and is written the same. (Lua has one kind of number: 0.0 comes back as 0.)
#include <cstdlib>

#include "plugins/runners/lua/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = kith::lua::parse_json(kith::as_text({data, size}));
  if (!value) return 0;
  std::string text;
  if (!kith::lua::append_json(text, *value)) std::abort();
  const auto again = kith::lua::parse_json(text);
  std::string twice;
  if (!again || !kith::lua::append_json(twice, *again) || twice != text) std::abort();
  return 0;
}
