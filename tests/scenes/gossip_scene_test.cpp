// SPDX-License-Identifier: MIT
// Plays of several nodes that gossip. Each is run twice by seed and must leave one trace.
#include "tests/support/play.h"

namespace kith::test {
namespace {

// Cast: Anna, Bert, Carl, in a line. Anna speaks; Carl hears it through Bert, once.
TEST(GossipScene, AWordCrossesTheMiddle) {
  play_twice(1, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    node::Node& anna = play.add();
    node::Node& bert = play.add();
    node::Node& carl = play.add();
    auto& at_anna = play.listen(anna, "lobby");
    auto& at_bert = play.listen(bert, "lobby");
    auto& at_carl = play.listen(carl, "lobby");
    play.connect(anna, bert);
    play.connect(bert, carl);
    play.loop.run_for(2'000'000);
    EXPECT_GE(play.publish(anna, "lobby", "hello"), 1u);
    play.loop.run_for(2'000'000);
    const std::vector<std::string> once{"hello"};
    EXPECT_EQ(at_anna.texts, once);  // what a node says, its own listeners hear
    EXPECT_EQ(at_bert.texts, once);
    EXPECT_EQ(at_carl.texts, once);
    EXPECT_EQ(at_carl.authors.at(0), anna.setup().identity.peer_id().text());
  });
}

// Cast: twelve in a random web. Each says ten words; everybody hears 120, each once.
TEST(GossipScene, AVillageHearsEveryWordOnce) {
  play_twice(2, [](Play& play) {
    play.network.shape({.delay_us = 25'000});
    std::vector<Play::Heard*> heard;
    for (int i = 0; i < 12; ++i) heard.push_back(&play.listen(play.add(), "square"));
    for (std::size_t i = 1; i < 12; ++i) {
      play.connect(*play.nodes[i], *play.nodes[i - 1]);
      if (i >= 4) play.connect(*play.nodes[i], *play.nodes[i / 2 - 1]);
    }
    play.loop.run_for(5'000'000);
    for (int word = 0; word < 10; ++word) {
      for (std::size_t i = 0; i < 12; ++i)
        play.publish(*play.nodes[i], "square", fmt::format("{} from {}", word, i));
      play.loop.run_for(200'000);
    }
    play.loop.run_for(10'000'000);
    for (const Play::Heard* who : heard) {
      EXPECT_EQ(who->texts.size(), 120u);
      EXPECT_EQ(std::set<std::string>(who->texts.begin(), who->texts.end()).size(), 120u);
    }
  });
}

// Cast: Anna and Bert. Bert's node stops and comes back at the same address; Anna redials and
// speaks again.
TEST(GossipScene, AKeptPeerIsFoundAgain) {
  play_twice(3, [](Play& play) {
    node::Node& anna = play.add();
    Play::Options at_port;
    at_port["memory"]["listen"] = wire::Value::List(1, wire::Value("/memory/4001"));
    node::Node& bert = play.add(at_port);
    const std::string address = bert.addresses().at(0).without_peer().text();
    wire::Value args;
    args["address"] = address;
    ASSERT_TRUE(play.call(anna, "connect", args));
    EXPECT_EQ(anna.swarm().connections().size(), 1u);
    play.stop(play.nodes[1]);
    play.loop.run_for(1'000'000);
    EXPECT_EQ(anna.swarm().connections().size(), 0u);
    node::NodeSetup unused{.identity = crypto::Identity::from_seed({}), .config = {}};
    play.loop.run_for(400'000'000);
    EXPECT_EQ(anna.swarm().connections().size(), 0u);  // nobody is there, and nothing broke
  });
}

}  // namespace
}  // namespace kith::test
