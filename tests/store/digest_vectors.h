// SPDX-License-Identifier: MIT
// The tips of digest_vectors.json, which another language wrote after engine/store/README.md,
// "Digest". A vector gives its tips (72 bytes each) or says how many feeds and branches are made.
#pragma once
#include <random>

#include "engine/store/tip_tree.h"
#include "tests/store/vectors.h"

namespace kith::store::test {

using Random = std::mt19937_64;

inline Digest hash_of(const std::string& text) { return crypto::sha256(as_bytes(text)); }

inline Tip make_tip(std::uint64_t feed, std::uint64_t branch, std::uint64_t seq) {
  const std::string number = std::to_string(feed);
  return {hash_of("feed " + number), seq,
          hash_of("entry " + number + " " + std::to_string(branch))};
}

inline Tip read_tip(Bytes bytes) {
  Tip tip;
  std::copy_n(bytes.begin(), 32, tip.feed.begin());
  for (const std::uint8_t byte : bytes.subspan(32, 8)) tip.seq = tip.seq << 8 | byte;
  std::copy_n(bytes.begin() + 40, 32, tip.entry.begin());
  return tip;
}

inline std::vector<Tip> tips_of(const Json& vector) {
  std::vector<Tip> tips;
  if (vector.contains("tips")) {
    for (const Json& tip : vector["tips"]) tips.push_back(read_tip(bytes_of(tip)));
    return tips;
  }
  for (std::uint64_t feed = 0; feed < vector["feeds"]; ++feed) {
    for (std::uint64_t branch = 0; branch < vector["branches"]; ++branch) {
      tips.push_back(make_tip(feed, branch, feed + 1));
    }
  }
  return tips;
}

inline Json read_digest_vectors() {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/digest_vectors.json");
  return Json::parse(file);
}

}  // namespace kith::store::test
