// SPDX-License-Identifier: MIT
// Rows 19 to 22 and 26 to 27 of the scoreboard: one program, a word a question. Prints one JSON
// object a row; run.mjs puts the anchors beside them.
#include "tests/bench/ledger.h"

#include <cstdio>
#include <cstdlib>
#include <span>

#include "tests/bench/lone_ledger.h"

namespace kith::bench {
namespace {

constexpr std::size_t kBodyBytes = 300;
constexpr std::size_t kBatch = 1'000;
constexpr int kRounds = 3;  // the best counts

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
  return static_cast<double>(puts) * 1e6 / us_since(began);
}

// Entries a second of so many writers, each waiting for each.
double writers(LoneLedger& lone, std::size_t count, std::size_t each) {
  Bodies bodies(kBodyBytes);
  const double seconds = lone.run([&](Scope& scope) {
    for (std::size_t i = 0; i < count; ++i) scope.spawn(append_each(lone.ledger(), bodies, each));
  });
  return static_cast<double>(count * each) / seconds;
}

double batches(LoneLedger& lone, std::size_t entries) {
  const auto began = Clock::now();
  lone.append(entries, kBatch, kBodyBytes);
  return static_cast<double>(entries) * 1e6 / us_since(began);
}

template <class Measure>
double best_of(Measure measure) {
  double best = 0;
  for (int i = 0; i < kRounds; ++i) best = std::max(best, measure());
  return best;
}

int append_rows() {
  const Folder folder;
  {
    LoneLedger lone((folder.path / "interval").string(), "bench", store::Durability::interval);
    writers(lone, 1, 1'000);  // warm
    print(19, best_of([&] { return writers(lone, 1, 20'000); }));
    print(20, best_of([&] { return batches(lone, 200'000); }));
  }
  LoneLedger lone((folder.path / "sync").string(), "bench", store::Durability::sync);
  writers(lone, 1, 100);
  const double per_s = best_of([&] { return writers(lone, 64, 1'500); });
  print(21, per_s, raw_put_sync_per_s(lone.kept(), 2'000));
  return 0;
}

int fill(const std::string& folder, std::size_t entries, std::size_t body_bytes) {
  LoneLedger lone(folder, "bench", store::Durability::interval);
  const auto began = Clock::now();
  lone.append(entries, kBatch, body_bytes);
  std::printf("{\"row\":\"fill\",\"per_s\":%.0f}\n",
              static_cast<double>(entries) * 1e6 / us_since(began));
  return 0;
}

// Row 26: until it could answer.
int open(const std::string& folder) {
  const double cpu = cpu_seconds();
  const auto began = Clock::now();
  LoneLedger lone(folder, "bench", store::Durability::sync);
  std::printf("{\"row\":26,\"ms\":%.1f,\"cpu_ms\":%.1f,\"entries\":%llu}\n", us_since(began) / 1e3,
              (cpu_seconds() - cpu) * 1e3,
              static_cast<unsigned long long>(lone.ledger().entries()));
  return 0;
}

// Row 27.
int verify(const std::string& folder) {
  LoneLedger lone(folder, "bench", store::Durability::sync);
  store::Verdict verdict;
  const auto verify_all = [](store::Ledger& ledger, store::Verdict& to) -> Task<void> {
    store::Progress none;
    store::Verdict made = co_await ledger.verify(std::move(none));
    to = std::move(made);
  };
  const double cpu = cpu_seconds();
  const double seconds =
      lone.run([&](Scope& scope) { scope.spawn(verify_all(lone.ledger(), verdict)); });
  const auto entries = static_cast<double>(verdict.entries);
  std::printf("{\"row\":27,\"per_s\":%.0f,\"per_cpu_s\":%.0f,\"ok\":%s}\n", entries / seconds,
              entries / (cpu_seconds() - cpu), verdict.ok() ? "true" : "false");
  return verdict.ok() ? 0 : 1;
}

int usage() {
  std::fprintf(stderr,
               "usage: kith_bench_ledger append | replicate | fill FOLDER ENTRIES BODY_BYTES | "
               "open FOLDER | verify FOLDER\n");
  return 2;
}

}  // namespace

int run(std::span<char*> words) {
  const std::string verb = words.empty() ? "" : words[0];
  if (verb == "append") return append_rows();
  if (verb == "replicate") return replicate(kBatch, kBodyBytes);
  if (verb == "fill" && words.size() == 4)
    return fill(words[1], std::strtoull(words[2], nullptr, 10),
                std::strtoull(words[3], nullptr, 10));
  if (verb == "open" && words.size() == 2) return open(words[1]);
  if (verb == "verify" && words.size() == 2) return verify(words[1]);
  return usage();
}

}  // namespace kith::bench

int main(int count, char** words) {
  kith::crypto::start_crypto();
  return kith::bench::run({words + 1, static_cast<std::size_t>(count - 1)});
}
