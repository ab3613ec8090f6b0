// SPDX-License-Identifier: MIT
// Properties: what is decoded is written as the very same bytes, and is canonical DAG-CBOR; what is
// refused is refused by a known name. The first byte says which kind of block it is.
#include <cstdlib>

#include "engine/store/blocks.h"
#include "engine/wire/value.h"

using namespace kith;
using namespace kith::store;

namespace {

ByteVector encode(const Entry& entry) {
  ByteVector block;
  append_entry(block, entry);
  return block;
}

template <class T>
void judge(Bytes block, const Result<T>& decoded) {
  if (decoded) {
    if (!equal(encode(*decoded), block)) std::abort();
    if (!wire::decode_cbor(block)) std::abort();
    return;
  }
  using enum ledger_error;
  bool known = false;
  for (const ledger_error each :
       {bad_block, not_canonical, unknown_version, bad_integer, bad_type, bad_links, bad_key,
        entry_too_large, body_too_large, body_mismatch}) {
    known = known || decoded.error().is(each);
  }
  if (!known) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes block(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: judge(block, decode_genesis(block)); break;
    case 1: judge(block, decode_opening(block)); break;
    case 2: judge(block, decode_entry(block)); break;
    default:
      if (const auto digest = digest_of(block)) {
        if (!equal(cid_of(*digest, block[1]), block)) std::abort();
      }
  }
  return 0;
}
