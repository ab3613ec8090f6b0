// SPDX-License-Identifier: MIT
// Properties: a run that is parsed is written as the very same bytes and keeps its bounds; its tail
// chains to the same last entry; judging never crashes. Two bytes, big-endian, say how many are of
// entries; the rest is bodies.
#include <algorithm>
#include <cstdlib>

#include "engine/store/run.h"

using namespace kith;
using namespace kith::store;

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

void judge_rows(const Run& run, std::size_t bodies_bytes) {
  std::size_t total = 0;
  std::uint64_t least = 0;
  for (const Row& row : run.rows) {
    expect(row.time_us >= least && row.time_us <= kIntegerMax);
    least = row.time_us + 1;
    expect(is_type_valid(row.type) && row.links.size() <= kLinksMax);
    expect(row.body_bytes <= kBodyBytesMax);
    expect(row.body.size() == (row.is_dropped ? 0 : row.body_bytes));
    total += row.body.size();
  }
  expect(total == bodies_bytes);
  expect(!run.rows.empty() && run.rows.size() <= kRunEntriesMax);
  expect(run.last_seq() <= kIntegerMax);
}

void judge_chain(Run& run) {
  const auto ids = rebuild_run(run).value();
  expect(ids.size() == run.rows.size());
  const std::uint64_t middle = run.first_seq + run.rows.size() / 2;
  const Digest before = run.rows.size() == 1 ? run.prev : ids[run.rows.size() / 2 - 1];
  Run tail = tail_of(run, middle, before);
  expect(rebuild_run(tail).value().back() == ids.back());
  const RunBytes bytes = encode(tail);
  Run parsed = parse_run(bytes.entries, bytes.bodies).value();
  expect(rebuild_run(parsed).value().back() == ids.back());
  Opening opening;
  opening.author = {1};
  const Before opened{run.prev, run.first_seq - 1, 0};
  expect(!judge_run(run, opening, opened));  // no such feed
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes rest(data + 2, size - 2);
  const Bytes entries = rest.first(std::min(rest.size(), std::size_t{data[0]} << 8 | data[1]));
  const Bytes bodies = rest.subspan(entries.size());
  auto run = parse_run(entries, bodies);
  if (!run) return 0;
  const RunBytes again = encode(*run);
  expect(equal(again.entries, entries) && equal(again.bodies, bodies));
  judge_rows(*run, bodies.size());
  judge_chain(*run);
  return 0;
}
