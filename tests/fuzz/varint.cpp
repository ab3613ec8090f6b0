// SPDX-License-Identifier: MIT
// Property: both readers agree, and what they read is written as the same bytes.
#include "engine/wire/varint.h"

#include <cstdlib>

using namespace kith;
using namespace kith::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  std::uint64_t value = 0;
  const int taken = read_varint(bytes, value);
  const auto read = read_varint(bytes);
  if (static_cast<bool>(read) != (taken > 0)) std::abort();
  if (!read) {
    const auto expected = taken == 0 ? wire_error::truncated : wire_error::bad_varint;
    if (!read.error().is(expected)) std::abort();
  } else {
    std::uint8_t written[kVarintMax];
    const std::size_t length = write_varint(value, written);
    if (length != read->size || length != varint_size(value)) std::abort();
    if (read->value != value || !equal(Bytes(written, length), bytes.first(length))) std::abort();
  }

  Bytes rest = bytes;
  const auto piece = read_prefixed(rest, 1000);
  if (!piece) {
    if (rest.size() != size) std::abort();
    return 0;
  }
  ByteVector again;
  append_prefixed(again, *piece);
  append(again, rest);
  if (!equal(again, bytes) || piece->size() > 1000) std::abort();
  return 0;
}
