// SPDX-License-Identifier: MIT
// StoredRuns: runs of a store, read back and rebuilt. What does not come out as it went in is a
// Damage that names feed and seq, never wrong data. Owned by one job, on its thread; the last few
// runs are kept, as reads come back to them.
#pragma once
#include <list>

#include "engine/store/places.h"
#include "engine/store/run.h"

namespace kith::store {

// A feed's name as people see it.
std::string cid_text(const Digest& digest, std::uint64_t codec = wire::kDagCborCodec);
// ledger_error::damaged with "feed bafy.. seq 7: what; ...what to do".
Error damage(std::string_view whose, std::uint64_t seq, std::string_view what);

struct StoredRun {
  std::uint32_t lane = 0;
  RunHeader header;
  ByteVector stored, bodies;  // what `run` looks at
  Run run;
  std::vector<Digest> ids;
  Bytes columns() const { return Bytes(stored).subspan(kRunHeaderBytes); }
  bool holds(std::uint64_t seq) const { return seq >= run.first_seq && seq <= run.last_seq(); }
  const Row& row(std::uint64_t seq) const { return run.rows[seq - run.first_seq]; }
  const Digest& id(std::uint64_t seq) const { return ids[seq - run.first_seq]; }
};

class StoredRuns {
 public:
  explicit StoredRuns(std::shared_ptr<const KeyValue> store) : store_(std::move(store)) {}
  // The run of this lane that holds this seq; valid until the next call.
  Result<const StoredRun*> holding(std::uint32_t lane, std::uint64_t seq);
  std::uint64_t rebuilt() const { return rebuilt_; }  // entries so far: a measure of work

 private:
  std::string name_of(std::uint32_t lane) const;
  Result<std::uint64_t> first_seq_before(std::uint32_t lane, std::uint64_t seq);
  Result<StoredRun> load(const RunKey& key);
  std::shared_ptr<const KeyValue> store_;
  std::unique_ptr<Scan> scan_;  // of the runs, as they stood at the first call
  std::list<StoredRun> recent_;
  std::uint64_t rebuilt_ = 0;
};

// What lies under a key: the stored run and its bodies, of one moment, though bodies are dropped or
// come back meanwhile. None: it is missing.
Result<std::optional<RunBytes>> read_run(const KeyValue& store, const RunKey& key);
// Rebuilds what was stored under a key and checks it against what its header says. The detail of a
// refusal says what is wrong with it.
Result<StoredRun> rebuild_stored(const RunKey& key, ByteVector stored, ByteVector bodies);

}  // namespace kith::store
