// SPDX-License-Identifier: MIT
// Run: the entries of one feed from one signed head to the next, as columns; the form in which
// entries are stored and travel. Entries are never kept as blocks: they are rebuilt, hashed and
// chained on read, and the last must be what the signature covers. Pure; any thread.
#pragma once
#include "engine/store/blocks.h"

namespace kith::store {

inline constexpr std::size_t kRunEntriesSigned = 256;         // an author signs at least so often
inline constexpr std::size_t kRunBodiesSigned = 1024 * 1024;  // ... and per so many body bytes
inline constexpr std::size_t kRunEntriesMax = 2 * kRunEntriesSigned;  // accepted
inline constexpr std::size_t kRunBodiesMax = 2 * kRunBodiesSigned;    // one body more may be over

// One entry without what the run tells of all of them.
struct Row {
  std::uint64_t time_us = 0;
  std::string_view type;
  std::vector<Digest> links;
  Bytes body;            // empty when dropped
  Digest body_digest{};  // filled by parse_run where dropped, else by whoever hashes
  std::uint32_t body_bytes = 0;
  bool is_dropped = false;
};

struct Run {
  Digest feed{};
  std::uint64_t first_seq = 0;
  Digest prev{};  // the entry before, or at seq 1 the opening
  crypto::Signature signature{};
  std::vector<Row> rows;  // views of what was parsed
  std::uint64_t last_seq() const { return first_seq + rows.size() - 1; }
};

// The columns of a run, in two pieces that the store keeps apart and the wire joins:
// entries: feed, first seq, prev, signature, count, times, types, links, sizes and dropped digests;
// bodies: the bodies one after the other.
struct RunBytes {
  ByteVector entries, bodies;
};
RunBytes encode(const Run& run);
// Views into both; judges the shape and every bound, not the chain. bad_run, run_too_large,
// bad_type, bad_links, bad_integer, body_too_large.
Result<Run> parse_run(Bytes entries, Bytes bodies);

// What the run follows.
struct Before {
  Digest entry{};             // at seq 1 the opening's
  std::uint64_t seq = 0;      // of it; 0 = the opening
  std::uint64_t time_us = 0;  // of it; at seq 1 the genesis's, or 0
};
struct Judged {
  std::vector<Digest> ids;  // of the entries, in order
  Head head;                // the last, which is signed
};
// Rebuilds every entry and checks all of it: times, types by kind, body hashes into rows, chain and
// signature. `seq` and `prev` of the run must be those of `before`.
Result<Judged> judge_run(Run& run, const Opening& opening, const Before& before);
// The same without the signature, for what the store itself gave back.
Result<std::vector<Digest>> rebuild_run(Run& run);
// The rows from `first_seq` on as a run of their own (same signature and views): what is sent to
// who has the rest. `before` is the id of the entry before them.
Run tail_of(const Run& run, std::uint64_t first_seq, const Digest& before);

}  // namespace kith::store
