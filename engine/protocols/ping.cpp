// SPDX-License-Identifier: MIT
#include "engine/protocols/ping.h"

#include "engine/base/limits.h"

namespace kith::protocols {
namespace {

constexpr const char* kPing = "/ipfs/ping/1.0.0";
constexpr std::size_t kPingBytes = 32;

void check(int error) {
  if (error < 0) throw Fault(Error(static_cast<kith_err>(error), "while pinging"));
}

}  // namespace

Ping::Ping(net::Swarm& swarm) : swarm_(swarm), serving_(limits::kPingStreamsPerPeerMax) {
  swarm_
      .handle(kPing,
              [this](Pipe stream) {
                const auto peer = wire::PeerId::from_bytes(view(stream.info().peer)).value();
                if (auto place = serving_.take(peer))
                  scope_.spawn(echo(std::move(stream), std::move(*place)));
              })
      .value();
}

Ping::~Ping() { swarm_.unhandle(kPing); }

// Until the other side ends it, or rests for too long.
Task<void> Ping::echo(Pipe stream, Taken::Place place) {
  const Taken::Place held = std::move(place);
  for (;;) {
    std::uint8_t bytes[kPingBytes];
    stream.deadline(KITH_RD | KITH_WR, limits::kPingIdleMs);
    const std::int64_t n = co_await read_some(stream, bytes);
    if (n == 0) break;
    if (n < 0) co_return;
    const MutableBytes rest = MutableBytes(bytes).subspan(static_cast<std::size_t>(n));
    const int read = co_await read_exact(stream, rest);
    if (read < 0) co_return;
    const int written = co_await write_all(stream, bytes);
    if (written < 0) co_return;
  }
  stream.close();
}

Task<std::uint64_t> Ping::ping(wire::PeerId peer) {
  Loop& loop = swarm_.shared().loop;
  const std::uint64_t until_us = loop.now_us() + std::uint64_t{limits::kPingMs} * 1000;
  std::vector<std::string> protocols(1, kPing);
  Pipe stream = co_await swarm_.open(peer, std::move(protocols), limits::kPingMs);
  const std::uint64_t started_us = loop.now_us();
  const std::uint64_t left_ms = (until_us - std::min(until_us, started_us)) / 1000;
  stream.deadline(KITH_RD | KITH_WR,
                  static_cast<std::uint32_t>(std::max<std::uint64_t>(1, left_ms)));
  std::uint8_t sent[kPingBytes];
  std::uint8_t echoed[kPingBytes];
  loop.random(sent);
  const int written = co_await write_all(stream, sent);
  check(written);
  const int read = co_await read_exact(stream, echoed);
  check(read);
  if (!equal(sent, echoed)) throw Fault(Error(net::net_error::protocol_violation, "wrong echo"));
  stream.close();
  const std::uint64_t rtt_us = loop.now_us() - started_us;
  if (net::PeerRecord* record = swarm_.peers().find(peer)) {
    record->rtt_us = rtt_us;
    record->last_useful_us = loop.now_us();
  }
  co_return rtt_us;
}

}  // namespace kith::protocols
