// SPDX-License-Identifier: MIT
// VerifyWork: looks at all that a store holds of one ledger: every run rebuilt, chained and its
// signature checked, and that ends of lanes, times and arrivals agree with the runs. What arrives
// meanwhile is not looked at. Owns what it looks at and goes in steps; any one thread.
#pragma once
#include "engine/store/ledger.h"
#include "engine/store/places.h"

namespace kith::store {

struct VerifySetup {
  struct FeedFacts {
    Digest id{};
    Opening opening;
  };
  struct LaneFacts {
    std::uint32_t number = 0, parent = 0;
    std::uint64_t first_seq = 1, seq = 0, time_us = 0;
    Digest entry{};
    std::size_t feed = 0;  // its place in `feeds`
  };
  std::shared_ptr<const KeyValue> store;
  std::uint32_t ledger = 0;
  std::uint64_t genesis_us = 0;  // its time; 0 in an open ledger
  std::vector<FeedFacts> feeds;
  std::vector<LaneFacts> lanes;  // in order of their numbers, so a parent before its children
};

class VerifyWork {
 public:
  explicit VerifyWork(VerifySetup setup);
  bool step();
  Verdict& verdict() { return verdict_; }

 private:
  using LaneFacts = VerifySetup::LaneFacts;
  // What a run should follow.
  struct Follows {
    std::optional<Digest> entry;  // none: what was before it is damaged
    std::uint64_t seq = 0, time_us = 0;
    bool is_cut = false;  // its run could not be read, so how far it went is not known
  };
  // A sum over rows in no order, so that two walks over as many rows can be compared.
  struct Sum {
    std::uint64_t rows = 0, mixed = 0;
    void add(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d);
    bool operator==(const Sum&) const = default;
  };
  void problem(const LaneFacts& lane, std::uint64_t seq, std::string_view what);
  void say(const LaneFacts& lane, std::uint64_t seq, std::string_view what);
  bool is_later(std::uint32_t lane, std::uint64_t seq) const;  // than this work began
  const LaneFacts* lane_of(std::uint32_t number) const;

  // Runs, lane by lane.
  bool step_runs();
  void begin_lane();
  void end_lane();
  bool next_run();  // false: the lane is at its end
  void judge(const LaneFacts& lane, const RunKey& key, Bytes stored, Bytes bodies);
  void pass(const LaneFacts& lane, const Run& run, const RunHeader& header,
            const std::vector<Digest>& ids);

  // Rows of the two indexes.
  bool step_times();
  bool step_arrivals();
  bool step_blame();
  void blame_run(const LaneFacts& lane, const Run& run, const RunHeader& header);

  VerifySetup setup_;
  Verdict verdict_;
  enum class Phase { runs, times, arrivals, blame, over } phase_ = Phase::runs;
  bool is_blaming_ = false;  // the second walk over the runs: which rows are missing
  std::size_t lane_ = 0;
  bool is_begun_ = false;
  Follows follows_;
  std::unique_ptr<Scan> runs_, bodies_, index_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, Follows> branches_;  // (lane, seq)
  Sum times_kept_, times_found_, arrivals_kept_, arrivals_found_;
};

}  // namespace kith::store
