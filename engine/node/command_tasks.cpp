// SPDX-License-Identifier: MIT
#include "engine/node/command_tasks.h"

#include <fmt/core.h>

#include <climits>

#include "engine/wire/encodings.h"
#include "engine/wire/message_value.h"

namespace kith::node {

using wire::Value;

namespace {

constexpr std::uint32_t kConnectMs = 10'000;

wire::Multiaddr address_named(const std::string& text) {
  const auto address = wire::Multiaddr::from_text(text);
  if (address) return *address;
  throw Fault(
      Error(KITH_BAD, fmt::format("'{}' is no multiaddr such as /ip4/192.0.2.1/tcp/4001: {}", text,
                                  address.error().message())));
}

}  // namespace

wire::PeerId peer_named(const std::string& text) {
  if (text.starts_with('/')) {
    const auto address = wire::Multiaddr::from_text(text).value();
    if (const auto peer = address.peer()) return *peer;
    throw Fault(Error(KITH_BAD, fmt::format("'{}' names no peer: end it with /p2p/PEER", text)));
  }
  const auto peer = wire::PeerId::from_text(text);
  if (!peer)
    throw Fault(
        Error(KITH_BAD, fmt::format("'{}' is no peer id: {}", text, peer.error().message())));
  return *peer;
}

Task<Value> connect_to(Node& node, std::string text) {
  Loop& loop = node.loop();
  const wire::Multiaddr address = address_named(text);
  const std::uint64_t until_us = loop.now_us() + kConnectMs * 1'000ull;
  const wire::PeerId expected = address.peer().value_or(wire::PeerId());
  std::vector<wire::Multiaddr> addresses(1, address);
  net::Connection* connection =
      co_await node.swarm().connect(expected, std::move(addresses), kConnectMs);
  const wire::PeerId peer = connection->peer();
  node.swarm().peers().hint(peer, address.without_peer());
  node.swarm().keep(peer);
  while (!node.topics().settled(peer.bytes()) && loop.now_us() < until_us) {
    Nap nap(loop, 5'000);
    co_await nap;
  }
  // Streams of one connection arrive in order: once a ping is back, so are the subscriptions that
  // left before it.
  try {
    co_await node.ping().ping(peer);
  } catch (const Fault& fault) {
    node.log().debug("no ping after connect peer={} err={}", peer.short_text(), fault.what());
  }
  Value result;
  result["peer_id"] = peer.text();
  net::Connection* best = node.swarm().best(peer);
  result["address"] = best ? best->remote().text() : address.without_peer().text();
  co_return result;
}

Task<Value> ping_peer(Node& node, std::string text) {
  const wire::PeerId peer = peer_named(text);
  if (!node.swarm().best(peer)) {
    throw Fault(Error(KITH_ABSENT, fmt::format("not connected to {}: kith connect MULTIADDR first",
                                               peer.text())));
  }
  const std::uint64_t us = co_await node.ping().ping(peer);
  Value result;
  result["peer_id"] = peer.text();
  result["rtt_us"] = us;
  co_return result;
}

// `publish TOPIC TEXT`, or data = bytes as they are.
Value publish_message(Node& node, kith_host& engine, const Value& args) {
  const Value* data = args.find("data");
  const Value* words = args.find("text");
  Bytes bytes;
  if (data && data->bytes()) {
    bytes = Bytes(*data->bytes());
  } else if (words && words->string()) {
    bytes = as_bytes(*words->string());
  } else {
    throw Fault(Error(KITH_BAD, "nothing to publish: give TEXT, or - and the message on stdin"));
  }
  const auto published =
      node.topics().publish(engine.owner, args.string_or("topic"), bytes).value();
  Value result;
  result["id"] = wire::to_hex(published.id);
  result["peers"] = static_cast<std::int64_t>(published.peers);
  return result;
}

void listen_to(Node& node, kith_host& engine, bus::CallPtr call, const Value& args) {
  const std::string topic = args.string_or("topic");
  const bool is_pattern = topic.find_first_of("+#") != std::string::npos;
  bus::Bus& bus = node.bus();
  if (!is_pattern) node.topics().join(engine.owner, topic).value();
  const auto id = bus.on(engine.owner, "message/" + topic, INT_MAX, KITH_ON_OWN,
                         [call](const kith_event& event) {
                           if (event.message) call->part(wire::message_value(*event.message));
                           return KITH_PASS;
                         });
  call->on_cancel([&node, &engine, &bus, id, topic, is_pattern] {
    bus.off(id);
    if (!is_pattern) node.topics().leave(engine.owner, topic);
  });
  Value notice;
  notice["listening"] = topic;
  notice["peers"] = std::int64_t{node.topics().peers_of(topic).first};
  call->part(notice);
}

}  // namespace kith::node
