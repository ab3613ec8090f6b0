// SPDX-License-Identifier: MIT
// A public key has one encoding: what decodes, encodes to the very bytes it came from, and no byte
// can be added or taken. No signature holds that nobody made.
#include <cstdlib>

#include "engine/base/limits.h"
#include "engine/crypto/key_protobuf.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  if (const auto parts = crypto::decode_key(bytes)) {
    if (!equal(crypto::encode_key(parts->type, parts->data), bytes)) std::abort();
  }
  const auto key = crypto::PublicKey::from_protobuf(bytes);
  if (!key) return 0;
  if (size > limits::kPublicKeyMax) std::abort();
  if (key->peer_id() != wire::PeerId::from_public_key(bytes)) std::abort();

  ByteVector longer = to_vector(bytes);
  longer.push_back(0);
  if (crypto::PublicKey::from_protobuf(longer)) std::abort();
  if (crypto::PublicKey::from_protobuf(bytes.first(size - 1))) std::abort();
  // The key's own bytes stand in for a signature.
  if (key->verify(as_bytes("message"), bytes)) std::abort();
  if (crypto::verify_claim(key->peer_id(), bytes, "domain:", bytes, bytes)) std::abort();
  return 0;
}
