// SPDX-License-Identifier: MIT
#include "engine/store/rocks_log.h"

#include <gtest/gtest.h>

#include <random>

namespace kith::store {
namespace {

// CRC-32C as RocksDB writes it, worked out bit by bit.
std::uint32_t masked_crc(Bytes bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}
void put(ByteVector& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
ByteVector record(std::uint8_t type, Bytes payload) {
  ByteVector covered{type};
  append(covered, payload);
  ByteVector out;
  put(out, masked_crc(covered), 4);
  put(out, payload.size(), 2);
  append(out, covered);
  return out;
}
ByteVector record(std::uint8_t type, std::size_t length) {
  return record(type, ByteVector(length, 0x55));
}
// A batch of one write, as the store makes it.
ByteVector batch(std::uint64_t seq, std::uint64_t synced_seq, std::size_t bytes) {
  ByteVector out;
  put(out, seq, 8);
  put(out, 1, 4);
  append(out, ByteVector{3, kLogNoteBytes});
  append(out, log_note(synced_seq));
  out.resize(std::max(out.size(), bytes), 0x66);
  return record(1, out);
}
ByteVector joined(std::initializer_list<ByteVector> parts) {
  ByteVector out;
  for (const ByteVector& part : parts) append(out, part);
  return out;
}
ByteVector first_of(const ByteVector& bytes, std::size_t n) {
  return to_vector(Bytes(bytes).first(n));
}
LogEnd end_of(const ByteVector& log) { return judge_rocks_log(log).end; }

TEST(RocksLog, WholeOnes) {
  EXPECT_EQ(end_of({}), LogEnd::whole);
  const ByteVector one = record(1, 10);
  EXPECT_EQ(end_of(one), LogEnd::whole);
  // A record in three pieces, over three blocks.
  const ByteVector first = record(2, 32'761), middle = record(3, 32'761), last = record(4, 5);
  EXPECT_EQ(end_of(joined({first, middle, last, one})), LogEnd::whole);
  // A trailer of up to six zeros ends a block.
  EXPECT_EQ(end_of(joined({record(1, 32'755), ByteVector(6), one})), LogEnd::whole);
}

TEST(RocksLog, TornOnes) {
  const ByteVector one = record(1, 10);
  for (std::size_t held = 1; held < one.size(); ++held) {
    const LogVerdict verdict = judge_rocks_log(joined({one, first_of(one, held)}));
    EXPECT_EQ(verdict.end, LogEnd::torn) << held;
    EXPECT_EQ(verdict.offset, one.size());
  }
  EXPECT_EQ(end_of(joined({one, ByteVector(100'000)})), LogEnd::torn) << "set aside, not written";
  const LogVerdict open = judge_rocks_log(joined({one, record(2, 32'744)}));
  EXPECT_EQ(open.end, LogEnd::torn) << "no last piece";
  EXPECT_EQ(open.offset, one.size()) << "its first piece ends too";
}

TEST(RocksLog, HoledOnes) {
  const ByteVector one = record(1, 10);
  EXPECT_EQ(end_of(joined({one, ByteVector(7), one})), LogEnd::damaged) << "no page";
  EXPECT_EQ(end_of(joined({ByteVector(32'768), one})), LogEnd::holed);
  ByteVector log = joined({one, record(1, 20'000)});
  std::fill(log.begin() + 4'096, log.begin() + 8'192, std::uint8_t{0});
  EXPECT_EQ(end_of(log), LogEnd::holed) << "in a record";
  EXPECT_EQ(judge_rocks_log(log).offset, one.size());
  log = joined({one, record(1, 20'000)});
  std::fill(log.begin() + 17, log.begin() + 4'096, std::uint8_t{0});
  EXPECT_EQ(end_of(log), LogEnd::holed) << "its header too";
}

TEST(RocksLog, DamagedOnes) {
  const ByteVector one = record(1, 10);
  for (const int type : {0, 5, 6, 8, 9, 129, 255}) {
    const ByteVector odd = record(static_cast<std::uint8_t>(type), 10);
    EXPECT_EQ(end_of(joined({one, odd})), LogEnd::damaged) << type;
  }
  ByteVector beyond = joined({one, record(1, 40'000)});
  beyond.resize(50);
  EXPECT_EQ(end_of(beyond), LogEnd::damaged) << "beyond its block";
}

// Wherever it is, also in a record whose own bytes look like a hole.
TEST(RocksLog, ABitThatFlippedIsNoTear) {
  const ByteVector before = record(1, 10);
  for (const ByteVector& flat : {record(1, 3), record(1, 300), record(1, ByteVector(9'000))}) {
    const ByteVector log = joined({before, flat});
    std::mt19937_64 random(7);
    for (std::size_t bit = 8 * before.size(); bit < 8 * log.size(); ++bit) {
      if (bit > 8 * before.size() + 200 && random() % 500 != 0) continue;
      ByteVector flipped = log;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_EQ(end_of(flipped), LogEnd::damaged) << bit;
    }
  }
}

TEST(RocksLog, WhatItsRecordsNote) {
  const ByteVector log = joined({batch(7, 6, 100), batch(8, 6, 100)});
  LogVerdict verdict = judge_rocks_log(log);
  EXPECT_EQ(verdict.before.first_seq, 7u);
  EXPECT_EQ(verdict.before.last_seq, 8u);
  EXPECT_EQ(verdict.before.synced_seq, 6u);
  EXPECT_EQ(verdict.after.first_seq, 0u);

  ByteVector holed = joined({batch(7, 6, 100), batch(8, 6, 9'000), batch(9, 8, 100)});
  std::fill(holed.begin() + 4'096, holed.begin() + 8'192, std::uint8_t{0});
  verdict = judge_rocks_log(holed);
  EXPECT_EQ(verdict.end, LogEnd::holed);
  EXPECT_EQ(verdict.before.last_seq, 7u);
  EXPECT_EQ(verdict.after.first_seq, 9u);
  EXPECT_EQ(verdict.after.synced_seq, 8u) << "what is missing was synced";
}

// A record whose head lies in two pieces.
TEST(RocksLog, ANoteAtTheEndOfABlock) {
  ByteVector whole = batch(8, 5, 100);
  const Bytes payload = Bytes(whole).subspan(7);
  const ByteVector filler = batch(7, 5, 32'768 - 7 - 7 - 5);
  const ByteVector log =
      joined({filler, record(2, payload.first(5)), record(4, payload.subspan(5))});
  const LogVerdict verdict = judge_rocks_log(log);
  EXPECT_EQ(verdict.end, LogEnd::whole);
  EXPECT_EQ(verdict.before.last_seq, 8u);
}

}  // namespace
}  // namespace kith::store
