// SPDX-License-Identifier: MIT
// A ledger's file and the proof of an entry: what is exported is checked and imported elsewhere,
// and whatever was changed in it is found.
#include <unistd.h>

#include "engine/store/exporting.h"
#include "engine/store/file_check.h"
#include "engine/store/importing.h"
#include "engine/store/stats.h"
#include "tests/store/folder.h"
#include "tests/store/ledger_world.h"

namespace kith::test {
namespace {

using store::ledger_error;

store::FileVerdict check(Bytes file) {
  store::FileCheck check;
  const auto feed_all = [&] {
    for (Bytes rest = file; !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 1'000);
      if (!check.feed(rest.first(size))) break;
      rest = rest.subspan(size);
    }
    check.finish();
  };
  feed_all();
  if (check.wants_again()) {
    check.begin_again();
    feed_all();
  }
  return check.verdict();
}

void flip(std::uint8_t& byte, std::size_t bit) {
  byte = static_cast<std::uint8_t>(byte ^ (1u << bit));
}

class Files : public testing::Test {
 protected:
  std::uint64_t at(std::uint64_t n) const { return start_us + n; }
  std::string path(const char* name) const { return folder.path() / name; }
  std::shared_ptr<const store::LedgerFacts> facts(LedgerWorld& of) const {
    of.settle();
    return std::make_shared<const store::LedgerFacts>(*of.ledger);
  }
  ByteVector export_of(LedgerWorld& of, const char* name) {
    auto file = store::NewFile::make(path(name)).value();
    store::ExportWork work(of.setup.store, facts(of), std::move(file));
    while (!work.step()) {
    }
    EXPECT_FALSE(work.error()) << work.error()->message();
    const ByteVector made = read_file(path(name));
    EXPECT_EQ(work.bytes(), made.size());
    EXPECT_EQ(work.entries(), of.ledger->entries());
    return made;
  }
  ByteVector proof_of(LedgerWorld& of, const store::Digest& entry) {
    of.settle();
    const auto found = of.run(of.ledger->find(entry));
    if (!found.value || !*found.value) return {};
    store::ProofWork work(store::proof_setup(*of.ledger, of.setup.store, **found.value));
    while (!work.step()) {
    }
    EXPECT_FALSE(work.error());
    return work.proof();
  }
  Outcome<store::ImportReport> import_into(LedgerWorld& to, Bytes file) {
    write_file(path("in.car"), file);
    store::ImportSetup setup{loop, path("in.car"), {}, {}};
    setup.open = [&to](const store::Genesis&, const store::Digest& id) -> store::Ledger& {
      EXPECT_EQ(id, to.ledger->id());
      return *to.ledger;
    };
    return to.run(store::import_file(std::move(setup)));
  }
  // Three authors: this node, one who signs many at once, and one who forked.
  void fill() {
    for (int i = 0; i < 5; ++i) world.append("note", "own " + std::to_string(i));
    world.append("empty", "");
    std::vector<std::pair<std::uint64_t, std::string>> many;
    for (std::uint64_t i = 0; i < 300; ++i) many.emplace_back(at(i), "many " + std::to_string(i));
    EXPECT_EQ(world.take(other.block, other.make(many)).value, 300u);
    EXPECT_EQ(world.take(other.block, other.make({{at(500), "later"}})).value, 1u);
    EXPECT_EQ(world.take(forker.block, forker.make({{at(1), "f1"}, {at(2), "f2"}})).value, 2u);
    const store::Digest first = forker.ids[0];
    EXPECT_EQ(world.take(forker.block, forker.make({{at(3), "f3"}})).value, 1u);
    forker.back_to(1, first);
    EXPECT_EQ(world.take(forker.block, forker.make({{at(9), "fork"}})).value, 1u);
  }

  Folder folder;
  sim::VirtualLoop loop{1};
  LedgerWorld world{loop, {}};
  Forger other{7, world.ledger->id()}, forker{8, world.ledger->id()};
  const std::uint64_t start_us = loop.wall_us() - 1'000'000;
};

TEST_F(Files, AnExportIsWholeAndAnotherNodeTakesAllOfIt) {
  fill();
  const ByteVector file = export_of(world, "out.car");
  const store::FileVerdict verdict = check(file);
  EXPECT_TRUE(verdict.ok()) << verdict.problems.front();
  EXPECT_EQ(verdict.entries, world.ledger->entries());
  EXPECT_EQ(verdict.lanes, 4u) << "own, other, and both branches of the fork";
  EXPECT_EQ(verdict.missing_bodies, 0u);
  EXPECT_EQ(verdict.ledger, world.ledger->id());
  EXPECT_FALSE(verdict.proven);

  LedgerWorld second(loop, {.author = 2});
  const auto report = import_into(second, file);
  ASSERT_TRUE(report.value) << report.error->message();
  EXPECT_TRUE(report.value->refused.empty()) << report.value->refused.front();
  EXPECT_EQ(report.value->fresh, world.ledger->entries());
  EXPECT_EQ(bodies_of(second.all(true)), bodies_of(world.all(true)));
  EXPECT_EQ(second.ledger->tips(), world.ledger->tips());
  EXPECT_TRUE(second.verify().ok());
  const auto again = import_into(second, file);
  EXPECT_EQ(again.value->fresh, 0u);
  EXPECT_EQ(again.value->entries, world.ledger->entries());
  EXPECT_EQ(export_of(second, "again.car"), file) << "the same runs make the same file";
}

TEST_F(Files, AnEmptyLedgerIsAFileToo) {
  const ByteVector file = export_of(world, "empty.car");
  const store::FileVerdict verdict = check(file);
  EXPECT_TRUE(verdict.ok()) << verdict.problems.front();
  EXPECT_EQ(verdict.genesis->name, "notes");
  LedgerWorld second(loop, {.author = 2});
  EXPECT_EQ(import_into(second, file).value->entries, 0u);
}

TEST_F(Files, AFileThatIsThereIsNeverTouched) {
  write_file(path("mine"), as_bytes("mine"));
  EXPECT_FALSE(store::NewFile::make(path("mine")));
  EXPECT_EQ(read_file(path("mine")), to_vector(as_bytes("mine")));
  { const auto unfinished = store::NewFile::make(path("half")).value(); }
  EXPECT_NE(::access(path("half").c_str(), F_OK), 0) << "what was not finished is gone";
}

TEST_F(Files, EveryChangedByteIsFound) {
  world.append("note", "one");
  world.append("note", "two");
  EXPECT_EQ(world.take(forker.block, forker.make({{at(1), "f1"}, {at(2), "f2"}})).value, 2u);
  const ByteVector file = export_of(world, "out.car");
  ASSERT_TRUE(check(file).ok());
  for (std::size_t place = 0; place < file.size(); ++place) {
    ByteVector changed = file;
    flip(changed[place], place % 8);
    EXPECT_FALSE(check(changed).ok()) << "byte " << place;
  }
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_FALSE(check(Bytes(file).first(size)).ok()) << "cut to " << size;
}

// Blocks that are what their CIDs name, but not signed, not chained, or not all there.
TEST_F(Files, WhatAForgerPutsInItIsFound) {
  const auto file_of = [&](store::Run run, const std::vector<store::Digest>& tips) {
    const auto ids = store::rebuild_run(run).value();
    store::Manifest manifest{tips, std::nullopt, world.ledger->id()};
    if (tips.empty())
      manifest.tips = {store::digest_block(store::encode(store::signed_head_of(run, ids)))};
    ByteVector made = store::car_beginning(manifest, world.ledger->genesis_block());
    store::append_car_block(made, {other.feed, wire::kDagCborCodec, other.block});
    store::append_car_run(made, run, ids, {});
    return made;
  };
  const store::RunBytes bytes = other.make({{at(1), "a"}, {at(2), "b"}});
  const store::Run good = store::parse_run(bytes.entries, bytes.bodies).value();
  EXPECT_TRUE(check(file_of(good, {})).ok());

  store::Run unsigned_run = good;
  unsigned_run.signature[5] ^= 1;
  EXPECT_NE(check(file_of(unsigned_run, {})).problems.at(0).find("signature"), std::string::npos);
  EXPECT_FALSE(check(file_of(good, {store::Digest{1}})).ok()) << "tips that are not there";
  store::Run gone = good;
  gone.first_seq = 4;
  gone.prev = store::Digest{4};
  const auto ids = store::rebuild_run(gone).value();
  gone.signature = store::sign_head(*other.identity, {other.feed, 5, ids.back()});
  const auto verdict = check(file_of(gone, {}));
  ASSERT_FALSE(verdict.ok());
  EXPECT_NE(verdict.problems.at(0).find("not in the file"), std::string::npos);

  LedgerWorld second(loop, {.author = 2});
  const auto report = import_into(second, file_of(unsigned_run, {}));
  EXPECT_EQ(report.value->fresh, 0u);
  EXPECT_EQ(report.value->refused.size(), 1u);
  EXPECT_EQ(import_into(second, file_of(gone, {})).value->refused.size(), 1u);
  EXPECT_EQ(import_into(second, file_of(good, {})).value->fresh, 2u);
}

TEST_F(Files, WhatCameBeforeADamageIsKept) {
  fill();
  ByteVector file = export_of(world, "out.car");
  file[file.size() / 2] ^= 1;
  LedgerWorld second(loop, {.author = 2});
  const auto report = import_into(second, file);
  ASSERT_TRUE(report.value);
  EXPECT_EQ(report.value->refused.size(), 1u);
  EXPECT_GT(report.value->fresh, 0u);
  EXPECT_EQ(second.ledger->entries(), report.value->fresh);
  EXPECT_TRUE(second.verify().ok());
}

TEST_F(Files, AProofShowsOneEntryAndItsPlace) {
  fill();
  const auto held = world.all(true);
  for (const store::Held& each : held) {
    const ByteVector proof = proof_of(world, each.id);
    const store::FileVerdict verdict = check(proof);
    ASSERT_TRUE(verdict.ok() && verdict.proven) << verdict.problems.at(0);
    EXPECT_EQ(verdict.proven->id, each.id);
    EXPECT_EQ(verdict.proven->author, each.author);
    EXPECT_EQ(verdict.proven->seq, each.seq);
    EXPECT_EQ(verdict.proven->time_us, each.time_us);
    EXPECT_EQ(verdict.proven->type, each.type);
    EXPECT_EQ(verdict.proven->body.value_or(ByteVector()), each.body);
    EXPECT_EQ(verdict.missing_bodies, verdict.entries - 1) << "only its own body";
  }
}

TEST_F(Files, AProofOfASinglySignedEntryIsAboutAThousandBytes) {
  const auto appended = world.append("note", "0123456789");
  const ByteVector proof = proof_of(world, appended.value->id);
  EXPECT_LT(proof.size(), 1'150u);
  for (std::size_t place = 0; place < proof.size(); ++place) {
    ByteVector changed = proof;
    flip(changed[place], place % 8);
    EXPECT_FALSE(check(changed).ok()) << "byte " << place;
  }
  EXPECT_TRUE(proof_of(world, store::Digest{9}).empty());
}

TEST_F(Files, StatsCountByAuthor) {
  fill();
  store::StatsWork work(world.setup.store, facts(world));
  while (!work.step()) {
  }
  EXPECT_EQ(work.all().entries, world.ledger->entries());
  EXPECT_EQ(work.all().feeds, 3u);
  EXPECT_EQ(work.authors().size(), 3u);
  const store::Stats& forked = work.authors().at(forker.opening.author);
  EXPECT_EQ(forked.feeds, 1u);
  EXPECT_EQ(forked.entries, 4u);
  EXPECT_EQ(forked.bytes, 10u);
  EXPECT_EQ(forked.oldest_us, at(1));
  EXPECT_EQ(forked.newest_us, at(9));
}

}  // namespace
}  // namespace kith::test
