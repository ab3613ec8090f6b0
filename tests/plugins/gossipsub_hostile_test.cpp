// SPDX-License-Identifier: MIT
// One Gossipsub among peers that lie, flood, stall or do not forward.
#include "tests/plugins/gossipsub_net.h"

namespace kith::test {
namespace {

using gossip::Rpc;

// A router in "lobby" and scripted peers that subscribe to it.
struct Hostile : testing::Test {
  explicit Hostile(const wire::Value& options = {}) : net(11), router(net.add_router(options)) {
    router.router->join("lobby");
  }
  Scripted& add(std::vector<std::string> protocols = {"/meshsub/1.1.0"}) {
    peers.push_back(std::make_unique<Scripted>(net, net.add(), protocols));
    Scripted& peer = *peers.back();
    net.connect(router, peer.node);
    peer.open(router, protocols.front());
    peer.subscribe("lobby");
    net.run_ms(20);
    return peer;
  }
  wire::Value row(const Scripted& peer) {
    router.command(reinterpret_cast<kith_call*>(&router), kith_bytes{});
    const auto answer = wire::decode_cbor(router.command_answer);
    for (const wire::Value& one : *answer->list())
      if (one.string_or("peer_id") == peer.node.identity.peer_id().text()) return one;
    return {};
  }
  double score(const Scripted& peer) {
    const wire::Value found = row(peer);
    const wire::Value* value = found.find("score");
    return value && value->number() ? *value->number() : 0;
  }
  bool in_mesh(const Scripted& peer) { return row(peer).integer_or("mesh", 0) == 1; }
  std::size_t heard(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(router.heard.begin(), router.heard.end(),
                      [&](const auto& one) { return one.text == text; }));
  }

  FakeNet net;
  FakeNode& router;
  std::vector<std::unique_ptr<Scripted>> peers;
};

struct HostileUnsigned : Hostile {
  static wire::Value none() {
    wire::Value made;
    made["sign"] = "none";
    return made;
  }
  HostileUnsigned() : Hostile(none()) {}
};

// ---- Policy.

TEST_F(Hostile, ABadSignatureIsRefusedAndCharged) {
  Scripted& peer = add();
  ByteVector message = peer.signed_message("lobby", "forged", 1);
  message.back() ^= 1;
  peer.send_message(message);
  net.run_ms(100);
  EXPECT_EQ(heard("forged"), 0u);
  EXPECT_LE(score(peer), -9);
  peer.send_message(peer.signed_message("lobby", "forged", 1));
  net.run_ms(100);
  EXPECT_EQ(heard("forged"), 1u) << "a forgery must not use up the id";
}

TEST_F(Hostile, AForgedCopyThatIsFirstDoesNotShadowTheMessage) {
  Scripted& author = add();
  Scripted& forger = add();
  const ByteVector message = author.signed_message("lobby", "true", 1);
  ByteVector forged = message;
  forged.back() ^= 1;
  forger.send_message(forged);
  author.send_message(message);
  net.run_ms(100);
  EXPECT_EQ(heard("true"), 1u);
  EXPECT_LE(score(forger), -9);
}

TEST_F(Hostile, StrictWantsAuthorNumberAndSignature) {
  using View = gossip::MessageView;
  for (const auto& [field, size] : {std::pair(View::kFrom, 0u), std::pair(View::kSeqno, 0u),
                                    std::pair(View::kSignature, 0u), std::pair(View::kSeqno, 7u)}) {
    Scripted& peer = add();
    const ByteVector good = peer.signed_message("lobby", "partial", 9);
    Rpc rpc;
    ByteVector body{2 << 3 | 2};
    wire::append_prefixed(body, good);
    ASSERT_TRUE(gossip::decode_rpc(body, rpc));
    View message = rpc.messages.at(0);
    if (size == 0) message.present = static_cast<std::uint8_t>(message.present & ~field);
    if (size > 0) message.seqno = message.seqno.first(size);
    ByteVector bad;
    gossip::append_message(bad, message, gossip::kAllFields);
    peer.send_message(bad);
    net.run_ms(100);
    EXPECT_EQ(heard("partial"), 0u);
    EXPECT_LE(score(peer), -9);
  }
}

TEST_F(HostileUnsigned, NoneWantsNoneOfThem) {
  Scripted& peer = add();
  peer.send_message(peer.signed_message("lobby", "signed", 1));
  net.run_ms(100);
  EXPECT_EQ(heard("signed"), 0u);
  EXPECT_LE(score(peer), -9);
  Scripted& honest = add();
  gossip::MessageView message;
  message.data = as_bytes(std::string_view("bare"));
  message.topic = as_bytes(std::string_view("lobby"));
  message.present = gossip::MessageView::kData | gossip::MessageView::kTopic;
  Rpc rpc;
  rpc.messages = {message, message};
  honest.say(rpc);
  net.run_ms(100);
  ASSERT_EQ(heard("bare"), 1u);
  const auto& one = router.heard.front();
  EXPECT_TRUE(one.from.empty());
  EXPECT_EQ(one.seqno, 0u);
  const auto hash = crypto::sha256(as_bytes(std::string_view("bare")));
  EXPECT_TRUE(equal(one.id, hash));
  EXPECT_EQ(router.verified, 0u);
}

TEST_F(Hostile, DuplicatesCostNoSignature) {
  Scripted& one = add();
  Scripted& two = add();
  const ByteVector message = one.signed_message("lobby", "once", 1);
  one.send_message(message);
  two.send_message(message);  // while the first is being proven
  net.run_ms(100);
  for (int i = 0; i < 10; ++i) two.send_message(message);
  net.run_ms(100);
  EXPECT_EQ(heard("once"), 1u);
  EXPECT_EQ(router.verified, 1u);
}

TEST_F(Hostile, AReplayIsIgnoredWhileSeenAndAfter) {
  Scripted& author = add();
  Scripted& replayer = add();
  const ByteVector first = author.signed_message("lobby", "first", 100);
  const ByteVector late = author.signed_message("lobby", "late", 99);
  author.send_message(first);
  net.run_ms(1'000);
  author.send_message(late);  // out of order, but new
  net.run_ms(1'000);
  EXPECT_EQ(heard("late"), 1u);
  net.run_ms(130'000);
  author.send_message(author.signed_message("lobby", "later", 101));
  net.run_ms(1'000);
  EXPECT_EQ(heard("later"), 1u);
  replayer.send_message(first);
  replayer.send_message(late);
  net.run_ms(1'000);
  EXPECT_EQ(heard("first"), 1u);
  EXPECT_EQ(heard("late"), 1u);
  EXPECT_GE(score(replayer), 0) << "ignored, not charged";
}

TEST_F(Hostile, TopicsNotJoinedAndSizesNotAllowed) {
  Scripted& peer = add();
  peer.send_message(peer.signed_message("attic", "elsewhere", 1));
  net.run_ms(50);
  EXPECT_EQ(router.heard.size(), 0u);
  EXPECT_GE(score(peer), 0);
  peer.send_message(peer.signed_message("lobby", std::string(200'000, 'x'), 2));
  net.run_ms(1'000);
  EXPECT_EQ(router.heard.size(), 1u) << "one that is larger than a read";
}

// ---- Verdicts.

TEST_F(Hostile, RejectIsChargedAndIgnoreIsNot) {
  Scripted& peer = add();
  Scripted& other = add();
  router.judge = [](const FakeNode::Heard& one, std::uint64_t) {
    return one.text == "bad" ? KITH_REJECT : one.text == "dull" ? KITH_IGNORE : KITH_PASS;
  };
  peer.send_message(peer.signed_message("lobby", "dull", 1));
  net.run_ms(50);
  EXPECT_GE(score(peer), 0);
  peer.send_message(peer.signed_message("lobby", "bad", 2));
  net.run_ms(50);
  EXPECT_LE(score(peer), -9);
  EXPECT_EQ(other.count("message dull") + other.count("message bad"), 0u);
  net.run_ms(1'500);
  EXPECT_FALSE(in_mesh(peer));
}

TEST_F(Hostile, ALateVerdictForwards) {
  Scripted& peer = add();
  Scripted& other = add();
  std::vector<std::uint64_t> tickets;
  router.judge = [&](const FakeNode::Heard&, std::uint64_t ticket) -> int {
    tickets.push_back(ticket);
    return KITH_AGAIN;
  };
  peer.send_message(peer.signed_message("lobby", "slow", 1));
  peer.send_message(peer.signed_message("lobby", "never", 2));
  net.run_ms(5'000);
  EXPECT_EQ(other.count("message slow"), 0u);
  ASSERT_EQ(tickets.size(), 2u);
  router.router->verdict(tickets[0], KITH_PASS);
  router.router->verdict(tickets[0], KITH_PASS);
  net.run_ms(100);
  EXPECT_EQ(other.count("message slow"), 1u);
  net.run_ms(61'000);
  router.router->verdict(tickets[1], KITH_PASS);
  net.run_ms(100);
  EXPECT_EQ(other.count("message never"), 0u) << "a verdict comes within a minute or not at all";
}

// ---- Frames.

TEST_F(Hostile, AnUndecodableRpcIsSkippedAndCharged) {
  Scripted& peer = add();
  const ByteVector bad{2, 0x0a, 0x05};
  for (int i = 0; i < 3; ++i) peer.say_bytes(bad);
  peer.send_message(peer.signed_message("lobby", "after", 1));
  net.run_ms(100);
  EXPECT_EQ(heard("after"), 1u);
  EXPECT_TRUE(peer.is_open());
  for (int i = 0; i < 8; ++i) peer.say_bytes(bad);
  net.run_ms(100);
  peer.send_message(peer.signed_message("lobby", "graylisted", 2));
  net.run_ms(100);
  EXPECT_EQ(heard("graylisted"), 0u);
}

TEST_F(Hostile, AHugeFrameResetsTheStream) {
  Scripted& peer = add();
  ByteVector prefix;
  wire::append_varint(prefix, 4 * 1024 * 1024 + 1);
  peer.say_bytes(prefix);
  net.run_ms(100);
  EXPECT_FALSE(peer.is_open());
  EXPECT_LT(score(peer), 0);
}

TEST_F(Hostile, AFrameThatStopsHalfWayEndsTheStream) {
  Scripted& peer = add();
  peer.say_bytes(ByteVector{200, 1, 0x0a});
  net.run_ms(59'000);
  EXPECT_TRUE(peer.is_open());
  net.run_ms(2'000);
  EXPECT_FALSE(peer.is_open());
}

TEST_F(Hostile, FramesMayComeByteByByte) {
  Scripted& peer = add();
  ByteVector body{2 << 3 | 2}, frame;
  wire::append_prefixed(body, peer.signed_message("lobby", std::string(300, 'y'), 1));
  wire::append_prefixed(frame, body);
  for (const std::uint8_t byte : frame) {
    peer.say_bytes(Bytes(&byte, 1));
    net.run_ms(2);
  }
  EXPECT_EQ(router.heard.size(), 1u);
}

TEST_F(Hostile, ASecondStreamReplacesTheFirst) {
  Scripted& peer = add();
  peer.open(router);
  net.run_ms(50);
  peer.send_message(peer.signed_message("lobby", "second", 1));
  net.run_ms(50);
  EXPECT_EQ(heard("second"), 1u);
}

TEST_F(Hostile, SubscriptionsAreBounded) {
  Scripted& peer = add();
  std::vector<std::string> names;
  for (int i = 0; i < 3'000; ++i) names.push_back("topic" + std::to_string(i));
  Rpc rpc;
  for (const auto& name : names) rpc.subscriptions.push_back({true, name});
  const std::string long_name(513, 't');
  rpc.subscriptions.push_back({true, long_name});
  peer.say(rpc);
  net.run_ms(200);
  EXPECT_EQ(row(peer).integer_or("topics", 0), 1'000);
  for (auto& said : rpc.subscriptions) said.subscribe = false;
  peer.say(rpc);
  net.run_ms(200);
  EXPECT_EQ(row(peer).integer_or("topics", 0), 1);
}

// ---- Control.

TEST_F(Hostile, BackOffIsRespectedAndItsBreachCharged) {
  Scripted& peer = add();
  ASSERT_TRUE(in_mesh(peer));
  Rpc prune;
  prune.prune.push_back({"lobby", 30});
  peer.say(prune);
  net.run_ms(50);
  EXPECT_FALSE(in_mesh(peer));
  peer.heard.clear();
  net.run_ms(29'000);
  EXPECT_EQ(peer.count("graft lobby"), 0u);
  net.run_ms(3'000);
  EXPECT_EQ(peer.count("graft lobby"), 1u) << "once the back-off is over";

  peer.say(prune);
  net.run_ms(50);
  for (int i = 0; i < 6; ++i) peer.graft("lobby");
  net.run_ms(50);
  EXPECT_EQ(peer.count("prune lobby 60"), 6u);
  EXPECT_FALSE(in_mesh(peer));
  EXPECT_LT(score(peer), 0);
}

TEST_F(Hostile, AGraftForAnUnknownTopicGetsNoAnswer) {
  Scripted& peer = add();
  peer.heard.clear();
  peer.graft("attic");
  net.run_ms(100);
  EXPECT_TRUE(peer.heard.empty());
}

TEST_F(Hostile, BrokenPromisesAreCharged) {
  Scripted& liar = add();
  for (int i = 0; i < 12; ++i) {
    Rpc rpc;
    rpc.open(rpc.ihave, "lobby");
    const ByteVector id(46, static_cast<std::uint8_t>(i));
    rpc.add_id(rpc.ihave, id);
    liar.say(rpc);
    net.run_ms(300);
  }
  net.run_ms(4'000);
  EXPECT_GE(liar.count("iwant 1"), 10u);
  EXPECT_LT(score(liar), -10);
  liar.heard.clear();
  Rpc rpc;
  rpc.open(rpc.ihave, "lobby");
  const ByteVector id(46, 99);
  rpc.add_id(rpc.ihave, id);
  liar.say(rpc);
  net.run_ms(50);
  EXPECT_EQ(liar.count("iwant 1"), 0u) << "below the gossip threshold nobody is asked";
}

TEST_F(Hostile, OffersAndWishesAreBoundedPerHeartbeat) {
  Scripted& peer = add();
  net.run_ms(1'000);
  for (std::uint8_t i = 0; i < 30; ++i) {
    Rpc rpc;
    rpc.open(rpc.ihave, "lobby");
    const ByteVector id(46, i);
    rpc.add_id(rpc.ihave, id);
    peer.say(rpc);
  }
  net.run_ms(100);
  EXPECT_LE(peer.count("iwant 1"), 20u);  // a heartbeat may fall in between
  kith_message made;
  router.router->publish("lobby", Buffer::copy(as_bytes(std::string_view("wanted"))), made);
  const ByteVector id = to_vector(view(made.id));
  for (int i = 0; i < 30; ++i) {
    Rpc rpc;
    rpc.open(rpc.iwant);
    rpc.add_id(rpc.iwant, id);
    peer.say(rpc);
  }
  net.run_ms(100);
  EXPECT_EQ(peer.count("message wanted"), 1u + 3u) << "pushed once, and by IWANT three times";
}

// ---- Who does not forward, and who cannot.

struct Crowd : Hostile {
  // `seconds` of ten messages a second by `author`; those in `relays` pass them on.
  void talk(Scripted& author, const std::vector<Scripted*>& relays, int seconds) {
    for (int i = 0; i < seconds * 10; ++i) {
      const ByteVector message = author.signed_message("lobby", "m" + std::to_string(seqno), seqno);
      ++seqno;
      author.send_message(message);
      for (Scripted* relay : relays) relay->send_message(message);
      net.run_ms(100);
    }
  }
  std::uint64_t seqno = 1;
};

TEST_F(Crowd, ANonForwarderIsPrunedWithinAMinute) {
  Scripted& author = add();
  Scripted& relay = add();
  Scripted& silent = add();
  ASSERT_TRUE(in_mesh(silent));
  talk(author, {&relay}, 55);
  EXPECT_FALSE(in_mesh(silent));
  EXPECT_LT(score(silent), 0);
  EXPECT_TRUE(in_mesh(author));
  EXPECT_TRUE(in_mesh(relay));
  EXPECT_GE(silent.count("prune lobby 60"), 1u);
  silent.heard.clear();
  silent.graft("lobby");
  net.run_ms(50);
  EXPECT_FALSE(in_mesh(silent));
}

TEST_F(Crowd, ALeafThatHearsOnlyFromUsStays) {
  Scripted& author = add();
  Scripted& leaf = add();
  leaf.on_rpc = [&](const Rpc& heard) {
    if (heard.ihave.empty()) return;
    Rpc wanted;
    wanted.open(wanted.iwant);
    for (const Bytes id : heard.ids_of(heard.ihave[0])) wanted.add_id(wanted.iwant, id);
    leaf.say(wanted);
  };
  talk(author, {}, 120);
  EXPECT_TRUE(in_mesh(leaf));
  EXPECT_GE(score(leaf), 0);
  EXPECT_GE(leaf.count("ihave 1"), 5u) << "it was probed";
  for (std::uint64_t i = 1; i < seqno; ++i)
    ASSERT_EQ(leaf.count("message m" + std::to_string(i)), 1u) << i;
}

TEST_F(Crowd, AnIdleTopicPunishesNobody) {
  Scripted& one = add();
  Scripted& two = add();
  net.run_ms(600'000);
  EXPECT_TRUE(in_mesh(one));
  EXPECT_TRUE(in_mesh(two));
  EXPECT_GT(score(one), 0);
}

// ---- Slow peers.

TEST_F(Crowd, ASlowPeerIsBoundedCountedAndPruned) {
  Scripted& author = add();
  peers.push_back(std::make_unique<Scripted>(net, net.add()));
  Scripted& slow = *peers.back();
  slow.deaf = true;
  net.connect(router, slow.node);
  slow.open(router);
  slow.subscribe("lobby");
  net.run_ms(100);
  ASSERT_TRUE(in_mesh(slow));
  const std::string large(60'000, 'z');
  for (int i = 0; i < 300; ++i) {
    author.send_message(author.signed_message("lobby", large, seqno++));
    net.run_ms(100);
  }
  EXPECT_EQ(router.heard.size(), 300u);
  EXPECT_LE(row(slow).integer_or("queue_bytes", 0), 5 << 20);
  EXPECT_GT(row(slow).integer_or("dropped", 0), 0);
  EXPECT_FALSE(in_mesh(slow));
  std::size_t lines = 0;
  for (const auto& line : router.log) lines += line.starts_with("gossip dropped") ? 1 : 0;
  EXPECT_GE(lines, 1u);
  EXPECT_LE(lines, 4u) << "at most one in ten seconds";
}

TEST_F(Hostile, AStalledStreamIsGivenUpAndOpenedAnew) {
  peers.push_back(std::make_unique<Scripted>(net, net.add()));
  Scripted& stalled = *peers.back();
  stalled.deaf = true;
  net.connect(router, stalled.node);
  stalled.open(router);
  stalled.subscribe("lobby");
  net.run_ms(100);
  kith_message made;
  const Buffer data = Buffer::copy(ByteVector(200'000, 1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(router.router->publish("lobby", data, made), 1);
  net.run_ms(59'000);
  EXPECT_GT(row(stalled).integer_or("queue_bytes", 0), 0);
  stalled.deaf = false;
  net.run_ms(5'000);
  EXPECT_EQ(row(stalled).integer_or("queue_bytes", -1), 0);
  EXPECT_GE(stalled.count("sub lobby"), 1u) << "the new stream is greeted";
}

}  // namespace
}  // namespace kith::test
