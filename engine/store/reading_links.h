// SPDX-License-Identifier: MIT
// Which entries of a page are odd: they link to one that is held and not earlier in (time, CID). An
// honest author's never are, so what the index says of times settles nearly all; only what would be
// odd is rebuilt. Says nothing of links that are not held. Part of a page's job, on its thread.
#pragma once
#include <map>

#include "engine/store/reading_spots.h"
#include "engine/store/run_glance.h"
#include "engine/store/stored_runs.h"

namespace kith::store {

// What came behind the index and is still looked through for what the index lacks.
inline constexpr std::uint64_t kTailMax = 8'192;
// Of entries whose ids begin alike.
inline constexpr std::size_t kAlikeMax = 64;

// Where the index has entries whose ids begin as this one; seq stands in first_seq.
Result<std::vector<RunKey>> places_like(Scan& index, std::uint32_t ledger, const Digest& id);

class LinkJudge {
 public:
  LinkJudge(SharedStore store, std::uint32_t ledger, const IndexRecord& index,
            std::uint64_t arrivals);
  void ask(std::size_t entry, std::uint64_t time_us, const Digest& id,
           const std::vector<Digest>& links);
  Result<bool> step();  // true: all is judged
  const std::vector<std::size_t>& odd() const { return odd_; }

 private:
  struct Asked {
    std::size_t entry;
    std::uint64_t time_us;
    Digest id, link;
  };
  void judge(const Asked& asked, std::uint64_t time_us);
  Result<bool> look_up(const Asked& asked);  // true: the index has it
  Result<std::uint64_t> time_of(const RunKey& at);
  Result<bool> look_through();  // one run behind the index; true: there is no more

  const SharedStore store_;
  const std::uint32_t ledger_;
  const std::uint64_t tail_after_, arrivals_;
  const bool has_tail_;
  // The index first: what it names is in the runs as they stood later.
  std::unique_ptr<Scan> index_, rows_, tail_;
  StoredRuns runs_;
  std::optional<std::pair<std::uint32_t, RunGlance>> glanced_;
  std::vector<Asked> asked_;
  std::size_t next_ = 0;
  std::multimap<Digest, Asked> absent_;   // from the index, by link
  std::uint64_t oldest_us_ = UINT64_MAX;  // of those that ask
  std::vector<std::size_t> odd_;
};

}  // namespace kith::store
