// SPDX-License-Identifier: MIT
// The Swarm's streams and what it knows of peers: protocols, negotiation, identify, observers.
#include <algorithm>

#include "engine/base/limits.h"
#include "engine/net/multistream.h"
#include "engine/net/swarm_live.h"

namespace kith::net {

// ---- protocols

Result<void> Swarm::handle(std::string protocol, StreamHandler handler) {
  intern(protocol);
  const auto [at, is_new] = handlers_.try_emplace(std::move(protocol), std::move(handler));
  if (!is_new) return Error(KITH_REFUSED, at->first + " is handled already");
  tell([](SwarmObserver& observer) { observer.on_protocols(); });
  return {};
}

void Swarm::unhandle(std::string_view protocol) {
  const auto at = handlers_.find(protocol);
  if (at == handlers_.end()) return;
  handlers_.erase(at);
  tell([](SwarmObserver& observer) { observer.on_protocols(); });
}

std::vector<std::string> Swarm::protocols() const {
  std::vector<std::string> names;
  for (const auto& [name, handler] : handlers_) names.push_back(name);
  return names;
}

std::string_view Swarm::intern(std::string_view protocol) {
  const auto at = names_.find(protocol);
  return at != names_.end() ? *at : *names_.emplace(protocol).first;
}

void Swarm::Live::on_stream(Pipe stream) {
  if (!open || serial == 0 || negotiating.size() >= limits::kStreamsNegotiatingMax) return;
  negotiating.spawn(negotiate(*this, std::move(stream)));
}

Task<void> Swarm::negotiate(Live& live, Pipe stream) {
  Swarm& swarm = live.swarm;
  const std::function<bool(std::string_view)> known = [&swarm](std::string_view protocol) {
    return swarm.handlers_.contains(protocol);
  };
  stream.deadline(KITH_RD | KITH_WR, limits::kNegotiateStreamMs);
  const std::string protocol = co_await answer_protocol(stream, known);
  stream.deadline(KITH_RD | KITH_WR, 0);
  const auto handled = swarm.handlers_.find(protocol);
  if (handled == swarm.handlers_.end()) throw Fault(net_error::no_common_protocol);
  live.connection->name_stream(stream.get(), swarm.intern(protocol));
  const StreamHandler handler = handled->second;  // it may be taken back while it runs
  handler(std::move(stream));
}

Task<Pipe> Swarm::open(wire::PeerId peer, std::vector<std::string> protocols, std::uint32_t ms) {
  Connection* connection = best(peer);
  if (!connection) throw Fault(Error(net_error::closed, "not connected to " + peer.text()));
  co_return co_await open_on(*connection, std::move(protocols), ms);
}

Task<Pipe> Swarm::open_on(Connection& connection, std::vector<std::string> protocols,
                          std::uint32_t ms) {
  const Live* live = find(connection);
  if (!live) throw Fault(net_error::closed);
  if (protocols.empty()) throw Fault(Error(KITH_BAD, "no protocol is named"));
  const std::uint64_t serial = live->serial;
  const wire::PeerId peer = connection.peer();
  Pipe stream = connection.open_stream().value();
  stream.deadline(KITH_RD | KITH_WR, ms);
  const std::vector<std::string_view> names(protocols.begin(), protocols.end());
  const std::span<const std::string_view> proposals(names);
  const std::size_t chosen = co_await select_protocol(stream, proposals);
  stream.deadline(KITH_RD | KITH_WR, 0);
  Live* still = find(peer, serial);
  if (!still) throw Fault(net_error::closed);
  still->connection->name_stream(stream.get(), intern(protocols.at(chosen)));
  co_return std::move(stream);
}

// ---- observers

void Swarm::observe(SwarmObserver& observer) { observers_.push_back(&observer); }

void Swarm::unobserve(SwarmObserver& observer) {
  const auto at = std::find(observers_.begin(), observers_.end(), &observer);
  if (at == observers_.end()) return;
  if (telling_ > 0) {
    *at = nullptr;
  } else {
    observers_.erase(at);
  }
}

// ---- identify

void Swarm::identified(Connection& connection, Identified what) {
  if (!find(connection)) return;
  const wire::PeerId peer = connection.peer();
  PeerRecord& record = peers_.get(peer);
  const bool says_protocols = !what.push || !what.protocols.empty();
  const bool changes = says_protocols && record.protocols != what.protocols;
  if (!what.push || !what.agent.empty()) record.agent = std::move(what.agent);
  if (!what.push || !what.protocol_version.empty())
    record.protocol_version = std::move(what.protocol_version);
  if (changes) record.protocols = std::move(what.protocols);
  const bool outdated = !what.record.empty() && what.record_seq < record.record_seq;
  const bool is_signed = !what.record.empty();
  if (is_signed && !outdated) {
    record.record = std::move(what.record);
    record.record_seq = what.record_seq;
  }
  // Signed addresses give way to newer signed ones only.
  const bool weaker = outdated || (!is_signed && !record.record.empty());
  if (!what.addresses.empty() && !weaker) Peers::named(record, what.addresses);
  record.last_useful_us = shared_.loop.now_us();

  const bool first = !what.push && !record.identified;
  if (first) record.identified = true;
  if (!record.identified || (!first && !changes)) return;
  log_.debug("identified peer={} protocols={}", peer.short_text(), record.protocols.size());
  const PeerRecord told = record;
  const int event = first ? KITH_PEER_IDENTIFIED : KITH_PEER_UPDATED;
  tell([&](SwarmObserver& observer) { observer.on_peer(event, told); });
  const auto peered = peered_.find(peer);
  Connection* open = best(peer);
  if (peered != peered_.end() && open) peered->second.identified.answer(open);
}

void Swarm::not_identified(Connection& connection, const Error& why) {
  const auto peered = peered_.find(connection.peer());
  if (peered == peered_.end()) return;
  peered->second.refused = why;
  peered->second.identified.answer(why);
}

void Swarm::observed(const wire::Multiaddr& address) {
  if (std::find(observed_.begin(), observed_.end(), address) != observed_.end()) return;
  if (observed_.size() >= limits::kObservedAddressesMax) observed_.erase(observed_.begin());
  observed_.push_back(address);
}

}  // namespace kith::net
