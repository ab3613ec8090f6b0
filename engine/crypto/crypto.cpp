// SPDX-License-Identifier: MIT
#include "engine/crypto/crypto.h"

// OpenSSL 3 deprecates its plain SHA-256, which needs no context on the heap and no look-up of a
// provider: a fifth less for the 300 bytes of an entry.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>
#include <climits>
#include <stdexcept>

namespace kith::crypto {
namespace {

// What only a broken library or a lack of memory can break.
void require(bool held, const char* what) {
  if (held) return;
  ERR_clear_error();
  throw std::runtime_error(std::string("crypto: ") + what);
}

struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};

// EVP counts in int.
void update(EVP_CIPHER_CTX* context, std::uint8_t* to, Bytes from) {
  constexpr std::size_t kStepMax = INT_MAX / 2;
  while (!from.empty()) {
    const Bytes step = from.first(std::min(from.size(), kStepMax));
    int written = 0;
    require(EVP_CipherUpdate(context, to, &written, step.data(), static_cast<int>(step.size())) > 0,
            "cipher update failed");
    if (to) to += written;
    from = from.subspan(step.size());
  }
}

// Noise section 12.3: 32 bits of zeros, then the counter little-endian.
void rekey(EVP_CIPHER_CTX* context, const Key32& key, std::uint64_t counter) {
  std::array<std::uint8_t, 12> nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  require(EVP_CipherInit_ex(context, nullptr, nullptr, key.data(), nonce.data(), -1) > 0,
          "cipher key refused");
}

}  // namespace

const char* describe(crypto_error error) {
  switch (error) {
    case crypto_error::bad_key: return "not a usable key";
    case crypto_error::bad_signature: return "signature does not hold";
    case crypto_error::bad_handshake: return "noise handshake failed";
    case crypto_error::decrypt_failed: return "decryption failed";
    case crypto_error::nonce_exhausted: return "key has sealed all it may";
    case crypto_error::unsupported_key: return "key of a kind that is not supported";
    case crypto_error::bad_payload: return "malformed noise payload";
    case crypto_error::identity_file: return "identity file refused";
  }
  return "unknown crypto error";
}

void start_crypto() {
  require(sodium_init() >= 0, "libsodium did not start");
  Cipher probe;
}

Hash sha256(Bytes bytes) { return sha256(bytes, {}); }

Hash sha256(Bytes first, Bytes second) {
  SHA256_CTX context;
  Hash hash;
  require(SHA256_Init(&context) > 0 && SHA256_Update(&context, first.data(), first.size()) > 0 &&
              SHA256_Update(&context, second.data(), second.size()) > 0 &&
              SHA256_Final(hash.data(), &context) > 0,
          "SHA-256 failed");
  return hash;
}

// libsodium's: for inputs this short OpenSSL spends more on fetching than on hashing.
Hash hmac_sha256(Bytes key, Bytes bytes) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, bytes.data(), bytes.size());
  Hash hash;
  crypto_auth_hmacsha256_final(&state, hash.data());
  sodium_memzero(&state, sizeof state);
  return hash;
}

void wipe(MutableBytes secret) { sodium_memzero(secret.data(), secret.size()); }

void Cipher::Free::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

Cipher::Cipher() : seal_(EVP_CIPHER_CTX_new()), open_(EVP_CIPHER_CTX_new()) {
  const std::unique_ptr<EVP_CIPHER, FreeCipher> cipher(
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
  require(cipher && seal_ && open_ &&
              EVP_CipherInit_ex2(seal_.get(), cipher.get(), nullptr, nullptr, 1, nullptr) > 0 &&
              EVP_CipherInit_ex2(open_.get(), cipher.get(), nullptr, nullptr, 0, nullptr) > 0,
          "OpenSSL has no ChaCha20-Poly1305");
}

Cipher::~Cipher() = default;

void Cipher::begin_seal(const Key32& key, std::uint64_t counter) {
  if (counter == kCounterEnd) throw Fault(crypto_error::nonce_exhausted);
  rekey(seal_.get(), key, counter);
}

void Cipher::finish_seal(std::uint8_t* tag) {
  int written = 0;
  require(EVP_CipherFinal_ex(seal_.get(), tag, &written) > 0 &&
              EVP_CIPHER_CTX_ctrl(seal_.get(), EVP_CTRL_AEAD_GET_TAG, kTag, tag) > 0,
          "sealing failed");
}

void Cipher::seal(const Key32& key, std::uint64_t counter, Bytes associated, Bytes plain,
                  std::uint8_t* to) {
  begin_seal(key, counter);
  update(seal_.get(), nullptr, associated);
  update(seal_.get(), to, plain);
  finish_seal(to + plain.size());
}

void Cipher::seal_pieces(const Key32& key, std::uint64_t counter,
                         std::span<const kith_bytes> pieces, std::uint8_t* to) {
  begin_seal(key, counter);
  for (const kith_bytes& piece : pieces) {
    update(seal_.get(), to, view(piece));
    to += piece.n;
  }
  finish_seal(to);
}

bool Cipher::open(const Key32& key, std::uint64_t counter, Bytes associated, MutableBytes sealed) {
  if (sealed.size() < kTag || counter == kCounterEnd) return false;
  const MutableBytes text = sealed.first(sealed.size() - kTag);
  const MutableBytes tag = sealed.last(kTag);
  rekey(open_.get(), key, counter);
  update(open_.get(), nullptr, associated);
  update(open_.get(), text.data(), text);
  require(EVP_CIPHER_CTX_ctrl(open_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) > 0,
          "cipher tag refused");
  int written = 0;
  if (EVP_CipherFinal_ex(open_.get(), tag.data(), &written) > 0) return true;
  ERR_clear_error();
  wipe(sealed);  // what did not prove itself is not to be read by mistake
  return false;
}

}  // namespace kith::crypto
