// SPDX-License-Identifier: MIT
// Hashes, AEAD and key agreement: thin over libsodium (signatures, X25519) and OpenSSL EVP
// (SHA-256, ChaCha20-Poly1305; 3x faster in bulk). No state is shared; a Cipher belongs to one
// loop.
#pragma once
#include <array>
#include <memory>

#include "engine/wire/varint.h"

struct evp_cipher_ctx_st;

namespace kith::crypto {

enum class crypto_error {
  bad_key = 1,
  bad_signature,
  bad_handshake,
  decrypt_failed,
  nonce_exhausted,
  unsupported_key,
  bad_payload,
  identity_file
};
const char* describe(crypto_error error);

using Hash = std::array<std::uint8_t, 32>;
using Key32 = std::array<std::uint8_t, 32>;

// Once in a process, before anything else here; throws when the libraries are unusable.
void start_crypto();

Hash sha256(Bytes bytes);
Hash sha256(Bytes first, Bytes second);
Hash hmac_sha256(Bytes key, Bytes bytes);
void wipe(MutableBytes secret);

// ChaCha20-Poly1305 as Noise uses it (nonce = 4 zero bytes || counter LE). One Cipher a loop, keyed
// anew for each call (35 to 45 ns), so that a connection holds two keys and two counters instead of
// two 1 kB contexts.
class Cipher {
 public:
  static constexpr std::size_t kTag = 16;
  // The last counter is never used (Noise section 5.1): sealing by it throws, opening is refused.
  static constexpr std::uint64_t kCounterEnd = ~std::uint64_t{0};
  Cipher();
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher();
  // Writes plain.size() + 16 bytes to `to`; may be in place.
  void seal(const Key32& key, std::uint64_t counter, Bytes associated, Bytes plain,
            std::uint8_t* to);
  // Several pieces as one plaintext, without joining them first.
  void seal_pieces(const Key32& key, std::uint64_t counter, std::span<const kith_bytes> pieces,
                   std::uint8_t* to);
  // Opens in place: the plaintext stands at the front of `sealed`. False: forged, and `sealed` is
  // wiped.
  bool open(const Key32& key, std::uint64_t counter, Bytes associated, MutableBytes sealed);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  void begin_seal(const Key32& key, std::uint64_t counter);
  void finish_seal(std::uint8_t* tag);
  std::unique_ptr<evp_cipher_ctx_st, Free> seal_, open_;  // EVP_CIPHER_CTX
};

}  // namespace kith::crypto
