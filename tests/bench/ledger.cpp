// SPDX-License-Identifier: MIT
// Rows 19, 20 and 21 of the scoreboard: appends to one feed over RocksDB, hash-chained and signed,
// on the real loop. Prints one JSON object a row; run.mjs puts the anchors beside them.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "engine/node/real_loop.h"
#include "engine/store/ledgers.h"

namespace kith::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBodyBytes = 300;

class Quiet final : public LogSink {
 public:
  void write(LogLevel, std::string_view room, std::string_view line) override {
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(room.size()), room.data(),
                 static_cast<int>(line.size()), line.data());
  }
};

// A folder that is gone afterwards.
struct Folder {
  Folder()
      : path(std::filesystem::temp_directory_path() /
             ("kith-bench-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  const std::filesystem::path path;
};

Task<void> append_one(store::Ledger& ledger) {
  store::NewEntry entry;
  entry.type = "note";
  entry.body.assign(kBodyBytes, 7);
  co_await ledger.append(std::move(entry));
}

Task<void> append_each(store::Ledger& ledger, std::size_t entries) {
  for (std::size_t i = 0; i < entries; ++i) {
    co_await append_one(ledger);
  }
}

// A round of appends at once, and who waits for the last of them.
struct Round {
  std::size_t left = 0;
  Completion* done = nullptr;
};
Task<void> append_of(store::Ledger& ledger, Round& round) {
  co_await append_one(ledger);
  if (--round.left == 0) round.done->fire(0, nullptr);
}

Task<void> append_batches(store::Ledger& ledger, Scope& scope, std::size_t rounds,
                          std::size_t entries) {
  Round round;
  for (std::size_t i = 0; i < rounds; ++i) {
    Completion done;
    round.left = entries;
    round.done = &done;
    for (std::size_t at = 0; at < entries; ++at) scope.spawn(append_of(ledger, round));
    co_await done;
  }
}

// Runs what `start` spawns to its end and gives the entries a second.
template <class Start>
double per_second(node::RealLoop& loop, std::size_t entries, Start start) {
  Scope scope([](const std::exception& thrown) {
    std::fprintf(stderr, "bench: %s\n", thrown.what());
    std::_Exit(1);
  });
  const auto began = Clock::now();
  start(scope);
  struct Watch {
    Scope& scope;
    node::RealLoop& loop;
    Timer timer{kith_done{&Watch::look, this}};
    static void look(void* self, std::int64_t, const void*) {
      auto* watch = static_cast<Watch*>(self);
      if (watch->scope.empty()) return watch->loop.stop();
      watch->loop.start(watch->timer, 200);
    }
  } watch{scope, loop};
  loop.start(watch.timer, 0);
  loop.run();
  const std::chrono::duration<double> took = Clock::now() - began;
  return static_cast<double>(entries) / took.count();
}

void print(int row, double per_s, double raw_per_s = 0) {
  std::printf("{\"row\":%d,\"per_s\":%.0f,\"raw_per_s\":%.0f}\n", row, per_s, raw_per_s);
  std::fflush(stdout);
}

// What the disk itself allows: one synced put after the other.
double raw_put_sync_per_s(store::KeyValue& kept, std::size_t puts) {
  const auto began = Clock::now();
  for (std::size_t i = 0; i < puts; ++i) {
    store::Batch batch;
    batch.put(store::Column::apps, as_bytes(std::to_string(i)), ByteVector(kBodyBytes, 7));
    kept.commit(batch, true).value();
  }
  const std::chrono::duration<double> took = Clock::now() - began;
  return static_cast<double>(puts) / took.count();
}

void measure(store::Durability durability, const Folder& folder) {
  Quiet log;
  crypto::Key32 key{};
  key[0] = 9;
  const crypto::Identity author = crypto::Identity::from_seed(key);
  const std::shared_ptr<store::KeyValue> kept =
      store::open_rocks_store((folder.path / std::to_string(static_cast<int>(durability))).string())
          .value();
  node::RealLoop loop;
  store::Committer committer(loop, Log(log, "store"), kept, durability);
  store::Ledgers ledgers({.loop = loop,
                          .log = Log(log, "ledger"),
                          .identity = author,
                          .committer = committer,
                          .origin = "bench"});
  store::Ledger& ledger = ledgers.open("bench");
  const auto writers = [&](std::size_t count, std::size_t each) {
    return per_second(loop, count * each, [&](Scope& scope) {
      for (std::size_t i = 0; i < count; ++i) scope.spawn(append_each(ledger, each));
    });
  };
  writers(1, 1'000);  // warm
  if (durability == store::Durability::sync) {
    print(21, writers(64, 3'000), raw_put_sync_per_s(*kept, 2'000));
    return;
  }
  print(19, writers(1, 50'000));
  // A thousand at once, and the next when all of them are kept.
  constexpr std::size_t kRounds = 300;
  print(20, per_second(loop, kRounds * 1'000, [&](Scope& scope) {
          scope.spawn(append_batches(ledger, scope, kRounds, 1'000));
        }));
}

}  // namespace

}  // namespace kith::bench

int main() {
  kith::crypto::start_crypto();
  const kith::bench::Folder folder;
  kith::bench::measure(kith::store::Durability::interval, folder);
  kith::bench::measure(kith::store::Durability::sync, folder);
  return 0;
}
