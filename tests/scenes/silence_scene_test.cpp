// SPDX-License-Identifier: MIT
// A peer may fall silent at any step of any protocol. Played with one that does at each of many
// moments of the first second and a half: within its limit the other side holds nothing of it.
#include "engine/base/limits.h"
#include "tests/support/play.h"

namespace kith::test {
namespace {

constexpr std::uint64_t kUnprovenUs = std::uint64_t{limits::kUpgradeMs} * 1'000;
constexpr std::uint64_t kProvenUs =
    std::uint64_t{limits::kMuxPingEveryMs + limits::kMuxPingWaitMs} * 1'000;
constexpr std::uint64_t kSlackUs = 100'000;  // of the link, there and back, and of turns

// What keeps every protocol busy from the moment of the dial on. Each task ends by itself once the
// peer is gone: those that do not are counted.
class Story {
 public:
  Story(Play& play, node::Node& honest, node::Node& other)
      : play_(play), honest_(honest), other_(other) {}

  void begin(bool dials) {
    node::Node& from = dials ? honest_ : other_;
    node::Node& to = dials ? other_ : honest_;
    (dials ? tasks : others_tasks).spawn(dial(from, to));
    tasks.spawn(pings(play_.loop, honest_, other_));
    tasks.spawn(echoes(play_.loop, honest_, other_));
    // A new protocol on each side is pushed to the other, limits::kPushDelayMs later.
    for (node::Node* node : {&honest_, &other_})
      node->swarm().handle("/story/1", [](Pipe) {}).value();
  }
  void speak() {
    for (node::Node* node : {&honest_, &other_}) {
      const Bytes word = as_bytes("word");
      EXPECT_TRUE(node->topics().publish(owner_, "lobby", word));
    }
  }

  Scope tasks, others_tasks;

 private:
  static Task<void> dial(node::Node& from, node::Node& to) {
    std::vector<wire::Multiaddr> where = to.addresses();
    const wire::PeerId peer = to.setup().identity.peer_id();
    co_await from.swarm().connect(peer, std::move(where), limits::kIdentifyMs);
  }
  static Task<void> until_connected(Loop& loop, node::Node& from, node::Node& to) {
    const std::uint64_t until_us = loop.now_us() + 1'000'000;
    while (!from.swarm().best(to.setup().identity.peer_id()) && loop.now_us() < until_us) {
      Nap nap(loop, 1'000);
      co_await nap;
    }
  }
  static Task<void> pings(Loop& loop, node::Node& from, node::Node& to) {
    co_await until_connected(loop, from, to);
    for (;;) {
      co_await from.ping().ping(to.setup().identity.peer_id());
      Nap nap(loop, 25'000);
      co_await nap;
    }
  }
  // One stream after another, each with a word that comes back.
  static Task<void> echoes(Loop& loop, node::Node& from, node::Node& to) {
    co_await until_connected(loop, from, to);
    for (;;) {
      const wire::PeerId peer = to.setup().identity.peer_id();
      std::vector<std::string> protocols(1, "/echo/1.0.0");
      Pipe stream = co_await from.swarm().open(peer, std::move(protocols), 10'000);
      stream.deadline(KITH_RD | KITH_WR, 10'000);
      const ByteVector word(3'000, 'w');
      co_await write_all(stream, word);
      stream.shut();
      ByteVector back(word.size());
      const int error = co_await read_exact(stream, back);
      if (error < 0) throw Fault(Error(static_cast<kith_err>(error)));
      stream.close();
    }
  }

  Play& play_;
  node::Node& honest_;
  node::Node& other_;
  const bus::Owner owner_{"story"};
};

struct Moment {
  std::uint64_t after_us;
  bool honest_dials;
};

void play_moment(Play& play, Moment moment) {
  play.network.shape({.delay_us = 10'000});
  Play::Options echo;
  echo["echo"];
  node::Node& honest = play.add(echo);
  node::Node& other = play.add(echo);
  play.listen(honest, "lobby");
  play.listen(other, "lobby");
  Story story(play, honest, other);
  story.begin(moment.honest_dials);
  for (std::uint64_t us = 0; us < moment.after_us; us += 1'000) {
    if (us % 40'000 == 0) story.speak();
    play.loop.run_for(std::min<std::uint64_t>(1'000, moment.after_us - us));
  }
  play.network.silence(play.place(other));
  play.loop.run_for(kSlackUs);  // what was on its way still arrives
  const bool proven = !honest.swarm().connections().empty();
  const auto nothing_left = [&] { return honest.swarm().idle() && story.tasks.empty(); };
  EXPECT_TRUE(play.loop.run_until(nothing_left, proven ? kProvenUs : kUnprovenUs))
      << (moment.honest_dials ? "dialed, " : "accepted, ") << moment.after_us
      << " us: " << honest.swarm().connections().size() << " connections, idle "
      << honest.swarm().idle() << ", " << story.tasks.size() << " tasks";
  // The silent side hears nothing either, and no link of either outlives that.
  story.others_tasks.clear();
  play.loop.run_for(kProvenUs + kSlackUs);
  EXPECT_EQ(play.network.links(), 0u) << moment.after_us << " us";
}

void play_moments(std::uint64_t from_us, std::uint64_t to_us, std::uint64_t step_us) {
  for (std::uint64_t us = from_us; us <= to_us; us += step_us) {
    for (const bool honest_dials : {true, false}) {
      play_twice(us + 1, [&](Play& play) { play_moment(play, {us, honest_dials}); });
      if (testing::Test::HasFailure()) return;
    }
  }
}

// Upgrade, identify, the first streams and words.
TEST(SilenceScene, InTheFirstSteps) { play_moments(0, 400'000, 8'000); }

// Pushes, and a mesh that stands.
TEST(SilenceScene, LaterOn) { play_moments(960'000, 1'200'000, 24'000); }

}  // namespace
}  // namespace kith::test
