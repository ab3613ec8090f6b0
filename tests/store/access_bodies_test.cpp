// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "engine/store/block_codec.h"
#include "engine/store/grants.h"
#include "engine/wire/encodings.h"

namespace kith::store {
namespace {

template <std::size_t size>
std::array<std::uint8_t, size> filled(int with) {
  std::array<std::uint8_t, size> made;
  made.fill(static_cast<std::uint8_t>(with));
  return made;
}

Grant some_grant() { return {filled<32>(0x11), 2, "editor"}; }

SignedHead row(int feed, std::uint64_t seq = 3) {
  Digest id{};
  id[0] = static_cast<std::uint8_t>(feed >> 8);
  id[1] = static_cast<std::uint8_t>(feed);
  return {{id, seq, filled<32>(0x33)}, filled<64>(0x44)};
}

Revoke some_revoke(int rows) {
  Revoke revoke{filled<32>(0x22), {}};
  for (int i = 0; i < rows; ++i) revoke.keep.push_back(row(i));
  return revoke;
}

ByteVector from_hex(const std::string& hex) { return wire::from_hex(hex).value(); }

std::string repeated(const std::string& byte, int times) {
  std::string made;
  for (int i = 0; i < times; ++i) made += byte;
  return made;
}

// A body whose shape is the test's to break.
template <class Write>
ByteVector written(Write write) {
  ByteVector body(kBodyBytesMax);
  BlockWriter writer(body.data());
  write(writer);
  body.resize(static_cast<std::size_t>(writer.end() - body.data()));
  return body;
}

ByteVector grant_body(std::uint64_t rank, std::string_view role) {
  return written([&](BlockWriter& writer) {
    writer.map(3);
    writer.key("to");
    writer.bytes(filled<32>(0x11));
    writer.key("rank");
    writer.integer(rank);
    writer.key("role");
    writer.text(role);
  });
}

void expect_refused(const ByteVector& body, ledger_error why) {
  const auto grant = decode_grant(body);
  ASSERT_FALSE(grant);
  EXPECT_TRUE(grant.error().is(why)) << grant.error().message();
}

void expect_revoke_refused(const ByteVector& body, ledger_error why) {
  const auto revoke = decode_revoke(body);
  ASSERT_FALSE(revoke);
  EXPECT_TRUE(revoke.error().is(why)) << revoke.error().message();
}

TEST(AccessBodies, AGrantByteForByte) {
  const std::string hex =
      "a3"
      "62"
      "746f"
      "5820" +
      repeated("11", 32) +
      "64"
      "72616e6b"
      "02"
      "64"
      "726f6c65"
      "66"
      "656469746f72";
  EXPECT_EQ(wire::to_hex(encode(some_grant())), hex);
  EXPECT_EQ(decode_grant(from_hex(hex)).value(), some_grant());
}

TEST(AccessBodies, ARevokeByteForByte) {
  const std::string link =
      "d82a"
      "5825"
      "0001711220";
  const std::string hex =
      "a2"
      "64"
      "6b656570"
      "81"
      "84" +
      link + repeated("00", 32) + "03" + link + repeated("33", 32) + "5840" + repeated("44", 64) +
      "65"
      "6772616e74" +
      link + repeated("22", 32);
  EXPECT_EQ(wire::to_hex(encode(some_revoke(1))), hex);
  EXPECT_EQ(decode_revoke(from_hex(hex)).value(), some_revoke(1));
}

TEST(AccessBodies, TheLargestFit) {
  const Grant grant{filled<32>(1), kRankMax, std::string(kTypeBytesMax, 'x')};
  EXPECT_EQ(decode_grant(encode(grant)).value(), grant);
  Revoke revoke = some_revoke(static_cast<int>(kKeepMax));
  for (SignedHead& kept : revoke.keep) kept.head.seq = kIntegerMax;
  const ByteVector body = encode(revoke);
  EXPECT_LE(body.size() + 16, kBodyBytesMax);  // where a ledger hides, 16 bytes stand before it
  EXPECT_EQ(decode_revoke(body).value(), revoke);
  EXPECT_EQ(decode_revoke(encode(some_revoke(0))).value(), some_revoke(0));
}

TEST(AccessBodies, RefusesARankOutOfBounds) {
  expect_refused(grant_body(0, "editor"), ledger_error::bad_block);
  expect_refused(grant_body(65'536, "editor"), ledger_error::bad_block);
  expect_refused(grant_body(kIntegerMax + 1, "editor"), ledger_error::bad_integer);
}

TEST(AccessBodies, RefusesARoleOfOtherSigns) {
  for (const std::string& role : {std::string(), std::string(65, 'x'), std::string("Editor"),
                                  std::string("an editor"), std::string("\xc3\xa9")}) {
    expect_refused(grant_body(1, role), ledger_error::bad_type);
  }
}

TEST(AccessBodies, RefusesWhatIsNotTheOneForm) {
  const ByteVector good = encode(some_grant());
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    expect_refused(ByteVector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)),
                   ledger_error::bad_block);
  }
  ByteVector longer = good;
  longer.push_back(0);
  expect_refused(longer, ledger_error::bad_block);
  // The rank 2 in two bytes.
  std::string wide = wire::to_hex(good);
  wide.replace(wide.find("72616e6b02"), 10, "72616e6b1802");
  expect_refused(from_hex(wide), ledger_error::not_canonical);
  expect_refused(encode(some_revoke(1)), ledger_error::bad_block);
  expect_refused(ByteVector(kBodyBytesMax + 1), ledger_error::body_too_large);
  expect_revoke_refused(ByteVector(kBodyBytesMax + 1), ledger_error::body_too_large);
}

// A revoke of `rows` rows, each as `write_row` has it.
template <class WriteRow>
ByteVector revoke_body(int rows, WriteRow write_row) {
  return written([&](BlockWriter& writer) {
    writer.map(2);
    writer.key("keep");
    writer.list(static_cast<std::uint64_t>(rows));
    for (int i = 0; i < rows; ++i) write_row(writer, i);
    writer.key("grant");
    writer.link(filled<32>(0x22));
  });
}

void write_row(BlockWriter& writer, const SignedHead& row) {
  writer.list(4);
  writer.link(row.head.feed);
  writer.integer(row.head.seq);
  writer.link(row.head.entry);
  writer.bytes(row.signature);
}

TEST(AccessBodies, RefusesRowsOutOfOrderDoubledOrTooMany) {
  const auto rows_of = [](std::vector<int> feeds) {
    return revoke_body(static_cast<int>(feeds.size()), [&](BlockWriter& writer, int i) {
      write_row(writer, row(feeds[static_cast<std::size_t>(i)]));
    });
  };
  EXPECT_TRUE(decode_revoke(rows_of({1, 2, 3})));
  expect_revoke_refused(rows_of({1, 3, 2}), ledger_error::bad_block);
  expect_revoke_refused(rows_of({1, 2, 2}), ledger_error::bad_block);
  expect_revoke_refused(
      revoke_body(1'001, [](BlockWriter& writer, int i) { write_row(writer, row(i)); }),
      ledger_error::bad_block);
}

TEST(AccessBodies, RefusesARowOfAnotherShape) {
  expect_revoke_refused(
      revoke_body(1, [](BlockWriter& writer, int) { write_row(writer, row(1, 0)); }),
      ledger_error::bad_block);
  expect_revoke_refused(revoke_body(1,
                                    [](BlockWriter& writer, int) {
                                      writer.list(3);
                                      writer.link(filled<32>(1));
                                      writer.integer(1);
                                      writer.link(filled<32>(2));
                                    }),
                        ledger_error::bad_block);
  expect_revoke_refused(revoke_body(1,
                                    [](BlockWriter& writer, int) {
                                      writer.list(4);
                                      writer.link(filled<32>(1), wire::kRawCodec);
                                      writer.integer(1);
                                      writer.link(filled<32>(2));
                                      writer.bytes(filled<64>(3));
                                    }),
                        ledger_error::bad_block);
  expect_revoke_refused(
      revoke_body(1, [](BlockWriter& writer, int) { write_row(writer, row(1, kIntegerMax + 1)); }),
      ledger_error::bad_integer);
}

// A few bytes must not cost more than they are: the rows that a list announces have to come.
TEST(AccessBodies, RefusesAListThatOnlyAnnounces) {
  for (const std::string list : {"9903e8", "9b7fffffffffffffff", "9bffffffffffffffff"}) {
    expect_revoke_refused(from_hex("a2646b656570" + list), ledger_error::bad_block);
  }
}

TEST(AccessBodies, AreReadByTheTypeOfTheirEntry) {
  EXPECT_EQ(std::get<Grant>(decode_control(kGrantType, encode(some_grant())).value()),
            some_grant());
  EXPECT_EQ(std::get<Revoke>(decode_control(kRevokeType, encode(some_revoke(2))).value()),
            some_revoke(2));
  EXPECT_FALSE(decode_control(kRevokeType, encode(some_grant())));
  const auto other = decode_control("ledger/other", encode(some_grant()));
  ASSERT_FALSE(other);
  EXPECT_TRUE(other.error().is(ledger_error::reserved_type));
}

}  // namespace
}  // namespace kith::store
