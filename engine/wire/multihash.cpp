// SPDX-License-Identifier: MIT
#include "engine/wire/multihash.h"

namespace kith::wire {

Result<Multihash> read_multihash(Bytes from) {
  Multihash hash;
  const int taken = read_varint(from, hash.code);
  if (taken <= 0) return wire_error::bad_multihash;
  Bytes rest = from.subspan(static_cast<std::size_t>(taken));
  const auto digest = read_prefixed(rest, kDigestMax);
  if (!digest || !rest.empty()) return wire_error::bad_multihash;
  if (hash.code == kSha256Hash && digest->size() != 32) return wire_error::bad_multihash;
  hash.digest = *digest;
  return hash;
}

void append_multihash(ByteVector& to, const Multihash& hash) {
  append_varint(to, hash.code);
  append_prefixed(to, hash.digest);
}

}  // namespace kith::wire
