// SPDX-License-Identifier: MIT
#include "engine/store/receipt_table.h"

#include <algorithm>

namespace kith::store {

void ReceiptTable::put(const SignedReceipt& given) {
  const Receipt& receipt = given.receipt;
  Witness& witness = witnesses_[receipt.witness];
  const auto [at, is_new] = witness.rows.try_emplace(receipt.feed);
  std::uint64_t change = item_of(receipt);
  if (!is_new) change ^= item_of(at->second.receipt.receipt);
  if (is_new) ++size_;
  at->second = {given, newest()};
  witness.buckets[receipt.feed[0]] ^= change;
  witness.digest ^= change;
  digest_ ^= change;
  recent_.push_back({receipt.feed, receipt.witness});
  if (recent_.size() <= kRecentMax) return;
  recent_.pop_front();
  ++first_recent_;
}

const ReceiptTable::Row* ReceiptTable::row(const Digest& feed, const crypto::Key32& witness) const {
  const auto whose = witnesses_.find(witness);
  if (whose == witnesses_.end()) return nullptr;
  const auto found = whose->second.rows.find(feed);
  return found == whose->second.rows.end() ? nullptr : &found->second;
}

const SignedReceipt* ReceiptTable::find(const Digest& feed, const crypto::Key32& witness) const {
  const Row* found = row(feed, witness);
  return found ? &found->receipt : nullptr;
}

std::vector<SignedReceipt> ReceiptTable::of_feed(const Digest& feed) const {
  std::vector<SignedReceipt> made;
  for (const auto& [key, witness] : witnesses_) {
    const auto found = witness.rows.find(feed);
    if (found != witness.rows.end()) made.push_back(found->second.receipt);
  }
  return made;
}

std::vector<SignedReceipt> ReceiptTable::differing(const crypto::Key32& witness,
                                                   const Digest& after, const Buckets& theirs,
                                                   std::size_t most) const {
  std::vector<SignedReceipt> made;
  const auto whose = witnesses_.find(witness);
  if (whose == witnesses_.end()) return made;
  const auto& [buckets, digest, rows] = whose->second;
  for (auto at = rows.upper_bound(after); at != rows.end() && made.size() < most;) {
    const std::uint8_t bucket = at->first[0];
    if (buckets[bucket] != theirs[bucket]) {
      made.push_back((at++)->second.receipt);
      continue;
    }
    if (bucket == kBuckets - 1) break;
    Digest next{};
    next[0] = static_cast<std::uint8_t>(bucket + 1);
    at = rows.lower_bound(next);
  }
  return made;
}

std::vector<SignedReceipt> ReceiptTable::since(std::uint64_t& cursor, std::size_t most) const {
  std::vector<SignedReceipt> made;
  cursor = std::max(cursor, first_recent_);
  for (; cursor < newest() && made.size() < most; ++cursor) {
    const Recent& recent = recent_[cursor - first_recent_];
    const Row* held = row(recent.feed, recent.witness);
    if (held && held->serial == cursor) made.push_back(held->receipt);
  }
  return made;
}

}  // namespace kith::store
