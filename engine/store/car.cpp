// SPDX-License-Identifier: MIT
#include "engine/store/car.h"

#include "engine/store/block_codec.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kCidBytes = 36;

}  // namespace

const char* describe(car_error error) {
  switch (error) {
    case car_error::bad_header: return "not a CAR of version 1 whose one root comes first";
    case car_error::bad_section: return "not a block behind its CID";
    case car_error::too_large: return "larger than any block of a ledger";
    case car_error::wrong_digest: return "a block is not what its CID names";
    case car_error::cut_short: return "the file is cut short";
    case car_error::bad_order: return "a block stands where it may not";
  }
  return "unknown CAR error";
}

void append_car_header(ByteVector& to, const Digest& root) {
  std::array<std::uint8_t, kCarHeaderBytesMax> place;
  BlockWriter writer(place.data());
  writer.map(2);
  writer.key("roots");
  writer.list(1);
  writer.link(root);
  writer.key("version");
  writer.integer(kVersion);
  wire::append_prefixed(to, Bytes(place.data(), writer.end()));
}

void append_car_block(ByteVector& to, const CarBlock& block) {
  wire::append_varint(to, kCidBytes + block.bytes.size());
  append(to, cid_of(block.digest, block.codec));
  append(to, block.bytes);
}

Error CarReader::at_offset(car_error error, const char* detail) const {
  return Error(error, "byte " + std::to_string(offset_) + ": " + detail);
}

void CarReader::feed(Bytes piece) {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  append(held_, piece);
}

void CarReader::pass(std::size_t bytes) {
  at_ += bytes;
  offset_ += bytes;
}

Result<std::optional<CarBlock>> CarReader::next() {
  if (error_) return *error_;
  if (!root_) {
    const auto read = read_header();
    if (!read) error_ = read.error();
    if (!read) return *error_;
    if (!*read) return std::optional<CarBlock>();
  }
  auto block = read_block();
  if (!block) error_ = block.error();
  return block;
}

Result<bool> CarReader::read_header() {
  Bytes rest = this->rest();
  const auto header = wire::read_prefixed(rest, kCarHeaderBytesMax);
  if (!header && header.error().is(wire::wire_error::truncated)) return false;
  if (!header) return at_offset(car_error::bad_header, "no header");
  BlockReader reader(*header);
  reader.map(2);
  reader.key("roots");
  reader.expect(reader.list(1) == 1, ledger_error::bad_block, "not one root");
  const Digest root = reader.link();
  reader.key("version");
  reader.expect(reader.integer() == kVersion, ledger_error::bad_block, "another version");
  if (const auto end = reader.finish(); !end) return at_offset(car_error::bad_header, "header");
  pass(this->rest().size() - rest.size());
  root_ = root;
  return true;
}

Result<std::optional<CarBlock>> CarReader::read_block() {
  const Bytes rest = this->rest();
  std::uint64_t size = 0;
  const int taken = wire::read_varint(rest, size);
  if (taken < 0) return at_offset(car_error::bad_section, "no length");
  if (taken == 0) return std::optional<CarBlock>();
  const std::size_t bytes_max = is_root_read_ ? kCarBlockBytesMax : kCarRootBytesMax;
  if (size < kCidBytes) return at_offset(car_error::bad_section, "shorter than a CID");
  if (size > kCidBytes + bytes_max) return at_offset(car_error::too_large, "a block");
  const auto head = static_cast<std::size_t>(taken);
  if (rest.size() - head < size) return std::optional<CarBlock>();
  const Bytes section = rest.subspan(head, size);
  const auto digest = digest_of(section.first(kCidBytes));
  if (!digest) return at_offset(car_error::bad_section, "a CID that no block of a ledger has");
  const auto cid = wire::Cid::from_bytes(section.first(kCidBytes));
  const CarBlock block{*digest, cid->codec(), section.subspan(kCidBytes)};
  if (digest_block(block.bytes) != *digest)
    return at_offset(car_error::wrong_digest, cid->text().c_str());
  const bool is_root = block.digest == *root_ && block.codec == wire::kDagCborCodec;
  if (!is_root_read_ && !is_root)
    return at_offset(car_error::bad_header, "the first block is not the root");
  is_root_read_ = true;
  pass(head + section.size());
  return std::optional(block);
}

Result<void> CarReader::finish() const {
  if (error_) return *error_;
  if (!is_root_read_) return at_offset(car_error::cut_short, "it holds no block");
  if (at_ != held_.size()) return at_offset(car_error::cut_short, "in the middle of a block");
  return {};
}

}  // namespace kith::store
