// SPDX-License-Identifier: MIT
// NetWorld: two nodes' worth of what upgrade() needs, on one VirtualLoop and MemoryNetwork, and a
// recorder of what their connections report. For the tests of engine/net.
#pragma once
#include <gtest/gtest.h>

#include "engine/base/limits.h"
#include "engine/net/upgrade.h"
#include "engine/sim/memory_network.h"
#include "engine/sim/virtual_loop.h"

namespace kith::test {

inline crypto::Key32 key_of(std::uint8_t fill) {
  crypto::Key32 key;
  key.fill(fill);
  return key;
}

struct Quiet final : LogSink {
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// One node: identity, and what its connections share.
struct End {
  End(Loop& loop, LogSink& sink, std::uint8_t seed)
      : identity(crypto::Identity::from_seed(key_of(seed))),
        shared{
            loop, Log(sink, "net"), identity, {}, key_of(static_cast<std::uint8_t>(seed + 100))} {}
  crypto::Identity identity;
  net::Shared shared;
};

struct Recorder final : net::ConnectionEvents {
  void on_stream(Pipe stream) override {
    if (take) {
      take(std::move(stream));
    } else {
      streams.push_back(std::move(stream));
    }
  }
  void on_closed(std::string_view reason) override {
    ++closed;
    why = reason;
  }
  std::function<void(Pipe)> take;
  std::vector<Pipe> streams;
  int closed = 0;
  std::string why;
};

// An upgrade under way, or what became of it.
struct Upgrading {
  Upgrading(net::Shared& shared, net::UpgradeRequest request) {
    scope.spawn(run(shared, std::move(request), *this));
  }
  static Task<void> run(net::Shared& shared, net::UpgradeRequest request, Upgrading& self) {
    auto made = co_await net::upgrade(shared, std::move(request));
    self.connection = std::move(made);
    if (self.listens) self.connection->listen(self.events);
    self.finished_us = shared.loop.now_us();
  }
  bool ended() const { return scope.empty(); }

  bool listens = true;  // false: the connection stays as the upgrade made it
  std::string error;
  int error_code = 0;
  std::uint64_t finished_us = 0;
  Recorder events;
  std::unique_ptr<net::Connection> connection;
  Scope scope{[this](const std::exception& thrown) {
    error = thrown.what();
    if (const auto* fault = dynamic_cast<const Fault*>(&thrown)) error_code = fault->error().code();
  }};
};

struct NetWorld {
  explicit NetWorld(std::uint64_t seed = 7) : loop(seed) {}
  ~NetWorld() {
    b_up.reset();
    a_up.reset();
  }

  void start(sim::LinkShape shape = {}) {
    auto [x, y] = network.pair(shape);
    a_link = x.get();
    b_link = y.get();
    a_up = std::make_unique<Upgrading>(a.shared, dialing(std::move(x)));
    b_up = std::make_unique<Upgrading>(b.shared, net::UpgradeRequest{std::move(y)});
  }
  net::UpgradeRequest dialing(Pipe link) const {
    net::UpgradeRequest request{std::move(link), true};
    request.expected = expected;
    return request;
  }
  // Both ends up, their first pings answered.
  void connect(sim::LinkShape shape = {}) {
    start(shape);
    const auto up = [this] { return a_up->connection && b_up->connection; };
    ASSERT_TRUE(loop.run_until(up, 5'000'000)) << a_up->error << "; " << b_up->error;
    loop.run_for(2'000'000);
  }
  net::Connection& alice() { return *a_up->connection; }
  net::Connection& bob() { return *b_up->connection; }
  // A stream from alice, and bob's end of it.
  std::pair<Pipe, Pipe> stream() {
    Pipe mine = alice().open_stream().value();
    loop.run_until([&] { return !b_up->events.streams.empty(); }, 1'000'000);
    Pipe theirs = std::move(b_up->events.streams.back());
    b_up->events.streams.pop_back();
    return {std::move(mine), std::move(theirs)};
  }

  Quiet sink;
  sim::VirtualLoop loop;
  sim::MemoryNetwork network{loop};
  End a{loop, sink, 1}, b{loop, sink, 2};
  std::optional<wire::PeerId> expected;
  std::unique_ptr<Upgrading> a_up, b_up;
  kith_pipe *a_link = nullptr, *b_link = nullptr;
};

}  // namespace kith::test
