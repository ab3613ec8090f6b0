// SPDX-License-Identifier: MIT
#include "engine/wire/cid.h"

#include "engine/wire/encodings.h"
#include "engine/wire/sha256.h"

namespace kith::wire {
namespace {

constexpr std::size_t kVersion0Bytes = 34;  // 0x12 0x20 and a sha2-256 digest
constexpr std::size_t kVersion0Letters = 46;
// Version, codec, and a multihash of the longest digest, written in base 2.
constexpr std::size_t kTextMax = 1 + 8 * (1 + kVarintMax + 2 * kVarintMax + kDigestMax);

bool is_version0(Bytes bytes) {
  return bytes.size() == kVersion0Bytes && bytes[0] == kSha256Hash && bytes[1] == 32;
}

}  // namespace

Result<Cid> Cid::from_bytes(Bytes bytes) {
  Cid cid;
  if (is_version0(bytes)) {
    cid.codec_ = kDagPbCodec;
  } else {
    if (bytes.empty() || bytes[0] != 1) return wire_error::bad_cid;
    const int taken = read_varint(bytes.subspan(1), cid.codec_);
    if (taken <= 0) return wire_error::bad_cid;
    cid.hash_at_ = 1 + static_cast<std::size_t>(taken);
    if (!read_multihash(bytes.subspan(cid.hash_at_))) return wire_error::bad_cid;
  }
  cid.bytes_ = to_vector(bytes);
  return cid;
}

Result<Cid> Cid::from_text(std::string_view text) {
  if (text.size() > kTextMax) return wire_error::too_large;
  const bool version0 = text.size() == kVersion0Letters && text.starts_with("Qm");
  const auto bytes = version0 ? from_base58(text) : from_multibase(text);
  if (!bytes) return bytes.error();
  // A version 0 has no multibase form (multiformats/cid, "Decoding Algorithm").
  if (is_version0(*bytes) != version0) return wire_error::bad_cid;
  return from_bytes(*bytes);
}

Cid Cid::v1(std::uint64_t codec, const Multihash& hash) {
  Cid cid;
  cid.codec_ = codec;
  cid.bytes_.push_back(1);
  append_varint(cid.bytes_, codec);
  cid.hash_at_ = cid.bytes_.size();
  append_multihash(cid.bytes_, hash);
  return cid;
}

Cid Cid::of_block(std::uint64_t codec, Bytes block) {
  const auto digest = sha256(block);
  return v1(codec, {kSha256Hash, digest});
}

Multihash Cid::hash() const {
  return empty() ? Multihash() : read_multihash(bytes().subspan(hash_at_)).value();
}

std::string Cid::text(char base) const {
  if (empty()) return {};
  return version() == 0 ? to_base58(bytes_) : to_multibase(base, bytes_);
}

bool Cid::names(Bytes block) const {
  if (empty()) return false;
  const Multihash held = hash();
  if (held.code == kIdentityHash) return equal(held.digest, block);
  return held.code == kSha256Hash && equal(held.digest, sha256(block));
}

}  // namespace kith::wire
