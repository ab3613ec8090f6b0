// SPDX-License-Identifier: MIT
// The digest of a ledger: a radix-16 tree over its tips, by feed. Two nodes compare its root, and
// walk down from there to what differs (README.md, "Digest"). Which tips are held decides alone,
// never how they came. Owned by a Ledger; loop thread. Never asks the store.
#pragma once
#include <memory>
#include <optional>

#include "engine/store/lanes.h"

namespace kith::store {

class TipTree {
 public:
  static constexpr std::size_t kLeafTips = 16;
  static constexpr std::size_t kDepthMax = 64;

  // What stands where a path of nibbles leads.
  struct Node {
    Digest digest{};
    std::size_t tips_below = 0;
    std::vector<Tip> tips;         // of a leaf, sorted
    std::vector<Digest> children;  // 16 of a branch, none of a leaf
  };

  TipTree();
  bool add(const Tip& tip);     // false: it was there
  bool remove(const Tip& tip);  // false: it was not
  std::size_t size() const { return root_.count; }
  // Hashes what changed since it was last asked: a few microseconds a change.
  const Digest& root();
  // Each byte of the path is one nibble of a feed's digest, the high one first; also where no
  // nodes of this tree reach so deep. Nothing for what is no path.
  std::optional<Node> node(Bytes path);
  // The tips of these items (sketch.h), sorted: what an item says of its feed leads to them.
  std::vector<Tip> find(std::span<const std::uint64_t> items) const;

 private:
  // What is kept is coarser than what is hashed: tips stand in pages of some dozens, and the
  // nodes below a page's are worked out when it is hashed. So the tree costs little more than its
  // tips, and a feed of many branches, whose leaf is 64 levels down, has no nodes of its own.
  struct Page {
    Digest digest{};
    std::vector<Tip> tips;             // sorted; none in a branch
    std::unique_ptr<Page[]> children;  // 16 of a branch
    std::uint32_t count = 0;           // of tips here and below
    bool is_hashed = false;
  };

  static bool add(Page& page, std::size_t depth, const Tip& tip);
  static bool remove(Page& page, std::size_t depth, const Tip& tip);
  static void split(Page& page, std::size_t depth);
  static void gather(Page& page, std::vector<Tip>& to);
  static void find(const Page& page, std::span<const std::uint64_t> sorted,
                   std::vector<Tip>& found);
  const Digest& refresh(Page& page, std::size_t depth);
  Digest digest_of(std::span<const Tip> tips, std::size_t depth);
  Digest digest_of_leaf(std::span<const Tip> tips);

  Page root_;
  Digest none_{};     // of no tips
  ByteVector bytes_;  // scratch
};

}  // namespace kith::store
