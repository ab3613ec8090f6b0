// SPDX-License-Identifier: MIT
#include "engine/store/rocks_log.h"

#include <gtest/gtest.h>

namespace kith::store {
namespace {

// One whole record of type 1 (CRC-32C of 0x01 and "abc", masked, as RocksDB writes it).
constexpr std::uint8_t kNoCrc[] = {0, 0, 0, 0};

ByteVector record(std::uint8_t type, std::size_t length, std::size_t held) {
  ByteVector out(kNoCrc, kNoCrc + 4);
  out.push_back(static_cast<std::uint8_t>(length));
  out.push_back(static_cast<std::uint8_t>(length >> 8));
  out.push_back(type);
  out.resize(7 + held, 0x55);
  return out;
}
ByteVector joined(std::initializer_list<ByteVector> parts) {
  ByteVector out;
  for (const ByteVector& part : parts) append(out, part);
  return out;
}
LogEnd end_of(const ByteVector& log) { return judge_rocks_log(log).end; }

TEST(RocksLog, WholeOnes) {
  EXPECT_EQ(end_of({}), LogEnd::whole);
  EXPECT_FALSE(judge_rocks_log({}).holds_records);
  const ByteVector one = record(1, 10, 10);
  EXPECT_EQ(end_of(one), LogEnd::whole);
  EXPECT_TRUE(judge_rocks_log(one).holds_records);
  // A record in three pieces, over three blocks.
  const ByteVector first = record(2, 32'761, 32'761), middle = record(3, 32'761, 32'761);
  const ByteVector last = record(4, 5, 5);
  EXPECT_EQ(end_of(joined({first, middle, last, one})), LogEnd::whole);
  // A trailer of up to six zeros ends a block.
  const ByteVector long_one = record(1, 32'755, 32'755);
  EXPECT_EQ(end_of(joined({long_one, ByteVector(6), one})), LogEnd::whole);
}

TEST(RocksLog, TornOnes) {
  const ByteVector one = record(1, 10, 10);
  for (std::size_t held = 1; held < one.size(); ++held) {
    const LogVerdict verdict = judge_rocks_log(
        joined({one, ByteVector(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(held))}));
    EXPECT_EQ(verdict.end, LogEnd::torn) << held;
    EXPECT_EQ(verdict.offset, one.size());
    EXPECT_TRUE(verdict.holds_records);
  }
  EXPECT_EQ(end_of(joined({one, ByteVector(100'000)})), LogEnd::torn) << "set aside, not written";
  EXPECT_EQ(end_of(record(2, 32'761, 32'761)), LogEnd::torn) << "no last piece";
  EXPECT_FALSE(judge_rocks_log(record(2, 10, 10)).holds_records);
}

TEST(RocksLog, DamagedOnes) {
  const ByteVector one = record(1, 10, 10);
  for (const int type : {0, 5, 6, 8, 9, 129, 255}) {
    const ByteVector odd = record(static_cast<std::uint8_t>(type), 10, 10);
    EXPECT_EQ(end_of(joined({one, odd})), LogEnd::damaged) << type;
  }
  EXPECT_EQ(end_of(joined({one, record(1, 40'000, 20)})), LogEnd::damaged) << "beyond its block";
  EXPECT_EQ(end_of(joined({one, ByteVector(7), one})), LogEnd::damaged) << "a hole";
}

// A length that points behind the end, though the CRC is that of what is there: 0x01 "abc".
TEST(RocksLog, ALengthThatFlippedIsNoTear) {
  ByteVector log = record(1, 3, 3);
  std::copy_n("abc", 3, log.begin() + 7);
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 6; i < log.size(); ++i) {
    crc ^= log[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
  }
  crc = ~crc;
  crc = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  for (unsigned i = 0; i < 4; ++i) log[i] = static_cast<std::uint8_t>(crc >> (8 * i));
  EXPECT_EQ(end_of(log), LogEnd::whole);
  ByteVector flipped = log;
  flipped[4] = 3 + 64;
  EXPECT_EQ(end_of(flipped), LogEnd::damaged);
  flipped.pop_back();
  EXPECT_EQ(end_of(flipped), LogEnd::torn);
}

}  // namespace
}  // namespace kith::store
