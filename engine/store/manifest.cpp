// SPDX-License-Identifier: MIT
#include "engine/store/manifest.h"

#include <cassert>

#include "engine/store/block_codec.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLinkBytesMax = 41;
constexpr std::size_t kRestBytesMax = 256;  // of a manifest without its tips; of a signed head

}  // namespace

ByteVector encode(const Manifest& manifest) {
  assert(are_links_sorted(manifest.tips));
  ByteVector block(kRestBytesMax + manifest.tips.size() * kLinkBytesMax);
  BlockWriter writer(block.data());
  writer.map(4);
  writer.key("v");
  writer.integer(kVersion);
  writer.key("tips");
  writer.list(manifest.tips.size());
  for (const Digest& tip : manifest.tips) writer.link(tip);
  writer.key("entry");
  manifest.entry ? writer.link(*manifest.entry) : writer.null();
  writer.key("genesis");
  writer.link(manifest.genesis);
  block.resize(static_cast<std::size_t>(writer.end() - block.data()));
  return block;
}

Result<Manifest> decode_manifest(Bytes block) {
  BlockReader reader(block);
  Manifest manifest;
  reader.map(4);
  reader.key("v");
  if (const std::uint64_t version = reader.integer(); !reader.failed() && version != kVersion)
    return Error(ledger_error::unknown_version, "a manifest of v " + std::to_string(version));
  reader.key("tips");
  manifest.tips.resize(reader.list(kManifestTipsMax));
  for (Digest& tip : manifest.tips) tip = reader.link();
  reader.expect(are_links_sorted(manifest.tips), ledger_error::bad_block, "unsorted tips");
  reader.key("entry");
  if (!reader.null()) manifest.entry = reader.link();
  reader.key("genesis");
  manifest.genesis = reader.link();
  if (const auto end = reader.finish(); !end) return end.error();
  return manifest;
}

ByteVector encode(const SignedHead& head) {
  std::array<std::uint8_t, kRestBytesMax> place;
  BlockWriter writer(place.data());
  writer.map(4);
  writer.key("seq");
  writer.integer(head.head.seq);
  writer.key("feed");
  writer.link(head.head.feed);
  writer.key("entry");
  writer.link(head.head.entry);
  writer.key("signature");
  writer.bytes(head.signature);
  return {place.data(), writer.end()};
}

Result<SignedHead> decode_signed_head(Bytes block) {
  BlockReader reader(block);
  SignedHead head;
  reader.map(4);
  reader.key("seq");
  head.head.seq = reader.integer();
  reader.key("feed");
  head.head.feed = reader.link();
  reader.key("entry");
  head.head.entry = reader.link();
  reader.key("signature");
  head.signature = reader.bytes<64>();
  if (const auto end = reader.finish(); !end) return end.error();
  return head;
}

}  // namespace kith::store
