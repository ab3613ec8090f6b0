// SPDX-License-Identifier: MIT
// bootstrap: peers that are known from the start, and peers that a bootnode tells of.
#include <gtest/gtest.h>

#include "tests/support/play.h"

namespace kith::test {
namespace {

Play::Role bootnode() {
  Play::Role role;
  role.options["bootstrap"]["bootnode"] = true;
  role.options["memory"]["listen"] = wire::Value::List(1, wire::Value("/memory/4001"));
  role.key = crypto::Key32{42};
  return role;
}

Play::Options knowing(const std::string& address, int want = 8) {
  Play::Options options;
  options["bootstrap"]["peers"] = wire::Value::List(1, wire::Value(address));
  options["bootstrap"]["want"] = want;
  return options;
}

std::size_t peers_of(node::Node& node) {
  std::set<wire::PeerId> peers;
  for (const net::Connection* connection : node.swarm().connections())
    peers.insert(connection->peer());
  return peers.size();
}

// Cast: a bootnode, and five who know it alone. They end up knowing each other.
TEST(Bootstrap, ABootnodeBringsFiveTogether) {
  for (const std::uint64_t apart_us : {0, 3'000, 2'000'000}) {
    play_twice(41 + apart_us, [&](Play& play) {
      play.network.shape({.delay_us = 10'000});
      const std::string address = play.add(bootnode()).addresses().at(0).text();
      for (int i = 0; i < 5; ++i) {
        play.add(knowing(address));
        play.loop.run_for(apart_us);
      }
      play.loop.run_for(60'000'000);
      for (const auto& node : play.nodes) EXPECT_EQ(peers_of(*node), 5u) << apart_us;
    });
  }
}

TEST(Bootstrap, NobodyIsDialedBeyondWhatIsWanted) {
  play_twice(42, [](Play& play) {
    const std::string address = play.add(bootnode()).addresses().at(0).text();
    for (int i = 0; i < 4; ++i) play.add(knowing(address, 0));
    play.loop.run_for(10'000'000);
    for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(peers_of(*play.nodes[i]), 1u);
    node::Node& late = play.add(knowing(address, 3));
    play.loop.run_for(60'000'000);
    EXPECT_EQ(peers_of(late), 3u);
  });
}

TEST(Bootstrap, APeerThatComesLateIsReached) {
  play_twice(43, [](Play& play) {
    const auto id = crypto::Identity::from_seed(*bootnode().key).peer_id();
    node::Node& early = play.add(knowing("/memory/4001/p2p/" + id.text()));
    play.loop.run_for(30'000'000);
    EXPECT_EQ(peers_of(early), 0u);
    play.add(bootnode());
    play.loop.run_for(std::uint64_t{120'000'000});
    EXPECT_EQ(peers_of(early), 1u);
    play.stop(play.nodes[1]);
    play.loop.run_for(1'000'000);
    EXPECT_EQ(peers_of(early), 0u);
    play.add(bootnode());
    play.loop.run_for(std::uint64_t{120'000'000});
    EXPECT_EQ(peers_of(early), 1u);
  });
}

TEST(Bootstrap, AddressesThatNameNobodyAreRefused) {
  for (const char* address : {"/memory/1", "memory one", ""}) {
    Play play(44);
    Play::Role role;
    role.options = knowing(address);
    const std::string why = play.outcome(play.make(role).start());
    EXPECT_NE(why.find("plugin bootstrap does not accept its options"), std::string::npos) << why;
    EXPECT_NE(why.find(std::string("'") + address + "'"), std::string::npos) << why;
  }
}

}  // namespace
}  // namespace kith::test
