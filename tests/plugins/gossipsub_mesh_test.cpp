// SPDX-License-Identifier: MIT
// Several Gossipsubs on one virtual loop: delivery, mesh upkeep, gossip, ids towards other stacks.
#include "tests/plugins/gossipsub_net.h"

namespace kith::test {
namespace {

wire::Value options(std::initializer_list<std::pair<const char*, wire::Value>> given) {
  wire::Value made{wire::Value::Map()};
  for (const auto& [name, value] : given) made[name] = value;
  return made;
}

int publish(FakeNode& node, std::string_view topic, std::string_view text,
            kith_message* out = nullptr) {
  kith_message made{};
  const int peers = node.router->publish(topic, Buffer::copy(as_bytes(text)), made);
  if (out) *out = made;
  return peers;
}
std::size_t heard(const FakeNode& node, std::string_view text) {
  return static_cast<std::size_t>(std::count_if(node.heard.begin(), node.heard.end(),
                                                [&](const auto& one) { return one.text == text; }));
}
std::pair<std::uint32_t, std::uint32_t> topic_peers(FakeNode& node, std::string_view topic) {
  std::pair<std::uint32_t, std::uint32_t> counts;
  node.router->topic_peers(topic, counts.first, counts.second);
  return counts;
}
std::map<std::string, wire::Value> rows_of(FakeNode& node) {
  node.command(reinterpret_cast<kith_call*>(&node), kith_bytes{});
  std::map<std::string, wire::Value> rows;
  const auto answer = wire::decode_cbor(node.command_answer);
  for (const wire::Value& row : *answer->list()) rows[row.string_or("peer_id")] = row;
  return rows;
}

struct Routers : FakeNet {
  explicit Routers(std::size_t n, const wire::Value& given = {}, std::uint64_t seed = 7)
      : FakeNet(seed) {
    for (std::size_t i = 0; i < n; ++i) add_router(given);
  }
  FakeNode& operator[](std::size_t i) { return *nodes[i]; }
  void join_all(std::string_view topic) {
    for (auto& node : nodes)
      if (node->router) node->router->join(topic);
  }
};

TEST(GossipMesh, EightNodesHearEachMessageOnce) {
  for (const char* sign : {"strict", "none"}) {
    Routers net(8, options({{"sign", sign}, {"flood_publish", false}}));
    net.join_all("lobby");
    net.connect_all();
    net.run_ms(2'000);
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_GE(topic_peers(net[i], "lobby").second, 4u);
      EXPECT_LE(topic_peers(net[i], "lobby").second, 12u);
      for (int k = 0; k < 5; ++k)
        publish(net[i], "lobby", std::to_string(i) + "." + std::to_string(k));
    }
    net.run_ms(3'000);
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(net[i].heard.size(), 35u) << sign;
      for (std::size_t j = 0; j < 8; ++j)
        for (int k = 0; k < 5; ++k)
          EXPECT_EQ(heard(net[i], std::to_string(j) + "." + std::to_string(k)), i == j ? 0u : 1u);
    }
  }
}

TEST(GossipMesh, WhatArrivesNamesAuthorRelayAndId) {
  Routers net(3);
  net.join_all("lobby");
  net.connect(net[0], net[1]);
  net.connect(net[1], net[2]);
  net.run_ms(1'000);
  kith_message made;
  EXPECT_EQ(publish(net[0], "lobby", "hello", &made), 1);
  const ByteVector id = to_vector(view(made.id));
  net.run_ms(1'000);
  ASSERT_EQ(net[2].heard.size(), 1u);
  const auto& one = net[2].heard.front();
  EXPECT_EQ(one.topic, "lobby");
  EXPECT_EQ(one.id, id);
  EXPECT_TRUE(equal(one.from, net[0].id()));
  EXPECT_TRUE(equal(one.via, net[1].id()));
  EXPECT_GT(one.seqno, 1'700'000'000'000'000'000u) << "wall clock in nanoseconds";
  EXPECT_EQ(one.seqno, made.seqno);
}

TEST(GossipMesh, WithoutSubscribersAMessageGoesNowhere) {
  Routers net(2);
  net.connect(net[0], net[1]);
  net.run_ms(1'000);
  EXPECT_EQ(publish(net[0], "lobby", "alone"), 0);
  EXPECT_EQ(publish(net[0], "", "no topic"), KITH_BAD);
  EXPECT_EQ(publish(net[0], "lobby", std::string(1024 * 1024 + 1, 'x')), KITH_LIMIT);
}

TEST(GossipMesh, SubscribersAreGraftedBeforeAnyHeartbeat) {
  Routers net(2, options({{"heartbeat", 60}}));
  net.connect(net[0], net[1]);
  net.run_ms(1'000);
  net.join_all("lobby");
  net.run_ms(10);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(1u, 1u));
  EXPECT_EQ(topic_peers(net[1], "lobby"), std::pair(1u, 1u));
}

TEST(GossipMesh, FanoutServesWhoHasNotJoined) {
  Routers net(4, options({{"flood_publish", false}}));
  for (std::size_t i = 1; i < 4; ++i) net[i].router->join("lobby");
  net.connect_all();
  net.run_ms(1'000);
  EXPECT_EQ(publish(net[0], "lobby", "from outside"), 3);
  net.run_ms(1'000);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(heard(net[i], "from outside"), 1u);
  EXPECT_EQ(net[0].heard.size(), 0u);
}

TEST(GossipMesh, LeavingPrunesAndUnsubscribes) {
  Routers net(2);
  net.join_all("lobby");
  net.connect(net[0], net[1]);
  net.run_ms(1'000);
  net[1].router->leave("lobby");
  net.run_ms(100);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(0u, 0u));
  EXPECT_EQ(publish(net[0], "lobby", "gone"), 0);
  net[1].router->join("lobby");
  net.run_ms(5'000);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(1u, 0u)) << "ten seconds of back-off";
  net.run_ms(10'000);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(1u, 1u));
}

TEST(GossipMesh, IsHeldWithinItsBounds) {
  Routers net(24);
  net.join_all("lobby");
  net.connect_all();
  net.run_ms(10'000);
  for (auto& node : net.nodes) {
    const auto [subscribed, mesh] = topic_peers(*node, "lobby");
    EXPECT_EQ(subscribed, 23u);
    EXPECT_GE(mesh, 4u);
    EXPECT_LE(mesh, 12u);
  }
  publish(net[0], "lobby", "to all");
  net.run_ms(2'000);
  for (std::size_t i = 1; i < 24; ++i) EXPECT_EQ(heard(net[i], "to all"), 1u);
}

TEST(GossipMesh, SurvivesPeersThatGoAndComeBack) {
  Routers net(5);
  net.join_all("lobby");
  net.connect_all();
  net.run_ms(1'000);
  for (std::size_t i = 1; i < 5; ++i) net.disconnect(net[0], net[i]);
  net.run_ms(500);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(0u, 0u));
  net.connect(net[0], net[3]);
  net.run_ms(3'000);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(1u, 1u));
  EXPECT_EQ(publish(net[0], "lobby", "back"), 1);
  net.run_ms(1'000);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(heard(net[i], "back"), 1u);
}

// Ten messages a second from node 0 for `seconds`; how many were published.
int talk(Routers& net, int seconds) {
  for (int i = 0; i < seconds * 10; ++i) {
    publish(net[0], "lobby", std::to_string(i));
    net.run_ms(100);
  }
  net.run_ms(2'000);
  return seconds * 10;
}

TEST(GossipForwarding, AChainUnderLoadKeepsItsLinks) {
  Routers net(4);
  net.join_all("lobby");
  for (std::size_t i = 1; i < 4; ++i) net.connect(net[i], net[i - 1]);
  net.run_ms(1'000);
  const auto sent = static_cast<std::size_t>(talk(net, 90));
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(net[i].heard.size(), sent);
    EXPECT_EQ(topic_peers(net[i], "lobby").second, i == 3 ? 1u : 2u) << i;
  }
}

TEST(GossipForwarding, OnlyWhoSwallowsIsPruned) {
  Routers net(6);
  net.join_all("lobby");
  net.connect_all();
  net[5].judge = [](const FakeNode::Heard&, std::uint64_t) { return KITH_IGNORE; };
  net.run_ms(1'000);
  const auto sent = static_cast<std::size_t>(talk(net, 58));
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(net[i].heard.size(), sent);
    const auto rows = rows_of(net[i]);
    for (std::size_t j = 0; j < 6; ++j) {
      if (i == j) continue;
      const wire::Value& row = rows.at(net[j].identity.peer_id().text());
      EXPECT_EQ(row.integer_or("mesh", -1), j == 5 ? 0 : 1) << i << " of " << j;
    }
  }
}

// Nobody is in anyone's mesh, as after a cut: IHAVE and IWANT alone carry the message.
TEST(GossipLazy, PullsWhatTheMeshDidNotBring) {
  for (const char* form : {"auto", "js", "rust", "spec"}) {
    Routers net(2, options({{"flood_publish", false}, {"message_id", form}}));
    Scripted carrier(net, net.add());
    net.join_all("lobby");
    net.connect(net[0], carrier.node);
    net.run_ms(100);
    carrier.open(net[0]);
    carrier.subscribe("lobby");
    net.run_ms(100);
    // The carrier prunes node 0, so that only gossip reaches it, and hands the offer on.
    gossip::Rpc prune;
    prune.prune.push_back({"lobby", 60});
    carrier.say(prune);
    net.run_ms(100);
    ASSERT_EQ(topic_peers(net[0], "lobby").second, 0u);
    const ByteVector message = carrier.signed_message("lobby", "kept", 5);
    carrier.send_message(message);
    net.run_ms(100);
    EXPECT_EQ(heard(net[0], "kept"), 1u);
    carrier.heard.clear();
    net.run_ms(2'000);
    EXPECT_GE(carrier.count("ihave 1"), 1u) << form;
    ASSERT_FALSE(carrier.ids.empty());
    gossip::Rpc wanted;
    wanted.open(wanted.iwant);
    wanted.add_id(wanted.iwant, carrier.ids.back());
    carrier.say(wanted);
    net.run_ms(500);
    EXPECT_EQ(carrier.count("message kept"), 1u) << form;
  }
}

TEST(GossipLazy, ACutMeshLinkIsMadeUpForByGossip) {
  Routers net(2, options({{"flood_publish", false}, {"d", 1}, {"d_low", 1}, {"d_high", 1}}));
  FakeNode& third = net.add_router(options({{"flood_publish", false}}));
  net[0].router->join("lobby");
  net[1].router->join("lobby");
  net.connect(net[0], net[1]);
  net.run_ms(500);
  third.router->join("lobby");
  net.connect(third, net[0]);  // node 0's mesh of one is full, and it did not dial
  net.run_ms(500);
  ASSERT_EQ(topic_peers(net[0], "lobby"), std::pair(2u, 1u));
  publish(net[0], "lobby", "pulled");
  net.run_ms(50);
  EXPECT_EQ(heard(third, "pulled"), 0u) << "no mesh link carries it";
  net.run_ms(2'000);
  EXPECT_EQ(heard(third, "pulled"), 1u);
}

TEST(GossipLazy, IdontwantSuppresses) {
  Routers net(1);
  net.join_all("lobby");
  Scripted source(net, net.add(), {"/meshsub/1.2.0"}), other(net, net.add(), {"/meshsub/1.2.0"}),
      older(net, net.add(), {"/meshsub/1.1.0"});
  for (Scripted* peer : {&source, &other, &older}) {
    net.connect(net[0], peer->node);
    peer->open(net[0]);
    peer->subscribe("lobby");
  }
  net.run_ms(500);
  const std::string large(600, 'x');
  source.send_message(source.signed_message("lobby", large, 1));
  net.run_ms(100);
  EXPECT_EQ(other.count("idontwant 1"), 1u);
  EXPECT_EQ(source.count("idontwant 1"), 0u);
  EXPECT_EQ(older.count("idontwant 1"), 0u);
  EXPECT_EQ(other.count("message " + large), 1u);
  source.send_message(source.signed_message("lobby", "small", 2));
  net.run_ms(100);
  EXPECT_EQ(other.count("idontwant 1"), 1u) << "not for so little";

  // And towards us: the id of what is to come, by its author and number.
  gossip::Rpc unwanted;
  unwanted.open(unwanted.idontwant);
  ByteVector id = to_vector(source.node.id());
  append(id, ByteVector{0, 0, 0, 0, 0, 0, 0, 3});
  unwanted.add_id(unwanted.idontwant, id);
  other.say(unwanted);
  net.run_ms(10);
  source.send_message(source.signed_message("lobby", "third", 3));
  net.run_ms(100);
  EXPECT_EQ(other.count("message third"), 0u);
  EXPECT_EQ(older.count("message third"), 1u);
}

TEST(GossipIds, EachPeerHearsItsOwnForm) {
  Routers net(1, options({{"flood_publish", false}}));
  net.join_all("lobby");
  Scripted js(net, net.add()), rust(net, net.add()), plain(net, net.add());
  js.node.agent = "js-libp2p/3.3.11";
  rust.node.agent = "rust-libp2p/0.45.0";
  for (Scripted* peer : {&js, &rust, &plain}) {
    net.connect(net[0], peer->node);
    peer->open(net[0]);
    peer->subscribe("lobby");
    gossip::Rpc prune;
    prune.prune.push_back({"lobby", 60});
    net.run_ms(100);
    peer->say(prune);
  }
  net.run_ms(100);
  kith_message made;
  publish(net[0], "lobby", "x", &made);
  net.run_ms(2'000);
  const auto forms = [](const Scripted& peer) {
    EXPECT_FALSE(peer.ids.empty());
    return peer.ids.empty() ? gossip::IdForm::kSpec : gossip::read_id(peer.ids.back()).form;
  };
  EXPECT_EQ(forms(js), gossip::IdForm::kJs);
  EXPECT_EQ(forms(rust), gossip::IdForm::kRust);
  EXPECT_EQ(forms(plain), gossip::IdForm::kSpec);

  // An id of its own making outweighs what its agent was taken for.
  gossip::Rpc offer;
  offer.open(offer.ihave, "lobby");
  ByteVector id = to_vector(plain.node.identity.public_key());
  append(id, ByteVector(8, 1));
  offer.add_id(offer.ihave, id);
  plain.say(offer);
  net.run_ms(2'000);
  EXPECT_GE(plain.count("iwant 1"), 1u);
  EXPECT_EQ(forms(plain), gossip::IdForm::kJs);
}

TEST(GossipPeers, SettledOnceTheFirstRpcIsIn) {
  Routers net(2);
  FakeNode& stranger = net.add();  // speaks nothing of ours
  Scripted silent(net, net.add());
  EXPECT_FALSE(net[0].router->settled(net[1].id()));
  net.connect(net[0], net[1]);
  net.connect(net[0], stranger);
  net.connect(net[0], silent.node);
  EXPECT_FALSE(net[0].router->settled(net[1].id()));
  EXPECT_TRUE(net[0].router->settled(stranger.id()));
  net.run_ms(50);
  EXPECT_TRUE(net[0].router->settled(net[1].id())) << "even one without topics says so";
  EXPECT_FALSE(net[0].router->settled(silent.node.id()));
  net.run_ms(1'000);
  EXPECT_TRUE(net[0].router->settled(silent.node.id()));
}

TEST(GossipPeers, FloodsubPeersGetEverythingAndJoinNoMesh) {
  Routers net(2);
  net.join_all("lobby");
  Scripted flood(net, net.add(), {"/floodsub/1.0.0"});
  net.connect(net[0], net[1]);
  net.connect(net[0], flood.node);
  flood.open(net[0], "/floodsub/1.0.0");
  flood.subscribe("lobby");
  net.run_ms(1'500);
  EXPECT_EQ(topic_peers(net[0], "lobby"), std::pair(2u, 1u));
  publish(net[1], "lobby", "relayed");
  publish(net[0], "lobby", "own");
  flood.send_message(flood.signed_message("lobby", "flooded", 1));
  net.run_ms(500);
  EXPECT_EQ(flood.count("message relayed"), 1u);
  EXPECT_EQ(flood.count("message own"), 1u);
  EXPECT_EQ(flood.count("message flooded"), 0u);
  EXPECT_EQ(heard(net[1], "flooded"), 1u);
}

TEST(GossipPeers, TheCommandTellsOfEach) {
  Routers net(3);
  net.join_all("lobby");
  net.connect_all();
  net.run_ms(3'000);
  const auto rows = rows_of(net[0]);
  ASSERT_EQ(rows.size(), 2u);
  const wire::Value& row = rows.at(net[1].identity.peer_id().text());
  EXPECT_EQ(row.integer_or("topics", -1), 1);
  EXPECT_EQ(row.integer_or("mesh", -1), 1);
  EXPECT_EQ(row.integer_or("queue_bytes", -1), 0);
  EXPECT_EQ(row.integer_or("dropped", -1), 0);
  EXPECT_GT(*row.find("score")->number(), 0);
}

TEST(GossipPeers, AppsScoreDecides) {
  Routers net(3);
  net.join_all("lobby");
  net.connect_all();
  net.run_ms(1'000);
  net[1].app_score = -1000;
  net.run_ms(2'000);
  EXPECT_EQ(topic_peers(net[0], "lobby").second, 1u);
  publish(net[1], "lobby", "unheard");
  net.run_ms(1'000);
  EXPECT_EQ(heard(net[0], "unheard"), 0u);
}

std::string trace(std::uint64_t seed) {
  Routers net(12, options({{"flood_publish", false}, {"d", 3}, {"d_low", 2}, {"d_high", 4}}), seed);
  net.join_all("lobby");
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if ((i + j) % 3 != 0) net.connect(net[i], net[j]);
  std::string facts;
  for (int k = 0; k < 20; ++k) {
    publish(net[static_cast<std::size_t>(k) % 12], "lobby", std::to_string(k));
    net.run_ms(400);
  }
  for (auto& node : net.nodes)
    for (const auto& one : node->heard)
      facts += one.text + "<" + wire::PeerId::from_bytes(one.via)->short_text() + " ";
  return facts;
}

TEST(GossipDeterminism, OneSeedIsOneHistory) {
  EXPECT_EQ(trace(3), trace(3));
  EXPECT_NE(trace(3), trace(4));
}

}  // namespace
}  // namespace kith::test
