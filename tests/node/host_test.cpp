// SPDX-License-Identifier: MIT
// The node as a plugin sees it: handles, timers, posts, jobs and claims.
#include "engine/node/host.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/done.h"
#include "tests/support/probe.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

class HostTest : public testing::Test {
 protected:
  HostTest() : play(1), node(play.add(Play::Role{.own = {&kProbe, &kRival}, .routes = false})) {}
  Host host() { return started<Probe>(node, kProbe).host; }
  Host rival() { return started<Rival>(node, kRival).host; }
  // As a plugin uses it: by the C table.
  kith_op* after(const Host& of, std::uint64_t us, kith_done done) {
    return of.loop().after(of.raw(), us, done);
  }
  void cancel(const Host& of, kith_op* op) { of.api()->cancel(of.raw(), op); }

  Play play;
  node::Node& node;
  int fired = 0;
  std::function<void()> count = [this] { ++fired; };
};

kith_op* handle(std::uintptr_t bits) { return reinterpret_cast<kith_op*>(bits); }

TEST_F(HostTest, ATimerFiresOnceAndIsSpent) {
  kith_op* op = after(host(), 1'000, done_of(count));
  ASSERT_TRUE(op);
  play.loop.run_for(999);
  EXPECT_EQ(fired, 0);
  play.loop.run_for(10'000);
  EXPECT_EQ(fired, 1);
  cancel(host(), op);
  cancel(host(), op);
  cancel(host(), nullptr);
  play.loop.run_for(10'000);
  EXPECT_EQ(fired, 1);
}

TEST_F(HostTest, ASpentHandleDoesNotReachWhoTookItsPlace) {
  kith_op* first = after(host(), 1'000, done_of(count));
  cancel(host(), first);
  kith_op* second = after(host(), 1'000, done_of(count));
  EXPECT_NE(first, second);
  cancel(host(), first);
  play.loop.run_for(10'000);
  EXPECT_EQ(fired, 1);
}

TEST_F(HostTest, AForeignHandleIsHarmless) {
  kith_op* own = after(host(), 1'000, done_of(count));
  kith_op* others = after(rival(), 1'000, done_of(count));
  EXPECT_NE(own, others);
  cancel(host(), others);
  cancel(rival(), own);
  EXPECT_EQ(host().loop().arm(host().raw(), others, KITH_RD), KITH_ABSENT);
  EXPECT_EQ(host().loop().arm(host().raw(), own, KITH_RD), KITH_ABSENT);  // no watch
  play.loop.run_for(10'000);
  EXPECT_EQ(fired, 2);
}

TEST_F(HostTest, AnInventedHandleIsHarmless) {
  for (int i = 0; i < 8; ++i) after(host(), 1'000, done_of(count));
  std::uintptr_t bits = 0;
  for (int i = 0; i < 20'000; ++i) {
    play.loop.random({reinterpret_cast<std::uint8_t*>(&bits), sizeof bits});
    cancel(host(), handle(bits));
    cancel(host(), handle(bits & 0xff));
  }
  cancel(host(), handle(UINTPTR_MAX));
  play.loop.run_for(10'000);
  EXPECT_EQ(fired, 8);
}

TEST_F(HostTest, AGuardIsAskedOfEachProvenPeerWhileItLives) {
  node::Node& other = play.add();
  const wire::PeerId id = other.setup().identity.peer_id();
  std::vector<std::string> asked;
  Op guard = host().guard([&](const kith_peer& peer) {
    asked.push_back(wire::PeerId::from_bytes(view(peer.id)).value().text());
    return false;
  });
  wire::Value args;
  args["address"] = node.addresses().at(0).text();
  EXPECT_FALSE(play.call(other, "connect", args));
  EXPECT_EQ(asked, std::vector<std::string>(asked.size(), id.text()));
  EXPECT_GE(asked.size(), 1u);
  EXPECT_TRUE(node.swarm().connections().empty());
  const std::size_t before = asked.size();
  guard.cancel();
  const auto connected = play.call(other, "connect", args);
  EXPECT_TRUE(connected) << connected.error().message();
  EXPECT_EQ(asked.size(), before);
}

TEST_F(HostTest, WhatWasPostedBeforeTheStopDoesNotFireAfterIt) {
  host().post(done_of(count));
  play.loop.run_for(1'000);
  EXPECT_EQ(fired, 1);
  host().post(done_of(count));
  after(host(), 0, done_of(count));
  node.plugins().stop();
  play.loop.run_for(1'000);
  EXPECT_EQ(fired, 1);
}

// On the real loop: a plugin's own thread posts as long as the plugin lives.
TEST(HostThreads, PostsComeFromAnyThread) {
  node::RealLoop loop;
  RealRun run(loop);
  sim::VirtualLoop clock(1);
  TraceSink sink(clock);
  node::NodeSetup setup{.identity = crypto::Identity::from_seed({}), .config = {}};
  setup.plugins["probe"] = &kProbe;
  setup.config.plugins.push_back({"probe", wire::Value(wire::Value::Map())});
  node::Node node(loop, sink, std::move(setup));
  Scope scope;
  scope.spawn(node.start());
  const Host host = started<Probe>(node, kProbe).host;
  constexpr int kPosts = 2'000;
  int fired = 0;
  auto count = [&fired] { ++fired; };
  const kith_done done = done_of(count);
  const auto post_all = [&host, done] {
    for (int i = 0; i < kPosts; ++i) host.post(done);
  };
  std::thread poster(post_all);
  EXPECT_TRUE(run.until([&] { return fired == kPosts; }));
  poster.join();
  std::thread late(post_all);
  late.join();
  node.plugins().stop();  // what was posted is on its way and finds nobody
  run.run_for(20'000);
  EXPECT_EQ(fired, kPosts);
}

struct Job {
  int ran = 0, answered = 0;
  static std::int64_t work(void* job) { return ++static_cast<Job*>(job)->ran; }
  kith_done done() {
    return {[](void* job, std::int64_t r, const void*) {
              static_cast<Job*>(job)->answered += static_cast<int>(r);
            },
            this};
  }
};

TEST_F(HostTest, AJobIsAnsweredBeforeTheStopEnds) {
  Job job;
  EXPECT_EQ(host().loop().offload(host().raw(), &Job::work, &job, job.done(), 0), 0);
  EXPECT_EQ(job.answered, 0);
  play.stop(play.nodes[0]);
  EXPECT_EQ(job.answered, 1);
}

TEST_F(HostTest, AJobThatOutlivesItsPluginIsNotAnswered) {
  Job job;
  EXPECT_EQ(host().loop().offload(host().raw(), &Job::work, &job, job.done(), 0), 0);
  node.plugins().stop();
  play.loop.run_for(1'000);
  EXPECT_EQ(job.ran, 1);
  EXPECT_EQ(job.answered, 0);
}

// ---- claims

constexpr const char* kDomain = "kith-test:";

// n claims of which every third is false.
struct Claims {
  Claims(const crypto::Identity& author, std::size_t n) {
    const Buffer hold = Buffer::copy(as_bytes("what is said, and by whom"));
    const crypto::Signature good = author.sign(kDomain, hold.bytes());
    crypto::Signature bad = good;
    bad[7] ^= 1;
    signatures = {good, bad};
    for (std::size_t i = 0; i < n; ++i) {
      const bool is_false = i % 3 == 2;
      claims.push_back({c_bytes(author.peer_id().bytes()),
                        {nullptr, 0},
                        kDomain,
                        c_bytes(hold.bytes()),
                        c_bytes(Bytes(signatures[is_false])),
                        hold.get()});
    }
    held = hold;
  }
  std::array<crypto::Signature, 2> signatures;
  Buffer held;
  std::vector<kith_claim> claims;
};

class HostClaims : public HostTest, public testing::WithParamInterface<std::size_t> {
 protected:
  kith_op* verify(const Claims& given, kith_done done) {
    return host().crypto().verify(host().raw(), given.claims.data(), given.claims.size(), done);
  }
};

TEST_P(HostClaims, AreJudgedOneByOne) {
  const Claims given(node.setup().identity, GetParam());
  auto judged = [&](std::int64_t r, const void* result) {
    ++fired;
    ASSERT_EQ(r, 0);
    const auto* holds = static_cast<const std::int8_t*>(result);
    for (std::size_t i = 0; i < GetParam(); ++i) EXPECT_EQ(holds[i], i % 3 != 2) << i;
  };
  kith_op* op = verify(given, done_of(judged));
  ASSERT_TRUE(op);
  EXPECT_EQ(fired, 0);  // never before it has returned
  play.loop.run_for(1'000);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(given.held.get()->refs, 1u);
  cancel(host(), op);
}

TEST_P(HostClaims, ThatAreCancelledAreNotAnswered) {
  const Claims given(node.setup().identity, GetParam());
  cancel(host(), verify(given, done_of(count)));
  // And one that is cancelled by the answer to another.
  kith_op* second = nullptr;
  std::function<void()> cancels = [&] { cancel(host(), second); };
  verify(given, done_of(cancels));
  second = verify(given, done_of(count));
  play.loop.run_for(1'000);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(given.held.get()->refs, 1u);
}

TEST_P(HostClaims, MayOutliveTheirPlugin) {
  const Claims given(node.setup().identity, GetParam());
  verify(given, done_of(count));
  node.plugins().stop();
  play.loop.run_for(1'000);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(given.held.get()->refs, 1u);
}

INSTANTIATE_TEST_SUITE_P(Host, HostClaims, testing::Values(1, 2, 200));

}  // namespace
}  // namespace kith::test
