// SPDX-License-Identifier: MIT
#include "engine/crypto/keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/crypto/key_protobuf.h"

namespace kith::crypto {
namespace {

template <auto free_it>
struct Free {
  template <class T>
  void operator()(T* held) const {
    free_it(held);
  }
};
using EvpKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using EvpKeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using EvpDigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Free<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

// Refused keys and signatures are everyday here: they leave nothing behind in OpenSSL's error queue
// for the next reader of it.
struct QuietErrors {
  QuietErrors() { ERR_set_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
  ~QuietErrors() { ERR_pop_to_mark(); }
};

constexpr std::uint8_t kEvenPoint = 2, kOddPoint = 3, kWholePoint = 4;  // SEC 1 section 2.3.3

// The SubjectPublicKeyInfo of a named curve and an uncompressed point is this, then the point; no
// other form is taken, so that one key has one peer id.
struct NamedCurve {
  const char* group;
  std::string_view prefix;
  std::size_t point_bytes;
};
constexpr NamedCurve kNamedCurves[] = {
    {"P-256",
     {"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
      "\x03\x42\x00",
      26},
     65},
    {"P-384",
     {"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62"
      "\x00",
      23},
     97},
    {"P-521",
     {"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81"
      "\x86\x00",
      25},
     133},
};

EvpKey curve_key(const char* group, Bytes point) {
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                        const_cast<std::uint8_t*>(point.data()), point.size()),
      OSSL_PARAM_construct_end()};
  const EvpKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
    return nullptr;
  return EvpKey(key);
}

EvpKey secp256k1_key(Bytes data) {
  const bool compressed = data.size() == 33 && (data[0] == kEvenPoint || data[0] == kOddPoint);
  const bool whole = data.size() == 65 && data[0] == kWholePoint;
  return compressed || whole ? curve_key("secp256k1", data) : nullptr;
}

EvpKey ecdsa_key(Bytes data) {
  for (const NamedCurve& curve : kNamedCurves) {
    if (data.size() != curve.prefix.size() + curve.point_bytes) continue;
    if (!equal(data.first(curve.prefix.size()), as_bytes(curve.prefix))) continue;
    const Bytes point = data.subspan(curve.prefix.size());
    return point[0] == kWholePoint ? curve_key(curve.group, point) : nullptr;
  }
  return nullptr;
}

// A large exponent would make each verification as slow as a signature; go-libp2p's bound is the
// same.
bool usable_rsa(const EVP_PKEY* key) {
  constexpr int kExponentBitsMax = 31;
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < static_cast<int>(limits::kRsaBitsMin) || bits > static_cast<int>(limits::kRsaBitsMax))
    return false;
  BIGNUM* read = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &read) <= 0) return false;
  const BigNumber exponent(read);
  return BN_is_odd(exponent.get()) && !BN_is_one(exponent.get()) &&
         BN_num_bits(exponent.get()) <= kExponentBitsMax;
}

EvpKey rsa_key(Bytes data) {
  // SEQUENCE with a two-byte length, then AlgorithmIdentifier {rsaEncryption, NULL}: no other
  // algorithm's parser ever sees these bytes.
  constexpr std::size_t kHeaderBytes = 4;
  constexpr std::string_view kAlgorithm(
      "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
  if (data.size() < kHeaderBytes + kAlgorithm.size() ||
      !equal(data.subspan(kHeaderBytes, kAlgorithm.size()), as_bytes(kAlgorithm)))
    return nullptr;
  const std::uint8_t* at = data.data();
  EvpKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(data.size())));
  if (!key || !EVP_PKEY_is_a(key.get(), "RSA") || !usable_rsa(key.get())) return nullptr;

  std::uint8_t* encoded = nullptr;
  const int encoded_bytes = i2d_PUBKEY(key.get(), &encoded);
  const bool canonical =
      encoded_bytes > 0 && equal(data, Bytes(encoded, static_cast<std::size_t>(encoded_bytes)));
  OPENSSL_free(encoded);
  return canonical ? std::move(key) : nullptr;
}

EvpKey foreign_key(KeyType type, Bytes data) {
  switch (type) {
    case KeyType::rsa: return rsa_key(data);
    case KeyType::secp256k1: return secp256k1_key(data);
    case KeyType::ecdsa: return ecdsa_key(data);
    case KeyType::ed25519: break;
  }
  return nullptr;
}

// BIP 62: s is at most half the order, so that a signature has one form only.
bool has_low_s(Bytes signature) {
  // (order - 1) / 2
  static constexpr std::array<std::uint8_t, 32> kHalfOrder = {
      0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
      0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};
  const std::uint8_t* at = signature.data();
  const EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
  const BigNumber half(BN_bin2bn(kHalfOrder.data(), kHalfOrder.size(), nullptr));
  return parsed && half && BN_cmp(ECDSA_SIG_get0_s(parsed.get()), half.get()) <= 0;
}

bool verify_foreign(const EVP_PKEY* key, Bytes message, Bytes signature) {
  const EvpDigestContext context(EVP_MD_CTX_new());
  // The call takes its own reference and changes nothing.
  auto* shared = const_cast<EVP_PKEY*>(key);
  return context &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, shared,
                                 nullptr) > 0 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace

Result<PublicKey> PublicKey::from_protobuf(Bytes protobuf) {
  if (protobuf.size() > limits::kPublicKeyMax) return Error(crypto_error::bad_key, "too large");
  const auto parts = decode_key(protobuf);
  if (!parts) return parts.error();
  PublicKey key;
  key.type_ = parts->type;
  if (key.type_ == KeyType::ed25519) {
    if (parts->data.size() != key.ed25519_.size())
      return Error(crypto_error::bad_key, "an Ed25519 key has 32 bytes");
    std::copy(parts->data.begin(), parts->data.end(), key.ed25519_.begin());
  } else {
    const QuietErrors quiet;
    key.foreign_ = foreign_key(key.type_, parts->data);
    if (!key.foreign_) return crypto_error::bad_key;
  }
  key.peer_id_ = wire::PeerId::from_public_key(protobuf);
  return key;
}

bool PublicKey::verify(Bytes message, Bytes signature) const {
  if (type_ == KeyType::ed25519) {
    // libsodium refuses S >= L, small orders of key and R, and other than canonical points.
    return signature.size() == sizeof(Signature) &&
           crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                       ed25519_.data()) == 0;
  }
  if (signature.empty() || signature.size() > limits::kSignatureMax) return false;
  const QuietErrors quiet;
  if (type_ == KeyType::secp256k1 && !has_low_s(signature)) return false;
  return verify_foreign(foreign_.get(), message, signature);
}

bool verify_claim(const wire::PeerId& from, Bytes key, std::string_view domain, Bytes message,
                  Bytes signature) {
  const auto author = PublicKey::from_protobuf(key.empty() ? from.inline_key() : key);
  if (!author || author->peer_id() != from) return false;
  if (domain.empty()) return author->verify(message, signature);
  ByteVector claim;
  claim.reserve(domain.size() + message.size());
  append(claim, as_bytes(domain));
  append(claim, message);
  return author->verify(claim, signature);
}

}  // namespace kith::crypto
