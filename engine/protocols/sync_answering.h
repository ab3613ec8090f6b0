// SPDX-License-Identifier: MIT
// SyncAnswering: a peer's stream, for as long as it asks: what it wants to know and the runs that
// it wants, then what is new in the order of arrival, from a cursor and without a queue. Owned by
// Sync's task for that stream; throws Fault when it ends badly. Believes nothing, keeps nothing.
#pragma once
#include "engine/protocols/bell.h"
#include "engine/protocols/sync_plan.h"
#include "engine/protocols/sync_receipts.h"
#include "engine/protocols/sync_shared.h"

namespace kith::protocols {

class SyncAnswering {
 public:
  SyncAnswering(SyncShared& shared, Pipe stream);
  SyncAnswering(const SyncAnswering&) = delete;
  SyncAnswering& operator=(const SyncAnswering&) = delete;

  Task<void> run();  // until the stream ends
  const wire::PeerId& peer() const { return peer_; }
  void wake() { bell_.ring(); }  // a ledger has news

 private:
  struct Named {
    store::Digest ledger{};
    std::uint64_t cursor = 0;  // arrivals up to it were told, or stand in the digest
    std::uint64_t receipts_told = 0;
    bool is_kept = false;
    bool is_control = false;  // control feeds are being compared
  };
  struct Waiting {
    std::uint64_t at;
    SyncWant want;
    bool is_planned = false;
    std::deque<Stretch> way;
  };

  static Task<void> write(SyncAnswering& self);
  void send(const SyncAnswer& answer);
  void send_symbols(std::uint64_t at, std::uint64_t from, std::size_t count);
  Task<void> send_wanted();
  Task<void> send_bodies();
  Task<bool> send_news(Named& named, std::uint64_t at);
  Task<void> send_run(store::Ledger& ledger, const LoadedRun& loaded, std::uint32_t lane,
                      std::uint64_t first_seq, SyncRun& run);
  bool is_known(const store::Feed& feed, std::uint64_t seq) const;
  Task<bool> send_receipts(Named& named, std::uint64_t at);  // sync_receipts.cpp

  store::Ledger& named_at(std::uint64_t at);
  const store::TipSet& tips_at(std::uint64_t at);
  void asked(const SyncHello& hello);
  void asked(const SyncMore& more);
  void asked(const SyncItems& items);
  void asked(const SyncPaths& paths);
  void asked(const SyncWants& wants);
  void asked(const SyncGrant& grant);
  void asked(SyncLacks lacks);
  void asked(const SyncVouched& vouched);
  void asked(const SyncBuckets& buckets);

  SyncShared& shared_;
  Pipe stream_;
  const wire::PeerId peer_;
  Bell bell_, drained_;
  std::deque<ByteVector> outbox_;
  std::size_t outbox_bytes_ = 0;
  std::map<std::uint64_t, Named> named_;
  std::deque<Waiting> waiting_;
  std::deque<SyncLacks> lacks_;
  std::int64_t granted_bytes_ = 0;
  SyncPace receipts_pace_;
  Timer receipts_again_;
  std::optional<Error> why_;  // of its end
};

}  // namespace kith::protocols
