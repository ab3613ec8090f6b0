// SPDX-License-Identifier: MIT
// LedgerWorld: ledgers of one author on a store of their own, over a virtual loop; and a forger,
// who signs whatever he likes. For tests of the store.
#pragma once
#include <gtest/gtest.h>

#include <functional>

#include "engine/sim/virtual_loop.h"
#include "engine/store/ledgers.h"
#include "tests/support/captured_log.h"

namespace kith::test {

inline constexpr std::uint64_t kWaitUs = 60'000'000;

inline crypto::Identity identity_of(std::uint8_t seed) {
  crypto::Key32 key{};
  key[0] = seed;
  return crypto::Identity::from_seed(key);
}

// Runs a task to its end.
template <class T>
struct Outcome {
  std::optional<T> value;
  std::optional<Error> error;
  bool is_over() const { return value || error; }
};

template <class T>
Task<void> into(std::shared_ptr<Outcome<T>> outcome, Task<T> task) {
  try {
    auto value = co_await task;
    outcome->value = std::move(value);
  } catch (const Fault& fault) {
    outcome->error = fault.error();
  }
}

template <class T>
std::shared_ptr<Outcome<T>> start(Scope& scope, Task<T> task) {
  auto outcome = std::make_shared<Outcome<T>>();
  auto mine = outcome;
  scope.spawn(into<T>(std::move(mine), std::move(task)));
  return outcome;
}

struct Told final : store::LedgerObserver {
  struct Fork {
    store::Digest feed;
    std::uint64_t seq;
    bool is_own;
  };
  void on_run(store::Ledger& ledger, std::uint64_t first, std::uint64_t entries) override {
    EXPECT_EQ(ledger.synced_arrival(), first + entries - 1) << "told before it may leave";
    runs.push_back({first, entries});
  }
  void on_fork(store::Ledger&, const store::Digest& feed, const crypto::Key32&, std::uint64_t seq,
               bool is_own) override {
    forks.push_back({feed, seq, is_own});
  }
  struct Void {
    store::FeedKind kind;
    std::uint64_t first_seq, last_seq;
    bool counts;
    friend bool operator==(const Void&, const Void&) = default;
  };
  void on_void(store::Ledger&, const store::Lane& lane, std::uint64_t first_seq,
               std::uint64_t last_seq, bool counts) override {
    voids.push_back({lane.feed->opening.kind, first_seq, last_seq, counts});
  }
  void on_rights(store::Ledger&) override { ++rights; }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
  std::vector<Fork> forks;
  std::vector<Void> voids;
  std::size_t rights = 0;
};

class LedgerWorld {
 public:
  struct Setup {
    std::uint8_t author = 1;
    std::shared_ptr<store::KeyValue> store = store::make_memory_store();
    std::string origin = "here";
    store::Durability durability = store::Durability::sync;
  };
  LedgerWorld(sim::VirtualLoop& the_loop, Setup given)
      : loop(the_loop), setup(std::move(given)), identity(identity_of(setup.author)) {
    open();
  }
  ~LedgerWorld() {
    close();
    loop.run_for(1);  // what is under way beside the loop ends
  }

  void open() {
    committer.emplace(loop, Log(log, "store"), setup.store, setup.durability);
    ledgers.emplace(
        store::LedgersSetup{loop, Log(log, "store"), identity, *committer, setup.origin});
    ledgers->observe(told);
    ledger = &ledgers->open("notes");
  }
  void close() {
    scope.clear();
    ledgers.reset();
    committer.reset();
  }
  // As after a stop and a start.
  void reopen() {
    settle();
    close();
    open();
  }
  void settle() {
    EXPECT_TRUE(loop.run_until([&] { return ledgers->idle() && committer->idle(); }, kWaitUs));
  }

  template <class T>
  Outcome<T> run(Task<T> task) {
    const auto outcome = start<T>(scope, std::move(task));
    EXPECT_TRUE(loop.run_until([&] { return outcome->is_over(); }, kWaitUs)) << "it never ends";
    return std::move(*outcome);
  }
  Outcome<store::Appended> append(std::string_view type, std::string_view body) {
    return run(ledger->append({std::string(type), to_vector(as_bytes(body))}));
  }
  Outcome<std::size_t> take(ByteVector opening, store::RunBytes run_bytes) {
    return run(ledger->take(std::move(opening), std::move(run_bytes.entries),
                            std::move(run_bytes.bodies)));
  }
  store::Page read(store::Query query) {
    auto page = run(ledger->read(std::move(query)));
    EXPECT_TRUE(page.value) << page.error->message();
    return page.value ? *std::move(page.value) : store::Page();
  }
  std::vector<store::Held> all(bool by_time) {
    std::vector<store::Held> held;
    store::Query query;
    query.by_time = by_time;
    for (;;) {
      store::Page page = read(query);
      for (store::Held& each : page.entries) held.push_back(std::move(each));
      if (!page.more) return held;
      query.after = page.next;
    }
  }
  store::Verdict verify() {
    auto verdict = run(ledger->verify({}));
    EXPECT_TRUE(verdict.value) << verdict.error->message();
    return verdict.value ? *std::move(verdict.value) : store::Verdict();
  }

  sim::VirtualLoop& loop;
  Setup setup;
  CapturedLog log;
  crypto::Identity identity;
  Told told;
  std::optional<store::Committer> committer;
  std::optional<store::Ledgers> ledgers;
  store::Ledger* ledger = nullptr;
  Scope scope;
};

inline std::vector<std::string> bodies_of(const std::vector<store::Held>& held) {
  std::vector<std::string> made;
  for (const store::Held& each : held) made.emplace_back(as_text(each.body));
  return made;
}

// A branch of a feed that its author may write by hand: at any time, after any entry.
struct Forger {
  explicit Forger(std::uint8_t author, const store::Digest& ledger, std::uint8_t nonce = 0)
      : identity(std::make_shared<crypto::Identity>(identity_of(author))) {
    opening.ledger = ledger;
    opening.author = *store::author_of(identity->peer_id());
    opening.nonce[0] = nonce;
    block = store::encode(opening);
    feed = prev = store::digest_block(block);
  }
  void open_under(const store::Digest& grant) {
    opening.grant = grant;
    block = store::encode(opening);
    feed = prev = store::digest_block(block);
  }
  // Moves on behind what it makes.
  store::RunBytes make(const std::vector<std::pair<std::uint64_t, std::string>>& entries) {
    std::vector<store::Row> rows;
    for (const auto& [time_us, body] : entries) {
      store::Row row;
      row.time_us = time_us;
      row.type = "note";
      row.body = as_bytes(body);
      row.body_bytes = static_cast<std::uint32_t>(body.size());
      rows.push_back(std::move(row));
    }
    return make_of(std::move(rows));
  }
  store::RunBytes make_of(std::vector<store::Row> rows) {
    store::Run run;
    run.feed = feed;
    run.first_seq = seq + 1;
    run.prev = prev;
    run.rows = std::move(rows);
    ids = store::rebuild_run(run).value();
    run.signature = store::sign_head(*identity, {feed, run.last_seq(), ids.back()});
    seq = run.last_seq();
    prev = ids.back();
    return store::encode(run);
  }
  // Back to after one of the entries of the newest run, by its place in it.
  void back_to(std::uint64_t at_seq, const store::Digest& at) {
    seq = at_seq;
    prev = at;
  }
  std::shared_ptr<const crypto::Identity> identity;
  store::Opening opening;
  ByteVector block;
  store::Digest feed{}, prev{};
  std::uint64_t seq = 0;
  std::vector<store::Digest> ids;
};

}  // namespace kith::test
