// SPDX-License-Identifier: MIT
#include "engine/store/run.h"

#include "tests/store/vectors.h"

namespace kith::store {
namespace {

using test::before_of;
using test::bytes_of;
using test::hex;
using test::Json;
using test::read_vectors;

constexpr std::uint64_t kStart = 1'700'000'000'000'000;

class Runs : public testing::Test {
 protected:
  using Run = store::Run;  // GoogleTest's own Run is not meant here

  Runs() {
    opening_.author = author_of(author_.peer_id()).value();
    feed_ = digest_block(encode(opening_));
  }

  // Rows a millisecond apart with bodies of that size, each other than the last.
  Run make(std::size_t rows, std::size_t body_bytes) {
    bodies_.assign(rows, {});
    Run run{feed_, 1, feed_, {}, {}};
    for (std::size_t i = 0; i < rows; ++i) {
      bodies_[i].assign(body_bytes, static_cast<std::uint8_t>(i + 1));
      Row row;
      row.time_us = kStart + 1'000 * i;
      row.type = "note";
      row.body = bodies_[i];
      row.body_bytes = static_cast<std::uint32_t>(body_bytes);
      run.rows.push_back(row);
    }
    return run;
  }
  void sign(Run& run) {
    const Digest last = rebuild_run(run).value().back();
    run.signature = sign_head(author_, {run.feed, run.last_seq(), last});
  }
  Before opened() const { return {feed_, 0, 0}; }

  static crypto::Identity make_author() {
    crypto::start_crypto();
    return crypto::Identity::from_seed(crypto::Key32{7});
  }

  crypto::Identity author_ = make_author();
  Opening opening_;
  Digest feed_{};
  std::vector<ByteVector> bodies_;
};

void expect_refused(const Result<Run>& run, ledger_error error) {
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(error)) << run.error().message();
}

TEST_F(Runs, AsInTheVectors) {
  const Json vectors = read_vectors("runs");
  ASSERT_EQ(vectors.size(), 6u);
  for (const Json& vector : vectors) {
    SCOPED_TRACE(vector["what"]);
    const ByteVector entries = bytes_of(vector["entries"]), bodies = bytes_of(vector["bodies"]);
    Run run = parse_run(entries, bodies).value();
    const RunBytes again = encode(run);
    EXPECT_EQ(hex(again.entries), vector["entries"]);
    EXPECT_EQ(hex(again.bodies), vector["bodies"]);
    const Opening opening = decode_opening(bytes_of(vector["opening"])).value();
    const Judged judged = judge_run(run, opening, before_of(vector)).value();
    ASSERT_EQ(judged.ids.size(), vector["ids"].size());
    for (std::size_t i = 0; i < judged.ids.size(); ++i) {
      EXPECT_EQ(hex(cid_of(judged.ids[i])), vector["ids"][i]);
    }
    EXPECT_EQ(judged.head, (Head{run.feed, run.last_seq(), judged.ids.back()}));
    EXPECT_EQ(rebuild_run(run).value(), judged.ids);
  }
}

TEST_F(Runs, RefusedAsInTheVectors) {
  int seen = 0;
  for (const Json& vector : read_vectors("refused")) {
    if (vector["kind"] != "run") continue;
    ++seen;
    const ByteVector entries = bytes_of(vector["entries"]), bodies = bytes_of(vector["bodies"]);
    auto run = parse_run(entries, bodies);
    if (!run) {
      test::expect_refused(run, vector);
      continue;
    }
    const Opening opening = decode_opening(bytes_of(vector["opening"])).value();
    test::expect_refused(judge_run(*run, opening, before_of(vector)), vector);
  }
  EXPECT_GT(seen, 30);
}

// Nothing of a run can be changed: it is refused when it is parsed, or when it is judged.
TEST_F(Runs, EachBitIsUnderTheSignature) {
  for (const Json& vector : read_vectors("runs")) {
    if (vector["ids"].size() > 10) continue;
    SCOPED_TRACE(vector["what"]);
    const Opening opening = decode_opening(bytes_of(vector["opening"])).value();
    const Before before = before_of(vector);
    ByteVector entries = bytes_of(vector["entries"]), bodies = bytes_of(vector["bodies"]);
    for (ByteVector* piece : {&entries, &bodies}) {
      for (std::size_t bit = 0; bit < piece->size() * 8; bit += 3) {
        const auto mask = static_cast<std::uint8_t>(1u << bit % 8);
        (*piece)[bit / 8] ^= mask;
        auto run = parse_run(entries, bodies);
        EXPECT_FALSE(run && judge_run(*run, opening, before));
        (*piece)[bit / 8] ^= mask;
      }
    }
  }
}

TEST_F(Runs, CutAnywhereIsRefused) {
  Run run = make(3, 5);
  sign(run);
  const RunBytes bytes = encode(run);
  for (std::size_t size = 0; size < bytes.entries.size(); ++size) {
    expect_refused(parse_run(Bytes(bytes.entries).first(size), bytes.bodies),
                   ledger_error::bad_run);
  }
}

TEST_F(Runs, AHundredEntriesCostLittleBeyondTheirBodies) {
  Run run = make(100, 300);
  const RunBytes bytes = encode(run);
  EXPECT_EQ(bytes.bodies.size(), 30'000u);
  EXPECT_LE(bytes.entries.size(), 900u);  // 1.03 of the payload
}

TEST_F(Runs, OneEntryIsSmall) {
  Run run = make(1, 300);
  EXPECT_LE(encode(run).entries.size(), 160u);
}

TEST_F(Runs, BoundsAreExact) {
  Run run = make(kRunEntriesMax, 0);
  auto bytes = encode(run);
  EXPECT_EQ(parse_run(bytes.entries, bytes.bodies).value().rows.size(), kRunEntriesMax);
  run = make(kRunEntriesMax + 1, 0);
  bytes = encode(run);
  expect_refused(parse_run(bytes.entries, bytes.bodies), ledger_error::run_too_large);
  run = make(9, kBodyBytesMax);  // 2 MiB and one body more
  bytes = encode(run);
  EXPECT_TRUE(parse_run(bytes.entries, bytes.bodies));
  run = make(10, kBodyBytesMax);
  bytes = encode(run);
  expect_refused(parse_run(bytes.entries, bytes.bodies), ledger_error::run_too_large);
  run = make(1, kBodyBytesMax + 1);
  bytes = encode(run);
  expect_refused(parse_run(bytes.entries, bytes.bodies), ledger_error::body_too_large);
}

TEST_F(Runs, IntegersEndBelow2To53) {
  Run run = make(2, 1);
  run.first_seq = kIntegerMax - 1;
  auto bytes = encode(run);
  EXPECT_TRUE(parse_run(bytes.entries, bytes.bodies));
  run.first_seq = kIntegerMax;
  bytes = encode(run);
  expect_refused(parse_run(bytes.entries, bytes.bodies), ledger_error::bad_integer);
  run.first_seq = 1;
  run.rows[1].time_us = kIntegerMax;
  bytes = encode(run);
  EXPECT_EQ(parse_run(bytes.entries, bytes.bodies).value().rows[1].time_us, kIntegerMax);
  run.rows[1].time_us = kIntegerMax + 1;
  bytes = encode(run);
  expect_refused(parse_run(bytes.entries, bytes.bodies), ledger_error::bad_integer);
}

TEST_F(Runs, TimesThatDoNotAscendAreRefused) {
  Run run = make(3, 1);
  sign(run);
  run.rows[2].time_us = run.rows[1].time_us;
  const auto judged = judge_run(run, opening_, opened());
  ASSERT_FALSE(judged);
  EXPECT_TRUE(judged.error().is(ledger_error::time_not_after));
  EXPECT_EQ(judged.error().detail(), "entry 3");
  EXPECT_FALSE(rebuild_run(run));
}

TEST_F(Runs, ABodyOfAnotherSizeIsRefused) {
  Run run = make(2, 8);
  sign(run);
  run.rows[1].body_bytes = 9;
  const auto judged = judge_run(run, opening_, opened());
  ASSERT_FALSE(judged);
  EXPECT_TRUE(judged.error().is(ledger_error::body_mismatch));
}

TEST_F(Runs, ARunWithoutRowsIsRefused) {
  Run run = make(0, 0);
  EXPECT_FALSE(judge_run(run, opening_, opened()));
  EXPECT_TRUE(rebuild_run(run).value().empty());
}

TEST_F(Runs, JudgingFillsTheDigestsOfBodies) {
  Run run = make(2, 8);
  sign(run);
  ASSERT_TRUE(judge_run(run, opening_, opened()));
  EXPECT_EQ(run.rows[0].body_digest, digest_block(bodies_[0]));
  EXPECT_EQ(run.rows[1].body_digest, digest_block(bodies_[1]));
}

TEST_F(Runs, WhatWasDroppedIsStillProven) {
  Run run = make(20, 50);
  sign(run);
  const auto ids = rebuild_run(run).value();
  for (std::size_t i = 0; i < run.rows.size(); i += 3) {
    run.rows[i].is_dropped = true;
    run.rows[i].body = {};
  }
  const RunBytes bytes = encode(run);
  Run again = parse_run(bytes.entries, bytes.bodies).value();
  EXPECT_EQ(judge_run(again, opening_, opened()).value().ids, ids);
  EXPECT_EQ(again.rows[3].body_bytes, 50u);
}

TEST_F(Runs, ATailProvesItselfAfterItsHead) {
  Run run = make(30, 10);
  run.rows[12].links = {Digest{1}, Digest{2}};
  run.rows[20].type = "other";
  sign(run);
  const auto ids = rebuild_run(run).value();
  for (const std::uint64_t first : {1u, 2u, 13u, 21u, 30u}) {
    SCOPED_TRACE(first);
    const Digest before = first == 1 ? feed_ : ids[first - 2];
    const Run tail = tail_of(run, first, before);
    const RunBytes bytes = encode(tail);
    Run parsed = parse_run(bytes.entries, bytes.bodies).value();
    EXPECT_EQ(parsed.rows.size(), 31 - first);
    const std::uint64_t time = first == 1 ? 0 : run.rows[first - 2].time_us;
    const auto judged = judge_run(parsed, opening_, {before, first - 1, time});
    ASSERT_TRUE(judged);
    EXPECT_TRUE(std::equal(judged->ids.begin(), judged->ids.end(), ids.begin() + first - 1));
  }
}

}  // namespace
}  // namespace kith::store
