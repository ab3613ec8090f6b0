// SPDX-License-Identifier: MIT
// What is read of /kith/sync/0 has one form: it encodes to the bytes that it was read from.
#include <cstdlib>

#include "engine/protocols/sync_message.h"

using namespace kith;
using namespace kith::protocols;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  if (const auto hello = decode_sync_hello(input); hello && !equal(encode(*hello), input)) abort();
  const auto news = decode_sync_news(input);
  if (!news) return 0;
  const ByteVector again = std::visit([](const auto& one) { return encode(one); }, *news);
  if (!equal(again, input)) abort();
  return 0;
}
