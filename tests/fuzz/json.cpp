// SPDX-License-Identifier: MIT
// What is read is written so that it reads the same, on one line, pretty and exact; any bytes as
// text are written as JSON that reads, and exactly only when they are text.
#include "engine/wire/json.h"

#include <cstdlib>

#include "engine/wire/encodings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith::wire;
  const auto holds = [](bool claim) { claim ? void() : std::abort(); };
  const kith::Bytes bytes(data, size);
  const Value text(kith::as_text(bytes));
  holds(static_cast<bool>(from_json(to_json(text))));
  std::string exact = "[";
  holds(append_exact_json(exact, text) == is_utf8(bytes));
  holds(is_utf8(bytes) || exact == "[");

  const auto value = from_json(kith::as_text(bytes));
  if (!value) return 0;
  const std::string line = to_json(*value);
  holds(line.find('\n') == line.npos);
  exact.clear();
  holds(append_exact_json(exact, *value) && exact == line);
  const auto again = from_json(line), pretty = from_json(to_pretty_json(*value));
  holds(again && *again == *value && pretty && *pretty == *value);
  return 0;
}
