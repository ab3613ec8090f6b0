// SPDX-License-Identifier: MIT
// Property: a CID is its bytes, comes back from its text, and is made again from its parts.
#include "engine/wire/cid.h"

#include <cstdlib>

using namespace kith;
using namespace kith::wire;

namespace {

void comes_back(const Cid& cid) {
  const auto from_bytes = Cid::from_bytes(cid.bytes());
  const auto from_text = Cid::from_text(cid.text());
  if (!from_bytes || !from_text || *from_bytes != cid || *from_text != cid) std::abort();
  if (cid.version() == 1 && Cid::v1(cid.codec(), cid.hash()) != cid) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  if (const auto cid = Cid::from_bytes(bytes)) {
    if (!equal(cid->bytes(), bytes)) std::abort();
    comes_back(*cid);
  }
  if (const auto cid = Cid::from_text(as_text(bytes))) comes_back(*cid);
  const Cid named = Cid::of_block(kRawCodec, bytes);
  comes_back(named);
  if (!named.names(bytes)) std::abort();
  return 0;
}
