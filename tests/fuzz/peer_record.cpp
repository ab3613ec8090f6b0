// SPDX-License-Identifier: MIT
// What decodes encodes to the same envelope and the same record.
#include "engine/wire/peer_record.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith::wire;
  const kith::Bytes bytes(data, size);
  if (const auto envelope = decode_envelope(bytes)) {
    const auto again = decode_envelope(encode_envelope(*envelope));
    if (!again || !(*again == *envelope)) std::abort();
  }
  if (const auto record = decode_routing_record(bytes)) {
    const auto again = decode_routing_record(encode_routing_record(*record));
    if (!again || !(*again == *record)) std::abort();
  }
  return 0;
}
