// SPDX-License-Identifier: MIT
// A ledger with a founder on real stores: members write, admins grant and revoke with true and
// invented cuts, stores are copied and fork (control feeds too), somebody writes by hand, and all
// meet in part. In the end everybody shows the same, and so does who only comes then.
#include <cstdlib>

#include "tests/store/founded_world.h"

namespace kith::test {
namespace {

using store::Digest;
using store::ledger_error;

// More by hand: KITH_SEEDS=5000.
std::uint64_t seeds() {
  const char* asked = std::getenv("KITH_SEEDS");
  return asked ? std::strtoull(asked, nullptr, 10) : 60;
}

std::shared_ptr<store::KeyValue> copy_of(const store::KeyValue& store) {
  std::shared_ptr<store::KeyValue> made = store::make_memory_store();
  store::Batch batch;
  for (std::size_t i = 0; i < store::kColumns; ++i) {
    const auto column = static_cast<store::Column>(i);
    const auto scan = store.scan(column);
    for (scan->seek({}); scan->valid(); scan->next())
      batch.put(column, scan->key(), to_vector(scan->value()));
  }
  made->commit(batch, true).value();
  return made;
}

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(seed), loop_(seed) {
    add({.author = 1});
    found(*worlds_[0]);
    const std::size_t n = 4 + below(random_, 2);
    for (std::size_t i = 1; i < n; ++i) join_new(static_cast<std::uint8_t>(i + 1));
  }
  void run() {
    grant(*worlds_[0], hand_.key);
    for (std::size_t i = 1; i < worlds_.size(); ++i) {
      if (below(random_, 4) > 0) grant_to(*worlds_[0], *worlds_[i]);
      meet(*worlds_[0], *worlds_[i], 1000);
    }
    const std::size_t steps = 40 + below(random_, 60);
    for (std::size_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      loop_.run_for(below(random_, 3) == 0 ? 1'000 : below(random_, 20'000'000));
    }
    join_new(90);  // who comes late
    exchange();
    LedgerWorld& late = join_new(91);  // and last
    meet(any(), late, 1000);
    meet(any(), late, 1000);
    exchange();
    judge();
  }
  std::size_t voided() const { return voided_; }

 private:
  LedgerWorld& add(LedgerWorld::Setup setup) {
    setup.durability =
        below(random_, 2) == 0 ? store::Durability::sync : store::Durability::interval;
    worlds_.push_back(std::make_unique<LedgerWorld>(loop_, std::move(setup)));
    return *worlds_.back();
  }
  LedgerWorld& join_new(std::uint8_t author) {
    LedgerWorld& world = add({.author = author});
    join(*worlds_[0], world);
    return world;
  }
  LedgerWorld& any() { return *worlds_[below(random_, worlds_.size())]; }

  void step() {
    LedgerWorld& world = any();
    switch (below(random_, 15)) {
      case 0:
      case 1:
      case 2: write(world); break;
      case 3: grant_to(world, any()); break;
      case 4: revoke_some(below(random_, 2) == 0 ? world : *worlds_[0]); break;
      case 5: copy(world); break;
      case 6:
      case 7:
      case 8: forge(world); break;
      case 9: restart(world); break;
      default: meet(any(), world, 1 + below(random_, 8));
    }
  }
  void write(LedgerWorld& world) {
    const std::size_t n = 1 + below(random_, 5);
    for (std::size_t i = 0; i < n; ++i)
      start(world.scope, world.ledger->append({"note", {static_cast<std::uint8_t>(i)}}));
    if (below(random_, 2) == 0) world.settle();
  }
  void grant_to(LedgerWorld& from, LedgerWorld& to) {
    const auto rank = static_cast<std::uint16_t>(1 + below(random_, 4));
    const crypto::Key32 key = below(random_, 3) == 0 ? hand_.key : key_of(to);
    const auto made = grant(from, key, rank);
    EXPECT_TRUE(made.value || made.error->is(KITH_REFUSED)) << made.error->message();
  }
  // What an issuer might name: ends, any entry on any branch, what nobody has, nothing.
  void revoke_some(LedgerWorld& world) {
    const auto members = world.ledger->members();
    if (members.empty()) return;
    const Digest grant = members[below(random_, members.size())].grant;
    store::Revoke revoke{grant, {}};
    auto heads = world.run(world.ledger->heads_under(grant));
    const auto held = world.all(false);
    for (store::SignedHead& head : *heads.value) {
      const std::size_t chance = below(random_, 6);
      if (chance == 0) continue;
      if (chance == 1) head.head.seq = 1 + below(random_, head.head.seq + 1);
      if (chance == 2) head.head.entry[5] ^= 1;
      if (chance >= 4) head.head = place_in(head.head, held);
      revoke.keep.push_back(head);
    }
    const auto made = world.run(world.ledger->revoke(std::move(revoke)));
    EXPECT_TRUE(made.value || made.error->is(KITH_REFUSED)) << made.error->message();
  }
  store::Head place_in(const store::Head& head, const std::vector<store::Held>& held) {
    std::vector<store::Head> places{head};
    for (const store::Held& each : held)
      if (each.feed == head.feed) places.push_back({each.feed, each.seq, each.id});
    const auto hand = hand_.by_id.find(head.feed);
    if (hand != hand_.by_id.end()) {  // also what this world does not hold
      for (const auto& [seq, id] : hand_.feeds.at(hand->second).places)
        if (seq > 0) places.push_back({head.feed, seq, id});
    }
    return places[below(random_, places.size())];
  }
  void copy(LedgerWorld& world) {
    if (worlds_.size() >= 8) return;
    world.settle();
    LedgerWorld& made = add({.author = world.setup.author, .store = copy_of(*world.setup.store)});
    made.ledger = made.ledgers->find("team");
    ASSERT_NE(made.ledger, nullptr);
  }
  // Whoever was granted the hand's key may write branches anywhere with it.
  void forge(LedgerWorld& world) {
    std::vector<Digest> grants;
    for (const store::Member& member : world.ledger->members())
      if (member.given.to == hand_.key) grants.push_back(member.grant);
    if (grants.empty()) return;
    Hand::Feed& feed = hand_.feed(grants[below(random_, grants.size())], world.ledger->id());
    if (!feed.places.empty() && below(random_, 2) == 0) {
      const auto& [seq, id] = feed.places[below(random_, feed.places.size())];
      feed.forger.back_to(seq, id);
    }
    std::vector<std::pair<std::uint64_t, std::string>> entries;
    feed.last_us = std::max(feed.last_us, loop_.wall_us());
    for (std::size_t i = 0; i <= below(random_, 4); ++i)
      entries.emplace_back(++feed.last_us, std::to_string(below(random_, 2)));
    const std::uint64_t seq = feed.forger.seq;
    feed.places.emplace_back(seq, feed.forger.prev);
    const auto run = feed.forger.make(entries);
    for (std::size_t i = 0; i < entries.size(); ++i)
      feed.places.emplace_back(seq + i + 1, feed.forger.ids[i]);
    const auto taken = world.take(feed.forger.block, run);
    if (taken.error) expect_honest(*taken.error);
  }
  // What may become of an honest node's run; anything else would charge its sender.
  static void expect_honest(const Error& error) {
    EXPECT_TRUE(error.is(ledger_error::gap) || error.is(ledger_error::unknown_grant) ||
                error.is(ledger_error::is_void))
        << error.message();
  }
  // Lanes in any order, each left after some runs; the new entries of `to`.
  std::size_t meet(LedgerWorld& from, LedgerWorld& to, std::size_t stops_in) {
    if (&from == &to) return 0;
    from.settle();
    std::vector<store::Lane> lanes;
    for (const auto& [number, lane] : from.ledger->lanes().all()) lanes.push_back(lane);
    if (stops_in < 1000) std::shuffle(lanes.begin(), lanes.end(), random_);
    std::size_t fresh = 0;
    for (const store::Lane& lane : lanes) {
      const ByteVector opening = lane.feed->opening_block;
      for (std::uint64_t seq = lane.first_seq; seq <= lane.seq;) {
        auto loaded = from.run(from.ledger->load(lane.number, seq));
        seq = store::parse_run(loaded.value->entries, loaded.value->bodies)->last_seq() + 1;
        const auto taken = to.take(opening, *std::move(loaded.value));
        if (taken.error) expect_honest(*taken.error);
        if (taken.error) break;
        fresh += *taken.value;
        if (stops_in < 1000 && below(random_, stops_in) == 0) break;
      }
    }
    to.settle();
    loop_.run_for(1'000);
    return fresh;
  }
  void exchange() {
    for (bool is_moving = true; is_moving && !testing::Test::HasFailure();) {
      is_moving = false;
      for (const auto& from : worlds_)
        for (const auto& to : worlds_)
          if (meet(*from, *to, 1000) > 0) is_moving = true;
    }
  }
  void judge() {
    LedgerWorld& first = *worlds_[0];
    for (const auto& world : worlds_) {
      SCOPED_TRACE("author " + std::to_string(world->setup.author));
      expect_alike(first, *world);
      for (const auto& [number, lane] : world->ledger->lanes().all())
        voided_ += lane.seq - lane.counts_to;
    }
    LedgerWorld& again = any();
    restart(again);
    expect_alike(first, again);
    const auto verdict = again.verify();
    EXPECT_TRUE(verdict.ok()) << verdict.problems[0];
    // What it shows is what its tips lead to.
    std::size_t counting = 0;
    for (const auto& [number, lane] : again.ledger->lanes().all())
      counting += lane.counts_to - lane.first_seq + 1;
    EXPECT_EQ(again.all(false).size(), counting);
  }

  struct Hand {
    struct Feed {
      Forger forger;
      std::vector<std::pair<std::uint64_t, Digest>> places;
      std::uint64_t last_us = 0;
    };
    static constexpr std::uint8_t kAuthor = 100;
    crypto::Key32 key = *store::author_of(identity_of(kAuthor).peer_id());
    std::map<Digest, Feed> feeds;
    std::map<Digest, Digest> by_id;  // feed: grant
    Feed& feed(const Digest& grant, const Digest& ledger) {
      const auto at = feeds.find(grant);
      if (at != feeds.end()) return at->second;
      Feed made{Forger(kAuthor, ledger), {}, 0};
      made.forger.open_under(grant);
      by_id[made.forger.feed] = grant;
      return feeds.emplace(grant, std::move(made)).first->second;
    }
  };

  Random random_;
  sim::VirtualLoop loop_;
  std::vector<std::unique_ptr<LedgerWorld>> worlds_;
  Hand hand_;
  std::size_t voided_ = 0;
};

TEST(FounderConvergence, WhoHoldsTheSameShowsTheSame) {
  std::size_t voided = 0;
  for (std::uint64_t seed = 1; seed <= seeds() && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Play play(seed);
    play.run();
    voided += play.voided();
  }
  EXPECT_GT(voided, seeds()) << "the plays have too little to decide";
}

}  // namespace
}  // namespace kith::test
