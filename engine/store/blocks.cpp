// SPDX-License-Identifier: MIT
#include "engine/store/blocks.h"

#include <algorithm>
#include <cassert>

#include "engine/crypto/ed25519.h"
#include "engine/store/block_codec.h"
#include "engine/wire/value.h"

namespace kith::store {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kData = "data", kControl = "control";
constexpr std::string_view kHeadDomain("kith-head/1\0", 12);
constexpr std::array<std::uint8_t, 4> kCidHead = {1, 0, 0x12, 32};  // version, codec, sha2-256
constexpr std::size_t kCodecAt = 1;
// libp2p peer-ids: {1 type: Ed25519, 2 data: 32 bytes}.
constexpr std::array<std::uint8_t, 4> kKeyHead = {8, 1, 0x12, 32};

using BlockPlace = std::array<std::uint8_t, kEntryBytesMax>;

template <class Held>
void write_link(BlockWriter& writer, const Held& digest) {
  digest ? writer.link(*digest) : writer.null();
}

template <class Held>
void write_bytes(BlockWriter& writer, const Held& bytes) {
  bytes ? writer.bytes(*bytes) : writer.null();
}

bool is_word(std::string_view text, std::size_t bytes_max, std::string_view signs) {
  const auto is_good = [signs](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || signs.find(c) != signs.npos;
  };
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), is_good);
}

crypto::Key32 read_author(BlockReader& reader) {
  const auto key = reader.bytes<32>();
  if (!reader.failed()) {
    reader.expect(crypto::is_prime_order_point(key), ledger_error::bad_key, "");
  }
  return key;
}

void read_version(BlockReader& reader) {
  reader.key("v");
  reader.expect(reader.integer() == kVersion, ledger_error::bad_block, "no version of a block");
}

// A block that was refused may be one of a later version, whatever else is in it.
Error judge_version(Bytes block, Error refused) {
  const auto whole = wire::decode_cbor(block);
  if (!whole || !whole->map()) return refused;
  const auto version = static_cast<std::uint64_t>(whole->integer_or("v", 0));
  if (version <= kVersion || version > kIntegerMax) return refused;
  return Error(ledger_error::unknown_version, "v is " + std::to_string(version));
}

void judge_openness(BlockReader& reader, const Genesis& genesis) {
  const bool held = genesis.time_us && genesis.salt;
  const bool bare = !genesis.rule && !genesis.time_us && !genesis.salt && !genesis.hide;
  reader.expect(genesis.is_open() ? bare : held, ledger_error::bad_block,
                "neither an open ledger's nor a founder's");
}

}  // namespace

const char* describe(ledger_error error) {
  switch (error) {
    case ledger_error::bad_block: return "not a block of a ledger";
    case ledger_error::not_canonical: return "not canonical DAG-CBOR";
    case ledger_error::unknown_version: return "a block of a later version";
    case ledger_error::bad_integer: return "an integer of 2^53 or more";
    case ledger_error::bad_type: return "a type is 1 to 64 of a-z 0-9 . _ / -";
    case ledger_error::bad_links: return "links are at most 16 CIDs of entries, sorted, distinct";
    case ledger_error::bad_key: return "the author's key is not a usable Ed25519 key";
    case ledger_error::entry_too_large: return "a block of over 2 KiB";
    case ledger_error::body_too_large: return "a body of over 256 KiB";
    case ledger_error::body_mismatch: return "the body is not the one that its entry names";
    case ledger_error::reserved_type: return "a type that its feed may not hold";
    case ledger_error::bad_run: return "malformed run";
    case ledger_error::run_too_large: return "a run over its limits";
    case ledger_error::wrong_prev: return "it does not follow the entry before it";
    case ledger_error::gap: return "the entry before it is not held";
    case ledger_error::time_not_after: return "its time is not after that of the entry before it";
    case ledger_error::bad_signature: return "the signature does not hold";
    case ledger_error::unknown_feed: return "the opening of its feed is not held";
    case ledger_error::wrong_ledger: return "its feed belongs to another ledger";
    case ledger_error::unknown_grant: return "the grant that it is written under is not held";
    case ledger_error::is_void: return "its author has no right to it";
    case ledger_error::damaged: return "the store gave back something other than was put there";
  }
  return "unknown ledger error";
}

ByteVector cid_of(const Digest& digest, std::uint64_t codec) {
  assert(codec < 0x80);
  ByteVector cid(kCidHead.begin(), kCidHead.end());
  cid[kCodecAt] = static_cast<std::uint8_t>(codec);
  append(cid, digest);
  return cid;
}

std::optional<Digest> digest_of(Bytes cid) {
  Digest digest;
  if (cid.size() != kCidHead.size() + digest.size()) return std::nullopt;
  const std::uint64_t codec = cid[kCodecAt];
  if (codec != wire::kDagCborCodec && codec != wire::kRawCodec) return std::nullopt;
  if (cid[0] != kCidHead[0] || !equal(cid.subspan(2, 2), Bytes(kCidHead).subspan(2))) {
    return std::nullopt;
  }
  std::copy(cid.begin() + kCidHead.size(), cid.end(), digest.begin());
  return digest;
}

Digest digest_block(Bytes block) { return crypto::sha256(block); }

bool is_type_valid(std::string_view type) { return is_word(type, kTypeBytesMax, "._/-"); }
bool is_name_valid(std::string_view name) { return is_word(name, kNameBytesMax, "._-"); }

ByteVector encode(const Genesis& genesis) {
  assert(is_name_valid(genesis.name));
  BlockPlace place;
  BlockWriter writer(place.data());
  writer.map(7);
  writer.key("v");
  writer.integer(kVersion);
  writer.key("hide");
  writer.boolean(genesis.hide);
  writer.key("name");
  writer.text(genesis.name);
  writer.key("rule");
  write_link(writer, genesis.rule);
  writer.key("salt");
  write_bytes(writer, genesis.salt);
  writer.key("time");
  genesis.time_us ? writer.integer(*genesis.time_us) : writer.null();
  writer.key("founder");
  write_bytes(writer, genesis.founder);
  return {place.data(), writer.end()};
}

Result<Genesis> decode_genesis(Bytes block) {
  if (block.size() > kEntryBytesMax) return ledger_error::entry_too_large;
  BlockReader reader(block);
  Genesis genesis;
  reader.map(7);
  read_version(reader);
  reader.key("hide");
  genesis.hide = reader.boolean();
  reader.key("name");
  genesis.name = reader.text();
  reader.expect(is_name_valid(genesis.name), ledger_error::bad_block, "a name of other signs");
  reader.key("rule");
  if (!reader.null()) genesis.rule = reader.link();
  reader.key("salt");
  if (!reader.null()) genesis.salt = reader.bytes<16>();
  reader.key("time");
  if (!reader.null()) genesis.time_us = reader.integer();
  reader.key("founder");
  if (!reader.null()) genesis.founder = read_author(reader);
  judge_openness(reader, genesis);
  if (const auto end = reader.finish(); !end) return judge_version(block, end.error());
  return genesis;
}

ByteVector encode(const Opening& opening) {
  BlockPlace place;
  BlockWriter writer(place.data());
  writer.map(6);
  writer.key("v");
  writer.integer(kVersion);
  writer.key("kind");
  writer.text(opening.kind == FeedKind::data ? kData : kControl);
  writer.key("grant");
  write_link(writer, opening.grant);
  writer.key("nonce");
  writer.bytes(opening.nonce);
  writer.key("author");
  writer.bytes(opening.author);
  writer.key("ledger");
  writer.link(opening.ledger);
  return {place.data(), writer.end()};
}

Result<Opening> decode_opening(Bytes block) {
  if (block.size() > kEntryBytesMax) return ledger_error::entry_too_large;
  BlockReader reader(block);
  Opening opening;
  reader.map(6);
  read_version(reader);
  reader.key("kind");
  const std::string_view kind = reader.text();
  reader.expect(kind == kData || kind == kControl, ledger_error::bad_block, "a feed of no kind");
  opening.kind = kind == kControl ? FeedKind::control : FeedKind::data;
  reader.key("grant");
  if (!reader.null()) opening.grant = reader.link();
  reader.key("nonce");
  opening.nonce = reader.bytes<8>();
  reader.key("author");
  opening.author = read_author(reader);
  reader.key("ledger");
  opening.ledger = reader.link();
  if (const auto end = reader.finish(); !end) return judge_version(block, end.error());
  return opening;
}

void append_entry(ByteVector& to, const Entry& entry) {
  BlockPlace place;
  append(to, write_entry(place.data(), {entry.feed, entry.seq, entry.prev, entry.links,
                                        entry.time_us, entry.type, entry.body, entry.body_bytes}));
}

Result<Entry> decode_entry(Bytes block) {
  if (block.size() > kEntryBytesMax) return ledger_error::entry_too_large;
  BlockReader reader(block);
  Entry entry;
  reader.map(8);
  reader.key("seq");
  entry.seq = reader.integer();
  reader.expect(entry.seq > 0, ledger_error::bad_block, "seq begins at 1");
  reader.key("body");
  entry.body = reader.link(wire::kRawCodec);
  reader.key("feed");
  entry.feed = reader.link();
  reader.key("prev");
  entry.prev = reader.link();
  reader.key("size");
  const std::uint64_t size = reader.integer();
  reader.expect(size <= kBodyBytesMax, ledger_error::body_too_large, "");
  entry.body_bytes = static_cast<std::uint32_t>(size);
  reader.expect((size == 0) == (entry.body == empty_digest()), ledger_error::body_mismatch,
                "the block of no bytes, and no other, has size 0");
  reader.key("time");
  entry.time_us = reader.integer();
  reader.key("type");
  entry.type = reader.text();
  reader.expect(is_type_valid(entry.type), ledger_error::bad_type, "");
  reader.key("links");
  entry.links.resize(reader.list(kLinksMax));
  for (Digest& link : entry.links) {
    link = reader.link(wire::kDagCborCodec, ledger_error::bad_links);
  }
  reader.expect(are_links_sorted(entry.links), ledger_error::bad_links, "");
  if (const auto end = reader.finish(); !end) return end.error();
  return entry;
}

ByteVector encode(const Head& head) {
  BlockPlace place;
  BlockWriter writer(place.data());
  writer.map(3);
  writer.key("seq");
  writer.integer(head.seq);
  writer.key("feed");
  writer.link(head.feed);
  writer.key("entry");
  writer.link(head.entry);
  return {place.data(), writer.end()};
}

crypto::Signature sign_head(const crypto::Identity& author, const Head& head) {
  return author.sign(kHeadDomain, encode(head));
}

bool is_signed(const Head& head, const crypto::Key32& author, Bytes signature) {
  return crypto::verify_claim(peer_of(author), {}, kHeadDomain, encode(head), signature);
}

wire::PeerId peer_of(const crypto::Key32& author) {
  std::array<std::uint8_t, kKeyHead.size() + sizeof author> key;
  std::copy(author.begin(), author.end(), std::copy(kKeyHead.begin(), kKeyHead.end(), key.begin()));
  return wire::PeerId::from_public_key(key);
}

std::optional<crypto::Key32> author_of(const wire::PeerId& peer) {
  crypto::Key32 author;
  const Bytes key = peer.inline_key();
  if (key.size() != kKeyHead.size() + author.size()) return std::nullopt;
  if (!equal(key.first(kKeyHead.size()), kKeyHead)) return std::nullopt;
  std::copy(key.begin() + kKeyHead.size(), key.end(), author.begin());
  return author;
}

}  // namespace kith::store
