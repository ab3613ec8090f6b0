// SPDX-License-Identifier: MIT
#include "engine/store/block_codec.h"

#include <algorithm>
#include <cassert>

#include "engine/wire/value.h"

namespace kith::store {

Bytes write_entry(std::uint8_t* to, const EntryView& entry) {
  assert(entry.links.size() <= kLinksMax && entry.type.size() <= kTypeBytesMax);
  BlockWriter writer(to);
  writer.map(8);
  writer.key("seq");
  writer.integer(entry.seq);
  writer.key("body");
  writer.link(entry.body, wire::kRawCodec);
  writer.key("feed");
  writer.link(entry.feed);
  writer.key("prev");
  writer.link(entry.prev);
  writer.key("size");
  writer.integer(entry.body_bytes);
  writer.key("time");
  writer.integer(entry.time_us);
  writer.key("type");
  writer.text(entry.type);
  writer.key("links");
  writer.list(entry.links.size());
  for (const Digest& link : entry.links) writer.link(link);
  return {to, writer.end()};
}

bool are_links_sorted(std::span<const Digest> links) {
  const auto out_of_order = [](const Digest& a, const Digest& b) { return !(a < b); };
  return std::adjacent_find(links.begin(), links.end(), out_of_order) == links.end();
}

const Digest& empty_digest() {
  static constexpr Digest kEmpty = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                    0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                    0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
  return kEmpty;
}

void BlockReader::fail(ledger_error error, const char* detail) {
  if (error_) return;
  error_ = error;
  detail_ = detail;
  rest_ = {};
}

Bytes BlockReader::take(std::uint64_t size) {
  if (size > rest_.size()) {
    fail(ledger_error::bad_block, "cut short");
    return {};
  }
  const Bytes taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

std::uint64_t BlockReader::head(std::uint8_t major) {
  const Bytes first = take(1);
  if (first.empty()) return 0;
  const unsigned info = first[0] & 31u;
  if (first[0] >> 5 != major || info > 27) {
    fail(ledger_error::bad_block, "something else in its place");
    return 0;
  }
  if (info < 24) return info;
  std::uint64_t argument = 0;
  for (const std::uint8_t byte : take(std::uint64_t{1} << (info - 24))) {
    argument = argument << 8 | byte;
  }
  const std::uint64_t shortest = info == 24 ? 24 : std::uint64_t{1} << (8u << (info - 25));
  if (argument < shortest) fail(ledger_error::not_canonical, "a number longer than it need be");
  return failed() ? 0 : argument;
}

Bytes BlockReader::string(std::uint8_t major) {
  const std::uint64_t size = head(major);
  return take(size);
}

void BlockReader::map(std::uint64_t members) {
  expect(head(BlockWriter::kMap) == members, ledger_error::bad_block, "a wrong number of members");
}

void BlockReader::key(std::string_view name) {
  expect(text() == name, ledger_error::bad_block, "an unknown member, or one is missing");
}

std::uint64_t BlockReader::list(std::uint64_t items_max) {
  const std::uint64_t items = head(BlockWriter::kList);
  if (items <= items_max) return items;
  fail(ledger_error::bad_links, "more items than there may be");
  return 0;
}

std::uint64_t BlockReader::integer() {
  const std::uint64_t value = head(BlockWriter::kUnsigned);
  if (value <= kIntegerMax) return value;
  fail(ledger_error::bad_integer, "");
  return 0;
}

std::string_view BlockReader::text() { return as_text(string(BlockWriter::kText)); }

bool BlockReader::boolean() {
  const Bytes byte = take(1);
  if (byte.empty()) return false;
  const bool value = byte[0] == BlockWriter::kTrue;
  expect(value || byte[0] == BlockWriter::kFalse, ledger_error::bad_block,
         "neither true nor false");
  return value;
}

bool BlockReader::null() {
  if (rest_.empty() || rest_[0] != BlockWriter::kNull) return false;
  rest_ = rest_.subspan(1);
  return true;
}

Digest BlockReader::link(std::uint64_t codec, ledger_error otherwise) {
  Digest digest{};
  const Bytes head = take(sizeof BlockWriter::kLinkHead);
  const Bytes rest = take(digest.size());
  if (failed()) return digest;
  std::array<std::uint8_t, sizeof BlockWriter::kLinkHead> expected;
  std::memcpy(expected.data(), BlockWriter::kLinkHead, expected.size());
  expected[BlockWriter::kLinkCodecAt] = static_cast<std::uint8_t>(codec);
  expect(equal(head, expected), otherwise, "no CID of its kind");
  std::memcpy(digest.data(), rest.data(), digest.size());
  return digest;
}

// Which of the two a refused block is, malformed or of another form, only a whole reading tells.
Result<void> BlockReader::finish() {
  if (!rest_.empty()) fail(ledger_error::bad_block, "bytes after its end");
  if (!error_) return {};
  const auto whole = wire::decode_cbor(block_);
  if (!whole && whole.error().is(wire::wire_error::not_canonical)) {
    return Error(ledger_error::not_canonical, whole.error().detail());
  }
  return Error(*error_, detail_);
}

}  // namespace kith::store
