// SPDX-License-Identifier: MIT
#include "tests/bench/lone_ledger.h"

#include <cstdio>
#include <cstdlib>

namespace kith::bench {
namespace {

crypto::Identity author() {
  crypto::Key32 key{};
  key[0] = 9;
  return crypto::Identity::from_seed(key);
}

Task<void> append_one(store::Ledger& ledger, Bodies& bodies) {
  store::NewEntry entry;
  entry.type = "note";
  entry.body = bodies.next();
  co_await ledger.append(std::move(entry));
}

// A round of appends at once, and who waits for the last of them.
struct Round {
  std::size_t left = 0;
  Completion* done = nullptr;
};
Task<void> append_of(store::Ledger& ledger, Bodies& bodies, Round& round) {
  co_await append_one(ledger, bodies);
  if (--round.left == 0) round.done->fire(0, nullptr);
}

Task<void> append_rounds(store::Ledger& ledger, Scope& scope, Bodies& bodies, std::size_t entries,
                         std::size_t at_once) {
  Round round;
  for (std::size_t left = entries; left > 0; left -= std::min(left, at_once)) {
    Completion done;
    round.left = std::min(left, at_once);
    round.done = &done;
    for (std::size_t i = std::min(left, at_once); i > 0; --i)
      scope.spawn(append_of(ledger, bodies, round));
    co_await done;
  }
}

}  // namespace

Task<void> append_each(store::Ledger& ledger, Bodies& bodies, std::size_t entries) {
  for (std::size_t i = 0; i < entries; ++i) {
    co_await append_one(ledger, bodies);
  }
}

LoneLedger::LoneLedger(const std::string& folder, std::string_view name,
                       store::Durability durability)
    : author_(author()),
      kept_(store::open_rocks_store(folder).value()),
      committer_(loop_, Log(log_, "store"), kept_, durability),
      ledgers_({.loop = loop_,
                .log = Log(log_, "ledger"),
                .identity = author_,
                .committer = committer_,
                .origin = "bench"}),
      ledger_(&ledgers_.open(name)) {}

LoneLedger::~LoneLedger() {
  ledgers_.retire();
  run([this](Scope& scope) {
    const auto settled = [](LoneLedger& self) -> Task<void> {
      while (!self.ledgers_.idle() || !self.committer_.idle()) {
        Nap nap(self.loop_, 1'000);
        co_await nap;
      }
    };
    scope.spawn(settled(*this));
  });
}

double LoneLedger::run(const Start& start) {
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
  } watch{scope, loop_};
  loop_.start(watch.timer, 0);
  loop_.run();
  return us_since(began) / 1e6;
}

void LoneLedger::append(std::size_t entries, std::size_t at_once, std::size_t body_bytes) {
  Bodies bodies(body_bytes);
  run([&](Scope& scope) { scope.spawn(append_rounds(*ledger_, scope, bodies, entries, at_once)); });
}

}  // namespace kith::bench
