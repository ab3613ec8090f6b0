// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_message.h"

#include <gtest/gtest.h>

#include "engine/store/run.h"
#include "engine/wire/value.h"

namespace kith::protocols {
namespace {

store::Digest filled(std::uint8_t byte) {
  store::Digest made;
  made.fill(byte);
  return made;
}
store::Tip tip(std::uint8_t byte) { return {filled(byte), 7, filled(4)}; }

std::vector<SyncRequest> requests() {
  return {SyncHello{1, filled(1), {}, filled(2), 300, 70'000, 1'700'000'000'000'000},
          SyncHello{0, filled(1), filled(9), filled(2), 0, 0, 0},
          SyncMore{1, 5, 32},
          SyncItems{0, {1, 2, UINT64_MAX}},
          SyncPaths{24, {{true, {}}, {false, {1, 15, 0}}}},
          SyncWants{1, {{tip(1), 9, filled(5)}, {tip(2), 10, filled(6)}}},
          SyncGrant{4'194'304},
          SyncLacks{1, 300, {0, 0b101}, tip(3)}};
}

const ByteVector kSome(300, 1), kMore(70'000, 3);

std::vector<SyncAnswer> answers() {
  return {SyncSame{1, 1'700'000'000'000'000},
          SyncDiffers{1, {}, filled(2), 300, 70'000, 5, 6},
          SyncUnkept{1},
          SyncSymbols{1, 5, 32, {{1, 2, 3}, {UINT64_MAX, UINT32_MAX, 255}}},
          SyncTips{1, {tip(1), tip(2)}},
          SyncNodes{1, 5, {{{}, {tip(1)}}, {std::vector<store::Digest>(16, filled(3)), {}}, {}}},
          SyncRun{1, SyncRun::Part::last, kSome, kMore, kSome},
          SyncRun{0, SyncRun::Part::pushed, {}, kSome, {}},
          SyncAbsent{1, filled(8)},
          SyncNews{1, tip(1)},
          SyncBodies{1, {Bytes(kMore), std::nullopt, Bytes(), Bytes(kSome)}}};
}

// Every implementation of DAG-CBOR reads them, and no other kind takes them.
template <class Any, class Decode>
void both_ways(const std::vector<Any>& all, Decode decode) {
  for (const Any& message : all) {
    const ByteVector bytes = encode(message);
    const auto read = decode(bytes);
    ASSERT_TRUE(read) << message.index();
    EXPECT_EQ(read->index(), message.index());
    EXPECT_EQ(encode(*read), bytes);
    const auto value = wire::decode_cbor(bytes);
    ASSERT_TRUE(value) << value.error().message();
    EXPECT_EQ(wire::encode_cbor(*value), bytes);
    const Bytes whole = bytes;
    for (std::size_t size = 0; size < std::min<std::size_t>(whole.size(), 400); ++size)
      EXPECT_FALSE(decode(whole.first(size))) << message.index() << " " << size;
    ByteVector longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer));
  }
}

TEST(SyncMessage, RequestsBothWays) { both_ways(requests(), &decode_sync_request); }
TEST(SyncMessage, AnswersBothWays) { both_ways(answers(), &decode_sync_answer); }

TEST(SyncMessage, RefusesWhatIsOutOfOrderOrTooMuch) {
  EXPECT_FALSE(decode_sync_answer(encode(SyncTips{1, {tip(2), tip(1)}})));
  EXPECT_FALSE(decode_sync_answer(encode(SyncTips{1, {tip(1), tip(1)}})));
  store::Tip beyond = tip(1);
  beyond.seq = store::kIntegerMax + 1;
  EXPECT_FALSE(decode_sync_answer(encode(SyncNews{1, beyond})));
  EXPECT_FALSE(decode_sync_request(encode(SyncGrant{store::kIntegerMax + 1})));
  EXPECT_FALSE(decode_sync_request(encode(SyncItems{0, std::vector<std::uint64_t>(513, 1)})));
  EXPECT_FALSE(decode_sync_request(encode(SyncPaths{0, std::vector<SyncPath>(65)})));
  for (const ByteVector& marks : {ByteVector(), ByteVector{1, 0}, ByteVector(65, 1)})
    EXPECT_FALSE(decode_sync_request(encode(SyncLacks{0, 1, marks, tip(1)}))) << marks.size();
  EXPECT_FALSE(decode_sync_answer(encode(SyncBodies{0, std::vector<std::optional<Bytes>>(513)})));
  const ByteVector large(store::kBodyBytesMax + 1);
  EXPECT_FALSE(decode_sync_answer(encode(SyncBodies{0, {Bytes(large)}})));
  SyncSymbols many;
  many.symbols.resize(513);
  EXPECT_FALSE(decode_sync_answer(encode(many)));
}

// A length in more bytes than it needs.
TEST(SyncMessage, OneFormOnly) {
  ByteVector bytes = encode(SyncAbsent{1, filled(8)});
  ASSERT_EQ(bytes[3], 0x58);
  ASSERT_EQ(bytes[4], 32);
  bytes[3] = 0x59;
  bytes.insert(bytes.begin() + 4, 0);
  EXPECT_FALSE(decode_sync_answer(bytes));
}

}  // namespace
}  // namespace kith::protocols
