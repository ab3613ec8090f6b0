// SPDX-License-Identifier: MIT
// Multihash: a digest and the code of the function that made it (multiformats/multihash). Knows by
// name only what ids are made with; any other code passes, unread, up to 128 bytes of digest.
#pragma once
#include "engine/wire/varint.h"

namespace kith::wire {

inline constexpr std::uint64_t kIdentityHash = 0x00;
inline constexpr std::uint64_t kSha256Hash = 0x12;
inline constexpr std::size_t kDigestMax = 128;

struct Multihash {
  std::uint64_t code = 0;
  Bytes digest;  // a view
};
Result<Multihash> read_multihash(Bytes from);  // the whole of it; bad_multihash otherwise
void append_multihash(ByteVector& to, const Multihash& hash);

}  // namespace kith::wire
