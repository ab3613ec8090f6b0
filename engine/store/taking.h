// SPDX-License-Identifier: MIT
// The two jobs of taking a peer's run, which touch no state of a ledger: judging it by itself, and
// finding what of it a feed's lanes hold. Each owns what it looks at; any one thread.
#pragma once
#include <set>

#include "engine/store/stored_runs.h"

namespace kith::store {

struct GivenRun {
  Opening opening;
  Digest feed{};  // the opening's
  ByteVector entries, bodies;
  std::uint64_t held_to = 0;     // the highest seq of the feed here
  std::uint64_t genesis_us = 0;  // its time; 0 in an open ledger
};

class JudgeWork {
 public:
  explicit JudgeWork(GivenRun given) : given_(std::move(given)) {}
  bool step();

  Digest feed() const { return given_.feed; }
  const Opening& opening() const { return given_.opening; }
  const std::optional<Error>& error() const { return error_; }
  const Run& run() const { return run_; }
  // The id of one of its entries, or of the one before its first.
  const Digest& id(std::uint64_t seq) const {
    return seq < run_.first_seq ? run_.prev : ids_[seq - run_.first_seq];
  }
  std::span<const Digest> ids_after(std::uint64_t seq) const {
    return std::span(ids_).subspan(seq < run_.first_seq ? 0 : seq + 1 - run_.first_seq);
  }
  bool spans(std::uint64_t seq) const {
    return seq + 1 >= run_.first_seq && seq <= run_.last_seq();
  }
  // What is new of it after `seq`, as it is to be stored.
  Run after(std::uint64_t seq) const;
  RunBytes bytes_after(std::uint64_t seq);

 private:
  Result<void> judge();
  GivenRun given_;
  Run run_;
  std::vector<Digest> ids_;
  std::optional<Error> error_;
};

// Names the feed of a run from the start of its judgement until it has its place; whose list it is
// may end first.
class Listed {
 public:
  using All = std::multiset<Digest>;
  Listed(std::shared_ptr<All> all, const Digest& feed)
      : all_(std::move(all)), at_(all_->insert(feed)) {}
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() { all_->erase(at_); }

 private:
  const std::shared_ptr<All> all_;
  const All::iterator at_;
};

// A stretch of a lane that lies in the store.
struct LaneSpan {
  std::uint32_t number = 0, parent = 0;
  std::uint64_t first_seq = 1, seq = 0;
  Digest first_entry{};
};

// A place in a feed: an entry that is held, or the opening.
struct FeedPlace {
  std::uint32_t lane = 0;
  std::uint64_t seq = 0;
  std::uint64_t time_us = 0;
};

class SearchWork {
 public:
  SearchWork(std::shared_ptr<const KeyValue> store, std::shared_ptr<const JudgeWork> judged,
             std::vector<LaneSpan> lanes)
      : runs_(std::move(store)), judged_(std::move(judged)), lanes_(std::move(lanes)) {}
  bool step();  // one lane, until that which the run follows is found

  // The last of the run's entries that is held, or the one before its first; none: a gap.
  const std::optional<FeedPlace>& found() const { return found_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<std::uint64_t> time_where_same(std::uint32_t lane, std::uint64_t seq);
  bool goes_to(const LaneSpan& lane, const FeedPlace& from);
  void walk_up(FeedPlace from);
  StoredRuns runs_;
  std::shared_ptr<const JudgeWork> judged_;
  std::vector<LaneSpan> lanes_;
  std::size_t next_ = 0;
  std::optional<FeedPlace> found_;
  std::optional<Error> error_;
};

}  // namespace kith::store
