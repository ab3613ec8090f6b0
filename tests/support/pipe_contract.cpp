// SPDX-License-Identifier: MIT
#include "tests/support/pipe_contract.h"

namespace kith::test {

TEST_P(PipeContract, PiecesArriveInOrder) {
  auto [a, b] = world->connect();
  const std::string one = "one ", two = "two ", three = "three";
  const kith_bytes pieces[] = {c_bytes(one), c_bytes(two), {nullptr, 0}, c_bytes(three)};
  ASSERT_EQ(a.get()->ops->write(a.get(), pieces, 4), 13);
  EXPECT_EQ(read_text(b, 13), "one two three");
  ASSERT_EQ(b.write(as_bytes("back")), 4);
  EXPECT_EQ(read_text(a, 4), "back");
}

TEST_P(PipeContract, ReadSaysAgainThenWakesOnce) {
  auto [a, b] = world->connect();
  std::uint8_t to[8];
  EXPECT_EQ(b.read(to), KITH_AGAIN);
  Wake wake;
  b.want(KITH_RD, wake.done());
  world->settle();
  EXPECT_EQ(wake.count, 0);
  ASSERT_EQ(a.write(as_bytes("x")), 1);
  EXPECT_EQ(wake.count, 0) << "woken from inside a call";
  ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
  EXPECT_EQ(wake.r, KITH_RD);
  EXPECT_EQ(b.read(to), 1);
  ASSERT_EQ(a.write(as_bytes("y")), 1);
  world->settle();
  EXPECT_EQ(wake.count, 1) << "one wake for each want";
}

TEST_P(PipeContract, WantOfWhatIsReadyWakesLater) {
  auto [a, b] = world->connect();
  ASSERT_EQ(a.write(as_bytes("x")), 1);
  world->settle();
  Wake wake;
  b.want(KITH_RD, wake.done());
  EXPECT_EQ(wake.count, 0) << "woken from inside want";
  ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
  Wake writable;
  b.want(KITH_WR, writable.done());
  EXPECT_EQ(writable.count, 0);
  ASSERT_TRUE(world->run_until([&] { return writable.count > 0; }));
  EXPECT_EQ(writable.r, KITH_WR);
}

TEST_P(PipeContract, WantReplacesAndDisarms) {
  auto [a, b] = world->connect();
  Wake first, second, gone;
  b.want(KITH_RD, first.done());
  b.want(KITH_RD, second.done());
  ASSERT_EQ(a.write(as_bytes("x")), 1);
  ASSERT_TRUE(world->run_until([&] { return second.count > 0; }));
  EXPECT_EQ(first.count, 0);
  b.want(KITH_RD, gone.done());
  b.want(KITH_RD, kith_done{nullptr, nullptr});
  world->settle();
  EXPECT_EQ(gone.count, 0);
}

TEST_P(PipeContract, DirectionsHaveSlotsOfTheirOwn) {
  auto [a, b] = world->connect();
  Wake reads, writes;
  b.want(KITH_RD, reads.done());
  b.want(KITH_WR, writes.done());
  ASSERT_TRUE(world->run_until([&] { return writes.count > 0; }));
  EXPECT_EQ(reads.count, 0);
  ASSERT_EQ(a.write(as_bytes("x")), 1);
  ASSERT_TRUE(world->run_until([&] { return reads.count > 0; }));
  EXPECT_EQ(reads.r, KITH_RD);
}

TEST_P(PipeContract, BackPressureHoldsTheWriter) {
  auto [a, b] = world->connect();
  const ByteVector bytes = pattern(64 << 20);
  const std::size_t taken = fill(a, bytes);
  ASSERT_LT(taken, bytes.size()) << "nothing bounds the writer";
  world->settle();
  const std::size_t total = taken + fill(a, Bytes(bytes).subspan(taken));
  Wake wake;
  a.want(KITH_WR, wake.done());
  world->settle();
  EXPECT_EQ(wake.count, 0);
  ByteVector got;
  read_bytes(b, total, got);
  EXPECT_TRUE(equal(got, Bytes(bytes).first(total)));
  ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
  EXPECT_EQ(wake.r, KITH_WR);
  EXPECT_GT(a.write(as_bytes("more")), 0);
}

TEST_P(PipeContract, ShutEndsOneDirection) {
  auto [a, b] = world->connect();
  ASSERT_EQ(a.write(as_bytes("last")), 4);
  EXPECT_EQ(a.shut(), 0);
  EXPECT_EQ(a.write(as_bytes("no")), KITH_CLOSED);
  EXPECT_EQ(read_text(b, 4), "last");
  EXPECT_EQ(read_end(b), 0);
  EXPECT_EQ(read_end(b), 0) << "the FIN stays";
  ASSERT_EQ(b.write(as_bytes("answer")), 6);
  EXPECT_EQ(read_text(a, 6), "answer");
}

TEST_P(PipeContract, FinWakesTheReader) {
  auto [a, b] = world->connect();
  Wake wake;
  b.want(KITH_RD, wake.done());
  a.shut();
  ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
  EXPECT_EQ(wake.r, KITH_RD);
  EXPECT_EQ(read_end(b), 0);
}

TEST_P(PipeContract, CloseDeliversWhatWasTaken) {
  auto [a, b] = world->connect();
  const ByteVector bytes = pattern(100'000);
  const std::size_t taken = fill(a, bytes);
  a.close();
  ByteVector got;
  read_bytes(b, taken, got);
  EXPECT_TRUE(equal(got, Bytes(bytes).first(taken)));
  EXPECT_EQ(read_end(b), 0);
}

TEST_P(PipeContract, WritesToAClosedEndFailInTheEnd) {
  auto [a, b] = world->connect();
  a.close();
  std::int64_t r = 0;
  for (int i = 0; i < 10 && (r >= 0 || r == KITH_AGAIN); ++i) {
    world->settle();
    r = b.write(as_bytes("x"));
  }
  EXPECT_EQ(r, KITH_RESET);
}

TEST_P(PipeContract, CutShowsAsReset) {
  auto [a, b] = world->connect();
  Wake reads;
  b.want(KITH_RD, reads.done());
  a.reset();
  ASSERT_TRUE(world->run_until([&] { return reads.count > 0; }));
  EXPECT_EQ(reads.r, KITH_RD);
  EXPECT_EQ(read_end(b), KITH_RESET);
  std::int64_t wrote = 0;
  EXPECT_TRUE(world->run_until([&, &end = b] { return (wrote = end.write(as_bytes("x"))) < 0; }));
  EXPECT_EQ(wrote, KITH_RESET);
}

TEST_P(PipeContract, CutWakesAHeldWriter) {
  auto [a, b] = world->connect();
  fill(b, pattern(64 << 20));
  world->settle();
  fill(b, pattern(64 << 20));
  Wake writes;
  b.want(KITH_WR, writes.done());
  a.reset();
  ASSERT_TRUE(world->run_until([&] { return writes.count > 0; }));
  EXPECT_EQ(writes.r, KITH_WR);
  EXPECT_EQ(b.write(as_bytes("x")), KITH_RESET);
}

TEST_P(PipeContract, DeadlineEndsTheWait) {
  auto [a, b] = world->connect();
  Wake wake;
  b.want(KITH_RD, wake.done());
  b.deadline(KITH_RD, 20);
  ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
  EXPECT_EQ(wake.r, KITH_TIMEOUT);
  std::uint8_t to[8];
  ASSERT_EQ(a.write(as_bytes("late")), 4);
  world->settle();
  EXPECT_EQ(b.read(to), KITH_TIMEOUT) << "until it is set anew, also with bytes there";
  Wake again;
  b.want(KITH_RD, again.done());
  EXPECT_EQ(again.count, 0);
  ASSERT_TRUE(world->run_until([&] { return again.count > 0; }));
  EXPECT_EQ(again.r, KITH_TIMEOUT);
  EXPECT_EQ(b.write(as_bytes("other way")), 9) << "the directions are apart";
  b.deadline(KITH_RD, 0);
  EXPECT_EQ(read_text(b, 4), "late");
}

TEST_P(PipeContract, DeadlineHoldsWithoutAWaiter) {
  auto [a, b] = world->connect();
  b.deadline(KITH_RD | KITH_WR, 5);
  Wake later;
  b.want(KITH_RD, later.done());
  ASSERT_TRUE(world->run_until([&] { return later.count > 0; }));
  std::uint8_t to[8];
  EXPECT_EQ(b.read(to), KITH_TIMEOUT);
  EXPECT_EQ(b.write(as_bytes("x")), KITH_TIMEOUT);
  b.deadline(KITH_WR, 10'000);
  EXPECT_EQ(b.write(as_bytes("x")), 1);
}

TEST_P(PipeContract, DeadlineMovesWhileSomebodyWaits) {
  auto [a, b] = world->connect();
  Wake wake;
  b.deadline(KITH_RD, 5);
  b.want(KITH_RD, wake.done());
  b.deadline(KITH_RD, 0);
  world->settle();
  EXPECT_EQ(wake.count, 0);
  b.deadline(KITH_RD, 5);
  ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
  EXPECT_EQ(wake.r, KITH_TIMEOUT);
}

TEST_P(PipeContract, DropInsideItsOwnWake) {
  for (const int error : {0, int{KITH_CLOSED}}) {
    auto [a, b] = world->connect();
    Wake wake, other;
    wake.then = [&, &end = b] { error < 0 ? end.reset(error) : end.close(); };
    b.want(KITH_RD, wake.done());
    ASSERT_EQ(a.write(as_bytes("x")), 1);
    ASSERT_TRUE(world->run_until([&] { return wake.count > 0; }));
    a.want(KITH_RD, other.done());
    ASSERT_TRUE(world->run_until([&] { return other.count > 0; }));
    EXPECT_LE(read_end(a), 0);
  }
}

TEST_P(PipeContract, DroppedEndsAreNeverWoken) {
  auto [a, b] = world->connect();
  Wake wake;
  b.want(KITH_RD | KITH_WR, wake.done());
  b.deadline(KITH_RD | KITH_WR, 5);
  a.write(as_bytes("x"));
  b.reset();
  world->settle();
  EXPECT_EQ(wake.count, 0);
}

TEST_P(PipeContract, CoroutinesCarryAMegabyteBothWays) {
  struct Story {
    static Task<> send(Pipe& pipe, Bytes bytes, int& r) {
      r = co_await write_all(pipe, bytes);
      pipe.shut();
    }
    static Task<> take(Pipe& pipe, MutableBytes to, int& r) {
      r = co_await read_exact(pipe, to);
      std::uint8_t end[1];
      const std::int64_t last = co_await read_some(pipe, MutableBytes(end));
      if (last != 0) r = -100;
    }
  };
  auto [a, b] = world->connect();
  const ByteVector sent = pattern(1 << 20);
  ByteVector there(sent.size()), back(sent.size());
  int r[4] = {1, 1, 1, 1};
  Scope scope;
  scope.spawn(Story::send(a, sent, r[0]));
  scope.spawn(Story::take(b, there, r[1]));
  scope.spawn(Story::send(b, sent, r[2]));
  scope.spawn(Story::take(a, back, r[3]));
  ASSERT_TRUE(world->run_until([&] { return scope.empty(); }));
  for (const int result : r) EXPECT_EQ(result, 0);
  EXPECT_TRUE(equal(there, sent));
  EXPECT_TRUE(equal(back, sent));
}

TEST_P(PipeContract, AnAbandonedWaitIsDisarmed) {
  struct Story {
    static Task<> wait(Pipe& pipe) { co_await pipe.readable(); }
  };
  auto [a, b] = world->connect();
  Scope scope;
  scope.spawn(Story::wait(b));
  scope.clear();
  ASSERT_EQ(a.write(as_bytes("x")), 1);
  world->settle();
  EXPECT_EQ(read_text(b, 1), "x");
}

TEST_P(PipeContract, PeekShowsWithoutTaking) {
  auto [a, b] = world->connect();
  if (!b.get()->ops->peek) return;  // a link has none
  ASSERT_EQ(a.write(as_bytes("abcdef")), 6);
  Bytes seen;
  ASSERT_TRUE(world->run_until([&, &end = b] { return end.peek(seen) == 6; }));
  b.peek(seen);
  EXPECT_EQ(as_text(seen), "abcdef");
  b.consume(2);
  EXPECT_EQ(read_text(b, 4), "cdef");
  const Buffer shared = Buffer::copy(as_bytes("shared"));
  EXPECT_EQ(a.send(shared), 6);
  EXPECT_EQ(read_text(b, 6), "shared");
}

TEST_P(PipeContract, InfoNamesTheDialer) {
  auto [a, b] = world->connect();
  const kith_pipe_info dialer = a.info(), listener = b.info();
  EXPECT_EQ(dialer.flags & KITH_PIPE_DIALED, unsigned{KITH_PIPE_DIALED});
  EXPECT_EQ(listener.flags & KITH_PIPE_DIALED, 0u);
  EXPECT_TRUE(equal(view(dialer.remote), view(listener.local)));
  EXPECT_TRUE(equal(view(dialer.local), view(listener.remote)));
}

}  // namespace kith::test
