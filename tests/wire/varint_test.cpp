// SPDX-License-Identifier: MIT
#include "engine/wire/varint.h"

#include "engine/wire/encodings.h"
#include "vectors.h"

namespace kith::wire {
namespace {

TEST(Varint, Vectors) {
  for (const Vector& vector : read_vectors("varint.txt")) {
    SCOPED_TRACE(vector[0]);
    const ByteVector bytes = from_hex(vector[0]).value();
    const auto read = read_varint(Bytes(bytes));
    std::uint64_t value = 0;
    const int taken = read_varint(bytes, value);
    if (vector[1] == "bad_varint") {
      ASSERT_FALSE(read);
      EXPECT_TRUE(read.error().is(wire_error::bad_varint));
      EXPECT_EQ(taken, -1);
    } else if (vector[1] == "truncated") {
      ASSERT_FALSE(read);
      EXPECT_TRUE(read.error().is(wire_error::truncated));
      EXPECT_EQ(taken, 0);
    } else {
      ASSERT_TRUE(read);
      EXPECT_EQ(std::to_string(read->value), vector[1]);
      EXPECT_EQ(read->size, bytes.size());
      EXPECT_EQ(value, read->value);
      ByteVector written;
      append_varint(written, value);
      EXPECT_EQ(to_hex(written), vector[0]);
    }
  }
}

TEST(Varint, NothingAsksForMore) {
  EXPECT_TRUE(read_varint(Bytes()).error().is(wire_error::truncated));
}

TEST(Varint, EveryPowerOfTwoComesBack) {
  for (int bit = 0; bit < 63; ++bit) {
    for (const std::uint64_t value : {(1ull << bit) - 1, 1ull << bit, (1ull << bit) + 1}) {
      std::uint8_t bytes[kVarintMax];
      const std::size_t size = write_varint(value, bytes);
      EXPECT_EQ(size, varint_size(value));
      std::uint64_t back = 0;
      EXPECT_EQ(read_varint(Bytes(bytes, size), back), static_cast<int>(size));
      EXPECT_EQ(back, value);
      if (size > 1) {
        EXPECT_EQ(read_varint(Bytes(bytes, size - 1), back), 0);
      }
    }
  }
}

TEST(Prefixed, CutsPieceAfterPiece) {
  ByteVector bytes;
  append_prefixed(bytes, as_bytes("abc"));
  append_prefixed(bytes, {});
  append_prefixed(bytes, as_bytes("z"));
  Bytes rest = bytes;
  EXPECT_EQ(as_text(read_prefixed(rest, 3).value()), "abc");
  EXPECT_EQ(as_text(read_prefixed(rest, 3).value()), "");
  EXPECT_EQ(as_text(read_prefixed(rest, 3).value()), "z");
  EXPECT_TRUE(rest.empty());
}

TEST(Prefixed, RefusalsLeaveTheInputAlone) {
  const std::uint8_t bytes[] = {4, 'a', 'b', 'c'};
  Bytes rest = bytes;
  EXPECT_TRUE(read_prefixed(rest, 9).error().is(wire_error::truncated));
  EXPECT_TRUE(read_prefixed(rest, 3).error().is(wire_error::too_large));
  EXPECT_EQ(rest.size(), 4u);
  const std::uint8_t longer_than_need_be[] = {0x80, 0x00};
  rest = longer_than_need_be;
  EXPECT_TRUE(read_prefixed(rest, 9).error().is(wire_error::bad_varint));
}

TEST(WireError, EachHasItsOwnSentence) {
  std::vector<std::string> sentences;
  for (int code = 1; code <= static_cast<int>(wire_error::trailing_bytes); ++code) {
    sentences.emplace_back(describe(static_cast<wire_error>(code)));
    EXPECT_NE(sentences.back(), "unknown wire error");
    for (std::size_t i = 0; i + 1 < sentences.size(); ++i) {
      EXPECT_NE(sentences[i], sentences.back());
    }
  }
}

}  // namespace
}  // namespace kith::wire
