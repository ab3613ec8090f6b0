// SPDX-License-Identifier: MIT
// What decodes encodes to the same message; so does the framed form.
#include "engine/wire/identify.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const kith::Bytes bytes(data, size);
  if (const auto message = kith::wire::decode_identify(bytes)) {
    const auto again = kith::wire::decode_identify(kith::wire::encode_identify(*message));
    if (!again || !(*again == *message)) std::abort();
    if (size > 0 && size < 8 * 1024 && !kith::wire::encode_identify(*message).empty()) {
      const auto framed = kith::wire::read_identify_frames(kith::wire::frame_identify(*message));
      if (!framed || !(*framed == *message)) std::abort();
    }
  }
  if (const auto merged = kith::wire::read_identify_frames(bytes)) {
    const auto again = kith::wire::decode_identify(kith::wire::encode_identify(*merged));
    if (!again || !(*again == *merged)) std::abort();
  }
  return 0;
}
