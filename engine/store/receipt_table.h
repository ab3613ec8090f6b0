// SPDX-License-Identifier: MIT
// ReceiptTable: the newest receipt of each witness and feed of a ledger, with the digests that two
// nodes compare: 256 buckets a witness, by the first byte of the feed, each the xor of its
// receipts' items. Owned by Receipts; loop thread. Judges nothing, asks no store.
#pragma once
#include <deque>
#include <map>

#include "engine/store/receipt.h"

namespace kith::store {

class ReceiptTable {
 public:
  static constexpr std::size_t kBuckets = 256;
  static constexpr std::size_t kRecentMax = 4'096;
  using Buckets = std::array<std::uint64_t, kBuckets>;
  struct Row {
    SignedReceipt receipt;
    std::uint64_t serial = 0;
  };
  struct Witness {
    Buckets buckets{};
    std::uint64_t digest = 0;
    std::map<Digest, Row> rows;  // by feed
  };

  void put(const SignedReceipt& receipt);  // in place of what is kept of that witness and feed
  const SignedReceipt* find(const Digest& feed, const crypto::Key32& witness) const;
  std::vector<SignedReceipt> of_feed(const Digest& feed) const;  // by witness

  std::size_t size() const { return size_; }
  std::uint64_t digest() const { return digest_; }  // the xor of all items
  const std::map<crypto::Key32, Witness>& witnesses() const { return witnesses_; }
  // Of a witness, those of feeds after that one whose bucket is another than theirs; by feed.
  std::vector<SignedReceipt> differing(const crypto::Key32& witness, const Digest& after,
                                       const Buckets& theirs, std::size_t most) const;
  // How many were put so far; and the next ones from there on. What was replaced meanwhile comes
  // later; of more than kRecentMax that were missed, the older ones are left out.
  std::uint64_t newest() const { return first_recent_ + recent_.size(); }
  std::vector<SignedReceipt> since(std::uint64_t& cursor, std::size_t most) const;

 private:
  struct Recent {
    Digest feed;
    crypto::Key32 witness;
  };
  const Row* row(const Digest& feed, const crypto::Key32& witness) const;

  std::map<crypto::Key32, Witness> witnesses_;
  std::deque<Recent> recent_;
  std::uint64_t first_recent_ = 0;
  std::uint64_t digest_ = 0;
  std::size_t size_ = 0;
};

}  // namespace kith::store
