// SPDX-License-Identifier: MIT
// Cid: the name of a block by its content (multiformats/cid), version 0 or 1. A value; always
// well-formed, or empty. Never reads the block.
#pragma once
#include "engine/wire/multihash.h"

namespace kith::wire {

inline constexpr std::uint64_t kRawCodec = 0x55;
inline constexpr std::uint64_t kDagPbCodec = 0x70;
inline constexpr std::uint64_t kDagCborCodec = 0x71;
inline constexpr std::uint64_t kLibp2pKeyCodec = 0x72;

class Cid {
 public:
  Cid() = default;                             // empty
  static Result<Cid> from_bytes(Bytes bytes);  // the whole of it, minimal varints only
  // Version 0 as base58btc (Qm..), version 1 in any multibase that encodings.h knows.
  static Result<Cid> from_text(std::string_view text);
  static Cid v1(std::uint64_t codec, const Multihash& hash);
  static Cid of_block(std::uint64_t codec, Bytes block);  // version 1, sha2-256

  Bytes bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  int version() const { return hash_at_ == 0 ? 0 : 1; }
  std::uint64_t codec() const { return codec_; }
  Multihash hash() const;  // views into this

  // Version 0 has one text form, base58btc; version 1 is written in `base`, a prefix as
  // to_multibase takes it.
  std::string text(char base = 'b') const;
  // Whether `block` is what this names: true or false for identity and sha2-256, false for any hash
  // that is not computed here.
  bool names(Bytes block) const;

  friend bool operator==(const Cid& a, const Cid& b) { return a.bytes_ == b.bytes_; }
  friend auto operator<=>(const Cid& a, const Cid& b) { return a.bytes_ <=> b.bytes_; }

 private:
  ByteVector bytes_;
  std::uint64_t codec_ = 0;
  std::size_t hash_at_ = 0;  // where the multihash begins; 0 in version 0
};

}  // namespace kith::wire
