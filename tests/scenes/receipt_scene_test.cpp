// SPDX-License-Identifier: MIT
// Anna writes, Wim is the witness, Carl keeps too: who vouches for what is the same on all three,
// also after a start.
#include "tests/support/play.h"

namespace kith::test {
namespace {

Task<void> write_one(store::Ledger& ledger) {
  store::NewEntry entry;
  entry.type = "note";
  entry.body = to_vector(as_bytes(std::string_view("seen by Wim")));
  co_await ledger.append(std::move(entry));
}

struct Cast {
  explicit Cast(Play& the_play, bool is_believed) : play(the_play) {
    crypto::Key32 wims{};
    wims.fill(71);
    const auto wim = crypto::Identity::from_seed(wims).peer_id().text();
    for (std::size_t i = 0; i < 3; ++i) {
      Play::Role& role = roles[i];
      role.routes = false;
      role.store = store::make_memory_store();
      role.key.emplace().fill(static_cast<std::uint8_t>(70 + i));
      node::Config::Ledger ledger{
          .name = "notes", .witness = i == 1, .witnesses = {}, .retention = {}};
      if (is_believed) ledger.witnesses.push_back(wim);
      role.ledger_tables.push_back(std::move(ledger));
    }
    start();
  }
  void start() {
    for (std::size_t i = 0; i < 3; ++i) nodes[i] = &play.add(roles[i]);
    play.connect(*nodes[0], *nodes[1]);
    play.connect(*nodes[0], *nodes[2]);
  }
  // The feeds as `ledger show` lists them.
  wire::Value::List feeds(std::size_t node) {
    wire::Value args;
    args["name"] = "notes";
    const auto shown = play.call(*nodes[node], "ledger.show", args);
    EXPECT_TRUE(shown) << shown.error().message();
    return shown ? *shown->find("feeds")->list() : wire::Value::List();
  }
  void expect_vouched(std::size_t node) {
    const auto rows = feeds(node);
    ASSERT_EQ(rows.size(), 1u);
    const auto& vouched = *rows[0].find("vouched")->list();
    ASSERT_EQ(vouched.size(), 1u) << node;
    EXPECT_EQ(vouched[0].string_or("witness"), nodes[1]->setup().identity.peer_id().text());
    EXPECT_EQ(vouched[0].integer_or("seq", 0), 1);
    EXPECT_EQ(vouched[0].boolean_or("own", false), node == 1);
  }
  Play& play;
  std::array<Play::Role, 3> roles;
  std::array<node::Node*, 3> nodes{};
};

TEST(ReceiptScene, AllThreeShowWhoVouchesAlsoAfterAStart) {
  play_twice(41, [](Play& play) {
    Cast cast(play, true);
    play.run_task(write_one(*cast.nodes[0]->ledgers().find("notes")));
    play.loop.run_for(5'000'000);
    for (std::size_t i = 0; i < 3; ++i) cast.expect_vouched(i);
    for (auto& node : play.nodes) play.stop(node);
    cast.start();
    for (std::size_t i = 0; i < 3; ++i) cast.expect_vouched(i);
  });
}

TEST(ReceiptScene, AStrangersWordStaysWithHim) {
  play_twice(42, [](Play& play) {
    Cast cast(play, false);
    play.run_task(write_one(*cast.nodes[0]->ledgers().find("notes")));
    play.loop.run_for(5'000'000);
    cast.expect_vouched(1);
    EXPECT_TRUE(cast.feeds(0)[0].find("vouched")->list()->empty());
    EXPECT_TRUE(cast.feeds(2)[0].find("vouched")->list()->empty());
  });
}

}  // namespace
}  // namespace kith::test
