// SPDX-License-Identifier: MIT
// CAR, version 1: a file of blocks, each behind its CID (ipld.io/specs/transport/car/carv1), with
// one root, which is its first block. Blocks are those of ledgers: dag-cbor or raw, by sha2-256.
// The reader is fed pieces and holds one block; it knows nothing of what blocks mean. Pure.
#pragma once
#include <optional>

#include "engine/store/blocks.h"

namespace kith::store {

enum class car_error {
  bad_header = 1,  // not version 1, not one root, or another block is first
  bad_section,     // not a length, a CID of ours and a block
  too_large,
  wrong_digest,  // the block is not what its CID names
  cut_short,     // the file ends in the middle
  bad_order      // a whole block in a place where its kind may not stand
};
const char* describe(car_error error);

inline constexpr std::size_t kCarHeaderBytesMax = 256;
inline constexpr std::size_t kCarRootBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kCarBlockBytesMax = kBodyBytesMax + kEntryBytesMax;

struct CarBlock {
  Digest digest{};
  std::uint64_t codec = wire::kDagCborCodec;
  Bytes bytes;
};

void append_car_header(ByteVector& to, const Digest& root);
void append_car_block(ByteVector& to, const CarBlock& block);

class CarReader {
 public:
  void feed(Bytes piece);  // ends the view that next() gave
  // The next block, its CID proven; none: more must be fed. After an error, that error for ever.
  Result<std::optional<CarBlock>> next();
  // Nothing more comes: cut_short if it was in the middle of something.
  Result<void> finish() const;
  std::uint64_t offset() const { return offset_; }  // where what comes next begins

 private:
  Bytes rest() const { return Bytes(held_).subspan(at_); }
  void pass(std::size_t bytes);
  Result<bool> read_header();
  Result<std::optional<CarBlock>> read_block();
  Error at_offset(car_error error, const char* detail) const;

  ByteVector held_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0;
  std::optional<Digest> root_;
  bool is_root_read_ = false;
  std::optional<Error> error_;
};

}  // namespace kith::store
