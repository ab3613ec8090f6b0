// SPDX-License-Identifier: MIT
// A connection against a peer that writes its own frames.
#include <numeric>

#include "tests/net/raw_peer.h"

namespace kith::test {

namespace {

using wire::YamuxHeader;
using Type = wire::YamuxType;
constexpr std::uint16_t kSyn = wire::kYamuxSyn, kAck = wire::kYamuxAck, kFin = wire::kYamuxFin,
                        kRst = wire::kYamuxRst;
constexpr std::uint64_t kSecondUs = 1'000'000;

struct Yamux : testing::Test {
  void SetUp() override { world.dial(); }
  Pipe& accepted() { return world.events().streams.at(0); }
  std::string read_all(Pipe& pipe) {
    std::string all;
    std::uint8_t chunk[1024];
    for (last = pipe.read(chunk); last > 0; last = pipe.read(chunk)) {
      all += as_text(Bytes(chunk).first(static_cast<std::size_t>(last)));
    }
    return all;
  }
  bool has(const std::vector<RawFrame>& frames, const YamuxHeader& header) {
    for (const RawFrame& frame : frames) {
      if (frame.header == header) return true;
    }
    return false;
  }
  // Closed for a violation, GoAway(protocol error) said, link ended.
  void expect_violation() {
    const auto frames = peer().frames();
    EXPECT_TRUE(has(frames, {Type::go_away, 0, 0, 1}));
    EXPECT_EQ(world.events().closed, 1);
    EXPECT_NE(world.events().why.find("broke the protocol"), std::string::npos);
    EXPECT_TRUE(world.bob().closed());
    EXPECT_LE(peer().end, 0);
    EXPECT_NE(peer().end, KITH_AGAIN);
  }
  RawPeer& peer() { return *world.peer; }
  RawWorld world;
  std::int64_t last = 0;
};

}  // namespace

TEST_F(Yamux, AcknowledgesOnItsFirstFrame) {
  world.events().take = [](Pipe stream) {
    stream.write(as_bytes("hello"));
    stream.close();
  };
  peer().open(1);
  const auto frames = peer().frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].header, (YamuxHeader{Type::data, kAck, 1, 5}));
  EXPECT_EQ(frames[0].payload, "hello");
  EXPECT_EQ(frames[1].header, (YamuxHeader{Type::window_update, kFin, 1, 0})) << "never DATA|FIN";
}

TEST_F(Yamux, AcknowledgesAStreamOnWhichItHasNothingToSay) {
  peer().open(1);
  const auto frames = peer().frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].header, (YamuxHeader{Type::window_update, kAck, 1, 0}));
}

TEST_F(Yamux, OpensWithAWindowUpdate) {
  Pipe first = world.bob().open_stream().value(), second = world.bob().open_stream().value();
  first.write(as_bytes("x"));
  const auto frames = peer().frames();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].header, (YamuxHeader{Type::window_update, kSyn, 2, 0}));
  EXPECT_EQ(frames[1].header, (YamuxHeader{Type::window_update, kSyn, 4, 0}));
  EXPECT_EQ(frames[2].header, (YamuxHeader{Type::data, 0, 2, 1}));
}

TEST_F(Yamux, TakesDataWithFinAndWithSyn) {
  peer().data(1, "all at once", kSyn | kFin);
  EXPECT_EQ(read_all(accepted()), "all at once");
  EXPECT_EQ(last, 0);
}

TEST_F(Yamux, TakesFramesInAnyPieces) {
  ByteVector plain;
  wire::append_yamux_header(plain, {Type::data, kSyn, 1, 10});
  append(plain, as_bytes("0123456789"));
  wire::append_yamux_header(plain, {Type::window_update, kFin, 1, 0});
  for (const std::uint8_t byte : plain) {
    for (const std::uint8_t sealed : peer().seal(Bytes(&byte, 1))) {
      peer().link().write(Bytes(&sealed, 1));
      world.loop.run_for(1);
    }
  }
  EXPECT_EQ(read_all(accepted()), "0123456789");
  EXPECT_EQ(last, 0);
}

TEST_F(Yamux, WrongParityEndsTheConnection) {
  peer().open(2);
  expect_violation();
}

TEST_F(Yamux, ReuseOfALiveStreamEndsTheConnection) {
  peer().open(1);
  peer().open(1);
  expect_violation();
  EXPECT_EQ(accepted().write(as_bytes("x")), KITH_RESET);
}

TEST_F(Yamux, MoreThanTheWindowEndsTheConnection) {
  peer().open(1);
  const std::string chunk(64 * 1024 - 1, 'x');
  for (int i = 0; i < 4; ++i) {
    peer().put(Type::data, 0, 1, static_cast<std::uint32_t>(chunk.size()));
    for (std::size_t at = 0; at < chunk.size(); at += 60'000) {
      peer().put_plain(as_bytes(std::string_view(chunk).substr(at, 60'000)));
    }
  }
  EXPECT_EQ(world.events().closed, 0);
  peer().put(Type::data, 0, 1, 5);  // four bytes are left
  expect_violation();
}

TEST_F(Yamux, MalformedFramesEndTheConnection) {
  peer().put(static_cast<Type>(7), 0, 1, 0);
  expect_violation();
}

TEST_F(Yamux, AForgedNoiseFrameEndsTheConnection) {
  ByteVector sealed = peer().seal(as_bytes("twelve bytes"));
  sealed[5] ^= 1;
  peer().put_bytes(sealed);
  expect_violation();
}

TEST_F(Yamux, PingsAreAnsweredWithTheirValue) {
  peer().put(Type::ping, kSyn, 0, 0xdeadbeef);
  EXPECT_TRUE(has(peer().frames(), {Type::ping, kAck, 0, 0xdeadbeef}));
}

TEST_F(Yamux, AnAnswerToNoPingEndsTheConnection) {
  peer().put(Type::ping, kAck, 0, 1);
  expect_violation();
}

TEST_F(Yamux, APeerThatAnswersNoPingIsGone) {
  world.loop.run_for(29 * kSecondUs);
  EXPECT_TRUE(peer().frames().empty());
  world.loop.run_for(2 * kSecondUs);
  const auto frames = peer().frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].header.type, Type::ping);
  world.loop.run_for(18 * kSecondUs);
  EXPECT_EQ(world.events().closed, 0);
  world.loop.run_for(3 * kSecondUs);
  EXPECT_EQ(world.events().closed, 1);
  EXPECT_EQ(world.events().why, "the other side answers no ping");
}

TEST_F(Yamux, APeerThatAnswersStaysForHours) {
  for (int minute = 0; minute < 120; ++minute) {
    world.loop.run_for(60 * kSecondUs / 4);
    world.answer_pings();
  }
  EXPECT_EQ(world.events().closed, 0);
}

TEST_F(Yamux, GoAwayEndsTheConnectionButNotWhatWasSaid) {
  peer().data(1, "last words", kSyn | kFin);
  peer().put(Type::go_away, 0, 0, 0);
  EXPECT_EQ(world.events().closed, 1);
  EXPECT_EQ(read_all(accepted()), "last words");
  EXPECT_EQ(last, 0);
  EXPECT_EQ(accepted().write(as_bytes("x")), KITH_RESET);
  EXPECT_TRUE(world.bob().open_stream().error().is(net::net_error::closed));
}

TEST_F(Yamux, CloseSaysGoAway) {
  world.bob().close("enough");
  world.bob().close("twice");
  EXPECT_EQ(world.events().closed, 0) << "from inside the call";
  const auto frames = peer().frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].header, (YamuxHeader{Type::go_away, 0, 0, 0}));
  EXPECT_EQ(world.events().closed, 1);
  EXPECT_EQ(world.events().why, "enough");
  EXPECT_EQ(peer().end, 0);
}

TEST_F(Yamux, ResetReachesTheReader) {
  peer().data(1, "half a", kSyn);
  peer().put(Type::window_update, kRst, 1, 0);
  EXPECT_EQ(read_all(accepted()), "");
  EXPECT_EQ(last, KITH_RESET);
  EXPECT_EQ(accepted().write(as_bytes("x")), KITH_RESET);
}

TEST_F(Yamux, FramesOfUnknownStreamsAreSkipped) {
  peer().data(9, "for nobody");
  peer().put(Type::window_update, kFin, 9, 0);
  peer().data(1, "x", kSyn);
  EXPECT_EQ(read_all(accepted()), "x");
  EXPECT_EQ(world.events().closed, 0);
}

TEST_F(Yamux, StreamsOverTheLimitAreReset) {
  ByteVector plain;
  const auto id_of = [](std::size_t n) { return static_cast<std::uint32_t>(2 * n + 1); };
  for (std::size_t n = 0; n <= limits::kStreamsInMax; ++n) {
    wire::append_yamux_header(plain, {Type::window_update, kSyn, id_of(n), 0});
  }
  peer().put_plain(plain);
  const auto frames = peer().frames();
  EXPECT_EQ(world.events().streams.size(), limits::kStreamsInMax);
  EXPECT_TRUE(has(frames, {Type::window_update, kRst, id_of(limits::kStreamsInMax), 0}));
  EXPECT_EQ(world.events().closed, 0);
}

TEST_F(Yamux, CreditComesBackOnceHalfOfTheWindowIsConsumed) {
  peer().open(1);
  peer().frames();
  const std::string chunk(32 * 1024, 'x');
  for (int i = 0; i < 3; ++i) peer().data(1, chunk);
  EXPECT_TRUE(peer().frames().empty()) << "unread";
  EXPECT_EQ(read_all(accepted()).size(), 96u * 1024);
  EXPECT_TRUE(peer().frames().empty()) << "less than half";
  world.loop.run_for(kSecondUs);  // slowly: the window does not grow
  peer().data(1, chunk);
  read_all(accepted());
  const auto frames = peer().frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].header, (YamuxHeader{Type::window_update, 0, 1, 128 * 1024}));
}

TEST_F(Yamux, TheSendWindowIsHonouredExactly) {
  Pipe stream = world.bob().open_stream().value();
  const ByteVector bytes(1 << 20, 'x');
  EXPECT_EQ(stream.write(bytes), limits::kWindowFirst);
  EXPECT_EQ(stream.write(bytes), KITH_AGAIN);
  peer().put(Type::window_update, kAck, 2, 1000);
  EXPECT_EQ(stream.write(bytes), 1000);
  EXPECT_EQ(stream.write(bytes), KITH_AGAIN);
  std::size_t sum = 0;
  for (int reads = 0; reads < 3; ++reads) {
    for (const RawFrame& frame : peer().frames()) {
      EXPECT_LE(frame.payload.size(), limits::kDataFrameMax);
      sum += frame.payload.size();
    }
  }
  EXPECT_EQ(sum, limits::kWindowFirst + 1000);
}

TEST_F(Yamux, DataForADroppedStreamIsAnsweredWithReset) {
  peer().open(1);
  accepted().close();
  EXPECT_TRUE(has(peer().frames(), {Type::window_update, kFin, 1, 0}));
  EXPECT_EQ(world.bob().streams(), 1u) << "until the peer is done too";
  peer().data(1, "too late");
  EXPECT_TRUE(has(peer().frames(), {Type::window_update, kRst, 1, 0}));
  EXPECT_EQ(world.bob().streams(), 0u);
}

TEST_F(Yamux, APeerThatNeverSaysFinHoldsADroppedStreamForAMinute) {
  peer().open(1);
  accepted().close();
  for (int i = 0; i < 7; ++i) {
    world.loop.run_for(10 * kSecondUs);
    world.answer_pings();
  }
  EXPECT_EQ(world.events().closed, 0);
  EXPECT_EQ(world.bob().streams(), 0u);
}

TEST_F(Yamux, DropWithAnErrorIsAReset) {
  peer().open(1);
  accepted().reset();
  EXPECT_TRUE(has(peer().frames(), {Type::window_update, kRst, 1, 0}));
  EXPECT_EQ(world.bob().streams(), 0u);
}

TEST_F(Yamux, APeerThatAsksAndNeverListensIsGone) {
  ByteVector pings;
  for (int i = 0; i < 5'000; ++i) wire::append_yamux_header(pings, {Type::ping, kSyn, 0, 1});
  for (int i = 0; i < 200 && world.events().closed == 0; ++i) peer().put_plain(pings);
  EXPECT_EQ(world.events().closed, 1);
  EXPECT_NE(world.events().why.find("faster than it listens"), std::string::npos);
}

TEST_F(Yamux, APeerThatTakesNothingIsGone) {
  std::vector<Pipe> streams;
  const ByteVector bytes(limits::kWindowFirst, 'x');
  for (int i = 0; i < 8; ++i) {
    streams.push_back(world.bob().open_stream().value());
    streams.back().write(bytes);
  }
  world.loop.run_for(59 * kSecondUs);
  EXPECT_EQ(world.events().closed, 0);
  world.loop.run_for(2 * kSecondUs);
  EXPECT_EQ(world.events().closed, 1);
  EXPECT_EQ(world.events().why, "the other side takes no bytes");
}

}  // namespace kith::test
