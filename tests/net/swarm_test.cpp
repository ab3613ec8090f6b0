// SPDX-License-Identifier: MIT
#include "engine/net/swarm.h"

#include "engine/net/multistream.h"
#include "tests/net/swarm_world.h"

namespace kith::net {
namespace {

using test::address;
using test::Mute;
using test::Peer;
using test::Running;
using SwarmTest = test::SwarmWorld;
using Addresses = std::vector<wire::Multiaddr>;

TEST_F(SwarmTest, DialConnectsBothSides) {
  const auto connection = dial(a(), b());
  ASSERT_TRUE(connection) << connection.error().message();
  EXPECT_EQ((*connection)->peer(), b().id());
  EXPECT_EQ((*connection)->remote(), b().at());
  ASSERT_NE(b().swarm->best(a().id()), nullptr);
  EXPECT_FALSE(b().swarm->best(a().id())->dialed());
  const PeerRecord* known = a().swarm->peers().find(b().id());
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->worked, 1u);
  EXPECT_EQ(known->connections, 1u);
}

TEST_F(SwarmTest, TwoDialsShareOneConnection) {
  Running<Connection*> first(a().swarm->dial(b().id(), Addresses{b().at()}));
  Running<Connection*> second(
      a().swarm->dial(wire::PeerId(), Addresses{b().at().with_peer(b().id())}));
  const auto one = finish(first);
  const auto two = finish(second);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(*one, *two);
  EXPECT_EQ(internet.dials.size(), 1u);
  const auto third = run(a().swarm->dial(b().id(), Addresses()));
  EXPECT_EQ(*third, *one);
  EXPECT_EQ(internet.dials.size(), 1u);
}

TEST_F(SwarmTest, DialsWhoeverAnswers) {
  Running<Connection*> first(a().swarm->dial(wire::PeerId(), Addresses{b().at()}));
  Running<Connection*> second(a().swarm->dial(wire::PeerId(), Addresses{b().at()}));
  EXPECT_EQ(*finish(first), *finish(second));
  EXPECT_EQ((*first.value)->peer(), b().id());
  EXPECT_EQ(internet.dials.size(), 1u);
}

TEST_F(SwarmTest, AnotherPeerAnswered) {
  const auto refused = run(a().swarm->dial(c().id(), Addresses{b().at()}));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(net_error::wrong_peer)) << refused.error().message();
  for (const std::string& part : {b().at().text(), b().id().text(), c().id().text()})
    EXPECT_NE(refused.error().message().find(part), std::string::npos) << part;
  loop.run_for(1'000'000);
  EXPECT_TRUE(b().swarm->connections().empty());
}

TEST_F(SwarmTest, RefusesItself) {
  const auto by_id = run(a().swarm->dial(a().id(), Addresses{a().at()}));
  ASSERT_FALSE(by_id);
  EXPECT_TRUE(by_id.error().is(net_error::dialed_self));
  const auto by_address = run(a().swarm->dial(wire::PeerId(), Addresses{a().at()}));
  ASSERT_FALSE(by_address);
  EXPECT_TRUE(by_address.error().is(net_error::dialed_self)) << by_address.error().message();
}

TEST_F(SwarmTest, ErrorNamesEveryAddress) {
  const Addresses where{address("/ip4/10.9.9.9/tcp/1"), address("/ip4/10.9.9.9/udp/2/quic-v1")};
  const auto failed = run(a().swarm->dial(b().id(), where));
  ASSERT_FALSE(failed);
  const std::string message = failed.error().message();
  EXPECT_NE(message.find("/ip4/10.9.9.9/tcp/1: nobody listens there"), std::string::npos)
      << message;
  EXPECT_NE(message.find("/ip4/10.9.9.9/udp/2/quic-v1: no transport"), std::string::npos)
      << message;
}

TEST_F(SwarmTest, BothDialAtOnceAndOneConnectionLives) {
  Running<Connection*> there(a().swarm->dial(b().id(), Addresses{b().at()}));
  Running<Connection*> back(b().swarm->dial(a().id(), Addresses{a().at()}));
  ASSERT_TRUE(finish(there));
  ASSERT_TRUE(finish(back));
  loop.run_for(30'000'000);
  EXPECT_NE(a().swarm->best(b().id()), nullptr);
  EXPECT_NE(b().swarm->best(a().id()), nullptr);
  EXPECT_EQ(a().swarm->connections().size(), b().swarm->connections().size());
}

TEST_F(SwarmTest, SameWithoutEarlyMuxer) {
  a().shared.early_muxer = false;
  Running<Connection*> there(a().swarm->dial(b().id(), Addresses{b().at()}));
  Running<Connection*> back(b().swarm->dial(a().id(), Addresses{a().at()}));
  ASSERT_TRUE(finish(there));
  ASSERT_TRUE(finish(back));
  loop.run_for(30'000'000);
  EXPECT_NE(a().swarm->best(b().id()), nullptr);
  EXPECT_NE(b().swarm->best(a().id()), nullptr);
}

TEST_F(SwarmTest, DialersGateRefusesAfterProof) {
  Gate::Lists lists;
  lists.deny.push_back(b().id().cid_text());
  a().swarm->gate().set(lists).value();
  const auto refused = dial(a(), b());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(net_error::gate_refused)) << refused.error().message();
  EXPECT_TRUE(a().told.empty());
  EXPECT_EQ(internet.dials.size(), 1u);
  loop.run_for(1'000'000);
  EXPECT_TRUE(b().swarm->connections().empty());
  EXPECT_EQ(internet.links.size(), 0u);
}

TEST_F(SwarmTest, ListenersGateRefusesAfterProof) {
  bool asked_dialed = true;
  b().swarm->gate().add([&](const wire::PeerId& peer, const wire::Multiaddr&, bool dialed) {
    asked_dialed = dialed;
    return !(peer == a().id());
  });
  (void)dial(a(), b());
  loop.run_for(1'000'000);
  EXPECT_FALSE(asked_dialed);
  EXPECT_TRUE(b().told.empty());
  EXPECT_EQ(a().swarm->best(b().id()), nullptr);
  EXPECT_EQ(internet.links.size(), 0u);
}

TEST_F(SwarmTest, DeniedAddressesMeetNoHandshake) {
  Gate::Lists lists;
  lists.deny.push_back("10.0.0.0/30");
  b().swarm->gate().set(lists).value();
  EXPECT_FALSE(dial(a(), b()));
  EXPECT_EQ(internet.links.size(), 0u);
  internet.dials.clear();
  const auto refused = dial(b(), a());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(net_error::gate_refused));
  EXPECT_TRUE(internet.dials.empty());
}

TEST_F(SwarmTest, TheNewestBeyondTheLimitOfAPeerGoes) {
  std::vector<std::unique_ptr<Mute>> mutes;
  for (std::size_t i = 0; i <= limits::kConnectionsPerPeerMax; ++i) {
    mutes.push_back(std::make_unique<Mute>(c().shared, link_to(c(), b())));
    loop.run_for(1'000'000);
  }
  EXPECT_EQ(b().swarm->connections().size(), limits::kConnectionsPerPeerMax);
  EXPECT_TRUE(mutes.back()->closed);
  EXPECT_FALSE(mutes.front()->closed);
  EXPECT_EQ(b().swarm->peers().find(c().id())->connections, limits::kConnectionsPerPeerMax);
}

TEST_F(SwarmTest, SilentLinksAreBoundedAndGoneByTheirLimit) {
  std::vector<net::UpgradeRequest> silent;
  test::Machine far(loop, sink, internet, 9);
  const auto arrive = [&](const std::string& ip) {
    auto [mine, theirs] = sim::make_memory_link(
        loop, internet.shape, internet.links,
        to_vector(address("/ip4/" + ip + "/tcp/" + std::to_string(++internet.last_port)).bytes()),
        to_vector(b().at().bytes()));
    internet.listeners.at(b().at().text())(std::move(theirs));
    silent.emplace_back().link = std::move(mine);
    loop.run_for(50'000);
    std::uint8_t byte;
    return silent.back().link.read(MutableBytes(&byte, 1)) == KITH_AGAIN;
  };
  for (std::size_t i = 0; i < limits::kPendingUpgradesPerIpMax; ++i)
    EXPECT_TRUE(arrive("8.8.8.8")) << i;
  EXPECT_FALSE(arrive("8.8.8.8"));
  EXPECT_TRUE(arrive("8.8.4.4"));
  for (std::size_t i = 0; i < limits::kPendingUpgradesPerIpMax + 1; ++i)
    EXPECT_TRUE(arrive("192.168.1.1")) << "private addresses share the total only";
  loop.run_for(std::uint64_t{limits::kUpgradeMs} * 1000 + 100'000);
  EXPECT_TRUE(arrive("8.8.8.8"));
  std::uint8_t byte;
  EXPECT_NE(silent.front().link.read(MutableBytes(&byte, 1)), KITH_AGAIN);
}

TEST_F(SwarmTest, StreamsReachTheHandlerOfTheirProtocol) {
  ASSERT_TRUE(dial(a(), b()));
  std::vector<Pipe> got;
  b().swarm->handle("/two/1", [&](Pipe stream) { got.push_back(std::move(stream)); }).value();
  const auto taken = b().swarm->handle("/two/1", [](Pipe) {});
  ASSERT_FALSE(taken);
  EXPECT_TRUE(taken.error().is(KITH_REFUSED));
  auto stream = run(a().swarm->open(b().id(), std::vector<std::string>{"/one/1", "/two/1"}, 5'000));
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ(text(stream->info().protocol), "/two/1");
  loop.run_for(100'000);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(text(got[0].info().protocol), "/two/1");
  EXPECT_TRUE(equal(view(got[0].info().peer), a().id().bytes()));

  b().swarm->unhandle("/two/1");
  const auto none = run(a().swarm->open(b().id(), std::vector<std::string>{"/two/1"}, 5'000));
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(net_error::no_common_protocol)) << none.error().message();
  const auto absent = run(a().swarm->open(c().id(), std::vector<std::string>{"/two/1"}, 5'000));
  ASSERT_FALSE(absent);
  EXPECT_TRUE(absent.error().is(net_error::closed));
}

TEST_F(SwarmTest, APeerThatAnswersNoStreamTimesOut) {
  Mute mute(c().shared, link_to(c(), b()));
  loop.run_for(1'000'000);
  Running<Pipe> opening(b().swarm->open(c().id(), std::vector<std::string>{"/one/1"}, 3'000));
  const std::uint64_t began_us = loop.now_us();
  const auto stream = finish(opening);
  ASSERT_FALSE(stream);
  EXPECT_NEAR(static_cast<double>(loop.now_us() - began_us), 3e6, 1e4);
}

TEST_F(SwarmTest, AStreamThatAsksForNothingIsReset) {
  Mute mute(c().shared, link_to(c(), b()));
  loop.run_for(1'000'000);
  Pipe stream = mute.connection->open_stream().value();
  loop.run_for(std::uint64_t{limits::kNegotiateStreamMs} * 1000 - 100'000);
  std::uint8_t byte;
  EXPECT_EQ(stream.read(MutableBytes(&byte, 1)), KITH_AGAIN);
  loop.run_for(200'000);
  EXPECT_EQ(stream.read(MutableBytes(&byte, 1)), KITH_RESET);
  EXPECT_FALSE(mute.closed);
}

TEST_F(SwarmTest, StreamsUnderNegotiationAreBounded) {
  Mute mute(c().shared, link_to(c(), b()));
  loop.run_for(1'000'000);
  std::vector<Pipe> streams;
  for (std::size_t i = 0; i <= limits::kStreamsNegotiatingMax; ++i)
    streams.push_back(mute.connection->open_stream().value());
  loop.run_for(1'000'000);
  std::uint8_t byte;
  EXPECT_EQ(streams.back().read(MutableBytes(&byte, 1)), KITH_RESET);
  EXPECT_EQ(streams.front().read(MutableBytes(&byte, 1)), KITH_AGAIN);
}

TEST_F(SwarmTest, DisconnectClosesAndTellsInOrder) {
  ASSERT_TRUE(dial(a(), b()));
  a().swarm->keep(b().id());
  a().swarm->disconnect(b().id(), "enough");
  EXPECT_EQ(a().swarm->best(b().id()), nullptr);
  loop.run_for(30'000'000);
  EXPECT_EQ(a().told, (std::vector<std::string>{"connected", "disconnected"}));
  EXPECT_EQ(b().told, a().told);
  EXPECT_EQ(internet.dials.size(), 1u) << "no longer kept";
  EXPECT_EQ(internet.links.size(), 0u);
  EXPECT_EQ(a().swarm->peers().find(b().id())->connections, 0u);
}

TEST_F(SwarmTest, AnObserverMayEndWhatItHearsOf) {
  b().connected = [&](Connection& connection) {
    b().swarm->disconnect(connection.peer(), "not you");
  };
  a().connected = [&](Connection&) { a().swarm->unobserve(a()); };
  (void)dial(a(), b());
  loop.run_for(1'000'000);
  EXPECT_EQ(a().swarm->best(b().id()), nullptr);
  EXPECT_EQ(a().told, (std::vector<std::string>{"connected"}));
  EXPECT_EQ(b().told, (std::vector<std::string>{"connected", "disconnected"}));
}

TEST_F(SwarmTest, DisconnectEndsADialUnderWay) {
  internet.black_holes.insert(b().at().text());
  Running<Connection*> dialing(a().swarm->dial(b().id(), Addresses{b().at()}));
  loop.run_for(100'000);
  a().swarm->disconnect(b().id(), "never mind");
  const auto ended = finish(dialing, 1'000);
  ASSERT_FALSE(ended);
  EXPECT_TRUE(ended.error().is(net_error::closed));
}

TEST_F(SwarmTest, ATransportThatGoesEndsItsDialsAndListeners) {
  internet.black_holes.insert(b().at().text());
  Running<Connection*> dialing(a().swarm->dial(b().id(), Addresses{b().at()}));
  loop.run_for(100'000);
  a().swarm->remove_transport(&a().transport);
  ASSERT_FALSE(finish(dialing, 1'000));
  EXPECT_TRUE(a().swarm->listen_addresses().empty());
  EXPECT_FALSE(internet.listeners.contains(a().at().text()));
  const auto again = run(a().swarm->dial(b().id(), Addresses{b().at()}));
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(net_error::no_transport)) << again.error().message();
}

TEST_F(SwarmTest, ASuffixHasOneOwner) {
  const auto taken = a().swarm->add_transport(test::TestTransport::table(), &b().transport);
  ASSERT_FALSE(taken);
  EXPECT_TRUE(taken.error().is(KITH_REFUSED));
}

TEST_F(SwarmTest, AKeptPeerIsDialedAgainUntilItIsBack) {
  ASSERT_TRUE(dial(a(), b()));
  a().swarm->keep(b().id());
  EXPECT_TRUE(a().swarm->peers().find(b().id())->kept);
  loop.run_for(10'000'000);
  EXPECT_EQ(internet.dials.size(), 1u);
  b().swarm.reset();
  loop.run_for(10'000'000);
  const std::size_t dials = internet.dials.size();
  EXPECT_GE(dials, 3u);
  EXPECT_LE(dials, 5u);
  peers[1] = std::make_unique<Peer>(loop, sink, internet, std::uint8_t{2});
  ASSERT_TRUE(loop.run_until([&] { return a().swarm->best(b().id()); }, 60'000'000));
  loop.run_for(600'000'000);
  EXPECT_EQ(internet.dials.size(), dials + 1);
}

TEST_F(SwarmTest, AKeptPeerThatComesByItselfCounts) {
  internet.black_holes.insert(b().at().text());
  a().swarm->peers().hint(b().id(), b().at());
  a().swarm->keep(b().id());
  loop.run_for(200'000'000);
  ASSERT_TRUE(dial(b(), a()));
  loop.run_for(30'000'000);
  const std::size_t dials = internet.dials.size();
  loop.run_for(1'200'000'000);
  EXPECT_EQ(internet.dials.size(), dials);
  EXPECT_NE(a().swarm->best(b().id()), nullptr);
}

// From every step of a dial on: nothing fires and nothing leaks.
TEST_F(SwarmTest, MayEndInTheMiddleOfAnything) {
  for (std::uint64_t us = 0; us <= 200'000; us += 5'000) {
    test::Peer from(loop, sink, internet, 7), to(loop, sink, internet, 8);
    Running<Connection*> dialing(from.swarm->connect(to.id(), Addresses{to.at()}, 1'000));
    Running<Pipe> opening(to.swarm->open(from.id(), std::vector<std::string>{"/x"}, 1'000));
    from.swarm->keep(to.id());
    loop.run_for(us);
    from.swarm.reset();
    loop.run_for(100'000);
    to.swarm.reset();
    EXPECT_FALSE(dialing.value && *dialing.value);
    loop.run_for(1'000'000);
    EXPECT_EQ(internet.links.size(), 0u) << us;
  }
}

}  // namespace
}  // namespace kith::net
