// SPDX-License-Identifier: MIT
// Properties: blocks that are read are written as the very same bytes; the bytes may come in any
// pieces; runs of a file keep their bounds and are runs of the store; checking never crashes.
#include <cstdlib>

#include "engine/store/block_codec.h"
#include "engine/store/file_check.h"

using namespace kith;
using namespace kith::store;

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

constexpr std::size_t kPieces[] = {1, 64, 1'000'000};

// What was read of the file, written again.
ByteVector read_blocks(Bytes file, std::size_t piece_bytes) {
  CarReader reader;
  ByteVector again;
  for (;;) {
    const auto block = reader.next();
    if (!block) break;
    if (*block) {
      expect((*block)->bytes.size() <= kCarRootBytesMax);
      if (again.empty()) append_car_header(again, (*block)->digest);
      append_car_block(again, **block);
    } else if (file.empty()) {
      break;
    } else {
      const std::size_t size = std::min(piece_bytes, file.size());
      reader.feed(file.first(size));
      file = file.subspan(size);
    }
  }
  if (!again.empty()) expect(reader.offset() == again.size());
  return again;
}

void judge_run_of_file(FileRun& made) {
  expect(!made.ids.empty() && made.ids.size() == made.run.rows.size());
  expect(made.ids.size() <= kRunEntriesMax);
  const RunBytes bytes = encode(made.run);
  expect(bytes.bodies.size() <= kRunBodiesMax + kBodyBytesMax);
  auto ids = rebuild_run(made.run);  // its times may not ascend
  if (!ids) return;
  expect(*ids == made.ids);
  const auto parsed = parse_run(bytes.entries, bytes.bodies);
  if (parsed) expect(parsed->last_seq() == made.run.last_seq());
}

void read_runs(Bytes file) {
  RunFileReader reader;
  reader.feed(file);
  for (;;) {
    auto run = reader.next();
    if (!run || !*run) break;
    judge_run_of_file(**run);
  }
}

// The same sections with the CIDs that their blocks have: what a forger would send.
ByteVector with_right_cids(Bytes file) {
  constexpr std::size_t kCidBytes = 36, kCodecAt = 1;
  ByteVector made;
  if (!wire::read_prefixed(file, kCarHeaderBytesMax)) return made;
  for (;;) {
    const auto section = wire::read_prefixed(file, kCidBytes + kCarRootBytesMax);
    if (!section || section->size() < kCidBytes) return made;
    const Bytes block = section->subspan(kCidBytes);
    const Digest digest = digest_block(block);
    const bool is_raw = (*section)[kCodecAt] == wire::kRawCodec;
    if (made.empty()) append_car_header(made, digest);
    append_car_block(made, {digest, is_raw ? wire::kRawCodec : wire::kDagCborCodec, block});
  }
}

void check_file(Bytes file) {
  read_runs(file);
  FileCheck check;
  check.feed(file);
  check.finish();
  if (check.wants_again()) {
    check.begin_again();
    check.feed(file);
    check.finish();
  }
  // Of a proof that is good there is an entry to tell of.
  const FileVerdict& verdict = check.verdict();
  expect(!verdict.ok() || verdict.genesis);
  expect(!verdict.ok() || verdict.is_proof == verdict.proven.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file(data, size);
  const ByteVector again = read_blocks(file, 1'000'000);
  expect(again.size() <= file.size() && equal(again, file.first(again.size())));
  for (const std::size_t piece : kPieces) expect(read_blocks(file, piece) == again);
  check_file(file);
  check_file(with_right_cids(file));
  return 0;
}
