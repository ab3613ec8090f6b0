// SPDX-License-Identifier: MIT
// A ledger with a founder on several worlds: whoever is to keep it joins by its genesis.
#pragma once
#include "tests/store/ledger_exchange.h"

namespace kith::test {

inline void found(LedgerWorld& world, bool hide = false) {
  world.ledger = &world.ledgers->found({.name = "team", .hide = hide});
}
inline void join(LedgerWorld& from, LedgerWorld& to) {
  to.ledger = &to.ledgers->join(from.ledger->genesis_block(), "");
}
// As after a stop and a start; what was founded or joined is open again.
inline void restart(LedgerWorld& world) {
  world.reopen();
  world.ledger = world.ledgers->find("team");
  ASSERT_NE(world.ledger, nullptr);
}
inline crypto::Key32 key_of(const LedgerWorld& world) {
  return *store::author_of(world.identity.peer_id());
}
inline Outcome<store::Appended> grant(LedgerWorld& world, const crypto::Key32& to,
                                      std::uint16_t rank = 100) {
  return world.run(world.ledger->grant({to, rank, "writer"}));
}
// Keeps what is held of the grant's feeds.
inline Outcome<store::Appended> revoke(LedgerWorld& world, const store::Digest& grant) {
  auto heads = world.run(world.ledger->heads_under(grant));
  return world.run(world.ledger->revoke({grant, *std::move(heads.value)}));
}
// Every lane of `from` to `to`, whatever becomes of it; the errors that it met.
inline std::vector<Error> offer(LedgerWorld& from, LedgerWorld& to) {
  from.settle();
  std::vector<store::Lane> lanes;
  for (const auto& [number, lane] : from.ledger->lanes().all()) lanes.push_back(lane);
  std::vector<Error> errors;
  for (const store::Lane& lane : lanes) {
    for (std::uint64_t seq = lane.first_seq; seq <= lane.seq;) {
      auto loaded = from.run(from.ledger->load(lane.number, seq));
      seq = store::parse_run(loaded.value->entries, loaded.value->bodies)->last_seq() + 1;
      const auto taken = to.take(lane.feed->opening_block, *std::move(loaded.value));
      if (taken.error) errors.push_back(*taken.error);
      if (taken.error) break;
    }
  }
  to.settle();
  to.loop.run_for(1'000);  // what counts is counted in a turn of its own
  return errors;
}
inline std::vector<std::string> notes_of(LedgerWorld& world) {
  std::vector<std::string> made;
  for (const store::Held& held : world.all(true))
    if (held.type == "note") made.emplace_back(as_text(held.body));
  return made;
}
inline void expect_alike(LedgerWorld& a, LedgerWorld& b) {
  EXPECT_EQ(a.ledger->tip_set().digest(), b.ledger->tip_set().digest());
  EXPECT_EQ(a.ledger->control_tip_set().digest(), b.ledger->control_tip_set().digest());
  EXPECT_TRUE(a.ledger->tips() == b.ledger->tips());
  EXPECT_EQ(notes_of(a), notes_of(b));
}

}  // namespace kith::test
