// SPDX-License-Identifier: MIT
// Lines of multistream-select: what is read, written again, is the same bytes.
#include <cstdlib>

#include "engine/wire/multistream.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes from(data, size);
  for (;;) {
    const Bytes before = from;
    const Result<std::string_view> line = wire::read_line(from);
    if (!line) {
      if (!equal(before, from)) std::abort();
      return 0;
    }
    ByteVector again;
    wire::append_line(again, *line);
    if (!equal(again, before.first(before.size() - from.size()))) std::abort();
  }
}
