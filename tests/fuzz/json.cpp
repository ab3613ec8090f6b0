// SPDX-License-Identifier: MIT
// What is read is written so that it reads the same, on one line and pretty, and never throws.
#include "engine/bus/json.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith;
  const auto value = bus::from_json(as_text(Bytes(data, size)));
  // Any bytes as text are written as JSON that reads.
  if (!bus::from_json(bus::to_json(wire::Value(as_text(Bytes(data, size)))))) std::abort();
  if (!value) return 0;
  const std::string line = bus::to_json(*value);
  if (line.find('\n') != std::string::npos) std::abort();
  const auto again = bus::from_json(line), pretty = bus::from_json(bus::to_pretty_json(*value));
  if (!again || !(*again == *value) || !pretty || !(*pretty == *value)) std::abort();
  return 0;
}
