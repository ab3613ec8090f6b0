// SPDX-License-Identifier: MIT
// The messages of /kith/sync/1 (engine/store/README.md "Sync"): lists of canonical DAG-CBOR that
// begin with their kind, so that a reader looks at the bytes where they lie. `at` is the number
// that a hello gives to a ledger, for its stream. Pure; no I/O.
#pragma once
#include <variant>

#include "engine/store/receipt_table.h"
#include "engine/store/sketch.h"

namespace kith::protocols {

enum class sync_error {
  bad_message = 1,  // of no shape, not in its one form, or not true
  not_asked,        // an answer to nothing
  bad_runs,         // too many of a peer's runs broke a rule
  too_much,         // requests beyond what may wait
  stalled           // no answer in its time
};
const char* describe(sync_error error);

inline constexpr std::size_t kTipBytes = 32 + 8 + 32;
inline constexpr std::size_t kWantBytes = kTipBytes + 8 + 32;
inline constexpr std::size_t kWitnessBytes = 32 + 8;
void append_tip(ByteVector& to, const store::Tip& tip);

// ---- of who asks
struct SyncHello {
  std::uint64_t at = 0;
  store::Digest ledger{};
  std::optional<store::Digest> control;  // null: all is to be compared, as in an open ledger
  store::Digest digest{};
  std::uint64_t tips = 0, entries = 0, now_us = 0;
};
struct SyncMore {  // symbols
  std::uint64_t at = 0, version = 0, from = 0;
};
struct SyncItems {
  std::uint64_t at = 0;
  std::vector<std::uint64_t> items;
};
struct SyncPath {
  bool is_whole = false;  // the asker has nothing below it
  ByteVector nibbles;
};
struct SyncPaths {
  std::uint64_t at = 0;
  std::vector<SyncPath> paths;
};
// The runs of a feed after an entry (seq 0: from the first) up to another.
struct SyncWant {
  store::Tip after;
  std::uint64_t to_seq = 0;
  store::Digest to_entry{};
  store::Tip to() const { return {after.feed, to_seq, to_entry}; }
};
struct SyncWants {
  std::uint64_t at = 0;
  std::vector<SyncWant> wants;
};
struct SyncGrant {
  std::uint64_t bytes = 0;
};
// Bodies of entries of one branch, that which leads to an entry.
struct SyncLacks {
  std::uint64_t at = 0, first_seq = 0;
  ByteVector which;  // from the lowest bit of the first byte: whether that of first_seq + i
  store::Tip to;
};
struct SyncVouched {  // the digest of all receipts that the asker has
  std::uint64_t at = 0, digest = 0;
};
// Receipts of a witness, please: of feeds after that one, in buckets that differ.
struct SyncBuckets {
  std::uint64_t at = 0;
  crypto::Key32 witness{};
  store::Digest after{};
  store::ReceiptTable::Buckets buckets{};
};
using SyncRequest = std::variant<SyncHello, SyncMore, SyncItems, SyncPaths, SyncWants, SyncGrant,
                                 SyncLacks, SyncVouched, SyncBuckets>;

// ---- of who answers
struct SyncSame {
  std::uint64_t at = 0, now_us = 0;
};
struct SyncDiffers {
  std::uint64_t at = 0;
  // Where those differ: then the control feeds are compared first, and tips and version are theirs.
  std::optional<store::Digest> control;
  store::Digest digest{};
  std::uint64_t tips = 0, entries = 0, now_us = 0, version = 0;
};
struct SyncUnkept {
  std::uint64_t at = 0;
};
struct SyncSymbols {
  std::uint64_t at = 0, version = 0, from = 0;
  std::vector<store::Symbol> symbols;
};
struct SyncTips {
  std::uint64_t at = 0;
  std::vector<store::Tip> tips;  // sorted, none twice
};
struct SyncNode {                       // what stands where a path leads: one of the two
  std::vector<store::Digest> children;  // 16
  std::vector<store::Tip> tips;         // sorted, none twice
};
struct SyncNodes {
  std::uint64_t at = 0, version = 0;
  std::vector<SyncNode> nodes;  // one a path, in the order asked
};
struct SyncRun {
  enum class Part : std::uint8_t { pushed, more_follow, last };
  std::uint64_t at = 0;
  Part part = Part::pushed;
  Bytes opening, entries, bodies;  // views of what was read; opening: of a run from seq 1
};
struct SyncAbsent {  // the end of a want is not held
  std::uint64_t at = 0;
  store::Digest feed{};
};
struct SyncNews {  // a run that was too large to be pushed ends here
  std::uint64_t at = 0;
  store::Tip tip;
};
struct SyncBodies {  // as asked, in the order of their seqs; none: it is not held
  std::uint64_t at = 0;
  std::vector<std::optional<Bytes>> bodies;  // views
};
struct SyncWitness {
  crypto::Key32 witness{};
  std::uint64_t digest = 0;  // of its receipts
};
struct SyncWitnesses {  // the digest of all receipts is another here
  std::uint64_t at = 0;
  std::vector<SyncWitness> witnesses;  // sorted, none twice
};
struct SyncReceipts {
  std::uint64_t at = 0;
  SyncRun::Part part = SyncRun::Part::pushed;  // else of one witness, by feed
  std::vector<store::SignedReceipt> receipts;
};
using SyncAnswer =
    std::variant<SyncSame, SyncDiffers, SyncUnkept, SyncSymbols, SyncTips, SyncNodes, SyncRun,
                 SyncAbsent, SyncNews, SyncBodies, SyncWitnesses, SyncReceipts>;

ByteVector encode(const SyncRequest& request);
ByteVector encode(const SyncAnswer& answer);
Result<SyncRequest> decode_sync_request(Bytes message);
Result<SyncAnswer> decode_sync_answer(Bytes message);

}  // namespace kith::protocols
