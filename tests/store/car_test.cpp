// SPDX-License-Identifier: MIT
// CAR files by themselves: what is written is read back in pieces of any size, and bytes that were
// changed, cut or made large are refused.
#include "engine/store/car.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/store/manifest.h"

namespace kith::test {
namespace {

using store::car_error;

ByteVector bytes_of(std::string_view text) { return to_vector(as_bytes(text)); }

struct Block {
  std::uint64_t codec;
  ByteVector bytes;
  bool operator==(const Block&) const = default;
};

ByteVector car_of(const std::vector<Block>& blocks) {
  ByteVector made;
  store::append_car_header(made, store::digest_block(blocks.front().bytes));
  for (const Block& block : blocks)
    store::append_car_block(made, {store::digest_block(block.bytes), block.codec, block.bytes});
  return made;
}

struct Reading {
  std::vector<Block> blocks;
  std::optional<Error> error;
  bool is(car_error code) const { return error && error->is(code); }
};
Reading read(Bytes car, std::size_t piece_bytes) {
  store::CarReader reader;
  Reading made;
  for (;;) {
    auto block = reader.next();
    if (!block) {
      made.error = block.error();
      return made;
    }
    if (*block) {
      made.blocks.push_back({(*block)->codec, to_vector((*block)->bytes)});
      continue;
    }
    if (car.empty()) break;
    const std::size_t size = std::min(piece_bytes, car.size());
    reader.feed(car.first(size));
    car = car.subspan(size);
  }
  if (const auto end = reader.finish(); !end) made.error = end.error();
  return made;
}

const std::vector<Block> kBlocks = {{wire::kDagCborCodec, {0xa0}},
                                    {wire::kRawCodec, ByteVector(3'000, 7)},
                                    {wire::kRawCodec, {}},
                                    {wire::kDagCborCodec, {0x80}}};

TEST(Car, IsReadBackInPiecesOfAnySize) {
  const ByteVector car = car_of(kBlocks);
  for (const std::size_t piece : {1ul, 7ul, 100ul, 1'000'000ul}) {
    const Reading reading = read(car, piece);
    EXPECT_FALSE(reading.error) << reading.error->message();
    EXPECT_EQ(reading.blocks, kBlocks) << piece;
  }
}

TEST(Car, HeaderIsTheOneOfTheSpec) {
  ByteVector header;
  const store::Digest root = store::digest_block(bytes_of("x"));
  store::append_car_header(header, root);
  ByteVector expected = bytes_of("\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25");
  append(expected, ByteVector{0x00, 0x01, 0x71, 0x12, 0x20});
  append(expected, root);
  append(expected, bytes_of("\x67version\x01"));
  EXPECT_EQ(header, expected);
}

TEST(Car, EveryFlippedBitIsFound) {
  const ByteVector car =
      car_of({{wire::kDagCborCodec, {0xa0}}, {wire::kRawCodec, bytes_of("a body")}});
  for (std::size_t at = 0; at < car.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      ByteVector changed = car;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << bit));
      const Reading reading = read(changed, 64);
      EXPECT_TRUE(reading.error) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(Car, EveryCutIsFound) {
  const ByteVector car = car_of(kBlocks);
  std::set<std::size_t> ends;  // of blocks: a file may end there
  ByteVector sum;
  store::append_car_header(sum, {});
  for (const Block& block : kBlocks) {
    store::append_car_block(sum, {{}, block.codec, block.bytes});
    ends.insert(sum.size());
  }
  for (std::size_t size = 0; size < car.size(); ++size) {
    const Reading reading = read(Bytes(car).first(size), 4'096);
    if (ends.contains(size)) continue;
    EXPECT_TRUE(reading.is(car_error::cut_short)) << size;
  }
}

TEST(Car, LargeBlocksAreRefusedBeforeTheyAreHeld) {
  ByteVector car;
  store::append_car_header(car, store::digest_block(ByteVector{0xa0}));
  ByteVector root = car;
  wire::append_varint(root, 36 + store::kCarRootBytesMax + 1);
  EXPECT_TRUE(read(root, 4'096).is(car_error::too_large));
  store::append_car_block(car, {store::digest_block(ByteVector{0xa0}), 0x71, ByteVector{0xa0}});
  wire::append_varint(car, 36 + store::kCarBlockBytesMax + 1);
  EXPECT_TRUE(read(car, 4'096).is(car_error::too_large));
}

TEST(Car, OtherHeadersAndCidsAreRefused) {
  EXPECT_TRUE(read(bytes_of("\x01\xa0"), 64).is(car_error::bad_header));
  EXPECT_TRUE(read(ByteVector{0xff, 0xff, 0x03}, 64).is(car_error::bad_header)) << "too long";
  ByteVector other;
  store::append_car_header(other, store::digest_block(bytes_of("another")));
  ByteVector car = other;
  store::append_car_block(car, {store::digest_block(ByteVector{0xa0}), 0x71, ByteVector{0xa0}});
  EXPECT_TRUE(read(car, 64).is(car_error::bad_header)) << "the first block is not the root";
  ByteVector cid = other;
  append(cid, ByteVector(1, 36));
  append(cid, ByteVector(36, 1));
  EXPECT_TRUE(read(cid, 64).is(car_error::bad_section));
  append(other, ByteVector{0x00});
  EXPECT_TRUE(read(other, 64).is(car_error::bad_section));
}

TEST(Manifest, IsReadAsWritten) {
  store::Manifest manifest;
  manifest.genesis[0] = 1;
  EXPECT_EQ(*store::decode_manifest(encode(manifest)), manifest);
  manifest.tips.resize(40);
  for (std::size_t i = 0; i < manifest.tips.size(); ++i) {
    manifest.tips[i][0] = static_cast<std::uint8_t>(i >> 8);
    manifest.tips[i][1] = static_cast<std::uint8_t>(i);
  }
  manifest.entry = manifest.tips[7];
  const ByteVector block = encode(manifest);
  EXPECT_EQ(*store::decode_manifest(block), manifest);
  for (std::size_t size = 0; size < block.size(); ++size)
    EXPECT_FALSE(store::decode_manifest(Bytes(block).first(size))) << size;
  std::swap(manifest.tips[0], manifest.tips[1]);
  ByteVector unsorted = block;
  std::swap_ranges(unsorted.begin() + 20, unsorted.begin() + 61, unsorted.begin() + 61);
  EXPECT_FALSE(store::decode_manifest(unsorted));
}

TEST(Manifest, ASignedHeadIsReadAsWritten) {
  store::SignedHead head;
  head.head = {store::digest_block(bytes_of("feed")), 70'000, store::digest_block(bytes_of("e"))};
  head.signature[63] = 9;
  const ByteVector block = encode(head);
  EXPECT_EQ(*store::decode_signed_head(block), head);
  for (std::size_t size = 0; size < block.size(); ++size)
    EXPECT_FALSE(store::decode_signed_head(Bytes(block).first(size))) << size;
}

}  // namespace
}  // namespace kith::test
