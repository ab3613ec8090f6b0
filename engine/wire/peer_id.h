// SPDX-License-Identifier: MIT
// PeerId: the multihash of a peer's public key (libp2p peer-ids spec). A small value: at most 42
// bytes inline.
#pragma once
#include <array>
#include <compare>

#include "engine/wire/varint.h"

namespace kith::wire {

class PeerId {
 public:
  PeerId() = default;  // empty: "nobody"
  // Identity (<= 42 bytes of key) or sha2-256 multihash; anything else is bad_peer_id.
  static Result<PeerId> from_bytes(Bytes multihash);
  // Both text forms: base58btc (12D3.., Qm..) and CIDv1 libp2p-key in any multibase (bafz..,
  // k51..).
  static Result<PeerId> from_text(std::string_view text);
  // From a serialized PublicKey protobuf: identity hash up to 42 bytes, else sha2-256.
  static PeerId from_public_key(Bytes public_key_protobuf);

  Bytes bytes() const { return Bytes(bytes_.data(), size_); }
  std::string text() const;        // base58btc
  std::string cid_text() const;    // CIDv1 libp2p-key, base32
  std::string short_text() const;  // ".." and the last six, for logs
  bool empty() const { return size_ == 0; }
  // The PublicKey protobuf, where the id holds it (identity multihash); empty otherwise.
  Bytes inline_key() const;

  friend bool operator==(const PeerId& a, const PeerId& b) { return equal(a.bytes(), b.bytes()); }
  friend std::strong_ordering operator<=>(const PeerId& a, const PeerId& b);

 private:
  std::array<std::uint8_t, 46> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace kith::wire
