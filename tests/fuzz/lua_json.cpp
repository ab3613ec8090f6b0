// SPDX-License-Identifier: MIT
// Any bytes as the JSON that a script is handed: what parses is written, and parses to the same.
#include <cstdlib>

#include "plugins/runners/lua/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = kith::lua::parse_json(kith::as_text({data, size}));
  if (!value) return 0;
  std::string text;
  if (!kith::lua::append_json(text, *value)) std::abort();
  const auto again = kith::lua::parse_json(text);
  if (!again || !(*again == *value)) std::abort();
  return 0;
}
