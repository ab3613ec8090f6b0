// SPDX-License-Identifier: MIT
#include <sodium.h>

#include <algorithm>

#include "engine/crypto/key_protobuf.h"

namespace kith::crypto {
namespace {

constexpr std::size_t kSeedBytes = 32, kPublicBytes = 32;

}  // namespace

Identity Identity::from_seed(const Key32& seed) {
  Identity identity;
  Key32 point;
  crypto_sign_seed_keypair(point.data(), identity.secret_.data(), seed.data());
  identity.public_key_ = encode_key(KeyType::ed25519, point);
  identity.peer_id_ = wire::PeerId::from_public_key(identity.public_key_);
  return identity;
}

Identity::~Identity() { wipe(secret_); }

// seed || public key, or in older files seed || public key || public key (peer-ids.md "Ed25519").
// The public half is derived anew: signing with another one would give the secret away.
Result<Identity> Identity::from_private_key(Bytes protobuf) {
  const auto parts = decode_key(protobuf);
  if (!parts) return parts.error();
  if (parts->type != KeyType::ed25519)
    return Error(crypto_error::unsupported_key, "only Ed25519 can be a node's own");
  Bytes data = parts->data;
  if (data.size() == kSeedBytes + 2 * kPublicBytes &&
      equal(data.subspan(kSeedBytes, kPublicBytes), data.last(kPublicBytes)))
    data = data.first(kSeedBytes + kPublicBytes);
  if (data.size() != kSeedBytes + kPublicBytes)
    return Error(crypto_error::bad_key, "an Ed25519 private key has 64 bytes");
  Key32 seed;
  std::copy_n(data.begin(), kSeedBytes, seed.begin());
  Identity identity = from_seed(seed);
  wipe(seed);
  if (!equal(data, identity.secret_))
    return Error(crypto_error::bad_key, "its public half belongs to another key");
  return identity;
}

ByteVector Identity::private_key() const { return encode_key(KeyType::ed25519, secret_); }

Signature Identity::sign(Bytes message) const {
  Signature signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_.data());
  return signature;
}

Signature Identity::sign(std::string_view domain, Bytes message) const {
  ByteVector claim;
  claim.reserve(domain.size() + message.size());
  append(claim, as_bytes(domain));
  append(claim, message);
  return sign(claim);
}

}  // namespace kith::crypto
