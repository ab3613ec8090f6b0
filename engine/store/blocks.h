// SPDX-License-Identifier: MIT
// The blocks of a ledger: genesis, opening, entry, and the head that signs. Canonical DAG-CBOR, and
// nothing else is read: what does not re-encode to the same bytes is refused. Pure; any thread.
// The formats are specified in engine/store/README.md, with vectors in tests/store.
#pragma once
#include <optional>

#include "engine/crypto/keys.h"
#include "engine/wire/cid.h"

namespace kith::store {

enum class ledger_error {
  bad_block = 1,    // not CBOR, or not of this shape
  not_canonical,    // well-formed, but not DAG-CBOR's one form
  unknown_version,  // a genesis or an opening of a later kith: it waits, nobody is charged
  bad_integer,      // 2^53 or more
  bad_type,         // outside of 1..64 of [a-z0-9._/-]
  bad_links,        // unsorted, doubled, or over 16
  bad_key,          // no Ed25519 point, or one of small order
  entry_too_large,
  body_too_large,
  body_mismatch,   // it is not what its CID names, or not of that size
  reserved_type,   // ledger/* in a data feed
  bad_run,         // not of this shape
  run_too_large,   // over its limits
  wrong_prev,      // it does not follow what it says it follows
  gap,             // its prev is not held
  time_not_after,  // its time is not after prev's
  bad_signature,
  unknown_feed,   // no opening of it is held
  wrong_ledger,   // its opening names another
  unknown_grant,  // what it is opened under is not held: after the control feeds it may be
  is_void,        // it has no right, or lies behind the cut of a revoke
  damaged,        // what the store gave back is not what was put there
};
const char* describe(ledger_error error);

// A CID's digest; the codec follows from what it names: 0x71 for blocks, 0x55 for bodies.
using Digest = crypto::Hash;
inline constexpr std::size_t kLinksMax = 16;
inline constexpr std::size_t kTypeBytesMax = 64;
inline constexpr std::size_t kEntryBytesMax = 2'048;
inline constexpr std::size_t kBodyBytesMax = 256 * 1024;
inline constexpr std::uint64_t kIntegerMax = (std::uint64_t{1} << 53) - 1;
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kHiddenBytes = 16;  // random, before each body of a ledger that hides

// The CID of a block or a body, binary (36 bytes), and its text.
ByteVector cid_of(const Digest& digest, std::uint64_t codec = wire::kDagCborCodec);
// The other way: a dag-cbor or raw CIDv1 of sha2-256.
std::optional<Digest> digest_of(Bytes cid);
Digest digest_block(Bytes block);

struct Genesis {  // {v:1, name, founder, rule, time, salt, hide}
  std::string name;
  std::optional<crypto::Key32> founder;  // none: open
  std::optional<Digest> rule;
  std::optional<std::uint64_t> time_us;
  std::optional<std::array<std::uint8_t, 16>> salt;
  bool hide = false;
  bool is_open() const { return !founder; }
  friend bool operator==(const Genesis&, const Genesis&) = default;
};
ByteVector encode(const Genesis& genesis);
Result<Genesis> decode_genesis(Bytes block);

enum class FeedKind { data, control };
struct Opening {  // {v:1, ledger, author, nonce, kind, grant}
  Digest ledger{};
  crypto::Key32 author{};
  std::array<std::uint8_t, 8> nonce{};
  FeedKind kind = FeedKind::data;
  std::optional<Digest> grant;
  friend bool operator==(const Opening&, const Opening&) = default;
};
ByteVector encode(const Opening& opening);
Result<Opening> decode_opening(Bytes block);

struct Entry {  // {feed, seq, prev, links, time, type, body, size}
  Digest feed{};
  std::uint64_t seq = 0;
  Digest prev{};
  std::vector<Digest> links;
  std::uint64_t time_us = 0;
  std::string_view type;  // a view of what was decoded
  Digest body{};
  std::uint32_t body_bytes = 0;
};
// Appends nothing but the block; one allocation at most. The hot path of append and verify.
void append_entry(ByteVector& to, const Entry& entry);
Result<Entry> decode_entry(Bytes block);
bool is_type_valid(std::string_view type);
bool is_name_valid(std::string_view name);  // of a ledger: 1 to 64 of [a-z0-9._-]

// Ed25519 over "kith-head/1\0" || dag-cbor({feed, seq, entry}). Identity is the head, never the
// signature.
struct Head {
  Digest feed{};
  std::uint64_t seq = 0;
  Digest entry{};
  friend bool operator==(const Head&, const Head&) = default;
};
ByteVector encode(const Head& head);
crypto::Signature sign_head(const crypto::Identity& author, const Head& head);
bool is_signed(const Head& head, const crypto::Key32& author, Bytes signature);
// With it a run that ends there can be proven later.
struct SignedHead {
  Head head;
  crypto::Signature signature{};
  friend bool operator==(const SignedHead&, const SignedHead&) = default;
};

// The peer id of an author and back.
wire::PeerId peer_of(const crypto::Key32& author);
std::optional<crypto::Key32> author_of(const wire::PeerId& peer);

}  // namespace kith::store
