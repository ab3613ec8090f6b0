// SPDX-License-Identifier: MIT
// A receipt: a witness's signed word that it held an entry of a feed at a time by its own clock. It
// bounds from above when the entry was made, which an author's own time does not. Never part of a
// ledger's digest or of what counts. Pure; any thread. Specified in README.md, "Receipts".
#pragma once
#include "engine/store/blocks.h"

namespace kith::store {

enum class receipt_error {
  malformed = 1,  // no list of receipts
  stranger,       // its witness is neither a member nor named in the config
  own_feed,       // an author's own word is no witness
  unknown_feed,   // no opening of it is held
  not_held_yet,   // the feed does not reach so far here
  wrong_entry,    // the feed holds another at that seq
  not_newer,      // than what is kept of that witness and feed
  ahead,          // its time is over kReceiptAheadUs ahead of this node's clock
  bad_signature,
  full  // as many witnesses or receipts as may be kept
};
const char* describe(receipt_error error);

struct Receipt {  // {seq, feed, time, entry, witness}
  Digest feed{};
  std::uint64_t seq = 0;
  Digest entry{};
  std::uint64_t time_us = 0;
  crypto::Key32 witness{};
  friend bool operator==(const Receipt&, const Receipt&) = default;
};
ByteVector encode(const Receipt& receipt);
// bad_block, not_canonical, bad_integer, bad_key, entry_too_large.
Result<Receipt> decode_receipt(Bytes block);
// A higher seq, else a later time.
bool is_newer(const Receipt& one, const Receipt& other);
// The first 8 bytes of its block's SHA-256: what digests of receipts are made of.
std::uint64_t item_of(const Receipt& receipt);

// Ed25519 over "kith-receipt/1\0" || dag-cbor(receipt), judged as strictly as a head's.
crypto::Signature sign_receipt(const crypto::Identity& witness, const Receipt& receipt);
bool is_signed(const Receipt& receipt, Bytes signature);

struct SignedReceipt {
  Receipt receipt;
  crypto::Signature signature{};
  friend bool operator==(const SignedReceipt&, const SignedReceipt&) = default;
};
// As sync carries them: feed, seq, entry, time, witness, signature; numbers big-endian.
inline constexpr std::size_t kReceiptBytes = 32 + 8 + 32 + 8 + 32 + 64;
void append_receipt(ByteVector& to, const SignedReceipt& receipt);
// Seq from 1, numbers below 2^53; keys and signatures are not judged. receipt_error::malformed.
Result<std::vector<SignedReceipt>> read_receipts(Bytes bytes);

}  // namespace kith::store
