// SPDX-License-Identifier: MIT
// FakeNet: some nodes on one VirtualLoop, each with a small kith_host of its own. A node either
// runs a Gossipsub, or is a Scripted peer that says what a test lets it say and keeps what it
// hears.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "engine/crypto/keys.h"
#include "plugins/routers/gossipsub/gossipsub.h"
#include "tests/plugins/gossipsub_stream.h"

namespace kith::test {

class FakeNet;

struct FakeOp {
  virtual ~FakeOp() = default;
};

class FakeNode {
 public:
  FakeNode(FakeNet& given_net, std::uint8_t seed);
  kith_host* raw() { return reinterpret_cast<kith_host*>(this); }
  static FakeNode& of(kith_host* host) { return *reinterpret_cast<FakeNode*>(host); }
  Host host();
  Bytes id() const { return identity.peer_id().bytes(); }
  std::vector<std::string> protocols() const;

  FakeNet& net;
  crypto::Identity identity;
  std::map<std::string, kith_done> handlers;
  std::map<kith_op*, std::unique_ptr<FakeOp>> ops;
  std::vector<std::string> log;
  std::string agent = "kith/0.1.0", address = "/ip4/127.0.0.1/tcp/4001";
  double app_score = 0;

  // What the node's apps heard, and how they judge.
  struct Heard {
    std::string topic, text;
    ByteVector id, from, via;
    std::uint64_t seqno;
  };
  std::vector<Heard> heard;
  std::size_t verified = 0;
  std::function<int(const Heard&, std::uint64_t ticket)> judge = [](const Heard&, std::uint64_t) {
    return KITH_PASS;
  };
  std::function<void(kith_call*, kith_bytes)> command;
  ByteVector command_answer;

  std::unique_ptr<gossip::Gossipsub> router;
};

class FakeNet {
 public:
  explicit FakeNet(std::uint64_t seed) : loop(seed) {}
  ~FakeNet() {
    for (auto& node : nodes) node->router.reset();
  }

  FakeNode& add() {
    nodes.push_back(std::make_unique<FakeNode>(*this, static_cast<std::uint8_t>(nodes.size() + 1)));
    return *nodes.back();
  }
  FakeNode& add_router(const wire::Value& options = {}) {
    FakeNode& node = add();
    node.router = std::make_unique<gossip::Gossipsub>(node.host());
    const ByteVector body =
        wire::encode_cbor(options.is_null() ? wire::Value(wire::Value::Map()) : options);
    const auto judged = node.router->configure(body, true);
    EXPECT_TRUE(judged) << (judged ? "" : judged.error().message());
    return node;
  }
  FakeNode* find(Bytes id) {
    for (auto& node : nodes)
      if (equal(node->id(), id)) return node.get();
    return nullptr;
  }
  bool linked(const FakeNode& a, const FakeNode& b) const {
    return links.contains({&a, &b}) || links.contains({&b, &a});
  }
  // a dials b.
  void connect(FakeNode& a, FakeNode& b) {
    links.insert({&a, &b});
    tell(a, b, KITH_PEER_IDENTIFIED, KITH_PIPE_DIALED);
    tell(b, a, KITH_PEER_IDENTIFIED, 0);
  }
  void disconnect(FakeNode& a, FakeNode& b) {
    links.erase({&a, &b});
    links.erase({&b, &a});
    tell(a, b, KITH_PEER_GONE, 0);
    tell(b, a, KITH_PEER_GONE, 0);
  }
  void tell(FakeNode& to, FakeNode& of, int event, std::uint32_t flags) {
    if (!to.router) return;
    describe(of, flags, [&](const kith_peer& peer) { to.router->peer(event, peer); });
  }
  static void describe(FakeNode& of, std::uint32_t flags,
                       const std::function<void(const kith_peer&)>& fn) {
    const auto names = of.protocols();
    std::vector<kith_bytes> views;
    for (const auto& name : names) views.push_back(c_bytes(std::string_view(name)));
    const auto address = wire::Multiaddr::from_text(of.address);
    kith_peer peer{};
    peer.size = sizeof peer;
    peer.flags = flags;
    peer.id = c_bytes(of.id());
    peer.addr = c_bytes(address->bytes());
    peer.agent = c_bytes(std::string_view(of.agent));
    peer.protocols = views.data();
    peer.n_protocols = views.size();
    peer.app_score = of.app_score;
    fn(peer);
  }
  void connect_all() {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) connect(*nodes[i], *nodes[j]);
  }
  void run_ms(std::uint64_t ms) { loop.run_for(ms * 1000); }

  sim::VirtualLoop loop;
  std::uint64_t delay_us = 1'000;
  std::vector<std::unique_ptr<FakeNode>> nodes;
  std::set<std::pair<const FakeNode*, const FakeNode*>> links;  // looked up, never walked
};

// A peer that speaks by hand. It hears RPCs on every stream that is opened to it.
class Scripted {
 public:
  Scripted(FakeNet& net, FakeNode& node, std::vector<std::string> protocols = {"/meshsub/1.1.0"});

  // Opens a stream to the router and sends from then on.
  void open(FakeNode& to, std::string protocol = "/meshsub/1.1.0");
  void say(const gossip::Rpc& rpc);
  void say_bytes(Bytes bytes) { outbound_.write(bytes); }
  void subscribe(std::string_view topic);
  void graft(std::string_view topic);
  ByteVector signed_message(std::string_view topic, std::string_view text, std::uint64_t seqno);
  void send_message(Bytes message);
  bool is_open() {
    Bytes seen;
    return outbound_ && outbound_.peek(seen) == KITH_AGAIN;
  }

  // What it heard, in words: "sub lobby", "graft lobby", "message hello", "ihave 2", ...
  std::vector<std::string> heard;
  std::vector<ByteVector> ids;  // of IHAVE, IWANT and IDONTWANT
  std::size_t count(std::string_view fact) const {
    return static_cast<std::size_t>(std::count(heard.begin(), heard.end(), fact));
  }
  bool deaf = false;  // reads nothing
  std::function<void(const gossip::Rpc&)> on_rpc = [](const gossip::Rpc&) {};

  FakeNode& node;

 private:
  void listen();
  void hear(const gossip::Rpc& rpc);
  static void accepted(void* self, std::int64_t r, const void* stream);
  static void readable(void* self, std::int64_t r, const void*);

  FakeNet& net_;
  Pipe outbound_, inbound_;
  ByteVector partial_;
};

}  // namespace kith::test
