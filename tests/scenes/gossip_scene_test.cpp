// SPDX-License-Identifier: MIT
// Plays of several nodes that gossip. Each is run twice by seed and must leave one trace.
#include "engine/base/limits.h"
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

// Cast: Anna and Bert. Bert's node stops, and long after comes back at the same address: Anna, who
// was told to connect, finds him by herself and speaks to him.
TEST(GossipScene, AKeptPeerIsFoundAgain) {
  play_twice(3, [](Play& play) {
    node::Node& anna = play.add();
    Play::Role at_port;
    at_port.options["memory"]["listen"] = wire::Value::List(1, wire::Value("/memory/4001"));
    at_port.key = crypto::Key32{7};
    play.connect(anna, play.add(at_port));
    EXPECT_EQ(anna.swarm().connections().size(), 1u);
    play.stop(play.nodes[1]);
    play.loop.run_for(400'000'000);
    EXPECT_EQ(anna.swarm().connections().size(), 0u);  // nobody is there, and nothing broke
    auto& at_bert = play.listen(play.add(at_port), "lobby");
    play.loop.run_for(std::uint64_t{limits::kBackoffMaxMs} * 1'250 + 10'000'000);
    EXPECT_EQ(anna.swarm().connections().size(), 1u);
    EXPECT_EQ(play.publish(anna, "lobby", "again"), 1u);
    play.loop.run_for(1'000'000);
    EXPECT_EQ(at_bert.texts, std::vector<std::string>(1, "again"));
  });
}

// Cast: Anna, Bert, Carl and Dora, everybody with everybody. The net tears between Anna, Bert and
// the others, and heals: what is said then is heard by all, once.
TEST(GossipScene, ATornNetHeals) {
  play_twice(4, [](Play& play) {
    play.network.shape({.delay_us = 5'000});
    std::vector<Play::Heard*> heard;
    for (int i = 0; i < 4; ++i) heard.push_back(&play.listen(play.add(), "square"));
    for (std::size_t i = 1; i < 4; ++i) {
      for (std::size_t k = 0; k < i; ++k) play.connect(*play.nodes[i], *play.nodes[k]);
    }
    play.loop.run_for(3'000'000);
    play.network.part({play.place(*play.nodes[0]), play.place(*play.nodes[1])});
    play.publish(*play.nodes[0], "square", "here");
    play.publish(*play.nodes[3], "square", "there");
    play.loop.run_for(120'000'000);
    EXPECT_EQ(heard[1]->texts, std::vector<std::string>(1, "here"));
    EXPECT_EQ(heard[2]->texts, std::vector<std::string>(1, "there"));
    for (const auto& node : play.nodes) EXPECT_EQ(node->swarm().connections().size(), 1u);
    play.network.part({});
    play.loop.run_for(std::uint64_t{limits::kBackoffMaxMs} * 1'250 + 10'000'000);
    for (std::size_t i = 0; i < 4; ++i)
      play.publish(*play.nodes[i], "square", fmt::format("healed {}", i));
    play.loop.run_for(5'000'000);
    for (const Play::Heard* who : heard) {
      EXPECT_EQ(who->texts.size(), 5u);
      EXPECT_EQ(std::set<std::string>(who->texts.begin(), who->texts.end()).size(), 5u);
    }
  });
}

// Cast: six that all speak without a pause. Three stop in the middle of it, one of them in the
// middle of a dial: nothing of theirs is left, and who stays sees them gone and goes on.
TEST(GossipScene, WhoStopsInTheMiddleLeavesNothing) {
  play_twice(5, [](Play& play) {
    play.network.shape({.delay_us = 20'000});
    std::vector<Play::Heard*> heard;
    for (int i = 0; i < 6; ++i) heard.push_back(&play.listen(play.add(), "square"));
    for (std::size_t i = 1; i < 6; ++i) play.connect(*play.nodes[i], *play.nodes[0]);
    int gone = 0;
    const bus::Owner owner{"test"};
    node::Node& anna = *play.nodes[0];
    const auto id = anna.bus().on(owner, "peer/gone", 0, 0, [&](const kith_event&) {
      ++gone;
      return KITH_PASS;
    });
    const std::string text(20'000, 'x');
    for (std::size_t round = 0; round < 3; ++round) {
      for (auto& node : play.nodes) {
        if (node) play.publish(*node, "square", text);
      }
      wire::Value args;
      args["address"] = play.nodes[5]->addresses().at(0).text();
      const auto dialing = play.nodes[round + 1]->bus().call("connect", args, {});
      play.loop.run_for(30'000 * round);
      play.stop(play.nodes[round + 1]);
    }
    play.loop.run_for(5'000'000);
    EXPECT_EQ(gone, 3);
    EXPECT_EQ(anna.swarm().connections().size(), 2u);
    EXPECT_EQ(play.network.links(), 2u);
    heard[5]->texts.clear();
    play.publish(anna, "square", "on");
    play.loop.run_for(1'000'000);
    EXPECT_EQ(heard[5]->texts, std::vector<std::string>(1, "on"));
    anna.bus().off(id);
  });
}

}  // namespace
}  // namespace kith::test
