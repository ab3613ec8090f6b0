// SPDX-License-Identifier: MIT
#include "engine/protocols/identify.h"

#include "engine/net/multistream.h"
#include "engine/protocols/signed_record.h"
#include "tests/net/swarm_world.h"

namespace kith::protocols {
namespace {

using test::address;
using test::Mute;
using test::Running;
using Addresses = std::vector<wire::Multiaddr>;
using Names = std::vector<std::string>;

struct IdentifyTest : test::SwarmWorld {
  IdentifyTest() {
    for (const auto& peer : peers) identifies.push_back(make(*peer));
  }
  std::unique_ptr<Identify> make(test::Peer& peer) {
    const auto interfaces = [ip = peer.ip] { return Names{"127.0.0.1", ip, "fd00::1"}; };
    return std::make_unique<Identify>(*peer.swarm, Identify::About{"kith/0.1.0", interfaces});
  }
  Result<net::Connection*> connect(test::Peer& from, test::Peer& to, std::uint32_t ms = 20'000) {
    return run(from.swarm->connect(to.id(), Addresses{to.at()}, ms));
  }
  std::vector<std::unique_ptr<Identify>> identifies;
};

TEST_F(IdentifyTest, BothSidesKnowEachOther) {
  b().swarm->handle("/zebra/1", [](Pipe) {}).value();
  const auto connection = connect(a(), b());
  ASSERT_TRUE(connection) << connection.error().message();
  loop.run_for(100'000);
  const net::PeerRecord* known = a().swarm->peers().find(b().id());
  EXPECT_TRUE(known->identified);
  EXPECT_EQ(known->agent, "kith/0.1.0");
  EXPECT_EQ(known->protocol_version, "ipfs/0.1.0");
  EXPECT_EQ(known->protocols, (Names{"/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/zebra/1"}));
  EXPECT_EQ(known->addresses, Addresses{b().at()});
  const auto record = open_record(known->record);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->peer, b().id());
  EXPECT_EQ(record->addresses, Addresses{b().at()});
  EXPECT_EQ(a().told, (Names{"connected", "identified"}));
  EXPECT_EQ(b().told, (Names{"connected", "identified"}));
  ASSERT_EQ(a().swarm->observed_addresses().size(), 1u);
  EXPECT_EQ(a().swarm->observed_addresses()[0].host(), "10.0.0.1");
}

TEST_F(IdentifyTest, SpeaksOfInterfacesInPlaceOfUnspecifiedAddresses) {
  a().swarm->listen(address("/ip4/0.0.0.0/tcp/7")).value();
  EXPECT_EQ(identifies[0]->addresses(),
            (Addresses{a().at(), address("/ip4/127.0.0.1/tcp/7"), a().at(7)}));
}

TEST_F(IdentifyTest, PushesChangesOnceASecond) {
  ASSERT_TRUE(connect(a(), b()));
  loop.run_for(5'000'000);
  b().told.clear();
  const std::uint64_t began_us = loop.now_us();
  a().swarm->handle("/new/1", [](Pipe) {}).value();
  loop.run_for(500'000);
  a().swarm->handle("/new/2", [](Pipe) {}).value();
  ASSERT_TRUE(loop.run_until([&] { return b().count("updated") > 0; }, 5'000'000));
  EXPECT_GE(loop.now_us() - began_us, 1'000'000u);
  EXPECT_LE(loop.now_us() - began_us, 1'100'000u);
  loop.run_for(5'000'000);
  EXPECT_EQ(b().told, Names{"updated"});
  EXPECT_EQ(b().last.protocols,
            (Names{"/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/new/1", "/new/2"}));
  EXPECT_EQ(b().last.agent, "kith/0.1.0");
  EXPECT_TRUE(c().told.empty());
}

TEST_F(IdentifyTest, PushesNewAddressesWithANewerRecord) {
  ASSERT_TRUE(connect(a(), b()));
  loop.run_for(5'000'000);
  const std::uint64_t before = b().swarm->peers().find(a().id())->record_seq;
  a().swarm->listen(a().at(4002)).value();
  loop.run_for(2'000'000);
  const net::PeerRecord* known = b().swarm->peers().find(a().id());
  EXPECT_GT(known->record_seq, before);
  EXPECT_EQ(known->addresses, (Addresses{a().at(), a().at(4002)}));
}

TEST_F(IdentifyTest, AManyThatHeardTheOldStateHearTheNew) {
  // The change falls between what b asked and what a knows of b.
  Running<net::Connection*> connecting(a().swarm->connect(b().id(), Addresses{b().at()}, 20'000));
  const auto b_knows = [&] { return b().count("identified") > 0; };
  ASSERT_TRUE(loop.run_until(b_knows, 5'000'000));
  a().swarm->handle("/new/1", [](Pipe) {}).value();
  loop.run_for(5'000'000);
  EXPECT_EQ(b().last.protocols.back(), "/new/1");
}

TEST_F(IdentifyTest, TellsOfThePeerThatIsGoneAndOfItsReturn) {
  ASSERT_TRUE(connect(a(), b()));
  loop.run_for(100'000);
  b().swarm->disconnect(a().id(), "bye");
  loop.run_for(1'000'000);
  EXPECT_EQ(a().told, (Names{"connected", "identified", "disconnected", "gone"}));
  EXPECT_FALSE(a().swarm->peers().find(b().id())->identified);
  ASSERT_TRUE(connect(a(), b()));
  EXPECT_EQ(a().count("identified"), 2u);
}

TEST_F(IdentifyTest, ManyProtocolsTravelInFrames) {
  for (int i = 0; i < 400; ++i) {
    b().swarm->handle("/a/protocol/of/some/length/" + std::to_string(i), [](Pipe) {}).value();
  }
  ASSERT_TRUE(connect(a(), b()));
  EXPECT_EQ(a().last.protocols.size(), 402u);
}

// ---- peers that answer identify as they like

struct OddPeerTest : IdentifyTest {
  // c answers a's identify with these frames, then ends the stream, or does not.
  Result<net::Connection*> meet(wire::IdentifyMessage message, bool ends = true) {
    return meet_raw(wire::frame_identify(message), ends);
  }
  Result<net::Connection*> meet_raw(ByteVector answer, bool ends = true) {
    answer_ = std::move(answer);
    ends_ = ends;
    odd = std::make_unique<Mute>(c().shared, link_to(c(), a()));
    odd->each_stream = [this](Pipe& stream) { scope.spawn(answer_one(*this, stream)); };
    loop.run_until([&] { return a().swarm->best(c().id()) != nullptr; }, 1'000'000);
    began_us = loop.now_us();
    return run(a().swarm->connect(c().id(), Addresses(), 60'000));
  }
  static Task<void> answer_one(OddPeerTest& self, Pipe& given) {
    Pipe stream = std::move(given);
    const std::function<bool(std::string_view)> known = [](std::string_view name) {
      return name == "/ipfs/id/1.0.0";
    };
    co_await net::answer_protocol(stream, known);
    co_await write_all(stream, self.answer_);
    if (self.ends_) {
      stream.close();
      co_return;
    }
    std::uint8_t byte[1];
    co_await read_some(stream, byte);
  }
  wire::IdentifyMessage honest() {
    wire::IdentifyMessage message;
    message.public_key = to_vector(c().identity.public_key());
    message.protocols = {"/odd/1"};
    message.listen_addresses = {to_vector(c().at(9).bytes())};
    return message;
  }
  // Connected, though not identified, and connect() failed.
  void expect_unidentified(const Result<net::Connection*>& met) {
    ASSERT_FALSE(met);
    EXPECT_NE(a().swarm->best(c().id()), nullptr) << "it stays connected";
    EXPECT_FALSE(a().swarm->peers().find(c().id())->identified);
    EXPECT_EQ(a().count("identified"), 0u);
  }
  ByteVector answer_;
  bool ends_ = true;
  std::uint64_t began_us = 0;
  std::unique_ptr<Mute> odd;
  Scope scope;
};

TEST_F(OddPeerTest, AnHonestOneIsIdentified) {
  const auto met = meet(honest());
  ASSERT_TRUE(met) << met.error().message();
  EXPECT_EQ(a().last.protocols, Names{"/odd/1"});
  EXPECT_EQ(a().last.addresses, Addresses{c().at(9)});
  EXPECT_TRUE(a().last.record.empty());
}

TEST_F(OddPeerTest, AnotherKeyIsRefused) {
  auto message = honest();
  message.public_key = to_vector(b().identity.public_key());
  const auto met = meet(message);
  expect_unidentified(met);
  EXPECT_NE(met.error().message().find("another peer's key"), std::string::npos);
  const std::uint64_t now_us = loop.now_us();
  EXPECT_FALSE(run(a().swarm->connect(c().id(), Addresses(), 60'000)));
  EXPECT_EQ(loop.now_us(), now_us) << "what is known already needs no wait";
}

TEST_F(OddPeerTest, NoKeyIsRefused) {
  auto message = honest();
  message.public_key.reset();
  expect_unidentified(meet(message));
}

TEST_F(OddPeerTest, ABadRecordIsSetAsideAlone) {
  ByteVector record = sign_record(c().identity, 5, Addresses{c().at(10)});
  record.back() ^= 1;
  auto message = honest();
  message.signed_peer_record = record;
  ASSERT_TRUE(meet(message));
  EXPECT_TRUE(a().last.record.empty());
  EXPECT_EQ(a().last.addresses, Addresses{c().at(9)});
}

TEST_F(OddPeerTest, AnotherPeersRecordIsSetAside) {
  auto message = honest();
  message.signed_peer_record = sign_record(b().identity, 5, Addresses{c().at(10)});
  ASSERT_TRUE(meet(message));
  EXPECT_TRUE(a().last.record.empty());
  EXPECT_EQ(a().last.addresses, Addresses{c().at(9)});
}

TEST_F(OddPeerTest, SignedAddressesReplaceClaimedOnes) {
  auto message = honest();
  message.signed_peer_record = sign_record(c().identity, 5, Addresses{c().at(10)});
  ASSERT_TRUE(meet(message));
  EXPECT_EQ(a().last.addresses, Addresses{c().at(10)});
  EXPECT_EQ(a().last.record_seq, 5u);
  // An older record changes nothing.
  message.signed_peer_record = sign_record(c().identity, 4, Addresses{c().at(11)});
  odd->connection->close("again");
  loop.run_for(1'000'000);
  ASSERT_TRUE(meet(message));
  EXPECT_EQ(a().last.addresses, Addresses{c().at(10)});
  EXPECT_EQ(a().last.record_seq, 5u);
  // Nor does what is not signed at all.
  message.signed_peer_record.reset();
  odd->connection->close("again");
  loop.run_for(1'000'000);
  ASSERT_TRUE(meet(message));
  EXPECT_EQ(a().last.addresses, Addresses{c().at(10)});
}

TEST_F(OddPeerTest, RubbishIsRefused) { expect_unidentified(meet_raw(ByteVector(40, 0xff))); }

TEST_F(OddPeerTest, NothingIsRefused) { expect_unidentified(meet_raw(ByteVector())); }

TEST_F(OddPeerTest, TooMuchIsRefused) {
  expect_unidentified(meet_raw(ByteVector(limits::kIdentifyBytesMax + 5000, 0)));
}

TEST_F(OddPeerTest, AnAnswerThatNeverEndsIsGoneByItsLimit) {
  const auto met = meet(honest(), false);
  expect_unidentified(met);
  EXPECT_LE(loop.now_us() - began_us, std::uint64_t{limits::kIdentifyMs} * 1000 + 50'000);
}

TEST_F(OddPeerTest, OneThatNeverAnswersIsGoneByItsLimit) {
  Mute mute(c().shared, link_to(c(), a()));
  loop.run_until([&] { return a().swarm->best(c().id()) != nullptr; }, 1'000'000);
  const std::uint64_t asked_us = loop.now_us();
  const auto met = run(a().swarm->connect(c().id(), Addresses(), 60'000));
  expect_unidentified(met);
  EXPECT_LE(loop.now_us() - asked_us, std::uint64_t{limits::kIdentifyMs} * 1000 + 50'000);
}

TEST_F(OddPeerTest, ConnectKeepsItsOwnLimit) {
  Mute mute(c().shared, link_to(c(), a()));
  loop.run_until([&] { return a().swarm->best(c().id()) != nullptr; }, 1'000'000);
  const std::uint64_t asked_us = loop.now_us();
  const auto met = run(a().swarm->connect(c().id(), Addresses(), 2'000));
  ASSERT_FALSE(met);
  EXPECT_TRUE(met.error().is(net::net_error::timeout));
  EXPECT_EQ(loop.now_us() - asked_us, 2'000'000u);
}

TEST_F(OddPeerTest, APushNeedsNoKeyAndKeepsWhatItDoesNotName) {
  ASSERT_TRUE(meet(honest()));
  Pipe stream = odd->connection->open_stream().value();
  wire::IdentifyMessage message;
  message.protocols = {"/odd/1", "/odd/2"};
  answer_ = wire::frame_identify(message);
  struct Push {
    static Task<void> run(Pipe stream, ByteVector bytes) {
      const std::string_view name = "/ipfs/id/push/1.0.0";
      const std::span<const std::string_view> names(&name, 1);
      co_await net::select_protocol(stream, names);
      co_await write_all(stream, bytes);
      stream.close();
    }
  };
  scope.spawn(Push::run(std::move(stream), answer_));
  loop.run_for(1'000'000);
  EXPECT_EQ(a().count("updated"), 1u);
  EXPECT_EQ(a().last.protocols, (Names{"/odd/1", "/odd/2"}));
  EXPECT_EQ(a().last.addresses, Addresses{c().at(9)});
}

TEST_F(IdentifyTest, MayEndInTheMiddleOfAnything) {
  for (std::uint64_t us = 0; us <= 300'000; us += 7'000) {
    test::Peer from(loop, sink, internet, 7), to(loop, sink, internet, 8);
    auto of_from = make(from), of_to = make(to);
    Running<net::Connection*> connecting(from.swarm->connect(to.id(), Addresses{to.at()}, 20'000));
    loop.run_for(us);
    of_from.reset();
    from.swarm.reset();
    loop.run_for(50'000);
    of_to.reset();
    to.swarm.reset();
    loop.run_for(1'000'000);
    EXPECT_EQ(internet.links.size(), 0u) << us;
  }
}

}  // namespace
}  // namespace kith::protocols
