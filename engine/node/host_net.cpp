// SPDX-License-Identifier: MIT
// kith.streams/1, kith.peers/1 and kith.gate/1 over the swarm.
#include "engine/node/host_task.h"

namespace kith::node {

namespace {

Result<wire::PeerId> peer_of(kith_bytes id) {
  if (id.n == 0) return wire::PeerId();
  return wire::PeerId::from_bytes(view(id));
}

class OpenOp final : public TaskOp {
 public:
  OpenOp(kith_host* host, kith_done done, wire::PeerId peer, std::vector<std::string> protocols,
         std::uint32_t ms)
      : TaskOp(host, done), peer_(peer), protocols_(std::move(protocols)), ms_(ms) {}
  static kith_op* begin(kith_host* host, kith_bytes peer, const char* const* protocols,
                        std::size_t n, std::uint32_t ms, kith_done done) {
    std::vector<std::string> names(protocols, protocols + n);
    const auto id = peer_of(peer);
    return start(
        std::make_unique<OpenOp>(host, done, id ? *id : wire::PeerId(), std::move(names), ms));
  }
  static Task<void> run(OpenOp& op) {
    try {
      auto protocols = op.protocols_;
      Pipe stream = co_await op.host().services.swarm.open(op.peer_, std::move(protocols), op.ms_);
      op.succeed(stream.release());
    } catch (const Fault& fault) {  // the C border
      op.fail(fault.error());
    }
  }

 private:
  wire::PeerId peer_;
  std::vector<std::string> protocols_;
  std::uint32_t ms_;
};

constexpr std::uint32_t kConnectMs = 10'000;

class ConnectOp final : public TaskOp {
 public:
  ConnectOp(kith_host* host, kith_done done, Result<wire::PeerId> peer,
            Result<wire::Multiaddr> addr, unsigned flags)
      : TaskOp(host, done), peer_(std::move(peer)), addr_(std::move(addr)), flags_(flags) {}
  static kith_op* begin(kith_host* host, kith_bytes peer, kith_bytes addr, unsigned flags,
                        kith_done done) {
    Result<wire::Multiaddr> where = wire::Multiaddr();
    if (addr.n > 0) where = wire::Multiaddr::from_bytes(view(addr));
    return start(std::make_unique<ConnectOp>(host, done, peer_of(peer), std::move(where), flags));
  }
  static Task<void> run(ConnectOp& op) {
    try {
      wire::PeerId peer = std::move(op.peer_).value();
      const wire::Multiaddr addr = std::move(op.addr_).value();
      if (peer.empty()) peer = addr.peer().value_or(wire::PeerId());
      std::vector<wire::Multiaddr> addresses;
      if (!addr.empty()) addresses.push_back(addr);
      net::Swarm& swarm = op.host().services.swarm;
      const bool keep = (op.flags_ & KITH_CONNECT_KEEP) != 0;
      if (keep && !peer.empty()) {
        for (const auto& address : addresses) swarm.peers().hint(peer, address);
        swarm.keep(peer);
      }
      auto* connection = co_await swarm.connect(peer, std::move(addresses), kConnectMs);
      if (keep) swarm.keep(connection->peer());
      op.succeed(nullptr);
    } catch (const Fault& fault) {  // the C border
      op.fail(fault.error());
    }
  }

 private:
  Result<wire::PeerId> peer_;
  Result<wire::Multiaddr> addr_;
  unsigned flags_;
};

class HandleOp final : public HostOp {
 public:
  HandleOp(net::Swarm& swarm, std::string protocol)
      : swarm_(swarm), protocol_(std::move(protocol)) {}
  ~HandleOp() override { swarm_.unhandle(protocol_); }

 private:
  net::Swarm& swarm_;
  std::string protocol_;
};

int handle_streams(kith_host* host, const char* protocol, kith_done each, kith_op** op) {
  net::Swarm& swarm = host->services.swarm;
  const auto handed =
      swarm.handle(protocol, [each](Pipe stream) { each.fn(each.ctx, 0, stream.release()); });
  if (!handed) return code_of(handed.error());
  *op = host->add(std::make_unique<HandleOp>(swarm, protocol));
  return *op ? 0 : KITH_CLOSED;
}

class PeerWatchOp final : public HostOp, public net::SwarmObserver {
 public:
  using Fn = void (*)(void* ctx, int event, const kith_peer*);
  PeerWatchOp(net::Swarm& swarm, Fn fn, void* ctx) : swarm_(swarm), fn_(fn), ctx_(ctx) {
    swarm_.observe(*this);
  }
  ~PeerWatchOp() override { swarm_.unobserve(*this); }
  void on_peer(int event, const net::PeerRecord& record) override {
    const PeerView peer(record, swarm_.best(record.id));
    fn_(ctx_, event, &peer.get());
  }

 private:
  net::Swarm& swarm_;
  Fn fn_;
  void* ctx_;
};

int each_peer(kith_host* host, int (*fn)(void* ctx, const kith_peer*), void* ctx) {
  net::Swarm& swarm = host->services.swarm;
  std::vector<wire::PeerId> ids;  // fn may change the table
  for (const auto& [id, record] : swarm.peers().all()) {
    if (record.identified && record.connections > 0) ids.push_back(id);
  }
  for (const wire::PeerId& id : ids) {
    const net::PeerRecord* record = swarm.peers().find(id);
    if (!record) continue;
    const PeerView peer(*record, swarm.best(id));
    if (const int answer = fn(ctx, &peer.get())) return answer;
  }
  return 0;
}

int hint_peer(kith_host* host, kith_bytes peer, kith_bytes addr) {
  const auto where = wire::Multiaddr::from_bytes(view(addr));
  auto id = peer_of(peer);
  if (!where || !id) return KITH_BAD;
  if (id->empty()) id = where->peer().value_or(wire::PeerId());
  if (id->empty()) return KITH_BAD;
  return host->services.swarm.peers().hint(*id, *where) ? 0 : KITH_LIMIT;
}

class GuardOp final : public HostOp {
 public:
  GuardOp(net::Gate& gate, std::size_t id) : gate_(gate), id_(id) {}
  ~GuardOp() override { gate_.remove(id_); }

 private:
  net::Gate& gate_;
  std::size_t id_;
};

int add_guard(kith_host* host, int (*fn)(void* ctx, const kith_peer*), void* ctx, kith_op** op) {
  net::Gate& gate = host->services.swarm.gate();
  const auto id =
      gate.add([fn, ctx](const wire::PeerId& peer, const wire::Multiaddr& remote, bool dialed) {
        kith_peer seen{};
        seen.size = sizeof seen;
        seen.id = c_bytes(peer.bytes());
        seen.addr = c_bytes(remote.bytes());
        if (dialed) seen.flags = KITH_PIPE_DIALED;
        return fn(ctx, &seen) == 0;
      });
  *op = host->add(std::make_unique<GuardOp>(gate, id));
  return *op ? 0 : KITH_CLOSED;
}

}  // namespace

const kith_streams* streams_table() {
  static constexpr kith_streams table{sizeof(kith_streams), &handle_streams, &OpenOp::begin};
  return &table;
}

const kith_peers* peers_table() {
  static constexpr kith_peers table{
      sizeof(kith_peers),
      [](kith_host* host) { return c_bytes(host->services.identity.peer_id().bytes()); },
      &hint_peer,
      &ConnectOp::begin,
      [](kith_host* host, kith_bytes peer) -> int {
        const auto id = peer_of(peer);
        if (!id || id->empty()) return KITH_BAD;
        host->services.swarm.disconnect(*id, "disconnected by " + host->owner.name);
        return 0;
      },
      &each_peer,
      [](kith_host* host, PeerWatchOp::Fn fn, void* ctx, kith_op** op) -> int {
        *op = host->add(std::make_unique<PeerWatchOp>(host->services.swarm, fn, ctx));
        return *op ? 0 : KITH_CLOSED;
      },
      [](kith_host* host, kith_bytes peer, double score) -> int {
        const auto id = peer_of(peer);
        net::PeerRecord* record = id ? host->services.swarm.peers().find(*id) : nullptr;
        if (!record) return KITH_ABSENT;
        record->app_score = score;
        return 0;
      },
  };
  return &table;
}

const kith_gate* gate_table() {
  static constexpr kith_gate table{sizeof(kith_gate), &add_guard};
  return &table;
}

}  // namespace kith::node
