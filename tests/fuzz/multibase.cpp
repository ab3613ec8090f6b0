// SPDX-License-Identifier: MIT
// Property: text that is read is one spelling (but for case) of its bytes; any bytes come back from
// every base; what is escaped can be shown.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "engine/wire/encodings.h"

using namespace kith;
using namespace kith::wire;

namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void one_spelling(std::string_view text) {
  const auto bytes = from_multibase(text);
  if (!bytes) return;
  const std::string again = to_multibase(text[0], *bytes);
  const bool any_case = std::string_view("fFvVtTbBcCkK").find(text[0]) != std::string_view::npos;
  const bool same = any_case ? lower_case(again) == lower_case(std::string(text)) : again == text;
  if (!same) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  const std::string_view text = as_text(bytes);
  one_spelling(text);
  if (const auto read = from_base64(text); read && to_base64(*read).find(text) != 0) std::abort();

  if (size <= 128) {  // the quadratic bases read no more
    for (const char prefix : std::string_view("079fFvVtTbBcChkKzZmMuU")) {
      const bool too_long = (prefix == '9' && size > 100);
      const auto back = from_multibase(to_multibase(prefix, bytes));
      if (!too_long && (!back || !equal(*back, bytes))) std::abort();
    }
  }

  const std::string shown = escape_text(text);
  if (!is_utf8(as_bytes(shown))) std::abort();
  for (const char c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  }
  return 0;
}
