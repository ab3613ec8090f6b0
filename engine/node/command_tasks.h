// SPDX-License-Identifier: MIT
// What the engine's acting commands do, apart from how they are called: connect, ping, publish,
// listen.
#pragma once
#include "engine/node/node.h"

namespace kith::node {

// Proven, identified, subscriptions exchanged: what a person means by connected. Throws Fault.
Task<wire::Value> connect_to(Node& node, std::string address);
Task<wire::Value> ping_peer(Node& node, std::string peer);
// A peer id in either text form, or an address that ends in one. Throws Fault.
wire::PeerId peer_named(const std::string& text);
// args: topic, and text or data. Throws Fault.
wire::Value publish_message(Node& node, kith_host& engine, const wire::Value& args);
// Parts: first {listening, peers}, then one a message, until the caller goes.
void listen_to(Node& node, kith_host& engine, bus::CallPtr call, const wire::Value& args);

}  // namespace kith::node
