// SPDX-License-Identifier: MIT
#include "tests/net/raw_peer.h"
#include "tests/net/tamper.h"

namespace kith::test {

namespace {

constexpr std::uint64_t kLimitUs = std::uint64_t{limits::kUpgradeMs} * 1000;

struct Tampered : NetWorld {
  // One side's writes are spoiled from byte `at` on.
  Tampered(bool dialer, Tamper::Mode mode, std::size_t at, bool early) {
    a.shared.early_muxer = early;
    auto [x, y] = network.pair();
    const Tamper::Plan honest{Tamper::Mode::none, 0, nullptr};
    const Tamper::Plan spoiled{mode, at, &written};
    Pipe near = Tamper::around(std::move(x), dialer ? spoiled : honest);
    Pipe far = Tamper::around(std::move(y), dialer ? honest : spoiled);
    a_up = std::make_unique<Upgrading>(a.shared, dialing(std::move(near)));
    b_up = std::make_unique<Upgrading>(b.shared, net::UpgradeRequest{std::move(far)});
  }
  std::size_t written = 0;
};

bool open(const Upgrading& side) { return side.connection && !side.connection->closed(); }

// How many bytes each side writes until both are up.
std::size_t handshake_bytes(bool dialer, bool early) {
  Tampered world(dialer, Tamper::Mode::none, 0, early);
  world.a_up->listens = world.b_up->listens = false;
  EXPECT_TRUE(world.loop.run_until([&] { return open(*world.a_up) && open(*world.b_up); }, 1000));
  return world.written;
}

}  // namespace

TEST(Upgrade, EarlyMuxerInAllCombinations) {
  for (const bool a_early : {false, true}) {
    for (const bool b_early : {false, true}) {
      NetWorld world;
      world.a.shared.early_muxer = a_early;
      world.b.shared.early_muxer = b_early;
      world.expected = world.b.identity.peer_id();
      world.connect({20'000});
      ASSERT_TRUE(world.a_up->connection && world.b_up->connection);
      EXPECT_EQ(world.alice().peer(), world.b.identity.peer_id());
      EXPECT_EQ(world.bob().peer(), world.a.identity.peer_id());
      EXPECT_TRUE(world.alice().dialed());
      EXPECT_FALSE(world.bob().dialed());
      EXPECT_EQ(world.alice().rtt_us(), 40'000u);
      auto [mine, theirs] = world.stream();
      EXPECT_EQ(theirs.write(as_bytes("hello")), 5);
      world.loop.run_for(100'000);
      Bytes seen;
      EXPECT_EQ(mine.peek(seen), 5);
      // Without the extension, one more round trip for the muxer.
      const std::uint64_t up_us = world.a_up->finished_us;
      EXPECT_EQ(up_us, a_early && b_early ? 80'000u : 120'000u);
    }
  }
}

TEST(Upgrade, AnotherPeerThanExpectedNeverLearnsWhoDialed) {
  NetWorld world;
  world.expected = crypto::Identity::from_seed(key_of(9)).peer_id();
  world.start();
  world.loop.run_for(1'000'000);
  EXPECT_EQ(world.a_up->error_code, static_cast<int>(net::net_error::wrong_peer));
  EXPECT_NE(world.a_up->error.find(world.b.identity.peer_id().text()), std::string::npos);
  EXPECT_TRUE(world.b_up->ended());
  EXPECT_EQ(world.b_up->error_code, static_cast<int>(net::net_error::closed)) << "no message C";
}

TEST(Upgrade, RefusesItself) {
  NetWorld world;
  auto [x, y] = world.network.pair();
  Upgrading one(world.a.shared, world.dialing(std::move(x)));
  Upgrading other(world.a.shared, net::UpgradeRequest{std::move(y)});
  world.loop.run_for(1'000'000);
  EXPECT_EQ(one.error_code, static_cast<int>(net::net_error::dialed_self));
  EXPECT_TRUE(other.ended());
  EXPECT_EQ(world.network.links(), 0u);
}

TEST(Upgrade, APeerThatFallsSilentAnywhereIsGoneInTime) {
  for (const bool early : {true, false}) {
    for (const bool dialer : {true, false}) {
      const std::size_t all = handshake_bytes(dialer, early);
      ASSERT_GT(all, 100u);
      for (std::size_t at = 0; at < all; at += 3) {
        Tampered world(dialer, Tamper::Mode::silence, at, early);
        world.loop.run_for(kLimitUs - 1);
        EXPECT_FALSE(open(*world.a_up) && open(*world.b_up)) << at;
        world.loop.run_for(2);
        EXPECT_TRUE(world.a_up->ended() && world.b_up->ended()) << at;
        // The one that waited for the silent one.
        const Upgrading& waited = dialer ? *world.b_up : *world.a_up;
        EXPECT_FALSE(waited.connection) << at;
        EXPECT_FALSE(waited.error.empty());
      }
    }
  }
}

TEST(Upgrade, AFlippedByteAnywhereIsNoticed) {
  for (const bool early : {true, false}) {
    for (const bool dialer : {true, false}) {
      const std::size_t all = handshake_bytes(dialer, early);
      for (std::size_t at = 0; at < all; ++at) {
        Tampered world(dialer, Tamper::Mode::flip, at, early);
        world.loop.run_for(kLimitUs + 1'000'000);
        EXPECT_FALSE(open(*world.a_up) && open(*world.b_up)) << at;
        EXPECT_TRUE(world.a_up->ended() && world.b_up->ended()) << at;
      }
    }
  }
}

TEST(Upgrade, GarbageFromAnyByteOnEndsIt) {
  for (const bool dialer : {true, false}) {
    const std::size_t all = handshake_bytes(dialer, true);
    for (std::size_t at = 0; at < all; at += 5) {
      Tampered world(dialer, Tamper::Mode::garbage, at, true);
      world.loop.run_for(kLimitUs + 1);
      EXPECT_TRUE(world.a_up->ended() && world.b_up->ended()) << at;
      EXPECT_FALSE(open(*world.a_up) && open(*world.b_up)) << at;
    }
  }
}

TEST(Upgrade, BytesBehindTheHandshakeAreNotLost) {
  RawWorld world;
  ByteVector behind;
  wire::append_yamux_header(behind, {wire::YamuxType::data, wire::kYamuxSyn, 1, 5});
  append(behind, as_bytes("early"));
  world.dial(behind);
  ASSERT_EQ(world.events().streams.size(), 1u);
  std::uint8_t to[8];
  EXPECT_EQ(world.events().streams[0].read(to), 5);
}

TEST(Upgrade, AnEmptyMuxerListFallsBackToMultistream) {
  RawWorld world;
  world.peer->muxers.clear();
  ByteVector behind;
  for (const std::string_view line : {"\x13/multistream/1.0.0\n", "\x0d/yamux/1.0.0\n"}) {
    append(behind, as_bytes(line));
  }
  wire::append_yamux_header(behind, {wire::YamuxType::window_update, wire::kYamuxSyn, 1, 0});
  world.peer->dial(behind);
  ASSERT_TRUE(world.b_up->connection) << world.b_up->error;
  EXPECT_EQ(world.events().streams.size(), 1u) << "lost behind the agreement";
}

TEST(Upgrade, NoMuxerInCommonIsRefused) {
  RawWorld world;
  world.peer->muxers = {"/mplex/6.7.0"};
  world.peer->dial();
  EXPECT_FALSE(world.b_up->connection);
  EXPECT_EQ(world.b_up->error_code, static_cast<int>(net::net_error::no_common_protocol));
}

TEST(Upgrade, AnOversizedHandshakeMessageIsRefused) {
  RawWorld world;
  ByteVector bytes;
  append(bytes, as_bytes("\x13/multistream/1.0.0\n\x07/noise\n"));
  append(bytes, as_bytes("\xff\xff"));
  world.peer->put_bytes(bytes);
  EXPECT_TRUE(world.b_up->ended());
  EXPECT_EQ(world.b_up->error_code, static_cast<int>(net::net_error::upgrade_failed));
}

}  // namespace kith::test
