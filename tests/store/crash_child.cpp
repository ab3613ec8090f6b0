// SPDX-License-Identifier: MIT
// A process that is made to be killed: `crash_child FOLDER sync|interval WRITERS` appends to a
// ledger as fast as it can, and says on stdout what it was promised: Said, one after the other.
#include "tests/store/crash_child.h"

#include <unistd.h>

#include <cstdio>

#include "engine/node/real_loop.h"
#include "engine/store/ledgers.h"

namespace kith::test {
namespace {

class Silence final : public LogSink {
 public:
  Silence() { lowest = LogLevel::error; }
  void write(LogLevel, std::string_view, std::string_view line) override {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  }
};

// At once, so that a kill takes no word of it; and whole, for it is short.
void say(const Said& said) {
  if (write(STDOUT_FILENO, &said, sizeof said) != sizeof said) _exit(0);
}

struct Teller final : store::LedgerObserver {
  void on_run(store::Ledger&, std::uint64_t first, std::uint64_t entries) override {
    say({.is_told = 1, .arrival = first + entries - 1});
  }
  void on_fork(store::Ledger&, const store::Digest&, const crypto::Key32&, std::uint64_t,
               bool) override {
    _exit(3);
  }
};

Task<void> append_for_ever(store::Ledger& ledger, std::size_t body_bytes) {
  for (;;) {
    store::NewEntry entry;
    entry.type = "note";
    entry.body = ByteVector(body_bytes, 7);
    const auto appended = co_await ledger.append(std::move(entry));
    Said said{.arrival = appended.arrival};
    std::copy(appended.id.begin(), appended.id.end(), said.id);
    say(said);
  }
}

int run(const std::string& folder, store::Durability durability, int writers) {
  Silence silence;
  const Log log(silence, "store");
  node::RealLoop loop;
  auto opened = store::open_rocks_store(folder);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message().c_str());
    return 2;
  }
  crypto::Key32 seed{};
  seed[0] = 1;
  const auto identity = crypto::Identity::from_seed(seed);
  store::Committer committer(loop, log, *std::move(opened), durability);
  store::Ledgers ledgers({loop, log, identity, committer, "here"});
  Teller teller;
  ledgers.observe(teller);
  store::Ledger& ledger = ledgers.open("notes");
  Scope scope([](const std::exception& thrown) {
    std::fprintf(stderr, "%s\n", thrown.what());
    _exit(2);
  });
  for (int i = 0; i < writers; ++i)
    scope.spawn(append_for_ever(ledger, static_cast<std::size_t>(i) * 50));
  loop.run();
  return 0;
}

}  // namespace
}  // namespace kith::test

int main(int count, char** given) {
  if (count != 4) return 1;
  const bool is_sync = std::string_view(given[2]) == "sync";
  using kith::store::Durability;
  return kith::test::run(given[1], is_sync ? Durability::sync : Durability::interval,
                         std::atoi(given[3]));
}
