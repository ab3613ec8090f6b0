// SPDX-License-Identifier: MIT
// SyncDifference: which tips of one ledger a peer has and this node lacks, found by question and
// answer: digest, then sketch, then the tree (engine/store/README.md "Sync"). Each answer gives the
// next question, if there is one. Owned by the stream that asks; sends and fetches nothing.
#pragma once
#include <deque>

#include "engine/protocols/sync_message.h"
#include "engine/store/ledger.h"

namespace kith::protocols {

// Whether a sketch is sent at once to who has `asking` tips, by who has `answering`.
bool is_sketched(std::uint64_t asking, std::uint64_t answering);
// The same of control feeds, whose numbers no hello tells.
bool is_control_sketched(const store::Digest& asking, const store::Digest& answering);
// How many symbols who answers sends first: what the counts of a peer that is only behind suggest.
std::size_t first_symbols(const SyncHello& asking, std::uint64_t tips, std::uint64_t entries);
// The digest of what stands there.
store::Digest digest_of(const SyncNode& node);

class SyncDifference {
 public:
  explicit SyncDifference(const store::Ledger& ledger) : ledger_(ledger) {}
  using Next = std::optional<SyncRequest>;

  SyncHello hello(std::uint64_t now_us);  // begins anew
  void end();                             // the peer has the same, or does not keep it
  // Throw Fault: not_asked, or bad_message for what is not true.
  Next told(const SyncDiffers& differs);
  Next told(const SyncSymbols& symbols);
  Next told(const SyncTips& tips);
  Next told(const SyncNodes& nodes);
  // What is left of the tree, once there is room in `lacked`.
  Next go_on();

  bool is_waiting() const { return step_ != Step::none; }
  // Control feeds alone were compared; what they tell decides what else is to be asked.
  bool is_of_control() const { return is_control_; }
  // The next hello leaves them out: whatever still differs in them, only the peer can learn.
  void leave_control() { is_control_left_ = true; }
  bool is_resting() const { return step_ == Step::none && !paths_.empty(); }
  // What was found is not proven to be all: one of the two changed meanwhile.
  bool is_doubtful() const { return is_doubtful_; }
  void lack(const store::Tip& tip);
  std::deque<store::Tip>& lacked() { return lacked_; }

 private:
  enum class Step { none, hello, symbols, items, nodes };
  struct Path {
    SyncPath path;
    store::Digest digest{};  // as told at that version
    std::uint64_t version = 0;
  };

  void expect(Step step) const;
  void begin_sketch(std::uint64_t version);
  Next settle(const std::vector<store::Tip>& tips);
  Next descend();
  void look(const Path& asked, const SyncNode& node, std::uint64_t version);
  void compare(const Path& asked, const SyncNode& node, std::uint64_t version);

  const store::TipSet& mine() const {
    return is_control_ ? ledger_.control_tip_set() : ledger_.tip_set();
  }

  const store::Ledger& ledger_;
  bool is_control_ = false, is_control_left_ = false;
  std::optional<store::Digest> said_control_;
  Step step_ = Step::none;
  bool is_doubtful_ = false;
  std::uint64_t said_tips_ = 0;  // in the hello
  store::Digest digest_{};       // the peer's, at version_
  std::uint64_t version_ = 0;
  std::optional<store::Unsketch> sketch_;
  std::uint64_t sketch_version_ = 0, sketch_mine_ = 0;  // the peer's, and this node's
  std::size_t restarts_ = 0;
  std::vector<Path> paths_, asked_;
  std::uint64_t nodes_left_ = 0;
  std::deque<store::Tip> lacked_;
};

}  // namespace kith::protocols
