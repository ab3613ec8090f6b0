// SPDX-License-Identifier: MIT
// Row 22 of the scoreboard: a ledger is synced between two processes, each a whole node with TCP,
// Noise, Yamux and RocksDB. From the call to connect until the second has synced all to its disk.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/bench/ledger.h"
#include "tests/bench/lone_ledger.h"

namespace kith::bench {
namespace {

constexpr std::size_t kEntries = 100'000;
constexpr int kRounds = 5;  // the median counts

// The other process: fills a store, serves it, and writes its address to `out`.
[[noreturn]] void serve(const std::string& folder, int out, std::size_t at_once,
                        std::size_t body_bytes) {
  {
    LoneLedger lone(folder, "bench", store::Durability::interval);
    lone.append(kEntries, at_once, body_bytes);
  }
  node::RealLoop loop;
  Quiet log;
  node::NodeSetup setup = setup_with(1);
  setup.store = store::open_rocks_store(folder).value();
  setup.config.ledgers.push_back({.name = "bench"});
  node::Node node(loop, log, std::move(setup));
  Scope scope;
  scope.spawn(node.start());
  const std::string address = node.addresses().at(0).text() + "\n";
  if (write(out, address.data(), address.size()) < 0) _exit(1);
  loop.run();
  _exit(0);
}

// Rings once a ledger has so many entries.
class Filled final : public store::LedgerObserver {
 public:
  explicit Filled(Completion& done) : done_(done) {}
  void on_run(store::Ledger& ledger, std::uint64_t, std::uint64_t) override {
    if (ledger.entries() == kEntries && !done_.fired()) done_.fire(0, nullptr);
  }
  void on_fork(store::Ledger&, const store::Digest&, const crypto::Key32&, std::uint64_t,
               bool) override {}

 private:
  Completion& done_;
};

struct Round {
  double seconds = 0;
  double bytes = 0;  // on the wire, both ways, sealed
};

Task<void> fetch(node::Node& node, node::RealLoop& loop, wire::Multiaddr address, Round& round) {
  Completion done;
  Filled filled(done);
  node.ledgers().observe(filled);
  const wire::PeerId peer = *address.peer();
  std::vector<wire::Multiaddr> addresses(1, address);
  const auto began = Clock::now();
  co_await node.swarm().connect(peer, std::move(addresses), 10'000);
  co_await done;
  round.seconds = us_since(began) / 1e6;
  const net::Connection* connection = node.swarm().best(peer);
  if (connection)
    round.bytes = static_cast<double>(connection->bytes_in() + connection->bytes_out());
  node.ledgers().unobserve(filled);
  loop.stop();
}

Round fetch_once(const wire::Multiaddr& address) {
  const Folder folder;
  node::RealLoop loop;
  Quiet log;
  Round round;
  node::NodeSetup setup = setup_with(2);
  setup.store = store::open_rocks_store(folder.path.string()).value();
  setup.config.ledgers.push_back({.name = "bench"});
  node::Node node(loop, log, std::move(setup));
  Scope scope([](const std::exception& thrown) {
    std::fprintf(stderr, "bench: %s\n", thrown.what());
    std::_Exit(1);
  });
  scope.spawn(node.start());
  scope.spawn(fetch(node, loop, address, round));
  loop.run();
  return round;
}

}  // namespace

int replicate(std::size_t at_once, std::size_t body_bytes) {
  const Folder folder;
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const pid_t server = fork();
  if (server == 0) serve(folder.path.string(), ends[1], at_once, body_bytes);
  char line[512] = {};
  const ssize_t n = read(ends[0], line, sizeof line - 1);
  if (n <= 1) return 1;
  line[n - 1] = 0;
  const auto address = wire::Multiaddr::from_text(line).value();
  std::vector<double> per_s, times_payload;
  const double cpu = cpu_seconds() + cpu_seconds_of(server);
  for (int i = 0; i < kRounds; ++i) {
    const Round round = fetch_once(address);
    per_s.push_back(static_cast<double>(kEntries) / round.seconds);
    times_payload.push_back(round.bytes / static_cast<double>(kEntries * body_bytes));
  }
  const double used = cpu_seconds() + cpu_seconds_of(server) - cpu;
  std::printf("{\"row\":22,\"per_s\":%.0f,\"times_payload\":%.3f,\"cpu_us\":%.2f}\n",
              quantile(per_s, 0.5), quantile(times_payload, 0.5),
              used * 1e6 / static_cast<double>(kEntries * kRounds));
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return 0;
}

}  // namespace kith::bench
