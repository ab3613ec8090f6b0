// SPDX-License-Identifier: MIT
#include "engine/wire/peer_id.h"

#include <algorithm>

#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"
#include "engine/wire/sha256.h"

namespace kith::wire {
namespace {

constexpr std::size_t kInlineKeyMax = 42;  // libp2p peer-ids: a longer key is hashed

}  // namespace

Result<PeerId> PeerId::from_bytes(Bytes multihash) {
  const auto hash = read_multihash(multihash);
  if (!hash) return wire_error::bad_peer_id;
  const std::size_t size = hash->digest.size();
  const bool identity = hash->code == kIdentityHash && size > 0 && size <= kInlineKeyMax;
  if (!identity && hash->code != kSha256Hash) return wire_error::bad_peer_id;
  PeerId id;
  std::copy(multihash.begin(), multihash.end(), id.bytes_.begin());
  id.size_ = static_cast<std::uint8_t>(multihash.size());
  return id;
}

// libp2p peer-ids, "Decoding": what begins with 1 or Qm is a bare multihash, all else a CID.
Result<PeerId> PeerId::from_text(std::string_view text) {
  if (text.starts_with('1') || text.starts_with("Qm")) {
    const auto multihash = from_base58(text);
    if (!multihash) return Error(wire_error::bad_peer_id, "not base58btc");
    return from_bytes(*multihash);
  }
  const auto cid = Cid::from_text(text);
  if (!cid) return Error(wire_error::bad_peer_id, "neither base58btc nor a CID");
  if (cid->codec() != kLibp2pKeyCodec) {
    return Error(wire_error::bad_peer_id, "a CID, but not of a libp2p key");
  }
  const Bytes bytes = cid->bytes();
  return from_bytes(bytes.subspan(2));  // after the version and the codec, a byte each
}

PeerId PeerId::from_public_key(Bytes public_key_protobuf) {
  PeerId id;
  const auto put = [&id](std::uint64_t code, Bytes digest) {
    id.bytes_[0] = static_cast<std::uint8_t>(code);
    id.bytes_[1] = static_cast<std::uint8_t>(digest.size());
    std::copy(digest.begin(), digest.end(), id.bytes_.begin() + 2);
    id.size_ = static_cast<std::uint8_t>(2 + digest.size());
  };
  if (public_key_protobuf.size() <= kInlineKeyMax) {
    put(kIdentityHash, public_key_protobuf);
  } else {
    const auto digest = sha256(public_key_protobuf);
    put(kSha256Hash, digest);
  }
  return id;
}

std::string PeerId::text() const { return to_base58(bytes()); }

std::string PeerId::cid_text() const {
  if (empty()) return {};
  ByteVector cid = {1, static_cast<std::uint8_t>(kLibp2pKeyCodec)};
  append(cid, bytes());
  return to_multibase('b', cid);
}

std::string PeerId::short_text() const {
  const std::string whole = text();
  return ".." + whole.substr(whole.size() - std::min<std::size_t>(whole.size(), 6));
}

Bytes PeerId::inline_key() const {
  return size_ > 2 && bytes_[0] == kIdentityHash ? bytes().subspan(2) : Bytes();
}

std::strong_ordering operator<=>(const PeerId& a, const PeerId& b) {
  const Bytes x = a.bytes();
  const Bytes y = b.bytes();
  return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
}

}  // namespace kith::wire
