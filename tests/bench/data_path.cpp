// SPDX-License-Identifier: MIT
// Rows 1, 3 and 5 of the scoreboard: one stream, connect, and a small echo, between two processes
// with the real loop, TCP, Noise, Yamux and identify. Prints one JSON object a row; run.mjs puts
// the anchors beside them.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "engine/node/real_loop.h"
#include "tests/bench/raw_limit.h"
#include "tests/bench/stage.h"

namespace kith::bench {

namespace {

constexpr const char* kSink = "/bench/sink/0";  // counts until FIN, then answers one byte
constexpr const char* kEcho = "/bench/echo/0";
constexpr std::uint32_t kOpenMs = 5'000;

Task<void> sink(Pipe stream) {
  for (;;) {
    Bytes seen;
    const std::int64_t n = stream.peek(seen);
    if (n > 0) {
      stream.consume(seen.size());
    } else if (n == KITH_AGAIN) {
      co_await stream.readable();
    } else {
      break;
    }
  }
  const std::uint8_t done[] = {1};
  const Bytes answer(done);
  co_await write_all(stream, answer);
  stream.close();
}

Task<void> echo(Pipe stream) {
  std::uint8_t buffer[4096];
  const MutableBytes room(buffer);
  for (;;) {
    const std::int64_t n = co_await read_some(stream, room);
    if (n <= 0) break;
    const Bytes seen = room.first(static_cast<std::size_t>(n));
    co_await write_all(stream, seen);
  }
}

// The other process: serves until its stdin-like pipe closes. Writes its address to `out`.
[[noreturn]] void serve(int out) {
  node::RealLoop loop;
  Quiet log;
  node::Node node(loop, log, setup_with(1));
  Scope scope;
  node.swarm().handle(kSink, [&](Pipe stream) { scope.spawn(sink(std::move(stream))); }).value();
  node.swarm().handle(kEcho, [&](Pipe stream) { scope.spawn(echo(std::move(stream))); }).value();
  scope.spawn(node.start());
  const std::string address = node.addresses().at(0).text() + "\n";
  if (write(out, address.data(), address.size()) < 0) _exit(1);
  loop.run();
  _exit(0);
}

Task<void> transfer(node::Node& node, wire::PeerId peer, std::size_t total, double& mb_per_s) {
  std::vector<std::string> protocols(1, kSink);
  Pipe stream = co_await node.swarm().open(peer, std::move(protocols), kOpenMs);
  const Buffer piece = Buffer::take(ByteVector(1 << 20, 7));
  const auto start = Clock::now();
  Bytes rest;
  for (std::size_t sent = 0; sent < total || !rest.empty();) {
    if (rest.empty()) {
      rest = piece.bytes().first(std::min(piece.bytes().size(), total - sent));
      sent += rest.size();
    }
    const int wrote = co_await write_all(stream, rest);
    if (wrote < 0) throw Fault(Error(static_cast<kith_err>(wrote)));
    rest = Bytes();
  }
  stream.shut();
  std::uint8_t answer[1];
  const MutableBytes to(answer);
  const int read = co_await read_exact(stream, to);
  if (read < 0) throw Fault(Error(static_cast<kith_err>(read)));
  mb_per_s = static_cast<double>(total) / us_since(start);
}

Task<void> round_trips(node::Node& node, wire::PeerId peer, std::size_t rounds,
                       std::vector<double>& us) {
  std::vector<std::string> protocols(1, kEcho);
  Pipe stream = co_await node.swarm().open(peer, std::move(protocols), kOpenMs);
  std::uint8_t bytes[256] = {7};
  const Bytes out(bytes);
  const MutableBytes in(bytes);
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto start = Clock::now();
    co_await write_all(stream, out);
    const int read = co_await read_exact(stream, in);
    if (read < 0) throw Fault(Error(static_cast<kith_err>(read)));
    us.push_back(us_since(start));
  }
}

Task<void> connects(node::Node& node, wire::Multiaddr address, std::size_t rounds,
                    std::vector<double>& us) {
  const wire::PeerId peer = *address.peer();
  for (std::size_t i = 0; i < rounds; ++i) {
    std::vector<wire::Multiaddr> addresses(1, address);
    const auto start = Clock::now();
    co_await node.swarm().connect(peer, std::move(addresses), 10'000);
    us.push_back(us_since(start));
    node.swarm().disconnect(peer, "measured");
    while (node.swarm().best(peer)) {
      Nap nap(node.swarm().shared().loop, 1'000);
      co_await nap;
    }
  }
}

Task<void> measure(node::Node& node, node::RealLoop& loop, wire::Multiaddr address) {
  std::vector<double> connect_us, echo_us;
  co_await connects(node, address, 200, connect_us);
  std::vector<wire::Multiaddr> addresses(1, address);
  const wire::PeerId peer = *address.peer();
  co_await node.swarm().connect(peer, std::move(addresses), 10'000);
  co_await round_trips(node, peer, 2'000, echo_us);  // warm
  echo_us.clear();
  co_await round_trips(node, peer, 20'000, echo_us);
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    double mb_per_s = 0;
    co_await transfer(node, peer, 100u << 20, mb_per_s);
    best = std::max(best, mb_per_s);
  }
  std::printf("{\"row\":1,\"mb_per_s\":%.1f}\n", best);
  std::printf("{\"row\":3,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", quantile(connect_us, 0.5),
              quantile(connect_us, 0.99));
  std::printf("{\"row\":5,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", quantile(echo_us, 0.5),
              quantile(echo_us, 0.99));
  loop.stop();
}

int run_pair() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const pid_t server = fork();
  if (server == 0) serve(ends[1]);
  char line[512] = {};
  const ssize_t n = read(ends[0], line, sizeof line - 1);
  if (n <= 1) return 1;
  line[n - 1] = 0;
  node::RealLoop loop;
  Quiet log;
  int code = 0;
  {
    node::Node node(loop, log, setup_with(2));
    Scope scope([&](const std::exception& thrown) {
      std::fprintf(stderr, "bench: %s\n", thrown.what());
      code = 1;
      loop.stop();
    });
    scope.spawn(node.start());
    scope.spawn(measure(node, loop, wire::Multiaddr::from_text(line).value()));
    loop.run();
  }
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return code;
}

int run_raw() {
  double best = 0;
  for (int i = 0; i < 3; ++i) best = std::max(best, raw_sealed_mb_per_s(100u << 20));
  const auto echo_us = raw_echo_us(20'000, 256);
  std::printf("{\"row\":1,\"mb_per_s\":%.1f}\n", best);
  std::printf("{\"row\":5,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", quantile(echo_us, 0.5),
              quantile(echo_us, 0.99));
  return 0;
}

}  // namespace

}  // namespace kith::bench

int main(int count, char** words) {
  kith::crypto::start_crypto();
  if (count == 2 && std::strcmp(words[1], "raw") == 0) return kith::bench::run_raw();
  if (count == 2 && std::strcmp(words[1], "kith") == 0) return kith::bench::run_pair();
  std::fprintf(stderr, "usage: kith_bench raw|kith\n");
  return 2;
}
