// SPDX-License-Identifier: MIT
#include "engine/store/tip_set.h"

#include <algorithm>

namespace kith::store {

void TipSet::add(const Tip& tip) {
  if (!tree_.add(tip)) return;
  sketch_.add(item_of(tip));
  ++version_;
}

void TipSet::remove(const Tip& tip) {
  if (!tree_.remove(tip)) return;
  sketch_.remove(item_of(tip));
  ++version_;
}

std::vector<Tip> TipSet::below(Bytes path, std::size_t tips_max) const {
  const auto node = tree_.node(path);
  if (!node || node->tips_below > tips_max) return {};
  if (node->children.empty()) return node->tips;
  std::vector<Tip> all;
  ByteVector longer = to_vector(path);
  longer.push_back(0);
  for (std::uint8_t nibble = 0; nibble < 16; ++nibble) {
    longer.back() = nibble;
    const auto some = below(longer, tips_max);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

Digest TipSet::digest_with(std::span<const Tip> without, std::span<const Tip> with) const {
  std::vector<Tip> taken, lent;
  for (const Tip& tip : without) {
    if (tree_.remove(tip)) taken.push_back(tip);
  }
  for (const Tip& tip : with) {
    if (tree_.add(tip)) lent.push_back(tip);
  }
  const Digest digest = tree_.root();
  for (const Tip& tip : lent) tree_.remove(tip);
  for (const Tip& tip : taken) tree_.add(tip);
  return digest;
}

}  // namespace kith::store
