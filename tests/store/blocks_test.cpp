// SPDX-License-Identifier: MIT
#include "engine/store/blocks.h"

#include "tests/store/vectors.h"

namespace kith::store {
namespace {

using test::array_of;
using test::bytes_of;
using test::digest_of;
using test::hex;
using test::Json;
using test::link_of;
using test::read_vectors;

class Blocks : public testing::Test {
 protected:
  Blocks() { crypto::start_crypto(); }
};

std::string encoded(const Entry& entry) {
  ByteVector block;
  append_entry(block, entry);
  return hex(block);
}

void expect_cid(const Json& vector) {
  const Digest digest = digest_block(bytes_of(vector["block"]));
  EXPECT_EQ(hex(cid_of(digest)), vector["cid"]);
  EXPECT_EQ(digest, digest_of(vector["cid"]));
}

TEST_F(Blocks, GenesisAsInTheVectors) {
  const Json vectors = read_vectors("genesis");
  ASSERT_EQ(vectors.size(), 4u);
  for (const Json& vector : vectors) {
    const Json& fields = vector["fields"];
    Genesis genesis;
    genesis.name = fields["name"];
    genesis.rule = link_of(fields["rule"]);
    genesis.hide = fields["hide"];
    if (!fields["founder"].is_null()) genesis.founder = array_of<32>(fields["founder"]);
    if (!fields["salt"].is_null()) genesis.salt = array_of<16>(fields["salt"]);
    if (!fields["time"].is_null()) genesis.time_us = fields["time"];
    EXPECT_EQ(hex(encode(genesis)), vector["block"]);
    EXPECT_EQ(decode_genesis(bytes_of(vector["block"])).value(), genesis);
    EXPECT_EQ(genesis.is_open(), fields["founder"].is_null());
    expect_cid(vector);
  }
}

TEST_F(Blocks, OpeningsAsInTheVectors) {
  const Json vectors = read_vectors("openings");
  ASSERT_EQ(vectors.size(), 3u);
  for (const Json& vector : vectors) {
    const Json& fields = vector["fields"];
    Opening opening;
    opening.ledger = digest_of(fields["ledger"]);
    opening.author = array_of<32>(fields["author"]);
    opening.nonce = array_of<8>(fields["nonce"]);
    opening.kind = fields["kind"] == "data" ? FeedKind::data : FeedKind::control;
    opening.grant = link_of(fields["grant"]);
    EXPECT_EQ(hex(encode(opening)), vector["block"]);
    EXPECT_EQ(decode_opening(bytes_of(vector["block"])).value(), opening);
    expect_cid(vector);
  }
}

TEST_F(Blocks, EntriesAsInTheVectors) {
  const Json vectors = read_vectors("entries");
  ASSERT_EQ(vectors.size(), 6u);
  for (const Json& vector : vectors) {
    const Json& fields = vector["fields"];
    Entry entry;
    entry.feed = digest_of(fields["feed"]);
    entry.seq = fields["seq"];
    entry.prev = digest_of(fields["prev"]);
    for (const Json& link : fields["links"]) entry.links.push_back(digest_of(link));
    entry.time_us = fields["time"];
    entry.type = fields["type"].get_ref<const std::string&>();
    entry.body = digest_of(fields["body"]);
    entry.body_bytes = fields["size"];
    EXPECT_EQ(encoded(entry), vector["block"]);
    const ByteVector block = bytes_of(vector["block"]);
    const Entry decoded = decode_entry(block).value();
    EXPECT_EQ(decoded.links, entry.links);
    EXPECT_EQ(encoded(decoded), vector["block"]);
    EXPECT_EQ(digest_block(bytes_of(vector["body"])), decoded.body);
    EXPECT_EQ(hex(cid_of(decoded.body, wire::kRawCodec)), fields["body"]);
    expect_cid(vector);
  }
}

TEST_F(Blocks, HeadsAsInTheVectors) {
  for (const Json& vector : read_vectors("heads")) {
    const Json& fields = vector["fields"];
    const Head head{digest_of(fields["feed"]), fields["seq"], digest_of(fields["entry"])};
    EXPECT_EQ(hex(encode(head)), vector["block"]);
    const auto author = array_of<32>(vector["author"]);
    EXPECT_TRUE(is_signed(head, author, bytes_of(vector["signature"])));
    Head other = head;
    ++other.seq;
    EXPECT_FALSE(is_signed(other, author, bytes_of(vector["signature"])));
  }
}

TEST_F(Blocks, AuthorsSignAsInTheVectors) {
  const Json heads = read_vectors("heads");
  std::size_t seen = 0;
  for (const Json& vector : read_vectors("authors")) {
    const auto author = crypto::Identity::from_seed(array_of<32>(vector["seed"]));
    const auto key = array_of<32>(vector["key"]);
    EXPECT_EQ(author.peer_id().text(), vector["peer"]);
    EXPECT_EQ(peer_of(key), author.peer_id());
    EXPECT_EQ(author_of(author.peer_id()), key);
    for (const Json& signed_head : heads) {
      if (signed_head["author"] != vector["key"]) continue;
      const Json& fields = signed_head["fields"];
      const Head head{digest_of(fields["feed"]), fields["seq"], digest_of(fields["entry"])};
      EXPECT_EQ(hex(sign_head(author, head)), signed_head["signature"]);
      ++seen;
    }
  }
  EXPECT_EQ(seen, heads.size());
}

TEST_F(Blocks, RefusedAsInTheVectors) {
  std::map<std::string, int> seen;
  for (const Json& vector : read_vectors("refused")) {
    const std::string kind = vector["kind"];
    ++seen[kind];
    if (kind == "genesis") test::expect_refused(decode_genesis(bytes_of(vector["block"])), vector);
    if (kind == "opening") test::expect_refused(decode_opening(bytes_of(vector["block"])), vector);
    if (kind == "entry") test::expect_refused(decode_entry(bytes_of(vector["block"])), vector);
    if (kind != "head") continue;
    const Json& fields = vector["fields"];
    const Head head{digest_of(fields["feed"]), fields["seq"], digest_of(fields["entry"])};
    EXPECT_FALSE(is_signed(head, array_of<32>(vector["author"]), bytes_of(vector["signature"])))
        << vector["what"];
  }
  EXPECT_GT(seen["genesis"], 10);
  EXPECT_GT(seen["opening"], 8);
  EXPECT_GT(seen["entry"], 30);
  EXPECT_EQ(seen["head"], 7);
}

// Whatever bit of a block is turned, it is refused, or is another block that encodes to itself.
TEST_F(Blocks, EachBitMatters) {
  for (const Json& vector : read_vectors("entries")) {
    ByteVector block = bytes_of(vector["block"]);
    for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
      const auto mask = static_cast<std::uint8_t>(1u << bit % 8);
      block[bit / 8] ^= mask;
      const auto entry = decode_entry(block);
      EXPECT_TRUE(!entry || encoded(*entry) == hex(block)) << bit;
      block[bit / 8] ^= mask;
    }
    for (std::size_t size = 0; size < block.size(); ++size) {
      EXPECT_FALSE(decode_entry(Bytes(block).first(size)));
    }
  }
}

TEST_F(Blocks, DigestsOfCidsOfTwoCodecsOnly) {
  const Digest digest = digest_block(as_bytes("a block"));
  EXPECT_EQ(store::digest_of(cid_of(digest)), digest);
  EXPECT_EQ(store::digest_of(cid_of(digest, wire::kRawCodec)), digest);
  EXPECT_FALSE(store::digest_of(cid_of(digest, wire::kDagPbCodec)));
  EXPECT_FALSE(store::digest_of(Bytes(cid_of(digest)).first(35)));
  for (const std::size_t at : {0, 2, 3}) {
    ByteVector cid = cid_of(digest);
    cid[at] ^= 1;
    EXPECT_FALSE(store::digest_of(cid)) << at;
  }
}

TEST_F(Blocks, NamesAndTypes) {
  EXPECT_TRUE(is_name_valid("notes-2.v_1"));
  EXPECT_TRUE(is_type_valid("chat/room-1.x_y"));
  for (const char* bad : {"", "A", "a b", "a/b", "\xc3\xa9", "a\n"})
    EXPECT_FALSE(is_name_valid(bad));
  for (const char* bad : {"", "A", "a b", "a:b", "\xc3\xa9", "a\n"})
    EXPECT_FALSE(is_type_valid(bad));
  const std::string longest(64, 'a');
  EXPECT_TRUE(is_name_valid(longest) && is_type_valid(longest));
  EXPECT_FALSE(is_name_valid(longest + 'a') || is_type_valid(longest + 'a'));
}

TEST_F(Blocks, OnlyEd25519PeersAreAuthors) {
  EXPECT_FALSE(author_of(wire::PeerId()));
  ByteVector secp256k1 = {8, 2, 0x12, 32};
  append(secp256k1, Digest{});
  EXPECT_FALSE(author_of(wire::PeerId::from_public_key(secp256k1)));
  EXPECT_FALSE(author_of(wire::PeerId::from_public_key(ByteVector(100, 1))));
}

}  // namespace
}  // namespace kith::store
