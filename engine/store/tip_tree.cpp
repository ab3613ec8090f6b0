// SPDX-License-Identifier: MIT
#include "engine/store/tip_tree.h"

#include <algorithm>

#include "engine/store/sketch.h"

namespace kith::store {
namespace {

constexpr std::size_t kWidth = 16;
// Apart, so that a tip that comes and goes does not split and join. Both above a leaf's 16, so that
// what is kept as a branch is hashed as one.
constexpr std::size_t kPageTipsMax = 64, kPageTipsMin = 32;
constexpr std::uint8_t kLeafMark = 0, kBranchMark = 1;

using Children = std::array<Digest, kWidth>;

std::uint8_t nibble_of(const Tip& tip, std::size_t depth) {
  const std::uint8_t byte = tip.feed[depth / 2];
  return depth % 2 == 0 ? byte >> 4 : byte & 15;
}

// The front of sorted tips that agree above `depth`: those up to and with this nibble.
std::span<const Tip> up_to(std::span<const Tip> tips, std::size_t depth, std::uint8_t nibble) {
  const auto end = std::partition_point(
      tips.begin(), tips.end(), [&](const Tip& tip) { return nibble_of(tip, depth) <= nibble; });
  return tips.first(static_cast<std::size_t>(end - tips.begin()));
}

std::span<const Tip> cut_front(std::span<const Tip>& rest, std::size_t depth, std::uint8_t nibble) {
  const auto front = up_to(rest, depth, nibble);
  rest = rest.subspan(front.size());
  return front;
}

std::span<const Tip> within(std::span<const Tip> tips, std::size_t depth, std::uint8_t nibble) {
  if (nibble > 0) cut_front(tips, depth, static_cast<std::uint8_t>(nibble - 1));
  return up_to(tips, depth, nibble);
}

bool is_leaf(std::size_t tips, std::size_t depth) {
  return tips <= TipTree::kLeafTips || depth == TipTree::kDepthMax;
}

Digest digest_of_branch(const Children& children) {
  return crypto::sha256({&kBranchMark, 1}, {children.front().data(), sizeof children});
}

// A page grows by a few tips at once: doubling would cost as much again as the tips.
void insert(std::vector<Tip>& tips, std::vector<Tip>::iterator at, const Tip& tip) {
  const auto place = at - tips.begin();
  if (tips.size() == tips.capacity()) tips.reserve(tips.size() + 1 + tips.size() / 8);
  tips.insert(tips.begin() + place, tip);
}

}  // namespace

TipTree::TipTree() : none_(digest_of_leaf({})) {}

bool TipTree::add(const Tip& tip) { return add(root_, 0, tip); }
bool TipTree::remove(const Tip& tip) { return remove(root_, 0, tip); }

bool TipTree::add(Page& page, std::size_t depth, const Tip& tip) {
  if (page.children) {
    if (!add(page.children[nibble_of(tip, depth)], depth + 1, tip)) return false;
  } else {
    const auto at = std::lower_bound(page.tips.begin(), page.tips.end(), tip);
    if (at != page.tips.end() && *at == tip) return false;
    insert(page.tips, at, tip);
    split(page, depth);
  }
  ++page.count;
  page.is_hashed = false;
  return true;
}

bool TipTree::remove(Page& page, std::size_t depth, const Tip& tip) {
  if (page.children) {
    if (!remove(page.children[nibble_of(tip, depth)], depth + 1, tip)) return false;
  } else {
    const auto at = std::lower_bound(page.tips.begin(), page.tips.end(), tip);
    if (at == page.tips.end() || *at != tip) return false;
    page.tips.erase(at);
  }
  --page.count;
  page.is_hashed = false;
  if (page.children && page.count <= kPageTipsMin) {
    std::vector<Tip> tips;
    tips.reserve(page.count);
    gather(page, tips);
    page.children.reset();
    page.tips = std::move(tips);
  }
  return true;
}

// Tips of one feed cannot be told apart by it: they stay together.
void TipTree::split(Page& page, std::size_t depth) {
  const std::vector<Tip>& tips = page.tips;
  if (tips.size() <= kPageTipsMax || tips.front().feed == tips.back().feed) return;
  page.children = std::make_unique<Page[]>(kWidth);
  std::span<const Tip> rest = tips;
  for (std::uint8_t nibble = 0; nibble < kWidth; ++nibble) {
    const auto part = cut_front(rest, depth, nibble);
    Page& child = page.children[nibble];
    child.tips.assign(part.begin(), part.end());
    child.count = static_cast<std::uint32_t>(part.size());
    split(child, depth + 1);
  }
  page.tips = std::vector<Tip>();  // = {} would keep its memory
}

void TipTree::gather(Page& page, std::vector<Tip>& to) {
  to.insert(to.end(), page.tips.begin(), page.tips.end());
  if (!page.children) return;
  for (std::size_t i = 0; i < kWidth; ++i) gather(page.children[i], to);
}

const Digest& TipTree::root() { return refresh(root_, 0); }

const Digest& TipTree::refresh(Page& page, std::size_t depth) {
  if (page.is_hashed) return page.digest;
  if (page.children) {
    Children children;
    for (std::size_t i = 0; i < kWidth; ++i) {
      children[i] = refresh(page.children[i], depth + 1);
    }
    page.digest = digest_of_branch(children);
  } else {
    page.digest = digest_of(page.tips, depth);
  }
  page.is_hashed = true;
  return page.digest;
}

Digest TipTree::digest_of(std::span<const Tip> tips, std::size_t depth) {
  if (tips.empty()) return none_;
  if (is_leaf(tips.size(), depth)) return digest_of_leaf(tips);
  Children children;
  for (std::uint8_t nibble = 0; nibble < kWidth; ++nibble) {
    children[nibble] = digest_of(cut_front(tips, depth, nibble), depth + 1);
  }
  return digest_of_branch(children);
}

Digest TipTree::digest_of_leaf(std::span<const Tip> tips) {
  bytes_.clear();
  for (const Tip& tip : tips) {
    append(bytes_, tip.feed);
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<std::uint8_t>(tip.seq >> shift));
    }
    append(bytes_, tip.entry);
  }
  return crypto::sha256({&kLeafMark, 1}, bytes_);
}

std::optional<TipTree::Node> TipTree::node(Bytes path) {
  if (path.size() > kDepthMax) return {};
  if (std::any_of(path.begin(), path.end(), [](std::uint8_t nibble) { return nibble >= kWidth; })) {
    return {};
  }
  root();
  Page* page = &root_;
  std::size_t depth = 0;
  while (page->children && depth < path.size()) page = &page->children[path[depth++]];
  if (page->children) {
    Node branch{page->digest, page->count, {}, {}};
    for (std::size_t i = 0; i < kWidth; ++i) branch.children.push_back(page->children[i].digest);
    return branch;
  }
  std::span<const Tip> tips = page->tips;
  for (; depth < path.size(); ++depth) tips = within(tips, depth, path[depth]);
  Node node{digest_of(tips, depth), tips.size(), {}, {}};
  if (is_leaf(tips.size(), depth)) {
    node.tips.assign(tips.begin(), tips.end());
    return node;
  }
  for (std::uint8_t nibble = 0; nibble < kWidth; ++nibble) {
    node.children.push_back(digest_of(cut_front(tips, depth, nibble), depth + 1));
  }
  return node;
}

std::vector<Tip> TipTree::find(std::span<const std::uint64_t> items) const {
  std::vector<std::uint64_t> wanted(items.begin(), items.end());
  std::sort(wanted.begin(), wanted.end());
  std::vector<Tip> found;
  for (std::span<const std::uint64_t> rest = wanted; !rest.empty();) {
    const auto other = std::find_if(rest.begin(), rest.end(), [&](std::uint64_t item) {
      return (item ^ rest.front()) >> (64 - kItemFeedBits) != 0;
    });
    const auto alike = rest.first(static_cast<std::size_t>(other - rest.begin()));
    const Page* page = &root_;
    for (std::size_t bits = 4; page->children && bits <= kItemFeedBits; bits += 4) {
      page = &page->children[(alike.front() >> (64 - bits)) & 15];
    }
    find(*page, alike, found);
    rest = rest.subspan(alike.size());
  }
  return found;
}

void TipTree::find(const Page& page, std::span<const std::uint64_t> sorted,
                   std::vector<Tip>& found) {
  for (const Tip& tip : page.tips) {
    if (std::binary_search(sorted.begin(), sorted.end(), item_of(tip))) found.push_back(tip);
  }
  if (!page.children) return;
  for (std::size_t i = 0; i < kWidth; ++i) find(page.children[i], sorted, found);
}

}  // namespace kith::store
