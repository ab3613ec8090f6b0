// SPDX-License-Identifier: MIT
// What a file of a ledger has beside the ledger's own blocks: the manifest, which is its root, and
// signed heads, which say where runs end. Canonical DAG-CBOR; anything else is refused. Pure.
// Specified in README.md, "Export and proofs".
#pragma once
#include <optional>

#include "engine/store/blocks.h"

namespace kith::store {

inline constexpr std::size_t kManifestTipsMax = 65'536;

struct Manifest {               // {v:1, tips, entry, genesis}
  std::vector<Digest> tips;     // signed heads of the lanes' ends; ascending
  std::optional<Digest> entry;  // of a proof: the entry that is proven
  Digest genesis{};
  friend bool operator==(const Manifest&, const Manifest&) = default;
};
ByteVector encode(const Manifest& manifest);
Result<Manifest> decode_manifest(Bytes block);

ByteVector encode(const SignedHead& head);  // {seq, feed, entry, signature}
Result<SignedHead> decode_signed_head(Bytes block);

}  // namespace kith::store
