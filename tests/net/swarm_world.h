// SPDX-License-Identifier: MIT
// SwarmWorld: swarms on one VirtualLoop that reach each other by IP addresses of a small invented
// internet, with black holes and counted dials; and peers below the swarm that do as little as a
// test wants. For the tests of engine/net and engine/protocols.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/net/swarm.h"
#include "engine/sim/memory_link.h"
#include "engine/sim/virtual_loop.h"

namespace kith::test {

inline wire::Multiaddr address(std::string_view text) {
  return wire::Multiaddr::from_text(text).value();
}

struct NoLog final : LogSink {
  NoLog() { lowest = LogLevel::error; }
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// Who listens where. Links are "tcp": reliable, ordered, with one delay for all.
struct Internet {
  explicit Internet(Loop& given) : loop(given) {}
  Loop& loop;
  sim::LinkShape shape{10'000};
  sim::MemoryLinks links;
  std::uint16_t last_port = 40'000;
  std::map<std::string, std::function<void(Pipe)>> listeners;
  std::set<std::string> black_holes;
  std::vector<std::pair<std::string, std::uint64_t>> dials;  // address, time
};

// The kith_transport of one machine.
class TestTransport {
 public:
  TestTransport(Internet& internet, std::string ip) : internet_(internet), ip_(std::move(ip)) {}
  static const kith_transport* table() {
    static constexpr kith_transport made{sizeof(kith_transport), "/tcp", &dial, &listen, &cancel};
    return &made;
  }

 private:
  struct Op {
    virtual ~Op() = default;
  };
  struct Dial final : Op {
    TestTransport* owner = nullptr;
    std::string to;
    kith_done done{};
    Timer timer;
  };
  struct Listener final : Op {
    ~Listener() override { internet->listeners.erase(at); }
    Internet* internet = nullptr;
    std::string at;
  };
  static void arrive(void* ctx, std::int64_t, const void*) {
    const std::unique_ptr<Dial> dial(static_cast<Dial*>(ctx));
    Internet& internet = dial->owner->internet_;
    const auto there = internet.listeners.find(dial->to);
    const kith_bytes sentence = c_bytes(std::string_view("nobody listens there"));
    if (there == internet.listeners.end())
      return dial->done.fn(dial->done.ctx, KITH_REFUSED, &sentence);
    const auto from =
        address("/ip4/" + dial->owner->ip_ + "/tcp/" + std::to_string(++internet.last_port));
    auto [mine, theirs] =
        sim::make_memory_link(internet.loop, internet.shape, internet.links,
                              to_vector(from.bytes()), to_vector(address(dial->to).bytes()));
    there->second(std::move(theirs));
    dial->done.fn(dial->done.ctx, 0, mine.release());
  }
  static kith_op* dial(void* me, kith_bytes to, kith_bytes, kith_done done) {
    auto* self = static_cast<TestTransport*>(me);
    auto made = std::make_unique<Dial>();
    made->owner = self;
    made->to = wire::Multiaddr::from_bytes(view(to)).value().text();
    made->done = done;
    made->timer.done = kith_done{&arrive, made.get()};
    self->internet_.dials.emplace_back(made->to, self->internet_.loop.now_us());
    if (!self->internet_.black_holes.contains(made->to))
      self->internet_.loop.start(made->timer, self->internet_.shape.delay_us);
    return reinterpret_cast<kith_op*>(static_cast<Op*>(made.release()));
  }
  static int listen(void* me, kith_bytes at, kith_done each, kith_op** op, std::uint8_t* bound,
                    std::size_t) {
    auto* self = static_cast<TestTransport*>(me);
    const auto where = wire::Multiaddr::from_bytes(view(at)).value();
    auto made = std::make_unique<Listener>();
    made->internet = &self->internet_;
    made->at = (where.is_unspecified() ? where.with_ip(self->ip_) : where).text();
    self->internet_.listeners[made->at] = [each](Pipe link) {
      each.fn(each.ctx, 0, link.release());
    };
    std::copy(at.p, at.p + at.n, bound);
    *op = reinterpret_cast<kith_op*>(static_cast<Op*>(made.release()));
    return static_cast<int>(at.n);
  }
  static void cancel(void*, kith_op* op) {
    const std::unique_ptr<Op> ended(reinterpret_cast<Op*>(op));
  }

  Internet& internet_;
  const std::string ip_;
};

// A task under way, or what became of it.
template <class T>
struct Running {
  explicit Running(Task<T> task) { scope.spawn(run(std::move(task), *this)); }
  static Task<void> run(Task<T> task, Running& self) {
    auto value = co_await task;
    self.value = std::move(value);
  }
  bool ended() const { return scope.empty(); }
  std::optional<T> value;
  std::optional<Error> error;
  Scope scope{[this](const std::exception& thrown) {
    const auto* fault = dynamic_cast<const Fault*>(&thrown);
    error = fault ? fault->error() : Error(KITH_IO, thrown.what());
  }};
};

// Identity and machine of one peer.
struct Machine {
  Machine(Loop& loop, LogSink& sink, Internet& internet, std::uint8_t number)
      : ip("10.0.0." + std::to_string(number)),
        identity(crypto::Identity::from_seed(key_of(number))),
        shared{
            loop, Log(sink, "test"), identity, {}, key_of(static_cast<std::uint8_t>(number + 100))},
        transport(internet, ip) {}
  static crypto::Key32 key_of(std::uint8_t fill) {
    crypto::Key32 key;
    key.fill(fill);
    return key;
  }
  const wire::PeerId& id() const { return identity.peer_id(); }
  wire::Multiaddr at(int port = 4001) const {
    return address("/ip4/" + ip + "/tcp/" + std::to_string(port));
  }
  const std::string ip;
  crypto::Identity identity;
  net::Shared shared;
  TestTransport transport;
};

// A peer with a swarm, listening on port 4001 of its machine, and what its swarm told.
struct Peer : Machine, net::SwarmObserver {
  Peer(Loop& loop, LogSink& sink, Internet& internet, std::uint8_t number)
      : Machine(loop, sink, internet, number), swarm(std::in_place, shared) {
    swarm->add_transport(TestTransport::table(), &transport).value();
    swarm->listen(at()).value();
    swarm->observe(*this);
  }
  void on_connected(net::Connection& connection) override {
    told.push_back("connected");
    if (connected) connected(connection);
  }
  void on_disconnected(net::Connection&) override { told.push_back("disconnected"); }
  void on_peer(int event, const net::PeerRecord& record) override {
    const char* const names[] = {"gone", "identified", "updated"};
    told.push_back(names[event]);
    last = record;
  }
  std::size_t count(std::string_view what) const {
    return static_cast<std::size_t>(std::count(told.begin(), told.end(), what));
  }
  std::optional<net::Swarm> swarm;
  std::vector<std::string> told;
  net::PeerRecord last;
  std::function<void(net::Connection&)> connected;
};

// A connection below the swarm that keeps every stream and answers none.
struct Mute final : net::ConnectionEvents {
  Mute(net::Shared& by, net::UpgradeRequest request) : shared(by) {
    scope.spawn(run(*this, std::move(request)));
  }
  static Task<void> run(Mute& self, net::UpgradeRequest request) {
    auto made = co_await net::upgrade(self.shared, std::move(request));
    self.connection = std::move(made);
    self.connection->listen(self);
  }
  void on_stream(Pipe stream) override {
    streams.push_back(std::move(stream));
    if (each_stream) each_stream(streams.back());
  }
  void on_closed(std::string_view) override { closed = true; }
  net::Shared& shared;
  bool closed = false;
  std::function<void(Pipe&)> each_stream;
  std::unique_ptr<net::Connection> connection;
  std::vector<Pipe> streams;
  Scope scope{[](const std::exception&) {}};
};

struct SwarmWorld : testing::Test {
  SwarmWorld() {
    for (std::uint8_t number = 1; number <= 3; ++number)
      peers.push_back(std::make_unique<Peer>(loop, sink, internet, number));
  }
  Peer& a() { return *peers[0]; }
  Peer& b() { return *peers[1]; }
  Peer& c() { return *peers[2]; }

  template <class T>
  Result<T> finish(Running<T>& running, std::uint64_t us = 60'000'000) {
    if (!loop.run_until([&] { return running.ended(); }, us)) return KITH_TIMEOUT;
    if (running.error) return *running.error;
    return std::move(*running.value);
  }
  template <class T>
  Result<T> run(Task<T> task, std::uint64_t us = 60'000'000) {
    Running<T> running(std::move(task));
    return finish(running, us);
  }
  Result<net::Connection*> dial(Peer& from, Peer& to) {
    const std::vector<wire::Multiaddr> where(1, to.at());
    auto connection = run(from.swarm->dial(to.id(), where));
    loop.run_for(100'000);
    return connection;
  }
  // A link to `to` that comes from `machine`, past every transport.
  net::UpgradeRequest link_to(Machine& machine, Peer& to) {
    const auto from =
        address("/ip4/" + machine.ip + "/tcp/" + std::to_string(++internet.last_port));
    auto [mine, theirs] = sim::make_memory_link(
        loop, internet.shape, internet.links, to_vector(from.bytes()), to_vector(to.at().bytes()));
    internet.listeners.at(to.at().text())(std::move(theirs));
    net::UpgradeRequest request;
    request.link = std::move(mine);
    request.dialed = true;
    return request;
  }

  NoLog sink;
  sim::VirtualLoop loop{11};
  Internet internet{loop};
  std::vector<std::unique_ptr<Peer>> peers;
};

}  // namespace kith::test
