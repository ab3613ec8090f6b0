// SPDX-License-Identifier: MIT
#include "engine/wire/peer_id.h"

#include "engine/wire/encodings.h"
#include "vectors.h"

namespace kith::wire {
namespace {

TEST(PeerId, OfEveryKeyType) {
  for (const Vector& vector : read_vectors("peer_ids.txt")) {
    SCOPED_TRACE(vector[0]);
    const ByteVector key = from_hex(vector[1]).value();
    const PeerId id = PeerId::from_public_key(key);
    EXPECT_EQ(id.text(), vector[2]);
    EXPECT_EQ(id.cid_text(), vector[3]);
    EXPECT_EQ(PeerId::from_text(vector[2]).value(), id);
    EXPECT_EQ(PeerId::from_text(vector[3]).value(), id);
    EXPECT_EQ(PeerId::from_text(vector[4]).value(), id);
    EXPECT_EQ(PeerId::from_bytes(id.bytes()).value(), id);
    const bool is_inline = key.size() <= 42;
    EXPECT_EQ(to_hex(id.inline_key()), is_inline ? vector[1] : "");
  }
}

// libp2p peer-ids, "String representation", examples
TEST(PeerId, BothTextForms) {
  const char* base58 = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
  const char* cid = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe";
  const PeerId id = PeerId::from_text(cid).value();
  EXPECT_EQ(id, PeerId::from_text(base58).value());
  EXPECT_EQ(id.text(), base58);
  EXPECT_EQ(id.cid_text(), cid);
  EXPECT_EQ(id.short_text(), "..Wjhx5N");
  for (const char base : std::string("fFbBkKzmMuU")) {
    const ByteVector bytes = from_multibase(cid).value();
    EXPECT_EQ(PeerId::from_text(to_multibase(base, bytes)).value(), id) << base;
  }
}

TEST(PeerId, WhatIsRefused) {
  for (const char* text :
       {"", "1", "11", "12D3KooW", "Qm", "hello", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N1",
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE0",
        // the same digest as a CID of dag-pb, and a version 0 behind a multibase prefix
        "bafybeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
        "zQmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"}) {
    EXPECT_FALSE(PeerId::from_text(text)) << text;
  }
  EXPECT_FALSE(PeerId::from_text(std::string(100'000, '1')));
  EXPECT_FALSE(PeerId::from_text(std::string(100'000, 'b')));
}

TEST(PeerId, BinaryFormIsJudged) {
  ByteVector sha = {0x12, 0x20};
  sha.resize(34, 7);
  EXPECT_TRUE(PeerId::from_bytes(sha));
  sha.push_back(7);
  EXPECT_FALSE(PeerId::from_bytes(sha));
  sha.resize(33);
  EXPECT_FALSE(PeerId::from_bytes(sha));
  EXPECT_FALSE(PeerId::from_bytes({}));

  for (const std::size_t size : {0u, 1u, 42u, 43u}) {
    ByteVector identity = {0x00, static_cast<std::uint8_t>(size)};
    identity.resize(2 + size, 9);
    EXPECT_EQ(static_cast<bool>(PeerId::from_bytes(identity)), size == 1 || size == 42) << size;
  }
  ByteVector sha512 = {0x13, 0x20};
  sha512.resize(34, 7);
  EXPECT_TRUE(PeerId::from_bytes(sha512).error().is(wire_error::bad_peer_id));
  ByteVector long_form = {0x80, 0x00, 0x01, 0x07};
  EXPECT_FALSE(PeerId::from_bytes(long_form));
}

TEST(PeerId, NobodyIsEmptyAndComesFirst) {
  const PeerId nobody;
  EXPECT_TRUE(nobody.empty());
  EXPECT_EQ(nobody.text(), "");
  EXPECT_EQ(nobody.cid_text(), "");
  EXPECT_TRUE(nobody.inline_key().empty());
  const PeerId a = PeerId::from_public_key(as_bytes("a"));
  const PeerId b = PeerId::from_public_key(as_bytes("b"));
  EXPECT_LT(nobody, a);
  EXPECT_LT(a, b);
  EXPECT_NE(a, b);
}

TEST(PeerId, KeysOverFortyTwoBytesAreHashed) {
  EXPECT_EQ(PeerId::from_public_key(ByteVector(42, 1)).bytes()[0], 0x00);
  EXPECT_EQ(PeerId::from_public_key(ByteVector(43, 1)).bytes()[0], 0x12);
}

}  // namespace
}  // namespace kith::wire
