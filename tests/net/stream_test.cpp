// SPDX-License-Identifier: MIT
// Two connections of ours against each other: volume, fairness, bounds, and who may end what when.
#include <numeric>

#include "engine/net/yamux_connection.h"
#include "tests/net/net_world.h"

namespace kith::test {

namespace {

constexpr std::uint64_t kSecondUs = 1'000'000;

ByteVector noise_bytes(std::size_t n) {
  ByteVector bytes(n);
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

// What each side of a scene does; coroutines, so nothing is captured.
struct Story {
  static Task<> echo(Pipe pipe) {
    ByteVector chunk(50'000);
    for (;;) {
      const std::int64_t n = co_await read_some(pipe, chunk);
      if (n <= 0) break;
      const Bytes got = Bytes(chunk).first(static_cast<std::size_t>(n));
      co_await write_all(pipe, got);
    }
    pipe.close();
  }
  static Task<> send(NetWorld& world, Pipe& pipe, Bytes bytes, std::size_t part_max) {
    while (!bytes.empty()) {
      std::uint32_t chance = 0;
      world.loop.random(MutableBytes(reinterpret_cast<std::uint8_t*>(&chance), sizeof chance));
      const Bytes part = bytes.first(std::min<std::size_t>(bytes.size(), 1 + chance % part_max));
      const int r = co_await write_all(pipe, part);
      EXPECT_EQ(r, 0);
      bytes = bytes.subspan(part.size());
    }
    pipe.shut();
  }
  static Task<> take(Pipe& pipe, ByteVector& to) {
    for (;;) {
      const std::int64_t ready = co_await pipe.readable();
      EXPECT_EQ(ready, KITH_RD);
      Bytes seen;
      const std::int64_t n = pipe.peek(seen);
      if (n == KITH_AGAIN) continue;
      if (n <= 0) co_return;
      append(to, seen);
      pipe.consume(seen.size());
    }
  }
};

ByteVector echoed(NetWorld& world, Bytes bytes, std::size_t part_max) {
  Scope scope;
  world.b_up->events.take = [&scope](Pipe stream) { scope.spawn(Story::echo(std::move(stream))); };
  Pipe pipe = world.alice().open_stream().value();
  ByteVector back;
  scope.spawn(Story::send(world, pipe, bytes, part_max));
  scope.spawn(Story::take(pipe, back));
  EXPECT_TRUE(world.loop.run_until([&] { return scope.empty(); }, 60 * kSecondUs));
  pipe.close();
  world.loop.run_for(kSecondUs);
  world.b_up->events.take = nullptr;
  return back;
}

}  // namespace

TEST(Streams, FourMegabytesComeBackIntact) {
  const ByteVector bytes = noise_bytes(4 << 20);
  for (const std::size_t part_max : {700'000, 30'000, 3'000}) {
    NetWorld world;
    world.connect({5'000, 100'000'000});
    EXPECT_TRUE(equal(echoed(world, bytes, part_max), bytes)) << part_max;
    EXPECT_EQ(world.alice().streams(), 0u);
    EXPECT_EQ(world.bob().streams(), 0u);
    EXPECT_EQ(world.a.shared.windows_grown_bytes, 0u) << "given back";
    EXPECT_EQ(world.b.shared.windows_grown_bytes, 0u);
  }
}

TEST(Streams, ALinkThatIsItselfAStream) {
  NetWorld world;
  world.connect();
  auto [near, far] = world.stream();
  Upgrading inner_a(world.a.shared, world.dialing(std::move(near)));
  Upgrading inner_b(world.b.shared, net::UpgradeRequest{std::move(far)});
  world.loop.run_for(kSecondUs);
  ASSERT_TRUE(inner_a.connection && inner_b.connection) << inner_a.error << inner_b.error;
  std::swap(world.a_up->connection, inner_a.connection);  // the outer ones carry from now on
  std::swap(world.b_up->connection, inner_b.connection);
  std::swap(world.b_up->events.take, inner_b.events.take);
  Scope scope;
  inner_b.events.take = [&scope](Pipe stream) { scope.spawn(Story::echo(std::move(stream))); };
  Pipe pipe = world.alice().open_stream().value();
  const ByteVector bytes = noise_bytes(1 << 20);
  ByteVector back;
  scope.spawn(Story::send(world, pipe, bytes, 200'000));
  scope.spawn(Story::take(pipe, back));
  EXPECT_TRUE(world.loop.run_until([&] { return scope.empty(); }, 60 * kSecondUs));
  EXPECT_TRUE(equal(back, bytes));
  std::swap(world.a_up->connection, inner_a.connection);
  std::swap(world.b_up->connection, inner_b.connection);
  inner_a.connection.reset();
  inner_b.connection.reset();
}

TEST(Streams, AThousandAtOnce) {
  NetWorld world;
  world.connect({1'000});
  Scope scope;
  world.b_up->events.take = [&scope](Pipe stream) { scope.spawn(Story::echo(std::move(stream))); };
  std::vector<Pipe> pipes;
  for (int i = 0; i < 1'000; ++i) {
    pipes.push_back(world.alice().open_stream().value());
    pipes.back().write(as_bytes("stream " + std::to_string(i)));
    pipes.back().shut();
  }
  world.loop.run_for(kSecondUs);
  for (int i = 0; i < 1'000; ++i) {
    std::uint8_t to[32];
    const std::int64_t n = pipes[static_cast<std::size_t>(i)].read(to);
    ASSERT_GT(n, 0);
    EXPECT_EQ(as_text(Bytes(to).first(static_cast<std::size_t>(n))), "stream " + std::to_string(i));
  }
  pipes.clear();
  world.loop.run_for(kSecondUs);
  EXPECT_EQ(world.alice().streams(), 0u);
  EXPECT_EQ(world.bob().streams(), 0u);
}

TEST(Streams, OpeningIsBounded) {
  NetWorld world;
  world.connect();
  std::vector<Pipe> pipes;
  for (std::size_t i = 0; i < limits::kStreamsOutMax; ++i) {
    pipes.push_back(world.alice().open_stream().value());
  }
  EXPECT_TRUE(world.alice().open_stream().error().is(net::net_error::limit));
  pipes.pop_back();
  EXPECT_TRUE(world.alice().open_stream());
}

TEST(Streams, AReaderThatDoesNotReadHoldsItsWriterAlone) {
  NetWorld world;
  world.connect();
  auto [a, b] = world.stream();
  auto [c, d] = world.stream();
  const ByteVector bytes(8 << 20, 'x');
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t n = a.write(Bytes(bytes).subspan(taken));
    if (n > 0) taken += static_cast<std::size_t>(n);
    world.loop.run_for(10'000);
  }
  EXPECT_EQ(taken, limits::kWindowFirst);
  EXPECT_GT(c.write(as_bytes("not held up")), 0);
  world.loop.run_for(10'000);
  Bytes seen;
  EXPECT_EQ(d.peek(seen), 11);
}

TEST(Streams, TheQueueOfAConnectionIsBounded) {
  NetWorld world;
  world.connect({50'000, 1'000'000});
  const ByteVector bytes(1 << 20, 'x');
  std::size_t taken = 0;
  std::vector<Pipe> pipes;
  for (int i = 0; i < 16; ++i) {
    pipes.push_back(world.alice().open_stream().value());
    const std::int64_t n = pipes.back().write(bytes);
    if (n > 0) taken += static_cast<std::size_t>(n);
  }
  EXPECT_LE(taken, limits::kWriteQueueMax);
  EXPECT_GT(taken, limits::kWriteQueueMax - 4096);
  const Buffer buffer = Buffer::copy(bytes);
  EXPECT_EQ(pipes.back().send(buffer), KITH_AGAIN);
}

TEST(Streams, WritersThatWaitGetTheirTurns) {
  NetWorld world;
  world.connect({1'000, 20'000'000});
  Scope scope;
  world.b_up->events.take = [&scope](Pipe stream) { scope.spawn(Story::echo(std::move(stream))); };
  std::vector<Pipe> pipes;
  std::vector<ByteVector> back(8);
  const ByteVector bytes = noise_bytes(1 << 20);
  for (std::size_t i = 0; i < back.size(); ++i)
    pipes.push_back(world.alice().open_stream().value());
  for (std::size_t i = 0; i < back.size(); ++i) {
    scope.spawn(Story::send(world, pipes[i], bytes, 500'000));
    scope.spawn(Story::take(pipes[i], back[i]));
  }
  const auto half = [&] { return back[0].size() > bytes.size() / 2; };
  ASSERT_TRUE(world.loop.run_until(half, 60 * kSecondUs));
  for (const ByteVector& one : back) EXPECT_GT(one.size(), bytes.size() / 8) << "starved";
  ASSERT_TRUE(world.loop.run_until([&] { return scope.empty(); }, 60 * kSecondUs));
  for (const ByteVector& one : back) EXPECT_TRUE(equal(one, bytes));
}

TEST(Streams, WindowsGrowWithThePath) {
  NetWorld world;
  world.connect({20'000, 0, 8 << 20});  // 40 ms there and back
  Scope scope;
  auto [a, b] = world.stream();
  const ByteVector bytes = noise_bytes(32 << 20);
  ByteVector got;
  scope.spawn(Story::send(world, a, bytes, 1 << 20));
  scope.spawn(Story::take(b, got));
  const std::uint64_t began_us = world.loop.now_us();
  ASSERT_TRUE(world.loop.run_until([&] { return scope.empty(); }, 60 * kSecondUs));
  const double trips = static_cast<double>(world.loop.now_us() - began_us) / 40'000;
  EXPECT_TRUE(equal(got, bytes));
  // A window that never grows carries 256 KiB a round trip: 128 of them.
  EXPECT_LT(trips, 24);
  EXPECT_GT(world.b.shared.windows_grown_bytes, limits::kWindowFirst);
}

TEST(Streams, ABufferLargerThanTheWindowIsSentByReference) {
  NetWorld world;
  world.connect({1'000});
  auto [a, b] = world.stream();
  const Buffer buffer = Buffer::take(noise_bytes(3 << 20));
  EXPECT_EQ(a.send(buffer), 3 << 20);
  EXPECT_GT(buffer.get()->refs, 1u);
  EXPECT_EQ(a.send(buffer), KITH_AGAIN) << "one at a time";
  EXPECT_EQ(a.write(as_bytes("x")), KITH_AGAIN);
  a.close();  // what was taken still leaves
  Scope scope;
  ByteVector got;
  scope.spawn(Story::take(b, got));
  ASSERT_TRUE(world.loop.run_until([&] { return scope.empty(); }, 10 * kSecondUs));
  EXPECT_TRUE(equal(got, buffer.bytes()));
  b.close();
  world.loop.run_for(kSecondUs);
  EXPECT_EQ(buffer.get()->refs, 1u);
  EXPECT_EQ(world.alice().streams(), 0u);
}

TEST(Streams, OneBufferFansOutToMany) {
  NetWorld world;
  world.connect();
  const Buffer buffer = Buffer::take(noise_bytes(10'000));
  std::vector<std::pair<Pipe, Pipe>> streams;
  for (int i = 0; i < 50; ++i) streams.push_back(world.stream());
  for (auto& [mine, theirs] : streams) EXPECT_EQ(mine.send(buffer), 10'000);
  world.loop.run_for(kSecondUs);
  for (auto& [mine, theirs] : streams) {
    Bytes seen;
    theirs.peek(seen);
    EXPECT_TRUE(equal(seen, buffer.bytes()));
  }
  EXPECT_EQ(buffer.get()->refs, 1u);
}

TEST(Streams, SurviveTheirConnectionUntilDropped) {
  NetWorld world;
  world.connect();
  auto [a, b] = world.stream();
  a.deadline(KITH_RD | KITH_WR, 60'000);
  world.a_up->connection.reset();
  std::uint8_t to[4];
  EXPECT_EQ(a.read(to), KITH_CLOSED);
  EXPECT_EQ(a.write(as_bytes("x")), KITH_CLOSED);
  EXPECT_EQ(a.shut(), KITH_CLOSED);
  EXPECT_TRUE(equal(view(a.info().peer), world.b.identity.peer_id().bytes()));
  Scope scope;
  ByteVector got;
  int woken = 0;
  a.want(KITH_RD, {[](void* n, std::int64_t, const void*) { ++*static_cast<int*>(n); }, &woken});
  world.loop.run_for(kSecondUs);
  EXPECT_EQ(woken, 1);
  a.close();
  EXPECT_EQ(b.read(to), KITH_RESET);
  EXPECT_EQ(world.b_up->events.closed, 1);
}

TEST(Streams, AWakeMayEndEverything) {
  struct Ender {
    NetWorld& world;
    std::vector<Pipe> pipes;
    static void wake(void* self, std::int64_t, const void*) {
      auto* ender = static_cast<Ender*>(self);
      ender->pipes.clear();
      const auto opened = ender->world.bob().open_stream();
      EXPECT_TRUE(opened);
      ender->world.bob().close("from a wake");
    }
  };
  NetWorld world;
  world.connect();
  Ender ender{world, {}};
  std::vector<Pipe> mine;
  for (int i = 0; i < 3; ++i) {
    auto [a, b] = world.stream();
    b.want(KITH_RD, {&Ender::wake, &ender});
    mine.push_back(std::move(a));
    ender.pipes.push_back(std::move(b));
  }
  for (Pipe& pipe : mine) pipe.write(as_bytes("x"));
  world.loop.run_for(kSecondUs);
  EXPECT_EQ(world.b_up->events.closed, 1);
  EXPECT_EQ(world.a_up->events.closed, 1);
  EXPECT_EQ(world.bob().streams(), 0u);
}

TEST(Streams, IdleOnesAreSmall) {
  EXPECT_LE(sizeof(net::MuxStream), 400u);
  EXPECT_LE(sizeof(net::YamuxConnection) + sizeof(net::SealedLink) + sizeof(net::ConnectionFacts),
            2048u);
}

TEST(Streams, TheSameSeedTellsTheSameStory) {
  const auto run = [](std::uint64_t seed) {
    NetWorld world(seed);
    world.connect({3'000, 50'000'000});
    const ByteVector bytes = noise_bytes(1 << 20);
    const ByteVector back = echoed(world, bytes, 40'000);
    world.loop.trace(std::to_string(back.size()) + " " + std::to_string(world.loop.turns()) + " " +
                     std::to_string(world.alice().bytes_out()));
    return world.loop.trace_hash();
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

}  // namespace kith::test
