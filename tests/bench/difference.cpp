// SPDX-License-Identifier: MIT
// The digest's part of rows 24 and 25 of the scoreboard: a million feeds, some of them one entry
// behind. Bytes of symbols until the receiver knows which, its time for that and for finding its
// own tips, and what it costs to keep sketch and tree current. Prints one JSON object a row.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

#include "engine/store/sketch.h"
#include "engine/store/tip_tree.h"

namespace kith::bench {
namespace {

using store::Digest;
using store::Sketch;
using store::Tip;
using store::TipTree;
using store::Unsketch;
using Clock = std::chrono::steady_clock;
using Random = std::mt19937_64;

double us_since(Clock::time_point began) {
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

void draw(Random& random, Digest& digest) {
  for (std::uint8_t& byte : digest) byte = static_cast<std::uint8_t>(random());
}

class World {
 public:
  explicit World(std::size_t feeds) : tips_(feeds) {
    for (Tip& tip : tips_) {
      draw(random_, tip.feed);
      draw(random_, tip.entry);
      tip.seq = 1;
      tree_.add(tip);
      sketch_.add(item_of(tip));
    }
    tree_.root();
  }
  // Feeds that go on by one entry.
  void advance(std::size_t feeds) {
    for (std::size_t i = 0; i < feeds; ++i) {
      Tip& tip = tips_[random_() % tips_.size()];
      tree_.remove(tip);
      sketch_.remove(item_of(tip));
      ++tip.seq;
      draw(random_, tip.entry);
      tree_.add(tip);
      sketch_.add(item_of(tip));
    }
    tree_.root();
  }
  void measure(int row, std::size_t behind) {
    constexpr std::size_t kRounds = 200;
    std::vector<std::size_t> bytes;
    std::vector<double> known_us;
    for (std::size_t i = 0; i < kRounds; ++i) {
      const Sketch before = sketch_;  // the receiver's
      advance(behind);
      const auto began = Clock::now();
      Unsketch unsketch(before);
      if (unsketch.take(sketch_.symbols()) != Unsketch::State::done) continue;
      tree_.find(unsketch.theirs());
      known_us.push_back(us_since(began));
      bytes.push_back(unsketch.taken() * store::kSymbolBytes);
    }
    std::sort(bytes.begin(), bytes.end());
    std::sort(known_us.begin(), known_us.end());
    std::printf("{\"row\":%d,\"failed\":%zu,\"p50_bytes\":%zu,\"p99_bytes\":%zu,\"p50_us\":%.0f}\n",
                row, kRounds - bytes.size(), bytes[bytes.size() / 2],
                bytes[bytes.size() * 99 / 100], known_us[known_us.size() / 2]);
  }
  // One entry more in one feed, the root asked for after each.
  double change_us() {
    constexpr int kChanges = 20'000;
    const auto began = Clock::now();
    for (int i = 0; i < kChanges; ++i) advance(1);
    return us_since(began) / kChanges;
  }

 private:
  Random random_{1};
  std::vector<Tip> tips_;
  TipTree tree_;
  Sketch sketch_;
};

}  // namespace
}  // namespace kith::bench

int main() {
  kith::crypto::start_crypto();
  kith::bench::World world(1'000'000);
  world.measure(24, 100);
  world.measure(25, 50);
  std::printf("{\"row\":\"change\",\"us\":%.2f}\n", world.change_us());
  return 0;
}
