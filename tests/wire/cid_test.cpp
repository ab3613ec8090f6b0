// SPDX-License-Identifier: MIT
#include "engine/wire/cid.h"

#include "engine/wire/encodings.h"
#include "vectors.h"

namespace kith::wire {
namespace {

TEST(Cid, Vectors) {
  for (const Vector& vector : read_vectors("cid.txt")) {
    SCOPED_TRACE(vector[3]);
    const auto cid = Cid::from_text(vector[3]);
    ASSERT_TRUE(cid) << cid.error().message();
    EXPECT_EQ(std::to_string(cid->version()), vector[0]);
    EXPECT_EQ(std::to_string(cid->codec()), vector[1]);
    EXPECT_EQ(std::to_string(cid->hash().code), vector[2]);
    EXPECT_EQ(to_hex(cid->bytes()), vector[4]);
    EXPECT_EQ(cid->text(), vector[5]);
    EXPECT_EQ(Cid::from_bytes(cid->bytes()).value(), *cid);
    if (cid->version() == 1) {
      EXPECT_EQ(Cid::v1(cid->codec(), cid->hash()), *cid);
      EXPECT_EQ(cid->text(vector[3][0]), vector[3]);
    }
  }
}

TEST(Cid, NamesItsBlock) {
  const Cid cid = Cid::of_block(kRawCodec, as_bytes("abc"));
  EXPECT_EQ(cid.text(), "bafkreif2pall7dybz7vecqka3zo24irdwabwdi4wc55jznaq75q7eaavvu");
  EXPECT_TRUE(cid.names(as_bytes("abc")));
  EXPECT_FALSE(cid.names(as_bytes("abd")));
  const Cid identity = Cid::v1(kRawCodec, {kIdentityHash, as_bytes("abc")});
  EXPECT_TRUE(identity.names(as_bytes("abc")));
  EXPECT_FALSE(identity.names(as_bytes("ab")));
  EXPECT_FALSE(Cid().names({}));
}

TEST(Cid, TextThatIsRefused) {
  for (const char* text : {"", "hello world", "QmaozNR7DZHQK1ZcU9p7QdrshMvXqWK6gpu5rmrkPdT3L",
                           "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zIII",
                           "zQmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "f", "f01", "f0155",
                           "f01551200", "f0171122", "f03551200"}) {
    EXPECT_FALSE(Cid::from_text(text)) << text;
  }
  EXPECT_FALSE(Cid::from_text(std::string(1'000'000, 'b')));
}

TEST(Cid, BinaryFormIsJudged) {
  const Cid cid = Cid::of_block(kDagCborCodec, {});
  const ByteVector bytes = to_vector(cid.bytes());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Cid::from_bytes(Bytes(bytes).first(size))) << size;
  }
  ByteVector longer = bytes;
  longer.push_back(0);
  EXPECT_TRUE(Cid::from_bytes(longer).error().is(wire_error::bad_cid));
  ByteVector version2 = bytes;
  version2[0] = 2;
  EXPECT_FALSE(Cid::from_bytes(version2));
  EXPECT_FALSE(Cid::from_bytes(from_hex("01f1001200").value()));  // codec 0x71 in two bytes
}

TEST(Multihash, DigestsAreBounded) {
  for (const std::size_t size : {0u, 127u, 128u, 129u}) {
    ByteVector bytes;
    append_multihash(bytes, {kIdentityHash, ByteVector(size, 1)});
    EXPECT_EQ(static_cast<bool>(read_multihash(bytes)), size <= kDigestMax) << size;
  }
  EXPECT_FALSE(read_multihash(from_hex("121f" + std::string(62, '0')).value()));
  EXPECT_TRUE(read_multihash(from_hex("1220" + std::string(64, '0')).value()));
  EXPECT_TRUE(read_multihash({}).error().is(wire_error::bad_multihash));
}

}  // namespace
}  // namespace kith::wire
