// SPDX-License-Identifier: MIT
// Raw bytes against a listener's upgrade, and plaintext against the connection behind it: whatever
// comes, it ends by its deadline and leaves no link. The first byte picks which.
#include <cstdlib>

#include "engine/base/limits.h"
#include "engine/net/upgrade.h"
#include "engine/net/yamux_connection.h"
#include "engine/sim/memory_network.h"
#include "engine/sim/virtual_loop.h"

using namespace kith;

namespace {

struct Quiet final : LogSink {
  void write(LogLevel, std::string_view, std::string_view) override {}
};

crypto::Key32 key_of(std::uint8_t fill) {
  crypto::Key32 key;
  key.fill(fill);
  return key;
}

struct Node {
  Quiet sink;
  sim::VirtualLoop loop{1};
  sim::MemoryNetwork network{loop};
  crypto::Identity identity = crypto::Identity::from_seed(key_of(1));
  net::Shared shared{loop, Log(sink, "net"), identity, {}, key_of(2)};
};

Task<void> run(net::Shared& shared, Pipe link, bool& done) {
  net::UpgradeRequest request{std::move(link)};
  auto made = co_await net::upgrade(shared, std::move(request));
  done = made != nullptr;
}

void feed_upgrade(Node& node, Bytes bytes) {
  auto [near, far] = node.network.pair();
  bool done = false;
  Scope scope([](const std::exception&) {});
  scope.spawn(run(node.shared, std::move(far), done));
  while (!bytes.empty()) {
    const std::int64_t n = near.write(bytes.first(std::min<std::size_t>(bytes.size(), 97)));
    if (n <= 0) break;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    node.loop.run_for(10);
  }
  node.loop.run_for(std::uint64_t{limits::kUpgradeMs} * 1000 + 1);
  if (!scope.empty()) std::abort();
}

// Reads, echoes and drops as a careless application would.
struct Careless final : net::ConnectionEvents {
  void on_stream(Pipe stream) override { held.push_back(std::move(stream)); }
  void on_closed(std::string_view) override { ++closed; }
  void stir() {
    for (Pipe& pipe : held) {
      Bytes seen;
      if (pipe.peek(seen) > 0) {
        pipe.write(seen);
        pipe.consume(seen.size() / 2 + 1);
      }
    }
    if (held.size() > 8) held.erase(held.begin(), held.begin() + 4);
  }
  std::vector<Pipe> held;
  int closed = 0;
};

void feed_connection(Node& node, Bytes plain) {
  auto [near, far] = node.network.pair();
  const crypto::NoiseXX::Keys keys{key_of(3), key_of(4)}, theirs{key_of(4), key_of(3)};
  auto facts = std::make_shared<const net::ConnectionFacts>(
      net::ConnectionFacts{node.loop, node.identity.peer_id(), {}, {}, 0});
  auto sealed = std::make_unique<net::SealedLink>(node.shared.cipher, std::move(far), keys);
  Careless events;
  net::YamuxConnection connection(node.shared, facts, std::move(sealed), {});
  connection.listen(events);
  net::SealedLink writer(node.shared.cipher, std::move(near), theirs);
  while (!plain.empty() && !connection.closed()) {
    const Bytes part = plain.first(std::min<std::size_t>(plain.size(), 61));
    plain = plain.subspan(part.size());
    const kith_bytes piece = c_bytes(part);
    ByteVector frame(net::SealedLink::sealed_size(part.size()));
    writer.seal({&piece, 1}, frame.data());
    if (writer.blocked() || writer.write(frame) < 0) break;
    node.loop.run_for(10);
    events.stir();
  }
  node.loop.run_for(200'000'000);  // nobody answers its pings
  if (events.closed != 1 || !connection.closed()) std::abort();
  events.held.clear();
  if (node.shared.windows_grown_bytes != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const bool kStarted = (crypto::start_crypto(), true);
  Node node;
  const Bytes rest(data + 1, size - 1);
  if (kStarted && data[0] % 2 == 0) {
    feed_upgrade(node, rest);
  } else {
    feed_connection(node, rest);
  }
  if (node.network.links() != 0) std::abort();
  return 0;
}
