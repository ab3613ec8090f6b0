// SPDX-License-Identifier: MIT
// Receipts as they are written and signed, and the table that two nodes compare.
#include "engine/store/receipt_table.h"

#include <gtest/gtest.h>

#include "tests/store/vectors.h"

namespace kith::store {
namespace {

using test::array_of;
using test::bytes_of;
using test::digest_of;
using test::hex;
using test::Json;
using test::read_vectors;

Receipt receipt_of(const Json& fields) {
  return {digest_of(fields["feed"]), fields["seq"], digest_of(fields["entry"]), fields["time"],
          array_of<32>(fields["witness"])};
}

TEST(Receipt, AsInTheVectors) {
  const Json vectors = read_vectors("receipts");
  ASSERT_EQ(vectors.size(), 2u);
  for (const Json& vector : vectors) {
    const Receipt receipt = receipt_of(vector["fields"]);
    EXPECT_EQ(hex(encode(receipt)), vector["block"]);
    EXPECT_EQ(decode_receipt(bytes_of(vector["block"])).value(), receipt);
    EXPECT_TRUE(is_signed(receipt, bytes_of(vector["signature"])));
    for (const Json& author : read_vectors("authors")) {
      if (author["key"] != vector["fields"]["witness"]) continue;
      const auto witness = crypto::Identity::from_seed(array_of<32>(author["seed"]));
      EXPECT_EQ(hex(sign_receipt(witness, receipt)), vector["signature"]);
    }
  }
}

TEST(Receipt, RefusedAsInTheVectors) {
  int blocks = 0, signatures = 0;
  for (const Json& vector : read_vectors("refused")) {
    if (vector["kind"] == "receipt") {
      test::expect_refused(decode_receipt(bytes_of(vector["block"])), vector);
      ++blocks;
    } else if (vector["kind"] == "receipt signature") {
      const Receipt receipt = receipt_of(vector["fields"]);
      EXPECT_FALSE(is_signed(receipt, bytes_of(vector["signature"]))) << vector["what"];
      ++signatures;
    }
  }
  EXPECT_EQ(blocks, 11);
  EXPECT_EQ(signatures, 5);
}

TEST(Receipt, EachBitMatters) {
  ByteVector block = bytes_of(read_vectors("receipts")[0]["block"]);
  for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1u << bit % 8);
    block[bit / 8] ^= mask;
    const auto receipt = decode_receipt(block);
    EXPECT_TRUE(!receipt || hex(encode(*receipt)) == hex(block)) << bit;
    block[bit / 8] ^= mask;
  }
}

TEST(Receipt, TheFormOfSyncIsReadBack) {
  const Json vector = read_vectors("receipts")[1];
  SignedReceipt one{receipt_of(vector["fields"]), array_of<64>(vector["signature"])};
  ByteVector bytes;
  append_receipt(bytes, one);
  append_receipt(bytes, one);
  EXPECT_EQ(bytes.size(), 2 * kReceiptBytes);
  EXPECT_EQ(read_receipts(bytes).value(), (std::vector<SignedReceipt>{one, one}));
  EXPECT_TRUE(read_receipts({}).value().empty());
  bytes.pop_back();
  EXPECT_TRUE(read_receipts(bytes).error().is(receipt_error::malformed));
  for (const auto& [seq, time_us] :
       {std::pair{0ull, 1ull}, {1ull << 53, 1ull}, {1ull, 1ull << 53}}) {
    one.receipt.seq = seq;
    one.receipt.time_us = time_us;
    bytes.clear();
    append_receipt(bytes, one);
    EXPECT_FALSE(read_receipts(bytes)) << seq << ' ' << time_us;
  }
}

// ---- the table

SignedReceipt receipt(std::uint8_t feed, std::uint8_t witness, std::uint64_t seq) {
  SignedReceipt made;
  made.receipt.feed[0] = feed;
  made.receipt.feed[1] = 1;
  made.receipt.witness[0] = witness;
  made.receipt.seq = seq;
  made.receipt.time_us = 1'000 + seq;
  return made;
}

TEST(ReceiptTable, TheDigestIsOfWhatIsKeptAlone) {
  ReceiptTable one, other;
  for (std::uint8_t feed = 1; feed <= 3; ++feed) one.put(receipt(feed, 7, 1));
  one.put(receipt(2, 7, 5));
  other.put(receipt(3, 7, 1));
  other.put(receipt(1, 7, 1));
  EXPECT_NE(one.digest(), other.digest());
  other.put(receipt(2, 7, 5));
  EXPECT_EQ(one.digest(), other.digest());
  EXPECT_EQ(one.size(), 3u);
  ASSERT_EQ(one.witnesses().size(), 1u);
  EXPECT_EQ(one.witnesses().begin()->second.buckets, other.witnesses().begin()->second.buckets);
  EXPECT_EQ(ReceiptTable().digest(), 0u);
}

TEST(ReceiptTable, GivesWhatDiffersByFeed) {
  ReceiptTable one, other;
  for (int feed = 0; feed < 256; ++feed) {
    one.put(receipt(static_cast<std::uint8_t>(feed), 7, feed % 100 == 0 ? 2u : 1u));
    other.put(receipt(static_cast<std::uint8_t>(feed), 7, 1));
  }
  one.put(receipt(9, 8, 1));  // of another witness
  const auto& theirs = other.witnesses().begin()->second.buckets;
  const crypto::Key32 witness = receipt(0, 7, 1).receipt.witness;
  const auto first = one.differing(witness, {}, theirs, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0], receipt(0, 7, 2));
  EXPECT_EQ(first[1], receipt(100, 7, 2));
  const auto rest = one.differing(witness, first[1].receipt.feed, theirs, 2);
  EXPECT_EQ(rest, std::vector<SignedReceipt>{receipt(200, 7, 2)});
  EXPECT_EQ(one.differing(witness, {}, {}, 1'000).size(), 256u);
  EXPECT_TRUE(one.differing({}, {}, {}, 1'000).empty());
}

TEST(ReceiptTable, TellsWhatIsNewOnce) {
  ReceiptTable table;
  std::uint64_t cursor = table.newest();
  table.put(receipt(1, 7, 1));
  table.put(receipt(2, 7, 1));
  table.put(receipt(1, 7, 2));
  EXPECT_EQ(table.since(cursor, 9), (std::vector{receipt(2, 7, 1), receipt(1, 7, 2)}));
  EXPECT_TRUE(table.since(cursor, 9).empty());
  for (std::size_t seq = 3; seq < ReceiptTable::kRecentMax + 10; ++seq)
    table.put(receipt(3, 7, seq));
  EXPECT_EQ(table.since(cursor, 9).size(), 1u);  // all but the newest were replaced
  EXPECT_EQ(cursor, table.newest());
}

}  // namespace
}  // namespace kith::store
