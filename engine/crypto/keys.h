// SPDX-License-Identifier: MIT
// Identity: this node's Ed25519 key. PublicKey: anyone's, of the four types in libp2p/specs
// peer-ids.
#pragma once
#include <memory>
#include <string>

#include "engine/crypto/crypto.h"
#include "engine/wire/peer_id.h"

struct evp_pkey_st;

namespace kith::crypto {

using Signature = std::array<std::uint8_t, 64>;

class Identity {
 public:
  static Identity from_seed(const Key32& seed);  // Ed25519 seed
  // The file holds a libp2p PrivateKey protobuf, mode 0600, written to a temporary name, synced and
  // renamed; a file that is there is never replaced. Missing: a new key from `fresh_seed` is
  // written. Anyone else's permission bits, another owner, a link, or bytes that are no key:
  // refused with a sentence that names the file and what to do.
  static Result<Identity> load_or_create(const std::string& path, const Key32& fresh_seed);

  const wire::PeerId& peer_id() const { return peer_id_; }
  Bytes public_key() const { return public_key_; }  // PublicKey protobuf
  Signature sign(Bytes message) const;
  Signature sign(std::string_view domain, Bytes message) const;  // over domain || message
  Identity(Identity&&) noexcept = default;
  ~Identity();

 private:
  Identity() = default;
  static Result<Identity> from_private_key(Bytes protobuf);
  ByteVector private_key() const;  // PrivateKey protobuf; the caller wipes it

  std::array<std::uint8_t, 64> secret_{};  // seed || public key
  ByteVector public_key_;
  wire::PeerId peer_id_;
};

enum class KeyType { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };

// A public key from its PublicKey protobuf {1 type, 2 data}; only the one deterministic encoding is
// a key. Ed25519 is strict: S < L, canonical points, no small order. secp256k1: compressed or
// uncompressed, low S. ECDSA: PKIX of P-256, P-384 or P-521. RSA: PKIX, 2048 to 8192 bits. A value;
// cheap to copy.
class PublicKey {
 public:
  static Result<PublicKey> from_protobuf(Bytes protobuf);
  KeyType type() const { return type_; }
  const wire::PeerId& peer_id() const { return peer_id_; }
  bool verify(Bytes message, Bytes signature) const;

 private:
  KeyType type_{};
  wire::PeerId peer_id_;
  Key32 ed25519_{};
  std::shared_ptr<const evp_pkey_st> foreign_;  // EVP_PKEY of the other types
};

// Whether `signature` over domain || message is by the owner of `from`. key: protobuf or empty
// (then it must be inline in `from`). Pure; runs on the worker too.
bool verify_claim(const wire::PeerId& from, Bytes key, std::string_view domain, Bytes message,
                  Bytes signature);

}  // namespace kith::crypto
