// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_message.h"

#include <gtest/gtest.h>

#include "engine/wire/value.h"

namespace kith::protocols {
namespace {

store::Digest filled(std::uint8_t byte) {
  store::Digest made;
  made.fill(byte);
  return made;
}

SyncHello hello() {
  SyncHello made;
  made.ledgers.push_back({filled(1), {{filled(3), 7, filled(4)}, {filled(3), 9, filled(2)}}});
  made.ledgers.push_back({filled(2), {}});
  return made;
}

TEST(SyncMessage, HelloBothWays) {
  const ByteVector bytes = encode(hello());
  const auto read = decode_sync_hello(bytes);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->ledgers.size(), 2u);
  EXPECT_EQ(read->ledgers[0].ledger, filled(1));
  EXPECT_EQ(read->ledgers[0].tips, hello().ledgers[0].tips);
  EXPECT_EQ(encode(*read), bytes);
}

TEST(SyncMessage, RunAndDoneBothWays) {
  const ByteVector opening(70, 1), entries(300, 2), bodies(70'000, 3);
  SyncRun run;
  run.ledger = filled(5);
  run.opening = opening;
  run.entries = entries;
  run.bodies = bodies;
  const ByteVector bytes = encode(run);
  const auto read = decode_sync_news(bytes).value();
  const auto& got = std::get<SyncRun>(read);
  EXPECT_EQ(got.ledger, run.ledger);
  EXPECT_TRUE(equal(got.bodies, bodies));
  EXPECT_EQ(encode(got), bytes);
  const ByteVector end = encode(SyncDone{filled(6)});
  EXPECT_EQ(std::get<SyncDone>(decode_sync_news(end).value()).ledger, filled(6));
}

// Every implementation of DAG-CBOR reads them.
TEST(SyncMessage, IsDagCbor) {
  SyncRun run;
  for (const ByteVector& bytes : {encode(hello()), encode(run), encode(SyncDone{filled(6)})}) {
    const auto value = wire::decode_cbor(bytes);
    ASSERT_TRUE(value) << value.error().message();
    EXPECT_EQ(wire::encode_cbor(*value), bytes);
  }
}

TEST(SyncMessage, RefusesAllElse) {
  const ByteVector whole = encode(hello());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_sync_hello(Bytes(whole).first(size))) << size;
  ByteVector longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(decode_sync_hello(longer));
  const ByteVector done = encode(SyncDone{filled(6)});
  for (std::size_t size = 0; size < done.size(); ++size)
    EXPECT_FALSE(decode_sync_news(Bytes(done).first(size))) << size;
  ByteVector later = whole;
  later[3] = 1;  // v: 1
  ASSERT_EQ(whole[3], 0);
  EXPECT_FALSE(decode_sync_hello(later));
  SyncHello twice = hello();
  std::swap(twice.ledgers[0], twice.ledgers[1]);
  EXPECT_FALSE(decode_sync_hello(encode(twice)));
  SyncHello unsorted = hello();
  std::swap(unsorted.ledgers[0].tips[0], unsorted.ledgers[0].tips[1]);
  EXPECT_FALSE(decode_sync_hello(encode(unsorted)));
  SyncHello beyond = hello();
  beyond.ledgers[0].tips[1].seq = store::kIntegerMax + 1;
  EXPECT_FALSE(decode_sync_hello(encode(beyond)));
}

// A length in more bytes than it needs.
TEST(SyncMessage, OneFormOnly) {
  ByteVector bytes = encode(SyncDone{filled(6)});
  const std::size_t at = bytes.size() - 34;
  ASSERT_EQ(bytes[at], 0x58);
  ASSERT_EQ(bytes[at + 1], 32);
  bytes[at] = 0x59;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 1, 0);
  EXPECT_FALSE(decode_sync_news(bytes));
}

}  // namespace
}  // namespace kith::protocols
