// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sodium.h>

#include "engine/crypto/ed25519.h"
#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using test::key_from_hex;

constexpr const char* kOrder8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";

// RFC 8032, section 7.1, test 1.
constexpr const char* kPublished =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

TEST(Ed25519Point, OfThePrimeOrderGroupOnly) {
  start_crypto();
  const Key32 good = key_from_hex(kPublished);
  EXPECT_TRUE(is_prime_order_point(good));
  const Key32 order8 = key_from_hex(kOrder8);
  EXPECT_FALSE(is_prime_order_point(order8));
  Key32 mixed;
  ASSERT_EQ(crypto_core_ed25519_add(mixed.data(), good.data(), order8.data()), 0);
  EXPECT_FALSE(is_prime_order_point(mixed));
}

TEST(Ed25519Point, CanonicalAndOnTheCurveOnly) {
  start_crypto();
  const char* const kBad[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",   // the neutral element
      "0100000000000000000000000000000000000000000000000000000000000080",   // with a sign on x = 0
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",   // y = p
      "0200000000000000000000000000000000000000000000000000000000000000"};  // no x for this y
  for (const char* bad : kBad) EXPECT_FALSE(is_prime_order_point(key_from_hex(bad))) << bad;
}

}  // namespace
}  // namespace kith::crypto
