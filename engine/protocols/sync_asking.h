// SPDX-License-Identifier: MIT
// SyncAsking: the stream by which this node asks one peer: for each ledger what differs, then the
// runs that are lacked, then it is told what is new. Owned by Sync's task for that peer; throws
// Fault when the stream ends badly. Never writes for who answers.
#pragma once
#include "engine/protocols/bell.h"
#include "engine/protocols/sync_bodies.h"
#include "engine/protocols/sync_difference.h"
#include "engine/protocols/sync_receipts.h"
#include "engine/protocols/sync_shared.h"

namespace kith::protocols {

class SyncAsking {
 public:
  SyncAsking(SyncShared& shared, SyncPeer& peer, Pipe stream);
  ~SyncAsking();
  SyncAsking(const SyncAsking&) = delete;
  SyncAsking& operator=(const SyncAsking&) = delete;

  Task<void> run();                       // until the stream ends
  void ask(store::Ledger& ledger);        // it was opened
  void ask_again(store::Ledger& ledger);  // who may write in it changed
  void is_kept(const store::Digest& id);  // the peer keeps it too, as it seems by now
  void wake() { bell_.ring(); }           // others left what they fetched

 private:
  struct Kept {  // a ledger, by its place on the stream
    explicit Kept(store::Ledger& given) : ledger(given), difference(given) {}
    store::Ledger& ledger;
    SyncDifference difference;
    std::vector<store::Tip> left;  // to others, or until another branch has come
    bool is_due = true;            // a hello is
    bool is_rested = true;         // and need not wait
    bool is_unkept = false;        // by the peer
    bool is_common = false;        // as it said
    bool is_vouching_due = false;  // receipts are compared once all else is
    std::size_t wants = 0;
    std::uint64_t gained = 0;      // entries since the hello
    std::uint64_t greeted_us = 0;  // when that was
  };
  struct Wanted {
    std::size_t at;
    SyncWant want;
    std::uint64_t since_us;  // of what was gained of it
    std::uint64_t gained = 0;
    bool is_spoiled = false;  // the rest of it is not looked at
  };
  struct TakenRun {  // what is asked of it once its line is gone
    std::uint64_t at;
    SyncRun::Part part;
    store::Digest feed;
    std::uint64_t last_seq;
    std::size_t bytes;
    store::Tip to{};  // of what it was wanted for
    bool is_spoiled = false;
    bool is_wanted() const { return part != SyncRun::Part::pushed; }
  };

  // ---- what is written
  static Task<void> write(SyncAsking& self);
  void send(const SyncRequest& request);
  Task<void> step(std::size_t at);  // one ledger, as far as it goes now
  void greet(std::size_t at);
  Task<void> fetch(std::size_t at);
  Task<void> plan(std::size_t at, store::Tip tip, std::vector<SyncWant>& to);
  bool take_back(Kept& kept);
  Task<void> ask_bodies(std::size_t at);

  // ---- what is read
  Kept& kept_at(std::uint64_t at);
  Task<void> take(const SyncAnswer& answer);
  void told(const SyncSame& same);
  void told(const SyncUnkept& unkept);
  void told(const SyncAbsent& absent);
  void told(const SyncNews& news);
  void told(const SyncWitnesses& told);
  void told(const SyncReceipts& told);
  void told(const SyncRun&) {}     // take_run
  void told(const SyncBodies&) {}  // take_bodies
  template <class Answer>
  void told(const Answer& answer);
  void told_time(const Kept& kept, std::uint64_t now_us);
  Task<void> take_run(const SyncRun& run);
  Task<void> take_bodies(const SyncBodies& bodies);
  bool may_begin(const SyncRun& run, const store::Digest& feed) const;
  Task<void> keep_run(TakenRun run, ByteVector opening, ByteVector entries, ByteVector bodies);
  Task<void> end_run(const TakenRun& run, std::size_t fresh, const std::optional<Error>& why);
  void judge_run(const TakenRun& run, const std::optional<Error>& why);
  void charge(const Error& why);
  void renew(std::size_t bytes);

  // ---- time
  void again_soon(Kept& kept);
  static void on_again(void* self, std::int64_t, const void*);
  static void on_every(void* self, std::int64_t, const void*);
  static void on_watch(void* self, std::int64_t, const void*);
  void watch();
  void stall();
  void leave_slow(std::uint64_t now_us);
  void drop(std::map<store::Digest, Wanted>::iterator at);
  void leave(const store::Digest& feed);
  void wake_others();
  void end(Error why);
  void failed(const std::exception& thrown);
  std::uint64_t every_us() const;

  SyncShared& shared_;
  SyncPeer& peer_;
  Pipe stream_;
  Bell bell_, taken_;  // the second: a run was kept or refused
  std::deque<ByteVector> outbox_;
  std::vector<std::unique_ptr<Kept>> kept_;
  std::size_t compared_ = 0;                // ledgers of which an answer is waited for
  std::map<store::Digest, Wanted> wanted_;  // by feed
  std::size_t taken_bytes_ = 0;             // of runs, since the last grant
  bool is_granted_ = false, is_stalled_ = false, is_taking_ = false;
  std::uint64_t answered_us_ = 0, run_us_ = 0;  // when something last came of what is waited for
  std::uint32_t again_ms_ = sync_limits::kAgainFirstMs;
  Timer again_{{&on_again, this}}, every_{{&on_every, this}}, watch_{{&on_watch, this}};
  BodyFetch bodies_;
  SyncVouching vouching_;
  std::optional<Error> why_;  // of its end
  Scope taking_;              // last: its tasks end first
};

}  // namespace kith::protocols
