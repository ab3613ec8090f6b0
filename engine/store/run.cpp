// SPDX-License-Identifier: MIT
#include "engine/store/run.h"

#include <cassert>

#include "engine/store/block_codec.h"

namespace kith::store {
namespace {

constexpr std::string_view kReserved = "ledger/";
constexpr std::string_view kGrant = "ledger/grant", kRevoke = "ledger/revoke";

// Where in a run it is.
Error at(std::uint64_t seq, ledger_error error) {
  return Error(error, "entry " + std::to_string(seq));
}

bool may_hold(FeedKind kind, std::string_view type) {
  if (kind == FeedKind::control) return type == kGrant || type == kRevoke;
  return !type.starts_with(kReserved);
}

Result<void> judge_place(const Run& run, const Opening& opening, const Before& before) {
  if (run.feed != digest_block(encode(opening))) return ledger_error::unknown_feed;
  if (run.rows.empty()) return Error(ledger_error::bad_run, "no entries");
  if (run.first_seq != before.seq + 1 || run.prev != before.entry) {
    return at(run.first_seq, ledger_error::wrong_prev);
  }
  if (run.rows.front().time_us <= before.time_us) {
    return at(run.first_seq, ledger_error::time_not_after);
  }
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    if (!may_hold(opening.kind, run.rows[i].type)) {
      return at(run.first_seq + i, ledger_error::reserved_type);
    }
  }
  return {};
}

Result<void> hash_body(Row& row, std::uint64_t seq) {
  if (row.is_dropped) return {};
  if (row.body.size() != row.body_bytes) return at(seq, ledger_error::body_mismatch);
  row.body_digest = row.body.empty() ? empty_digest() : crypto::sha256(row.body);
  return {};
}

}  // namespace

Result<std::vector<Digest>> rebuild_run(Run& run) {
  std::array<std::uint8_t, kEntryBytesMax> place;
  std::vector<Digest> ids;
  ids.reserve(run.rows.size());
  const Digest* prev = &run.prev;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    Row& row = run.rows[i];
    const std::uint64_t seq = run.first_seq + i;
    if (i > 0 && row.time_us <= run.rows[i - 1].time_us) {
      return at(seq, ledger_error::time_not_after);
    }
    if (const auto hashed = hash_body(row, seq); !hashed) return hashed.error();
    ids.push_back(
        crypto::sha256(write_entry(place.data(), {run.feed, seq, *prev, row.links, row.time_us,
                                                  row.type, row.body_digest, row.body_bytes})));
    prev = &ids.back();  // reserved above: it stays where it is
  }
  return ids;
}

Result<Judged> judge_run(Run& run, const Opening& opening, const Before& before) {
  if (const auto placed = judge_place(run, opening, before); !placed) return placed.error();
  auto ids = rebuild_run(run);
  if (!ids) return ids.error();
  const Head head{run.feed, run.last_seq(), ids->back()};
  if (!is_signed(head, opening.author, run.signature)) {
    return at(run.last_seq(), ledger_error::bad_signature);
  }
  return Judged{*std::move(ids), head};
}

Run tail_of(const Run& run, std::uint64_t first_seq, const Digest& before) {
  assert(first_seq >= run.first_seq && first_seq <= run.last_seq());
  const auto skipped = static_cast<std::ptrdiff_t>(first_seq - run.first_seq);
  return {run.feed,
          first_seq,
          skipped == 0 ? run.prev : before,
          run.signature,
          {run.rows.begin() + skipped, run.rows.end()}};
}

}  // namespace kith::store
