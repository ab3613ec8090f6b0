// SPDX-License-Identifier: MIT
#include "engine/protocols/identify.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/protocols/judge_identify.h"
#include "engine/protocols/signed_record.h"

namespace kith::protocols {
namespace {

constexpr const char* kIdentify = "/ipfs/id/1.0.0";
constexpr const char* kPush = "/ipfs/id/push/1.0.0";
constexpr const char* kProtocolVersion = "ipfs/0.1.0";

wire::PeerId peer_of(const Pipe& stream) {
  return wire::PeerId::from_bytes(view(stream.info().peer)).value();
}

// Everything up to the FIN, under the deadline that stands on the stream.
Task<wire::IdentifyMessage> read_message(Pipe& stream) {
  ByteVector bytes;
  for (;;) {
    std::uint8_t piece[2048];
    const std::int64_t n = co_await read_some(stream, piece);
    if (n < 0) throw Fault(Error(static_cast<kith_err>(n), "while reading identify"));
    if (n == 0) break;
    append(bytes, Bytes(piece, static_cast<std::size_t>(n)));
    if (bytes.size() > limits::kIdentifyBytesMax)
      throw Fault(Error(KITH_LIMIT, "identify is too long"));
  }
  co_return wire::read_identify_frames(bytes).value();
}

Task<void> write_message(Pipe& stream, ByteVector message) {
  stream.deadline(KITH_RD | KITH_WR, limits::kIdentifyMs);
  const int error = co_await write_all(stream, message);
  if (error < 0) throw Fault(Error(static_cast<kith_err>(error), "while writing identify"));
  stream.close();
}

}  // namespace

Identify::Asking::Asking(Identify& given, net::Connection& asked)
    : owner(given),
      connection(&asked),
      peer(asked.peer()),
      scope([this](const std::exception& why) { owner.failed(*this, why); }) {}

Identify::Identify(net::Swarm& swarm, About about)
    : swarm_(swarm),
      about_(std::move(about)),
      log_(swarm.shared().log.in("identify")),
      serving_(limits::kIdentifyStreamsPerPeerMax),
      hearing_(limits::kIdentifyStreamsPerPeerMax),
      scope_(
          [this](const std::exception& why) { log_.debug("stream failed err={}", why.what()); }) {
  push_timer_.done = kith_done{
      [](void* self, std::int64_t, const void*) { static_cast<Identify*>(self)->push_all(); },
      this};
  push_more_timer_.done = kith_done{
      [](void* self, std::int64_t, const void*) { static_cast<Identify*>(self)->push_more(); },
      this};
  reap_timer_.done = kith_done{
      [](void* self, std::int64_t, const void*) { static_cast<Identify*>(self)->reap(); }, this};
  swarm_
      .handle(kIdentify,
              [this](Pipe stream) {
                const wire::PeerId peer = peer_of(stream);
                if (auto place = serving_.take(peer))
                  scope_.spawn(answer(std::move(stream), std::move(*place)));
              })
      .value();
  swarm_
      .handle(kPush,
              [this](Pipe stream) {
                const wire::PeerId peer = peer_of(stream);
                if (auto place = hearing_.take(peer))
                  scope_.spawn(hear_push(std::move(stream), std::move(*place)));
              })
      .value();
  swarm_.observe(*this);
  refresh();
}

Identify::~Identify() {
  swarm_.unobserve(*this);
  swarm_.unhandle(kIdentify);
  swarm_.unhandle(kPush);
}

std::vector<wire::Multiaddr> Identify::addresses() const {
  std::vector<std::string> interfaces;
  if (about_.interfaces) interfaces = about_.interfaces();
  std::vector<wire::Multiaddr> all;
  const auto add = [&](const wire::Multiaddr& address) {
    if (all.size() < limits::kIdentifyAddressesMax &&
        std::find(all.begin(), all.end(), address) == all.end())
      all.push_back(address);
  };
  for (const wire::Multiaddr& bound : swarm_.listen_addresses()) {
    if (!bound.is_unspecified()) {
      add(bound);
      continue;
    }
    for (const std::string& ip : interfaces) {
      const bool v6 = ip.find(':') != std::string::npos;
      if (v6 == bound.has("ip6")) add(bound.with_ip(ip));
    }
  }
  return all;
}

// ---- asking

void Identify::on_connected(net::Connection& connection) {
  asking_.push_back(std::make_unique<Asking>(*this, connection));
  Asking& asking = *asking_.back();
  asking.scope.spawn(ask(asking));
}

// The stream has been reset, which ends the asking by itself.
void Identify::on_disconnected(net::Connection& connection) {
  for (const auto& asking : asking_) {
    if (asking->connection == &connection) asking->connection = nullptr;
  }
}

Task<void> Identify::ask(Asking& asking) {
  Identify& self = asking.owner;
  Loop& loop = self.swarm_.shared().loop;
  const std::uint64_t until_us = loop.now_us() + std::uint64_t{limits::kIdentifyMs} * 1000;
  std::vector<std::string> protocols(1, kIdentify);
  Pipe stream =
      co_await self.swarm_.open_on(*asking.connection, std::move(protocols), limits::kIdentifyMs);
  const std::uint64_t left_ms = (until_us - std::min(until_us, loop.now_us())) / 1000;
  stream.deadline(KITH_RD | KITH_WR,
                  static_cast<std::uint32_t>(std::max<std::uint64_t>(1, left_ms)));
  auto message = co_await read_message(stream);
  stream.close();
  auto judged = judge_identify(std::move(message), asking.peer, false).value();
  if (!judged.record_refused.empty())
    self.log_.debug("signed record set aside peer={} why={}", asking.peer.short_text(),
                    judged.record_refused);
  if (judged.observed) self.swarm_.observed(*judged.observed);
  if (asking.connection) self.swarm_.identified(*asking.connection, std::move(judged.what));
  asking.done = true;
  loop.start(self.reap_timer_, 0);
}

void Identify::failed(Asking& asking, const std::exception& why) {
  log_.debug("identify failed peer={} err={}", asking.peer.short_text(), why.what());
  asking.done = true;
  swarm_.shared().loop.start(reap_timer_, 0);
  if (asking.connection) {
    const Error error(KITH_BAD, std::string("identify failed: ") + why.what());
    swarm_.not_identified(*asking.connection, error);
  }
}

void Identify::reap() {
  std::erase_if(asking_, [](const auto& asking) { return asking->done; });
}

// ---- answering

Task<void> Identify::answer(Pipe stream, Taken::Place place) {
  const Taken::Place held = std::move(place);
  refresh();
  told_[peer_of(stream)] = own_.version;
  const auto remote = wire::Multiaddr::from_bytes(view(stream.info().remote));
  ByteVector message = message_for(remote ? *remote : wire::Multiaddr(), false);
  co_await write_message(stream, std::move(message));
}

// A push has neither a key nor how the peer is seen, as js sends it.
ByteVector Identify::message_for(const wire::Multiaddr& observed, bool pushed) const {
  wire::IdentifyMessage message;
  message.protocol_version = kProtocolVersion;
  message.agent_version = about_.agent;
  message.protocols = own_.protocols;
  for (const wire::Multiaddr& address : own_.addresses)
    message.listen_addresses.push_back(to_vector(address.bytes()));
  message.signed_peer_record = own_.record;
  if (!pushed) {
    message.public_key = to_vector(swarm_.shared().identity.public_key());
    const wire::Multiaddr bare = observed.without_peer();
    if (!bare.empty()) message.observed_address = to_vector(bare.bytes());
  }
  return wire::frame_identify(message);
}

bool Identify::refresh() {
  auto protocols = swarm_.protocols();
  auto reachable = addresses();
  if (own_.version > 0 && protocols == own_.protocols && reachable == own_.addresses) return false;
  if (own_.version == 0 || reachable != own_.addresses) {
    own_.seq = std::max(swarm_.shared().loop.wall_us(), own_.seq + 1);
    own_.record = sign_record(swarm_.shared().identity, own_.seq, reachable);
  }
  own_.protocols = std::move(protocols);
  own_.addresses = std::move(reachable);
  ++own_.version;
  return true;
}

// ---- push

void Identify::changed() {
  if (refresh() && !push_timer_.armed())
    swarm_.shared().loop.start(push_timer_, std::uint64_t{limits::kPushDelayMs} * 1000);
}

void Identify::on_peer(int event, const net::PeerRecord& record) {
  if (event == KITH_PEER_GONE) {
    told_.erase(record.id);
  } else if (!push_timer_.armed()) {
    push_to(record);
  }
}

// To a peer that listens for it and has not heard the latest.
void Identify::push_to(const net::PeerRecord& record) {
  const auto told = told_.find(record.id);
  if (!record.identified || told == told_.end() || told->second == own_.version) return;
  const auto& speaks = record.protocols;
  if (std::find(speaks.begin(), speaks.end(), kPush) == speaks.end()) return;
  told->second = own_.version;
  to_push_.push_back(record.id);
  push_more();
}

void Identify::push_all() {
  refresh();
  for (const auto& [peer, version] : std::map(told_)) {
    if (const net::PeerRecord* record = swarm_.peers().find(peer)) push_to(*record);
  }
}

void Identify::push_more() {
  while (!to_push_.empty() && pushing_ < limits::kPushesMax) {
    const wire::PeerId peer = to_push_.front();
    to_push_.pop_front();
    scope_.spawn(push(peer));
  }
}

Task<void> Identify::push(wire::PeerId peer) {
  const Pushing counted(*this);
  std::vector<std::string> protocols(1, kPush);
  Pipe stream = co_await swarm_.open(peer, std::move(protocols), limits::kIdentifyMs);
  ByteVector message = message_for(wire::Multiaddr(), true);
  co_await write_message(stream, std::move(message));
}

Task<void> Identify::hear_push(Pipe stream, Taken::Place place) {
  const Taken::Place held = std::move(place);
  const wire::PeerId peer = peer_of(stream);
  stream.deadline(KITH_RD | KITH_WR, limits::kIdentifyMs);
  auto message = co_await read_message(stream);
  stream.close();
  auto judged = judge_identify(std::move(message), peer, true).value();
  net::Connection* connection = swarm_.best(peer);
  if (connection) swarm_.identified(*connection, std::move(judged.what));
}

}  // namespace kith::protocols
