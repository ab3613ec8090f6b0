// SPDX-License-Identifier: MIT
// Receipts on the wire (engine/store/README.md "Sync"): SyncVouching compares those of a ledger
// with a peer's once all else is the same, pulls what differs of witnesses that are believed here,
// and takes what is pushed, at a bounded pace. Owned by the stream that asks; sends by it.
#pragma once
#include "engine/protocols/bell.h"
#include "engine/protocols/sync_shared.h"

namespace kith::protocols {

// So many a second, or as many at once after a second of rest.
class SyncPace {
 public:
  SyncPace(Loop& loop, std::uint64_t per_second) : loop_(loop), per_second_(per_second) {}
  // How long to wait before any may be spent.
  std::uint64_t wait_us() const {
    const std::uint64_t open_us = loop_.now_us() + kBurstUs;
    return spent_us_ > open_us ? spent_us_ - open_us : 0;
  }
  void spend(std::uint64_t count) {
    spent_us_ = std::max(spent_us_, loop_.now_us()) + count * 1'000'000 / per_second_;
  }

 private:
  static constexpr std::uint64_t kBurstUs = 1'000'000;
  Loop& loop_;
  std::uint64_t per_second_, spent_us_ = 0;
};

class SyncVouching {
 public:
  using Send = std::function<void(const SyncRequest&)>;
  using End = std::function<void(Error)>;
  SyncVouching(SyncShared& shared, SyncPeer& peer, Send send, End end);
  SyncVouching(const SyncVouching&) = delete;
  SyncVouching& operator=(const SyncVouching&) = delete;

  // Judges what came, for as long as the stream. Throws Fault: it ends the stream.
  static Task<void> run(SyncVouching& self);
  void compare(std::uint64_t at, store::Ledger& ledger);
  // Throw Fault: not_asked, or bad_message for what is not true.
  void told(const SyncWitnesses& told, store::Ledger& ledger);
  void told(const SyncReceipts& told, store::Ledger& ledger);

 private:
  struct Pull {  // of one ledger, a witness after the other
    std::uint64_t at;
    store::Ledger& ledger;
    std::deque<crypto::Key32> witnesses;
    store::Digest after{};
  };
  struct Batch {
    store::Ledger& ledger;
    SyncRun::Part part;
    std::vector<store::SignedReceipt> receipts;
  };
  void ask();
  void pulled(const SyncReceipts& told);
  Task<void> judge(Batch batch);

  SyncShared& shared_;
  SyncPeer& peer_;
  const Send send_;
  const End end_;
  Bell bell_;
  SyncPace pace_;
  std::set<std::uint64_t> compared_;  // ledgers of which an answer may come
  std::deque<Pull> pulls_;            // the first is under way
  bool is_asked_ = false;             // and waits for its answer
  std::deque<Batch> queue_;
  std::size_t queued_ = 0;  // receipts in it
  Timer watch_;
};

}  // namespace kith::protocols
