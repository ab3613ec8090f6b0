// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_difference.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/protocols/sync_limits.h"
#include "engine/protocols/sync_plan.h"

namespace kith::protocols {
namespace {

using store::Digest;
using store::Tip;
using store::TipTree;

constexpr std::size_t kSymbolsFirstMin = 32, kSymbolsFirstMax = 352;
constexpr std::uint64_t kNodesSpare = 1'024;
// An author can make two tips of one item. Who tells of more has made them up: what they would come
// to is not worked out, as a tip that nobody proves costs nothing to tell of.
constexpr std::size_t kTipsOfItemMax = 2;

std::uint64_t apart(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

[[noreturn]] void refuse(const char* why) { throw Fault(Error(sync_error::bad_message, why)); }

// Whether the tip hangs below the path.
bool is_below(const Tip& tip, Bytes nibbles) {
  for (std::size_t depth = 0; depth < nibbles.size(); ++depth) {
    const std::uint8_t byte = tip.feed[depth / 2];
    if ((depth % 2 == 0 ? byte >> 4 : byte & 15) != nibbles[depth]) return false;
  }
  return true;
}

}  // namespace

bool is_sketched(std::uint64_t asking, std::uint64_t answering) {
  return asking > 0 && answering > 0 && apart(asking, answering) <= sync_limits::kFarTips;
}

bool is_control_sketched(const Digest& asking, const Digest& answering) {
  static const Digest kNone = digest_of(SyncNode());
  return asking != kNone && answering != kNone;
}

// A feed that is behind makes two items, one that is missing one; 1.6 symbols an item do for 99
// differences of 100 ("Digest").
std::size_t first_symbols(const SyncHello& asking, std::uint64_t tips, std::uint64_t entries) {
  const std::uint64_t missing = std::min<std::uint64_t>(apart(entries, asking.entries), 1'000);
  const std::uint64_t feeds = std::min(apart(tips, asking.tips), missing);
  const std::uint64_t items = 2 * missing - feeds;
  return std::clamp<std::size_t>(items + items * 2 / 3 + 16, kSymbolsFirstMin, kSymbolsFirstMax);
}

Digest digest_of(const SyncNode& node) {
  const std::uint8_t mark = node.children.empty() ? 0 : 1;
  ByteVector bytes;
  for (const Digest& child : node.children) append(bytes, child);
  for (const Tip& tip : node.tips) append_tip(bytes, tip);
  return crypto::sha256({&mark, 1}, bytes);
}

SyncHello SyncDifference::hello(std::uint64_t now_us) {
  end();
  step_ = Step::hello;
  is_doubtful_ = is_control_ = false;
  restarts_ = 0;
  said_control_.reset();
  const bool is_left = std::exchange(is_control_left_, false);
  if (!is_left && !ledger_.genesis().is_open()) said_control_ = ledger_.control_tip_set().digest();
  said_tips_ = ledger_.tip_set().size();
  return {.ledger = ledger_.id(),
          .control = said_control_,
          .digest = ledger_.tip_set().digest(),
          .tips = said_tips_,
          .entries = ledger_.entries(),
          .now_us = now_us};
}

void SyncDifference::end() {
  step_ = Step::none;
  sketch_.reset();
  paths_.clear();
  asked_.clear();
}

void SyncDifference::expect(Step step) const {
  if (step_ != step) throw Fault(sync_error::not_asked);
}

void SyncDifference::lack(const Tip& tip) {
  if (is_lane_end(ledger_, tip)) return;
  if (lacked_.size() < sync_limits::kLackedMax) return lacked_.push_back(tip);
  is_doubtful_ = true;
}

SyncDifference::Next SyncDifference::told(const SyncDiffers& differs) {
  expect(Step::hello);
  step_ = Step::none;
  if (differs.control && (!said_control_ || differs.control == said_control_))
    refuse("control feeds that do not differ");
  is_control_ = differs.control.has_value();
  digest_ = differs.control.value_or(differs.digest);
  version_ = differs.version;
  const bool is_sketch = is_control_ ? is_control_sketched(*said_control_, digest_)
                                     : is_sketched(said_tips_, differs.tips);
  if (is_control_) said_tips_ = mine().size();
  if (differs.tips == 0) return {};
  nodes_left_ = std::min<std::uint64_t>(differs.tips, limits::kFeedsMax) + said_tips_ + kNodesSpare;
  if (!is_sketch) return descend();
  step_ = Step::symbols;
  begin_sketch(version_);
  return {};
}

void SyncDifference::begin_sketch(std::uint64_t version) {
  sketch_.emplace(mine().sketch());
  sketch_mine_ = mine().version();
  sketch_version_ = version;
}

SyncDifference::Next SyncDifference::told(const SyncSymbols& symbols) {
  expect(Step::symbols);
  if (symbols.version != sketch_version_) {
    if (symbols.from != 0 || ++restarts_ > sync_limits::kRestartsMax) return descend();
    begin_sketch(symbols.version);
  }
  if (symbols.from != sketch_->taken()) refuse("symbols that are not the next");
  if (symbols.symbols.empty()) return descend();
  const auto state = sketch_->take(symbols.symbols);
  if (state == store::Unsketch::State::failed) return descend();
  if (state == store::Unsketch::State::more)
    return SyncMore{.version = sketch_version_, .from = sketch_->taken()};
  if (sketch_->theirs().empty()) return settle({});
  step_ = Step::items;
  return SyncItems{.items = sketch_->theirs()};
}

SyncDifference::Next SyncDifference::told(const SyncTips& tips) {
  expect(Step::items);
  const auto& items = sketch_->theirs();
  for (const Tip& tip : tips.tips) {
    if (!std::binary_search(items.begin(), items.end(), store::item_of(tip)))
      refuse("tips that were not asked for");
  }
  if (tips.tips.size() > kTipsOfItemMax * items.size()) return descend();
  return settle(tips.tips);
}

// With both as they were, the peer's digest proves that these are all.
SyncDifference::Next SyncDifference::settle(const std::vector<Tip>& tips) {
  const store::TipSet& own = mine();
  const bool is_proof = own.version() == sketch_mine_ && version_ == sketch_version_;
  if (is_proof && own.digest_with(own.find(sketch_->mine()), tips) != digest_) return descend();
  if (!is_proof) is_doubtful_ = true;
  for (const Tip& tip : tips) lack(tip);
  step_ = Step::none;
  sketch_.reset();
  return {};
}

SyncDifference::Next SyncDifference::descend() {
  sketch_.reset();
  step_ = Step::none;
  paths_.assign(1, Path{{}, digest_, version_});
  return go_on();
}

SyncDifference::Next SyncDifference::go_on() {
  static_assert(sync_limits::kPathsMax * sync_limits::kWholeTipsMax <= sync_limits::kLackedMax / 2);
  if (!is_resting() || lacked_.size() > sync_limits::kLackedMax / 2) return {};
  if (nodes_left_ < sync_limits::kPathsMax) {
    is_doubtful_ = true;
    paths_.clear();
    return {};
  }
  SyncPaths request;
  asked_.clear();
  while (!paths_.empty() && asked_.size() < sync_limits::kPathsMax) {
    Path& next = asked_.emplace_back(std::move(paths_.back()));
    paths_.pop_back();
    next.path.is_whole = mine().node(next.path.nibbles)->tips_below == 0;
    request.paths.push_back(next.path);
  }
  nodes_left_ -= asked_.size();
  step_ = Step::nodes;
  return request;
}

SyncDifference::Next SyncDifference::told(const SyncNodes& nodes) {
  expect(Step::nodes);
  if (nodes.nodes.size() != asked_.size()) refuse("nodes that were not asked for");
  for (std::size_t i = 0; i < asked_.size(); ++i) look(asked_[i], nodes.nodes[i], nodes.version);
  step_ = Step::none;
  return go_on();
}

void SyncDifference::look(const Path& asked, const SyncNode& node, std::uint64_t version) {
  const std::size_t depth = asked.path.nibbles.size();
  const bool is_leaf = node.children.empty();
  const bool is_whole = asked.path.is_whole && node.tips.size() > TipTree::kLeafTips;
  if (is_leaf && !is_whole && node.tips.size() > TipTree::kLeafTips && depth < TipTree::kDepthMax)
    refuse("a leaf of too many tips");
  if (!is_leaf && depth == TipTree::kDepthMax) refuse("a branch below the last level");
  if (!is_whole && version == asked.version && digest_of(node) != asked.digest)
    refuse("a node that does not have its digest");
  for (const Tip& tip : node.tips) {
    if (!is_below(tip, asked.path.nibbles)) refuse("tips that do not hang there");
    lack(tip);
  }
  if (!is_leaf) compare(asked, node, version);
}

void SyncDifference::compare(const Path& asked, const SyncNode& node, std::uint64_t version) {
  static const Digest kNone = digest_of(SyncNode());
  for (std::size_t nibble = 16; nibble-- > 0;) {
    const Digest& theirs = node.children[nibble];
    if (theirs == kNone) continue;
    Path below{asked.path, theirs, version};
    below.path.nibbles.push_back(static_cast<std::uint8_t>(nibble));
    if (mine().node(below.path.nibbles)->digest == theirs) continue;
    if (paths_.size() < sync_limits::kPathsWaitingMax) {
      paths_.push_back(std::move(below));
    } else {
      is_doubtful_ = true;
    }
  }
}

}  // namespace kith::protocols
