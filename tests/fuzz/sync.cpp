// SPDX-License-Identifier: MIT
// What is read of /kith/sync/1 has one form: it encodes to the bytes that it was read from.
#include <cstdlib>

#include "engine/protocols/sync_message.h"

using namespace kith;
using namespace kith::protocols;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  if (const auto request = decode_sync_request(input); request && !equal(encode(*request), input))
    abort();
  if (const auto answer = decode_sync_answer(input); answer && !equal(encode(*answer), input))
    abort();
  return 0;
}
