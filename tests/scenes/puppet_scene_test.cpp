// SPDX-License-Identifier: MIT
// A peer that joins the mesh and takes, and never passes anything on.
#include <kith/plugin.h>

#include "tests/support/play.h"

namespace kith::test {
namespace {

constexpr const char* kMeshsub = "/meshsub/1.1.0";

// Instead of a router: subscribes to "lobby", grafts itself, and swallows all that it is sent.
struct Puppet final : Router {
  static constexpr const char* kName = "puppet";
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Takes and never gives.";
  using Router::Router;

  int join(std::string_view) override { return 0; }
  int leave(std::string_view) override { return 0; }
  int publish(std::string_view, Buffer, kith_message&) override { return KITH_REFUSED; }
  void verdict(std::uint64_t, int) override {}
  void topic_peers(std::string_view, std::uint32_t& subscribed, std::uint32_t& mesh) override {
    subscribed = mesh = 0;
  }
  bool settled(Bytes) override { return true; }
  void peer(int event, const kith_peer& who) override {
    if (event == KITH_PEER_IDENTIFIED) tasks.spawn(graft(*this, to_vector(view(who.id))));
  }

  // RPC: a subscription to "lobby", and control with a GRAFT of it.
  static Task<void> graft(Puppet& self, ByteVector peer) {
    static constexpr const char* kProtocols[] = {kMeshsub};
    static constexpr std::string_view kRpc =
        "\x16\x0a\x09\x08\x01\x12\x05lobby\x1a\x09\x1a\x07\x0a\x05lobby";
    const Bytes whom(peer);
    Pipe stream = co_await open_stream(self.host, whom, kProtocols, 10'000);
    if (!stream) co_return;
    const Bytes rpc = as_bytes(kRpc);
    co_await write_all(stream, rpc);
    co_await stream.readable();  // until the other side is gone
  }
  static Task<void> swallow(Pipe stream) {
    ByteVector room(4'096);
    for (;;) {
      const std::int64_t n = co_await read_some(stream, room);
      if (n <= 0) co_return;
    }
  }

  Scope tasks;
  Op taking =
      host.handle(kMeshsub, [this](Pipe stream) { tasks.spawn(swallow(std::move(stream))); });
};

constinit const kith_plugin kPuppet = detail::entry_of<Puppet>();

const wire::Value* row_of(const Result<wire::Value>& rows, const std::string& peer) {
  for (const wire::Value& row : *rows->list()) {
    if (row.string_or("peer_id") == peer) return &row;
  }
  return nullptr;
}

// Cast: Anna in the middle; Bert, who speaks; Carl, who hears; a puppet. Anna's mesh of four loses
// the puppet, by its score, and nobody else.
TEST(PuppetScene, WhoNeverForwardsIsPruned) {
  play_twice(21, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    node::Node& anna = play.add();
    node::Node& bert = play.add();
    node::Node& carl = play.add();
    node::Node& puppet = play.add(Play::Role{.own = {&kPuppet}, .routes = false});
    for (node::Node* node : {&anna, &bert, &carl}) play.listen(*node, "lobby");
    play.connect(bert, anna);
    play.connect(carl, anna);
    play.connect(puppet, anna);
    play.loop.run_for(3'000'000);
    const auto before = play.call(anna, "gossip.peers", {});
    const std::string id = puppet.setup().identity.peer_id().text();
    const wire::Value* row = row_of(before, id);
    ASSERT_TRUE(row);
    ASSERT_EQ(row->integer_or("mesh", 0), 1) << "it was never in the mesh";
    for (int word = 0; word < 60 * 5; ++word) {
      play.publish(bert, "lobby", fmt::format("word {}", word));
      play.loop.run_for(200'000);
    }
    const auto rows = play.call(anna, "gossip.peers", {});
    row = row_of(rows, id);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->integer_or("mesh", -1), 0);
    EXPECT_LT(*row->find("score")->number(), 0);
    for (node::Node* honest : {&bert, &carl}) {
      const wire::Value* theirs = row_of(rows, honest->setup().identity.peer_id().text());
      ASSERT_TRUE(theirs);
      EXPECT_EQ(theirs->integer_or("mesh", 0), 1);
      EXPECT_GE(*theirs->find("score")->number(), 0);
    }
    EXPECT_EQ(play.heard[2]->texts.size(), 300u);
  });
}

}  // namespace
}  // namespace kith::test
