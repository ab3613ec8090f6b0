// SPDX-License-Identifier: MIT
#include "engine/net/swarm.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/net/swarm_live.h"

namespace kith::net {
namespace {

wire::Multiaddr address_of(kith_bytes bytes) {
  auto address = wire::Multiaddr::from_bytes(view(bytes));
  return address ? address->without_peer() : wire::Multiaddr();
}

}  // namespace

class Swarm::Upgrading {
 public:
  Upgrading(Swarm& swarm, std::string ip) : swarm_(swarm), ip_(std::move(ip)) {
    ++swarm_.upgrading_[""];
    if (!ip_.empty()) ++swarm_.upgrading_[ip_];
  }
  Upgrading(const Upgrading&) = delete;
  Upgrading& operator=(const Upgrading&) = delete;
  ~Upgrading() {
    leave("");
    if (!ip_.empty()) leave(ip_);
  }
  static bool has_room(const Swarm& swarm, const std::string& ip) {
    const auto count = [&](const std::string& key) {
      const auto at = swarm.upgrading_.find(key);
      return at == swarm.upgrading_.end() ? 0 : at->second;
    };
    return count("") < limits::kPendingUpgradesMax &&
           (ip.empty() || count(ip) < limits::kPendingUpgradesPerIpMax);
  }

 private:
  void leave(const std::string& key) {
    const auto at = swarm_.upgrading_.find(key);
    if (--at->second == 0) swarm_.upgrading_.erase(at);
  }
  Swarm& swarm_;
  const std::string ip_;
};

Swarm::Swarm(Shared& shared)
    : shared_(shared),
      log_(shared.log.in("net")),
      transports_(
          [this](Pipe link, const wire::Multiaddr& bound) { arrived(std::move(link), bound); }),
      connections_max_(limits::kConnectionsMax),
      connections_per_peer_max_(limits::kConnectionsPerPeerMax),
      burial_(kith_done{
          [](void* self, std::int64_t, const void*) { static_cast<Swarm*>(self)->bury(); }, this}),
      dialer_(shared, peers_, gate_, *this),
      keeper_(shared, dialer_),
      upgrades_([this](const std::exception& why) {
        log_.debug("inbound link refused err={}", why.what());
      }) {}

Swarm::~Swarm() {
  observers_.clear();
  handlers_.clear();
  for (const auto& live : lives_) live->open = false;
}

// ---- transports and listening

Result<void> Swarm::add_transport(const kith_transport* ops, void* me, Transports::Why why) {
  return transports_.add(ops, me, std::move(why));
}

void Swarm::remove_transport(void* me) {
  const std::size_t before = transports_.bound().size();
  transports_.remove(me);
  if (transports_.bound().size() != before)
    tell([](SwarmObserver& observer) { observer.on_listening(); });
}

Result<wire::Multiaddr> Swarm::listen(const wire::Multiaddr& address) {
  auto bound = transports_.listen(address);
  if (!bound) return bound;
  log_.debug("listening addr={}", bound->text());
  tell([](SwarmObserver& observer) { observer.on_listening(); });
  return bound;
}

std::vector<wire::Multiaddr> Swarm::listen_addresses() const { return transports_.bound(); }

// ---- from link to connection

void Swarm::arrived(Pipe link, const wire::Multiaddr& bound) {
  const kith_pipe_info info = link.info();
  UpgradeRequest request;
  request.remote = address_of(info.remote);
  request.local = address_of(info.local);
  if (request.local.empty()) request.local = bound;
  std::string ip = request.remote.is_private() ? "" : request.remote.host();
  if (retired_ || !gate_.admits_address(request.remote) || !Upgrading::has_room(*this, ip)) {
    log_.debug("inbound link refused addr={}", request.remote.text());
    return;
  }
  request.link = std::move(link);
  upgrades_.spawn(accept(std::move(request), std::move(ip)));
}

Task<void> Swarm::accept(UpgradeRequest request, std::string ip) {
  const Upgrading place(*this, std::move(ip));
  auto made = co_await upgrade(shared_, std::move(request));
  admit(std::move(made));
}

Task<Connection*> Swarm::reach(wire::PeerId expected, wire::Multiaddr address,
                               std::string dns_name) {
  UpgradeRequest request;
  request.dialed = true;
  request.remote = address;
  if (!expected.empty()) request.expected = expected;
  Pipe link = co_await transports_.dial(std::move(address), std::move(dns_name));
  request.link = std::move(link);
  request.local = address_of(request.link.info().local);
  auto made = co_await upgrade(shared_, std::move(request));
  co_return &admit(std::move(made));
}

Result<void> Swarm::judge(const Connection& connection) {
  const wire::PeerId& peer = connection.peer();
  if (peer == shared_.identity.peer_id()) return net_error::dialed_self;
  if (!gate_.admits(peer, connection.remote(), connection.dialed()))
    return Error(net_error::gate_refused, peer.text());
  if (lives_.size() >= connections_max_) return Error(net_error::limit, "too many connections");
  const auto peered = peered_.find(peer);
  if (peered != peered_.end() && peered->second.lives.size() >= connections_per_peer_max_)
    return Error(net_error::limit, "too many connections to " + peer.text());
  return {};
}

Connection& Swarm::admit(std::unique_ptr<Connection> made) {
  const auto judged = judge(*made);
  if (!judged) {
    buried_.push_back(std::make_unique<Live>(*this, std::move(made), 0));
    Live& refused = *buried_.back();
    refused.connection->listen(refused);
    refused.connection->close(judged.error().message());
    shared_.loop.start(burial_, 0);
    throw Fault(judged.error());
  }
  lives_.push_back(std::make_unique<Live>(*this, std::move(made), ++last_serial_));
  Live& live = *lives_.back();
  Connection& connection = *live.connection;
  const wire::PeerId peer = connection.peer();
  peered_[peer].lives.push_back(&live);
  peered_[peer].refused.reset();
  PeerRecord& record = peers_.get(peer);
  ++record.connections;
  record.last_useful_us = shared_.loop.now_us();
  log_.debug("connected peer={} addr={} dialed={}", peer.short_text(), connection.remote().text(),
             connection.dialed());
  connection.listen(live);
  keeper_.connected(peer);
  tell([&](SwarmObserver& observer) { observer.on_connected(connection); });
  dialer_.arrived(peer);
  return connection;
}

void Swarm::closed(Live& live, std::string_view why) {
  if (!live.open || live.serial == 0) return;
  live.open = false;
  Connection& connection = *live.connection;
  const wire::PeerId peer = connection.peer();
  log_.debug("disconnected peer={} why={}", peer.short_text(), why);
  const auto at = std::find_if(lives_.begin(), lives_.end(),
                               [&](const auto& each) { return each.get() == &live; });
  buried_.splice(buried_.end(), lives_, at);
  shared_.loop.start(burial_, 0);

  PeerRecord& record = peers_.get(peer);
  --record.connections;
  record.last_useful_us = shared_.loop.now_us();
  const auto peered = peered_.find(peer);
  std::erase(peered->second.lives, &live);
  const bool last = peered->second.lives.empty();
  const bool was_identified = std::exchange(record.identified, record.identified && !last);
  auto orphaned = last ? peered_.extract(peered) : decltype(peered_)::node_type();
  if (last) keeper_.disconnected(peer, shared_.loop.now_us() - connection.opened_us());
  tell([&](SwarmObserver& observer) { observer.on_disconnected(connection); });
  if (!last) return;
  if (was_identified) {
    const PeerRecord gone = peers_.get(peer);
    tell([&](SwarmObserver& observer) { observer.on_peer(KITH_PEER_GONE, gone); });
  }
  orphaned.mapped().identified.answer(Error(net_error::closed, std::string(why)));
}

// A connection is never destroyed from inside one of its own calls.
void Swarm::bury() {
  const auto ended = std::move(buried_);
  buried_.clear();
}

// ---- connections

Task<Connection*> Swarm::dial(wire::PeerId peer, std::vector<wire::Multiaddr> addresses) {
  co_return co_await dial_within(peer, std::move(addresses), 0);
}

Task<Connection*> Swarm::dial_within(wire::PeerId peer, std::vector<wire::Multiaddr> addresses,
                                     std::uint64_t us) {
  const wire::PeerId meant = Dialer::meant(peer, addresses).value();
  Connection* open = best(meant);
  if (open) co_return open;
  if (retired_) throw Fault(net_error::closed);
  Dialer::Line* line = dialer_.start(meant, addresses).value();
  Dialer::Line::Wait wait(*line, shared_.loop, us);
  auto answer = co_await wait;
  if (!answer) throw Fault(Error(net_error::timeout, "still dialing " + meant.text()));
  co_return std::move(*answer).value();
}

Task<Connection*> Swarm::connect(wire::PeerId peer, std::vector<wire::Multiaddr> addresses,
                                 std::uint32_t ms) {
  const std::uint64_t until_us = shared_.loop.now_us() + std::uint64_t{ms} * 1000;
  const std::uint64_t limit_us = std::max<std::uint64_t>(1, std::uint64_t{ms} * 1000);
  Connection* open = co_await dial_within(peer, std::move(addresses), limit_us);
  const wire::PeerId proven = open->peer();
  if (peers_.get(proven).identified) co_return open;
  const std::uint64_t now_us = shared_.loop.now_us();
  const std::uint64_t left_us = until_us > now_us ? until_us - now_us : 1;
  Peered& peered = peered_[proven];
  if (peered.refused) throw Fault(*peered.refused);
  Dialer::Line::Wait wait(peered.identified, shared_.loop, left_us);
  auto answer = co_await wait;
  if (!answer)
    throw Fault(Error(net_error::timeout, proven.text() + " has not said who it is (identify)"));
  co_return std::move(*answer).value();
}

void Swarm::keep(const wire::PeerId& peer) {
  if (retired_) return;
  peers_.get(peer).kept = true;
  keeper_.keep(peer, best(peer) != nullptr);
}

void Swarm::unkeep(const wire::PeerId& peer) {
  keeper_.unkeep(peer);
  if (PeerRecord* record = peers_.find(peer)) record->kept = false;
}

void Swarm::disconnect(const wire::PeerId& peer, std::string_view why) {
  unkeep(peer);
  dialer_.cancel(peer);
  const auto peered = peered_.find(peer);
  if (peered == peered_.end()) return;
  const auto lives = peered->second.lives;
  for (Live* live : lives) live->connection->close(why);
}

Connection* Swarm::best(const wire::PeerId& peer) {
  const auto peered = peered_.find(peer);
  if (peered == peered_.end()) return nullptr;
  Connection* limited = nullptr;
  for (Live* live : peered->second.lives) {
    if (live->connection->closed()) continue;
    if (!live->connection->limited()) return live->connection.get();
    if (!limited) limited = live->connection.get();
  }
  return limited;
}

std::vector<Connection*> Swarm::connections() const {
  std::vector<Connection*> all;
  for (const auto& live : lives_) all.push_back(live->connection.get());
  return all;
}

void Swarm::limit(std::size_t connections, std::size_t connections_per_peer) {
  connections_max_ = connections;
  connections_per_peer_max_ = connections_per_peer;
}

void Swarm::retire(std::string_view why) {
  retired_ = true;
  transports_.end_listening();  // and with it the links that a listener still makes of others
  keeper_.clear();
  dialer_.cancel_all();
  upgrades_.clear();
  for (Connection* connection : connections()) connection->close(why);
}

void Swarm::end(std::string_view why) {
  retire(why);
  while (!lives_.empty()) closed(*lives_.front(), why);
  bury();
}

bool Swarm::idle() const {
  return lives_.empty() && buried_.empty() && upgrades_.empty() && dialer_.idle();
}

Swarm::Live* Swarm::find(const Connection& connection) {
  const auto peered = peered_.find(connection.peer());
  if (peered == peered_.end()) return nullptr;
  for (Live* live : peered->second.lives) {
    if (live->connection.get() == &connection) return live;
  }
  return nullptr;
}

Swarm::Live* Swarm::find(const wire::PeerId& peer, std::uint64_t serial) {
  const auto peered = peered_.find(peer);
  if (peered == peered_.end()) return nullptr;
  for (Live* live : peered->second.lives) {
    if (live->serial == serial) return live;
  }
  return nullptr;
}

}  // namespace kith::net
