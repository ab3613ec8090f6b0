// SPDX-License-Identifier: MIT
// The edges on which Ed25519 verifiers differ ("Taming the many EdDSAs", Chalkias, Garillot,
// Nikolaenko, 2020): each is built here from its equation, so that a lax verifier would take it.
#include <gtest/gtest.h>
#include <sodium.h>

#include "engine/crypto/keys.h"
#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using test::from_hex;
using test::hex;
using test::key_from_hex;
using test::named_key;

// Every encoding of the eight points of small order: canonical ones first, then those with y >= p
// or a sign on x = 0.
constexpr const char* kSmallOrder[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
constexpr std::size_t kCanonicalSmallOrder = 8;

class Ed25519Strict : public testing::Test {
 protected:
  Ed25519Strict() { start_crypto(); }
  const Bytes message_ = as_bytes("message");
};

Key32 reduced(Bytes wide) {
  std::array<std::uint8_t, 64> padded{};
  std::copy(wide.begin(), wide.end(), padded.begin());
  Key32 scalar;
  crypto_core_ed25519_scalar_reduce(scalar.data(), padded.data());
  return scalar;
}
Key32 scalar_of(std::string_view name) { return reduced(named_key(name)); }
Key32 times_base(const Key32& scalar) {
  Key32 point;
  crypto_scalarmult_ed25519_base_noclamp(point.data(), scalar.data());
  return point;
}
Key32 sum(const Key32& a, const Key32& b) {
  Key32 point;
  crypto_core_ed25519_add(point.data(), a.data(), b.data());
  return point;
}
// r + h * a
Key32 answer(const Key32& r, const Key32& h, const Key32& a) {
  Key32 product, result;
  crypto_core_ed25519_scalar_mul(product.data(), h.data(), a.data());
  crypto_core_ed25519_scalar_add(result.data(), r.data(), product.data());
  return result;
}
// H(R || A || M) mod L
Key32 challenge(const Key32& commitment, const Key32& key, Bytes message) {
  ByteVector all = to_vector(commitment);
  append(all, key);
  append(all, message);
  std::array<std::uint8_t, 64> digest;
  crypto_hash_sha512(digest.data(), all.data(), all.size());
  return reduced(digest);
}
// A message for which the challenge is, or is not, a multiple of eight: then a part of small order
// in the key has no effect, or has one.
ByteVector message_for(const Key32& commitment, const Key32& key, bool multiple) {
  for (std::uint32_t i = 0;; ++i) {
    ByteVector message = to_vector(as_bytes("message " + std::to_string(i)));
    if ((challenge(commitment, key, message)[0] % 8 == 0) == multiple) return message;
  }
}

bool holds(const Key32& key, Bytes message, const Key32& commitment, const Key32& scalar) {
  ByteVector protobuf = from_hex("08011220");
  append(protobuf, key);
  ByteVector signature = to_vector(commitment);
  append(signature, scalar);
  const auto parsed = PublicKey::from_protobuf(protobuf);
  return parsed && parsed->verify(message, signature);
}

TEST_F(Ed25519Strict, TheEquationOfThisTestIsTheRightOne) {
  const Key32 a = scalar_of("a"), r = scalar_of("r");
  const Key32 key = times_base(a), commitment = times_base(r);
  EXPECT_TRUE(holds(key, message_, commitment, answer(r, challenge(commitment, key, message_), a)));
}

TEST_F(Ed25519Strict, KeysOfSmallOrderSignNothing) {
  const Key32 r = scalar_of("r");
  const Key32 commitment = times_base(r);
  for (const char* encoding : kSmallOrder) {
    const Key32 key = key_from_hex(encoding);
    // [r]B = R + [h]A, as [h]A is the neutral element: anyone could have made this.
    const ByteVector message = message_for(commitment, key, true);
    EXPECT_FALSE(holds(key, message, commitment, r)) << encoding;
  }
}

TEST_F(Ed25519Strict, CommitmentsOfSmallOrderAreRefused) {
  const Key32 a = scalar_of("a");
  const Key32 key = times_base(a), zero{};
  for (const char* encoding : kSmallOrder) {
    const Key32 commitment = key_from_hex(encoding);
    const Key32 scalar = answer(zero, challenge(commitment, key, message_), a);
    EXPECT_FALSE(holds(key, message_, commitment, scalar)) << encoding;
  }
}

// S and S + L satisfy the same equation.
TEST_F(Ed25519Strict, ScalarsStayBelowTheOrder) {
  const Key32 order =
      key_from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const Key32 a = scalar_of("a"), r = scalar_of("r");
  const Key32 key = times_base(a), commitment = times_base(r);
  Key32 scalar = answer(r, challenge(commitment, key, message_), a);
  ASSERT_TRUE(holds(key, message_, commitment, scalar));
  // As often as it fits into 256 bits.
  for (int added = 1; added < 15; ++added) {
    unsigned carry = 0;
    for (std::size_t i = 0; i < scalar.size(); ++i) {
      carry += scalar[i] + order[i];
      scalar[i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    ASSERT_EQ(carry, 0u);
    EXPECT_FALSE(holds(key, message_, commitment, scalar)) << "S + " << added << " L";
  }
}

// Verification is the equation without the cofactor, as in RFC 8032's first form: a key with a part
// of small order holds exactly where that part cancels out, on every node alike.
TEST_F(Ed25519Strict, MixedKeysFollowTheEquationWithoutCofactor) {
  const Key32 a = scalar_of("a"), r = scalar_of("r");
  const Key32 commitment = times_base(r);
  for (std::size_t i = 4; i < kCanonicalSmallOrder; ++i) {  // of order eight
    const Key32 key = sum(times_base(a), key_from_hex(kSmallOrder[i]));
    const ByteVector cancels = message_for(commitment, key, true);
    EXPECT_TRUE(holds(key, cancels, commitment, answer(r, challenge(commitment, key, cancels), a)));
    const ByteVector shows = message_for(commitment, key, false);
    EXPECT_FALSE(holds(key, shows, commitment, answer(r, challenge(commitment, key, shows), a)));
  }
}

TEST_F(Ed25519Strict, MixedCommitmentsAreRefused) {
  const Key32 a = scalar_of("a"), r = scalar_of("r");
  const Key32 key = times_base(a);
  for (std::size_t i = 1; i < kCanonicalSmallOrder; ++i) {
    const Key32 commitment = sum(times_base(r), key_from_hex(kSmallOrder[i]));
    EXPECT_FALSE(
        holds(key, message_, commitment, answer(r, challenge(commitment, key, message_), a)));
  }
}

// y in 2..18 can be written as y + p, too; no one knows the logarithm of such a point, so the
// message of a signature by it cannot be made: the key itself is what must not decode.
TEST_F(Ed25519Strict, KeysOffTheCurveOrNotCanonicalVerifyNothing) {
  const Key32 r = scalar_of("r");
  const Key32 commitment = times_base(r);
  for (unsigned low = 0xed; low <= 0xff; ++low) {
    for (const int top : {0x7f, 0xff}) {
      Key32 key;
      key.fill(0xff);
      key[0] = static_cast<std::uint8_t>(low);
      key[31] = static_cast<std::uint8_t>(top);
      EXPECT_FALSE(holds(key, message_, commitment, r));
    }
  }
}

}  // namespace
}  // namespace kith::crypto
