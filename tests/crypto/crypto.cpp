// SPDX-License-Identifier: MIT
#include "engine/crypto/crypto.h"

#include <gtest/gtest.h>

#include "engine/crypto/noise.h"
#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using test::from_hex;
using test::hex;
using test::key_from_hex;
using test::named_key;

class Crypto : public testing::Test {
 protected:
  Crypto() { start_crypto(); }
};

ByteVector numbered(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + 7);
  return bytes;
}

ByteVector sealed(Cipher& cipher, const Key32& key, std::uint64_t counter, Bytes associated,
                  Bytes plain) {
  ByteVector to(plain.size() + Cipher::kTag);
  cipher.seal(key, counter, associated, plain, to.data());
  return to;
}

// FIPS 180-2, appendix B.
TEST_F(Crypto, Sha256AsPublished) {
  EXPECT_EQ(hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmn"),
                       as_bytes("lmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

// RFC 4231, cases 1, 2 and 6 (a key longer than a block).
TEST_F(Crypto, HmacAsPublished) {
  EXPECT_EQ(hex(hmac_sha256(ByteVector(20, 0x0b), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(ByteVector(131, 0xaa),
                            as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 7748, section 6.1.
TEST_F(Crypto, X25519PublicAsPublished) {
  const Key32 alice =
      key_from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  EXPECT_EQ(hex(x25519_public(alice)),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
}

// RFC 8439, appendix A.5: its nonce is four zero bytes and a counter, as Noise has it.
TEST_F(Crypto, AeadAsPublished) {
  const Key32 key =
      key_from_hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
  const ByteVector associated = from_hex("f33388860000000000004e91");
  const std::string_view plain =
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
      "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
      "Internet-Drafts as reference material or to cite them other than as /\xe2\x80\x9cwork in "
      "progress./\xe2\x80\x9d";
  const std::uint64_t counter = 0x0807060504030201;
  Cipher cipher;
  ByteVector frame = sealed(cipher, key, counter, associated, as_bytes(plain));
  EXPECT_EQ(hex(Bytes(frame).first(16)), "64a0861575861af460f062c79be643bd");
  EXPECT_EQ(hex(Bytes(frame).last(16)), "eead9d67890cbb22392336fea1851f38");
  ASSERT_TRUE(cipher.open(key, counter, associated, frame));
  EXPECT_EQ(as_text(Bytes(frame).first(plain.size())), plain);
}

TEST_F(Crypto, SealsInPlaceAndInPiecesAlike) {
  Cipher cipher;
  const Key32 key = named_key("pieces");
  for (const std::size_t size : {0u, 1u, 15u, 16u, 63u, 64u, 65u, 1000u, 65519u}) {
    const ByteVector plain = numbered(size);
    const ByteVector whole = sealed(cipher, key, size, {}, plain);

    ByteVector in_place = plain;
    in_place.resize(size + Cipher::kTag);
    cipher.seal(key, size, {}, Bytes(in_place).first(size), in_place.data());
    EXPECT_EQ(hex(in_place), hex(whole));

    const std::size_t cut = size / 3;
    const kith_bytes pieces[] = {c_bytes(Bytes(plain).first(cut)),
                                 {nullptr, 0},
                                 c_bytes(Bytes(plain).subspan(cut, cut)),
                                 c_bytes(Bytes(plain).subspan(2 * cut))};
    ByteVector joined(size + Cipher::kTag);
    cipher.seal_pieces(key, size, pieces, joined.data());
    EXPECT_EQ(hex(joined), hex(whole)) << size;
  }
}

TEST_F(Crypto, OneCipherServesManyKeysAndCountersByTurns) {
  Cipher cipher;
  const Key32 ours = named_key("ours"), theirs = named_key("theirs");
  ByteVector first = sealed(cipher, ours, 0, {}, as_bytes("first"));
  ByteVector second = sealed(cipher, theirs, 7, as_bytes("with"), as_bytes("second"));
  ByteVector third = sealed(cipher, ours, 1, {}, as_bytes("first"));
  EXPECT_NE(hex(first), hex(third));
  EXPECT_TRUE(cipher.open(ours, 1, {}, third));
  EXPECT_TRUE(cipher.open(theirs, 7, as_bytes("with"), second));
  EXPECT_TRUE(cipher.open(ours, 0, {}, first));
  EXPECT_EQ(as_text(Bytes(second).first(6)), "second");
}

TEST_F(Crypto, OpensNothingThatWasTouched) {
  Cipher cipher;
  const Key32 key = named_key("touched");
  const ByteVector frame = sealed(cipher, key, 3, as_bytes("associated"), numbered(40));
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    ByteVector forged = frame;
    forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(cipher.open(key, 3, as_bytes("associated"), forged)) << bit;
    ASSERT_EQ(forged, ByteVector(frame.size())) << "left readable after bit " << bit;
  }
  ByteVector copy = frame;
  EXPECT_FALSE(cipher.open(key, 4, as_bytes("associated"), copy));
  copy = frame;
  EXPECT_FALSE(cipher.open(key, 3, {}, copy));
  copy = frame;
  EXPECT_FALSE(cipher.open(named_key("another"), 3, as_bytes("associated"), copy));
  copy = frame;
  EXPECT_TRUE(cipher.open(key, 3, as_bytes("associated"), copy));
}

TEST_F(Crypto, OpensNothingShorterThanATag) {
  Cipher cipher;
  for (std::size_t size = 0; size < Cipher::kTag; ++size) {
    ByteVector frame(size);
    EXPECT_FALSE(cipher.open(named_key("short"), 0, {}, frame));
  }
}

// Noise section 5.1: the counter 2^64 - 1 is reserved.
TEST_F(Crypto, LastCounterIsNeverUsed) {
  Cipher cipher;
  const Key32 key = named_key("spent");
  ByteVector frame = sealed(cipher, key, Cipher::kCounterEnd - 1, {}, as_bytes("last"));
  EXPECT_TRUE(cipher.open(key, Cipher::kCounterEnd - 1, {}, frame));
  EXPECT_THROW(sealed(cipher, key, Cipher::kCounterEnd, {}, as_bytes("over")), Fault);
  EXPECT_FALSE(cipher.open(key, Cipher::kCounterEnd, {}, frame));
}

TEST_F(Crypto, EveryErrorHasWordsOfItsOwn) {
  std::vector<std::string> seen;
  for (int code = 1; code <= static_cast<int>(crypto_error::identity_file); ++code)
    seen.emplace_back(describe(static_cast<crypto_error>(code)));
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "unknown crypto error"), 0);
}

}  // namespace
}  // namespace kith::crypto
