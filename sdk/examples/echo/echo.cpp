// SPDX-License-Identifier: MIT
// echo: serves /echo/1.0.0, every byte back; a FIN is answered by a FIN. The smallest protocol, and
// a tool for tests.
#include <kith/plugin.h>

namespace {

constexpr std::size_t kStreamsMax = 4096;  // under way, all peers together
constexpr std::uint32_t kIdleMs = 60'000;

struct Echo final : kith::App {
  static constexpr const char* kName = "echo";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Serves /echo/1.0.0: every byte back.";
  using App::App;

  // Straight from what was received to what is sent: no buffer between, and back-pressure from end
  // to end.
  static kith::Task<void> serve(kith::Pipe stream) {
    for (;;) {
      stream.deadline(KITH_RD | KITH_WR, kIdleMs);
      kith::Bytes seen;
      std::int64_t n = stream.peek(seen);
      if (n == 0) co_return stream.close();
      if (n > 0) n = stream.write(seen);
      if (n > 0) {
        stream.consume(static_cast<std::size_t>(n));
        continue;
      }
      if (n != KITH_AGAIN) co_return;
      // Nothing to read, or nowhere to put it.
      const bool is_full = stream.peek(seen) > 0;
      kith::PipeReady ready(stream.get(), is_full ? KITH_WR : KITH_RD);
      const std::int64_t woken = co_await ready;
      if (woken < 0) co_return;
    }
  }

  kith::Scope streams;
  kith::Op protocol = host.handle("/echo/1.0.0", [this](kith::Pipe stream) {
    if (streams.size() < kStreamsMax) streams.spawn(serve(std::move(stream)));
  });
};

}  // namespace

KITH_PLUGIN(Echo)
