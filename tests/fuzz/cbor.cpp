// SPDX-License-Identifier: MIT
// Property: what is read is written as the very same bytes; there is one form for each value.
#include <cstdlib>

#include "engine/wire/value.h"

using namespace kith;
using namespace kith::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  const auto value = decode_cbor(bytes);
  if (!value) {
    const Error& error = value.error();
    const bool known = error.is(wire_error::bad_cbor) || error.is(wire_error::not_canonical) ||
                       error.is(wire_error::trailing_bytes) || error.is(wire_error::too_large) ||
                       error.is(wire_error::bad_cid);
    if (!known) std::abort();
    return 0;
  }
  const ByteVector again = encode_cbor(*value);
  if (!equal(again, bytes)) std::abort();
  if (!(decode_cbor(again).value() == *value)) std::abort();
  return 0;
}
