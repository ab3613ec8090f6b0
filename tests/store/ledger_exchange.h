// SPDX-License-Identifier: MIT
// What sync does, done by hand between two worlds; and the oracle: what counts as a function of the
// blocks that a world serves, worked out the slow way.
#pragma once
#include <random>
#include <set>

#include "tests/store/ledger_world.h"

namespace kith::test {

using Random = std::mt19937_64;
inline std::size_t below(Random& random, std::size_t n) { return random() % n; }

// Runs of `from` in order of its lanes, as far as chance lets them come. The new entries of `to`.
struct Giving {
  bool is_whole = true;
  std::size_t stops_in = 10;  // one chance in so many to leave a lane after a run
};
inline std::size_t give(LedgerWorld& from, LedgerWorld& to, Random& random, Giving giving) {
  if (giving.is_whole && from.ledger->tips() == to.ledger->tips()) return 0;
  std::vector<store::Lane> lanes;
  for (const auto& [number, lane] : from.ledger->lanes().all()) lanes.push_back(lane);
  std::size_t fresh = 0;
  for (const store::Lane& lane : lanes) {
    const ByteVector opening = lane.feed->opening_block;
    const bool skips = !giving.is_whole && below(random, 4) == 0;
    std::uint64_t seq = lane.first_seq + (skips ? below(random, 4) : 0);
    while (seq <= lane.seq) {
      auto loaded = from.run(from.ledger->load(lane.number, seq));
      EXPECT_TRUE(loaded.value) << loaded.error->message();
      if (!loaded.value) return fresh;
      seq = store::parse_run(loaded.value->entries, loaded.value->bodies)->last_seq() + 1;
      const auto taken = to.take(opening, *std::move(loaded.value));
      if (taken.error) {
        EXPECT_FALSE(giving.is_whole) << taken.error->message();
        EXPECT_TRUE(taken.error->is(store::ledger_error::gap)) << taken.error->message();
        break;
      }
      fresh += *taken.value;
      if (!giving.is_whole && below(random, giving.stops_in) == 0) break;
    }
  }
  return fresh;
}

// Until nobody has anything new.
inline void exchange_all(const std::vector<std::unique_ptr<LedgerWorld>>& worlds, Random& random) {
  for (bool is_moving = true; is_moving;) {
    is_moving = false;
    for (const auto& world : worlds) world->settle();
    for (const auto& from : worlds) {
      for (const auto& to : worlds)
        if (from != to && give(*from, *to, random, {}) > 0) is_moving = true;
    }
  }
}

struct Block {
  store::Digest feed, prev;
  std::uint64_t seq, time_us;
};
struct Oracle {
  std::map<store::Digest, Block> held;
  std::set<store::Digest> counting;

  // Every entry of every run that the world serves.
  explicit Oracle(LedgerWorld& world) {
    std::vector<store::Lane> lanes;
    for (const auto& [number, lane] : world.ledger->lanes().all()) lanes.push_back(lane);
    for (const store::Lane& lane : lanes) {
      for (std::uint64_t seq = lane.first_seq; seq <= lane.seq;) {
        const auto loaded = world.run(world.ledger->load(lane.number, seq));
        auto run = store::parse_run(loaded.value->entries, loaded.value->bodies).value();
        const auto ids = store::rebuild_run(run).value();
        for (std::size_t i = 0; i < ids.size(); ++i)
          held[ids[i]] = {run.feed, i == 0 ? run.prev : ids[i - 1], run.first_seq + i,
                          run.rows[i].time_us};
        seq = run.last_seq() + 1;
      }
    }
    for (std::size_t before = 1, after = 0; before != after;) {
      before = counting.size();
      for (const auto& [id, block] : held)
        if (is_right(block)) counting.insert(id);
      after = counting.size();
    }
  }
  bool counts(const store::Digest& id) const { return counting.contains(id); }
  bool is_right(const Block& block) const {
    if (block.seq == 1) return block.prev == block.feed;
    const auto prev = held.find(block.prev);
    return prev != held.end() && counts(block.prev) && prev->second.feed == block.feed &&
           prev->second.seq + 1 == block.seq && prev->second.time_us < block.time_us;
  }
  std::vector<store::Tip> tips() const {
    std::set<store::Digest> followed;
    for (const auto& [id, block] : held)
      if (counts(id)) followed.insert(block.prev);
    std::vector<store::Tip> made;
    for (const auto& [id, block] : held)
      if (counts(id) && !followed.contains(id)) made.push_back({block.feed, block.seq, id});
    std::sort(made.begin(), made.end());
    return made;
  }
  std::vector<store::Digest> timeline(std::uint64_t due_us) const {
    std::vector<std::pair<std::uint64_t, store::Digest>> order;
    for (const auto& [id, block] : held)
      if (counts(id) && block.time_us <= due_us) order.emplace_back(block.time_us, id);
    std::sort(order.begin(), order.end());
    std::vector<store::Digest> made;
    for (const auto& [time_us, id] : order) made.push_back(id);
    return made;
  }
  // The lowest seq of a feed that two counting entries have; 0: none.
  std::uint64_t fork_of(const store::Digest& feed) const {
    std::map<std::uint64_t, int> at;
    for (const auto& [id, block] : held)
      if (block.feed == feed && counts(id)) ++at[block.seq];
    for (const auto& [seq, n] : at)
      if (n > 1) return seq;
    return 0;
  }
};

// The world shows what the oracle says of its blocks.
inline void expect_as_oracle(LedgerWorld& world) {
  world.settle();
  const Oracle oracle(world);
  EXPECT_TRUE(world.ledger->tips() == oracle.tips());
  EXPECT_EQ(world.ledger->entries(), oracle.held.size());
  const std::uint64_t due_us = world.loop.wall_us() + 60'000'000;
  std::vector<store::Digest> shown;
  for (const store::Held& each : world.all(true)) {
    shown.push_back(each.id);
    const std::uint64_t fork_seq = oracle.fork_of(each.feed);
    EXPECT_EQ((each.flags & KITH_ENTRY_FORK) != 0, fork_seq != 0 && each.seq >= fork_seq);
  }
  EXPECT_TRUE(shown == oracle.timeline(due_us)) << shown.size() << " shown";
}

}  // namespace kith::test
