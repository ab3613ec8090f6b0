// SPDX-License-Identifier: MIT
// Rows 24 and 25 of the scoreboard: a million feeds, some of them one entry behind. Bytes of both
// sides' messages and round trips until the receiver knows which, its time for that and for finding
// its own tips, and what it costs to keep sketch and tree current. Prints one JSON object a row.
#include <algorithm>
#include <cstdio>
#include <random>

#include "engine/protocols/sync_difference.h"
#include "tests/bench/stage.h"

namespace kith::bench {
namespace {

using store::Digest;
using store::Tip;
using store::TipSet;
using Random = std::mt19937_64;
constexpr std::size_t kFeeds = 1'000'000;

void draw(Random& random, Digest& digest) {
  for (std::uint8_t& byte : digest) byte = static_cast<std::uint8_t>(random());
}

// One exchange, as it would be on a stream.
struct Exchange {
  std::size_t bytes = 0, round_trips = 0;
  bool is_known = false;
  double us = 0;  // of the receiver

  void send(const protocols::SyncRequest& request) {
    bytes += on_wire(encode(request));
    ++round_trips;
  }
  void answer(const protocols::SyncAnswer& answer) { bytes += on_wire(encode(answer)); }
  static std::size_t on_wire(const ByteVector& message) {
    ByteVector line;
    wire::append_prefixed(line, message);
    return line.size();
  }
};

class World {
 public:
  explicit World(std::size_t feeds) : tips_(feeds), entries_(feeds) {
    for (Tip& tip : tips_) {
      draw(random_, tip.feed);
      draw(random_, tip.entry);
      tip.seq = 1;
      receiver_.add(tip);
      sender_.add(tip);
    }
  }
  void measure(const char* row, std::size_t behind) {
    constexpr std::size_t kRounds = 100;
    std::vector<double> bytes, us, round_trips;
    for (std::size_t i = 0; i < kRounds; ++i) {
      const auto changed = advance(behind);
      const Exchange done = exchange(behind);
      for (const auto& [before, after] : changed) move(receiver_, before, after);
      if (!done.is_known) continue;
      bytes.push_back(static_cast<double>(done.bytes));
      round_trips.push_back(static_cast<double>(done.round_trips));
      us.push_back(done.us);
    }
    std::printf(
        "{\"row\":\"%s\",\"failed\":%zu,\"p50_bytes\":%.0f,\"p99_bytes\":%.0f,"
        "\"round_trips\":%.0f,\"p50_us\":%.0f}\n",
        row, kRounds - bytes.size(), quantile(bytes, 0.5), quantile(bytes, 0.99),
        quantile(round_trips, 0.99), quantile(us, 0.5));
  }
  // One entry more in one feed, the root asked for after each.
  void measure_change() {
    constexpr int kChanges = 20'000;
    const auto began = Clock::now();
    for (int i = 0; i < kChanges; ++i) {
      advance(1);
      sender_.digest();
    }
    std::printf("{\"row\":\"change\",\"us\":%.2f}\n", us_since(began) / kChanges);
  }

 private:
  using Change = std::pair<Tip, Tip>;
  static void move(TipSet& set, const Tip& before, const Tip& after) {
    set.remove(before);
    set.add(after);
  }
  // Feeds of the sender that go on by one entry.
  std::vector<Change> advance(std::size_t feeds) {
    std::vector<Change> changed;
    for (std::size_t i = 0; i < feeds; ++i) {
      Tip& tip = tips_[random_() % tips_.size()];
      const Tip before = tip;
      ++tip.seq;
      draw(random_, tip.entry);
      move(sender_, before, tip);
      changed.emplace_back(before, tip);
    }
    return changed;
  }
  Exchange exchange(std::size_t behind) {
    Exchange made;
    sender_.digest();
    const std::uint64_t now_us = 1'800'000'000'000'000;
    const protocols::SyncHello hello{.digest = receiver_.digest(),
                                     .tips = receiver_.size(),
                                     .entries = entries_,
                                     .now_us = now_us};
    made.send(hello);
    entries_ += behind;
    if (receiver_.digest() == sender_.digest()) {
      made.answer(protocols::SyncSame{0, now_us});
      made.is_known = true;
      return made;
    }
    made.answer(protocols::SyncDiffers{.digest = sender_.digest(),
                                       .tips = sender_.size(),
                                       .entries = entries_,
                                       .now_us = now_us,
                                       .version = sender_.version()});
    const std::span<const store::Symbol> all = sender_.sketch().symbols();
    const auto began = Clock::now();
    store::Unsketch unsketch(receiver_.sketch());
    std::size_t count = protocols::first_symbols(hello, sender_.size(), entries_);
    while (unsketch.state() == store::Unsketch::State::more && unsketch.taken() < all.size()) {
      const std::size_t from = unsketch.taken();
      const auto rest = all.subspan(from);
      const auto some = rest.first(std::min(count, rest.size()));
      if (from > 0) made.send(protocols::SyncMore{0, sender_.version(), from});
      made.answer(protocols::SyncSymbols{0, sender_.version(), from, {some.begin(), some.end()}});
      unsketch.take(some);
      count = from + some.size();  // as many again
    }
    made.is_known = unsketch.state() == store::Unsketch::State::done;
    receiver_.find(unsketch.mine());
    made.us = us_since(began);
    return made;
  }

  Random random_{1};
  std::vector<Tip> tips_;  // the sender's
  std::uint64_t entries_;
  TipSet receiver_, sender_;
};

}  // namespace
}  // namespace kith::bench

int main() {
  kith::crypto::start_crypto();
  kith::bench::World world(kith::bench::kFeeds);
  world.measure("24", 100);
  world.measure("25", 50);
  world.measure("25 same", 0);
  world.measure_change();
  return 0;
}
