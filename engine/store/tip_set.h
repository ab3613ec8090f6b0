// SPDX-License-Identifier: MIT
// TipSet: the tips of one ledger as sync compares them: the tree whose root is the digest, and the
// sketch of what changed. Owned by a Ledger beside its Lanes and as current as they are; loop
// thread. Never asks the store.
#pragma once
#include "engine/store/sketch.h"
#include "engine/store/tip_tree.h"

namespace kith::store {

class TipSet {
 public:
  void add(const Tip& tip);
  void remove(const Tip& tip);

  std::size_t size() const { return tree_.size(); }
  std::uint64_t version() const { return version_; }  // another after every change
  const Digest& digest() const { return tree_.root(); }
  std::optional<TipTree::Node> node(Bytes path) const { return tree_.node(path); }
  std::vector<Tip> find(std::span<const std::uint64_t> items) const { return tree_.find(items); }
  // The tips below a path, sorted; nothing if there are more than that.
  std::vector<Tip> below(Bytes path, std::size_t tips_max) const;
  const Sketch& sketch() const { return sketch_; }
  // The digest as it would be without some of these tips and with others.
  Digest digest_with(std::span<const Tip> without, std::span<const Tip> with) const;

 private:
  mutable TipTree tree_;  // hashes when it is asked, and gives back what it was lent
  Sketch sketch_;
  std::uint64_t version_ = 0;
};

}  // namespace kith::store
