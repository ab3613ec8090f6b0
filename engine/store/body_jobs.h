// SPDX-License-Identifier: MIT
// The jobs that change which bodies of stored runs are held, and no entry. Each looks at the store
// beside the loop and gives batches, one a step, for its owner to commit before the next step: what
// is read was not changed meanwhile. README.md, "Retention".
#pragma once
#include <bitset>
#include <functional>
#include <map>
#include <set>

#include "engine/store/stored_runs.h"

namespace kith::store {

// Some entries of one run, by their place in it. On disk without what is behind the last.
using Marks = std::bitset<kRunEntriesMax>;
ByteVector encode(const Marks& marks);
Marks decode_marks(Bytes stored);

struct BodySetup {
  std::shared_ptr<const KeyValue> store;
  std::uint32_t ledger = 0;
  std::set<std::uint32_t> control_lanes;  // whose bodies say who may write: they stay
  std::uint64_t synced_arrival = 0;       // what came later is not touched yet
  std::uint64_t due_us = 0;               // of an entry before it no body is kept
};

// One stored run, while its bodies go or come.
class RunChange {
 public:
  // Both outlive it.
  static Result<RunChange> of(const BodySetup& setup, const StoredRun& stored);
  void drop(std::size_t place);  // what is dropped already stays so
  void fill(std::size_t place, Bytes body);
  bool is_dropped(std::size_t place) const { return run_.rows[place].is_dropped; }
  // Puts what changed. The bytes of bodies that came, less those that went.
  std::int64_t write(Batch& batch);

  Marks lacks, removed;

 private:
  RunChange(const BodySetup& setup, const StoredRun& stored)
      : setup_(setup), stored_(stored), key_{stored.lane, stored.run.first_seq}, run_(stored.run) {}
  Result<Marks> read(MetaKind kind) const;
  void write(Batch& batch, MetaKind kind, const Marks& was, const Marks& now) const;
  const BodySetup& setup_;
  const StoredRun& stored_;
  const RunKey key_;
  Run run_;
  bool is_changed_ = false;
  std::int64_t gained_ = 0;
  Marks lacked_, removed_;  // as they were
};

// What all of them share: a step's budget and what came of it.
class BodyWork {
 public:
  explicit BodyWork(BodySetup setup) : setup_(std::move(setup)) {}
  virtual ~BodyWork() = default;
  bool step();  // one batch
  bool is_over() const { return is_over_; }
  const std::optional<Error>& error() const { return error_; }
  Batch take_batch() { return std::exchange(batch_, {}); }
  std::int64_t take_gained() { return std::exchange(gained_, 0); }
  std::uint64_t bodies() const { return bodies_; }  // changed so far
  // Of what came; 0: nothing did.
  std::uint64_t first_arrival() const { return first_arrival_; }
  // Keys between which bodies went, by lane, and how many of their bytes.
  struct Freed {
    std::uint64_t first_seq = 0, last_seq = 0, bytes = 0;
  };
  std::map<std::uint32_t, Freed> take_freed() { return std::exchange(freed_, {}); }

 protected:
  virtual Result<bool> go_on(StoredRuns& runs) = 0;  // true: it is over
  bool has_budget() const { return bytes_ < kBytesPerStep && runs_ < kRunsPerStep; }
  Result<const StoredRun*> run_at(StoredRuns& runs, std::uint32_t lane, std::uint64_t seq);
  bool is_control(std::uint32_t lane) const { return setup_.control_lanes.contains(lane); }
  bool is_synced(const StoredRun& stored) const {
    return stored.header.arrival + stored.run.rows.size() - 1 <= setup_.synced_arrival;
  }
  void keep(const StoredRun& stored, RunChange& change);
  // Every run in order of arrival, from one on, but those of control feeds; true: there is no more.
  using Look = std::function<Result<bool>(const StoredRun&)>;  // true: it is enough
  Result<bool> walk_arrivals(StoredRuns& runs, std::uint64_t& next, const Look& look);

  BodySetup setup_;
  std::uint64_t bodies_ = 0;

 private:
  static constexpr std::size_t kBytesPerStep = 4 * 1024 * 1024;
  static constexpr std::size_t kRunsPerStep = 256;
  Batch batch_;
  std::map<std::uint32_t, Freed> freed_;
  std::int64_t gained_ = 0;
  std::uint64_t first_arrival_ = 0;
  std::size_t bytes_ = 0, runs_ = 0;
  bool is_over_ = false;
  std::optional<Error> error_;
};

// All entries of a time before `setup.due_us`, from a time on; for good: they never come back.
class DropBefore final : public BodyWork {
 public:
  DropBefore(BodySetup setup, std::uint64_t from_us, bool is_for_good)
      : BodyWork(std::move(setup)), is_for_good_(is_for_good) {
    next_ = {setup_.ledger, from_us, 0, 0};
  }
  std::uint64_t next_us() const { return next_.time_us; }  // what is before it is done

 private:
  Result<bool> go_on(StoredRuns& runs) override;
  Result<std::uint64_t> look(const StoredRun& stored);  // the last seq that is due
  TimeKey next_;
  const bool is_for_good_;
};

// The oldest by arrival, until so many bytes are gone.
class DropOldest final : public BodyWork {
 public:
  DropOldest(BodySetup setup, std::uint64_t from_arrival, std::uint64_t surplus_bytes)
      : BodyWork(std::move(setup)), next_arrival_(from_arrival), surplus_bytes_(surplus_bytes) {}
  std::uint64_t next_arrival() const { return next_arrival_; }

 private:
  Result<bool> go_on(StoredRuns& runs) override;
  std::uint64_t next_arrival_, surplus_bytes_;
};

// One entry, by where it may lie: it is dropped for good, or asked for again.
class OneBody final : public BodyWork {
 public:
  struct At {
    Digest entry{};
    std::uint64_t seq = 0;
    std::vector<std::uint32_t> lanes;
  };
  OneBody(BodySetup setup, At at, bool is_wanted)
      : BodyWork(std::move(setup)), at_(std::move(at)), is_wanted_(is_wanted) {}

 private:
  Result<bool> go_on(StoredRuns& runs) override;
  Result<void> change(const StoredRun& stored);
  const At at_;
  const bool is_wanted_;
};

// Whatever was dropped, but for what was on request, is asked for again.
class WantAll final : public BodyWork {
 public:
  explicit WantAll(BodySetup setup) : BodyWork(std::move(setup)) {}

 private:
  Result<bool> go_on(StoredRuns& runs) override;
  std::uint64_t next_arrival_ = 1;
};

// Bodies that came: those that are asked for, and only if they are what their entries say.
class FillBodies final : public BodyWork {
 public:
  using Came = std::vector<std::pair<std::uint64_t, ByteVector>>;  // by seq, ascending
  FillBodies(BodySetup setup, std::uint32_t lane, Came came)
      : BodyWork(std::move(setup)), lane_(lane), came_(std::move(came)) {}

 private:
  Result<bool> go_on(StoredRuns& runs) override;
  const std::uint32_t lane_;
  const Came came_;
  std::size_t next_ = 0;
};

// Bodies of one stored run that peers are asked for.
struct Lack {
  RunKey run;
  Digest feed{}, last{};  // the run's last entry
  std::uint64_t last_seq = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> bodies;  // seq, bytes; ascending
};

class FindLacks {
 public:
  FindLacks(BodySetup setup, const RunKey& after) : setup_(std::move(setup)), next_(after) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  std::vector<Lack>& found() { return found_; }
  bool is_end() const { return is_end_; }       // there are no more
  const RunKey& next() const { return next_; }  // the last that was looked at

 private:
  Result<void> look();
  BodySetup setup_;
  RunKey next_;
  std::vector<Lack> found_;
  bool is_end_ = false;
  std::optional<Error> error_;
};

// Bodies as they are asked for by a peer: by where they lie.
class ReadBodies {
 public:
  struct At {
    std::uint32_t lane = 0;
    std::uint64_t seq = 0;
  };
  ReadBodies(std::shared_ptr<const KeyValue> store, std::vector<At> at, std::size_t bytes_max)
      : runs_(std::move(store)), at_(std::move(at)), bytes_max_(bytes_max) {}
  bool step();
  const std::optional<Error>& error() const { return error_; }
  std::vector<std::optional<ByteVector>>& bodies() { return bodies_; }

 private:
  StoredRuns runs_;
  const std::vector<At> at_;
  const std::size_t bytes_max_;
  std::vector<std::optional<ByteVector>> bodies_;
  std::optional<Error> error_;
};

}  // namespace kith::store
