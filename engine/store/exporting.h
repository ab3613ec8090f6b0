// SPDX-License-Identifier: MIT
// Export and proof: a ledger, or one entry of it, as a CAR. Both are jobs that go in steps beside
// the loop, a run at a time, over what a ledger held when they were made; nothing is kept in memory
// but a run. Any one thread.
#pragma once
#include "engine/store/files.h"
#include "engine/store/ledger.h"
#include "engine/store/run_file.h"
#include "engine/store/stored_runs.h"

namespace kith::store {

// What a job of reading needs to know of a ledger. Taken on the loop.
struct LaneFacts {
  std::uint32_t number = 0;
  std::uint64_t first_seq = 1, seq = 0;
  bool is_feeds_first = true;
  crypto::Key32 author{};
  ByteVector opening_block;
};
struct LedgerFacts {
  explicit LedgerFacts(const Ledger& ledger);
  Digest id{};
  ByteVector genesis_block;
  std::uint64_t entries = 0;
  std::vector<LaneFacts> lanes;  // that hold something, a parent before its children
};

// Every run of a ledger, one a call.
class RunWalk {
 public:
  RunWalk(std::shared_ptr<const KeyValue> store, std::shared_ptr<const LedgerFacts> facts)
      : store_(std::move(store)), facts_(std::move(facts)) {}
  // nullptr: there is no more. Valid until the next call.
  Result<const StoredRun*> next();
  void rest() { runs_.reset(); }  // between two steps nothing is held
  const LaneFacts& lane() const { return facts_->lanes[lane_]; }  // of the run
  bool begins_lane() const { return begins_lane_; }

 private:
  std::shared_ptr<const KeyValue> store_;
  std::shared_ptr<const LedgerFacts> facts_;
  std::optional<StoredRuns> runs_;
  std::size_t lane_ = 0;
  std::uint64_t seq_ = 0;  // of the run's last entry; 0: the lane has not begun
  bool begins_lane_ = false;
};

class ExportWork {
 public:
  ExportWork(std::shared_ptr<const KeyValue> store, std::shared_ptr<const LedgerFacts> facts,
             NewFile file);
  bool step();
  const std::optional<Error>& error() const { return error_; }
  std::uint64_t entries() const { return entries_; }
  std::uint64_t bytes() const { return file_.bytes(); }

 private:
  Result<bool> go_on();
  Result<void> begin();
  Result<void> find_tips();

  std::shared_ptr<const KeyValue> store_;
  std::shared_ptr<const LedgerFacts> facts_;
  RunWalk walk_;
  NewFile file_;
  std::size_t tips_found_ = 0;
  Manifest manifest_;
  bool is_begun_ = false;
  std::uint64_t entries_ = 0;
  std::optional<Error> error_;
};

// Where an entry was found: in one of these lanes of its feed, at this seq.
struct ProofSetup {
  std::shared_ptr<const KeyValue> store;
  ByteVector genesis_block, opening_block;
  std::vector<std::uint32_t> lanes;
  std::uint64_t seq = 0;
  Digest entry{};
};
ProofSetup proof_setup(const Ledger& ledger, std::shared_ptr<const KeyValue> store,
                       const Held& held);

class ProofWork {
 public:
  explicit ProofWork(ProofSetup setup) : setup_(std::move(setup)) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  // The CAR; empty: no such entry.
  const ByteVector& proof() const { return proof_; }

 private:
  const ProofSetup setup_;
  ByteVector proof_;
  std::optional<Error> error_;
};

// From the entry at `seq` to its run's head, with its body.
ByteVector proof_of(const StoredRun& run, std::uint64_t seq, Bytes genesis_block,
                    Bytes opening_block);

}  // namespace kith::store
