// SPDX-License-Identifier: MIT
// `kith ledger check FILE`, without a node: a proof that holds, one that was changed, no file.
#include <fstream>

#include "engine/store/run_file.h"
#include "tests/cli/play.h"

namespace kith::cli {
namespace {

constexpr std::uint64_t kTimeUs = 1'700'000'000'000'000;

// One entry with this body, signed by itself, as `ledger prove` writes it.
ByteVector proof_of(std::string_view body) {
  crypto::start_crypto();
  const auto author = crypto::Identity::from_seed(crypto::Key32{1});
  store::Genesis genesis;
  genesis.name = "notes";
  const ByteVector genesis_block = encode(genesis);
  store::Opening opening;
  opening.ledger = store::digest_block(genesis_block);
  opening.author = *store::author_of(author.peer_id());
  const ByteVector opening_block = encode(opening);
  store::Row row;
  row.time_us = kTimeUs;
  row.type = "note";
  row.body = as_bytes(body);
  row.body_bytes = static_cast<std::uint32_t>(body.size());
  store::Run run;
  run.feed = run.prev = store::digest_block(opening_block);
  run.first_seq = 1;
  run.rows.push_back(std::move(row));
  const auto ids = store::rebuild_run(run).value();
  run.signature = store::sign_head(author, {run.feed, 1, ids[0]});
  store::Manifest manifest;
  manifest.genesis = opening.ledger;
  manifest.entry = ids[0];
  manifest.tips = {store::digest_block(encode(store::signed_head_of(run, ids)))};
  ByteVector made = store::car_beginning(manifest, genesis_block);
  store::append_car_block(made, {run.feed, wire::kDagCborCodec, opening_block});
  store::append_car_run(made, run, ids, {});
  return made;
}

class LedgerFile : public ProgramTest {
 protected:
  Ran check(const ByteVector& bytes, std::vector<std::string> more = {}) {
    const std::string file = folder_ + "/proof.car";
    std::ofstream(file, std::ios::binary) << as_text(bytes);
    std::vector<std::string> words{"ledger", "check", file};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
};

TEST_F(LedgerFile, AProofIsSaidWithWhatItDoesNotShow) {
  const ByteVector proof = proof_of("the milk");
  const Ran said = check(proof);
  EXPECT_EQ(said.code, kExitOk) << said.out << said.err;
  for (const char* part : {"proves one entry of the ledger 'notes'", "seq 1 of feed", "the milk",
                           "2023-11-14 22:13:20 UTC", "not that he was entitled"})
    EXPECT_NE(said.out.find(part), std::string::npos) << part << "\n" << said.out;
  const Ran json = check(proof, {"--json"});
  EXPECT_NE(json.out.find("\"text\":\"the milk\""), std::string::npos) << json.out;
  EXPECT_FALSE(std::filesystem::exists(home_)) << "it needs no home";
}

TEST_F(LedgerFile, WhatAStrangerWroteIsEscaped) {
  const Ran said = check(proof_of("a\x1b[2Jb\nauthor someone"));
  EXPECT_EQ(said.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(said.out.find("\nauthor someone"), std::string::npos);
}

TEST_F(LedgerFile, WhatDoesNotHoldIsAFailure) {
  ByteVector proof = proof_of("the milk");
  proof.back() ^= 1;
  const Ran said = check(proof);
  EXPECT_EQ(said.code, kExitFailure);
  EXPECT_NE(said.out.find("a block is not what its CID names"), std::string::npos) << said.out;
  EXPECT_EQ(said.out.find("the milk"), std::string::npos) << "nothing is told of it";
  EXPECT_EQ(check({}).code, kExitFailure);
  EXPECT_EQ(run({"ledger", "check", folder_ + "/none"}).code, kExitFailure);
  EXPECT_EQ(run({"ledger", "check"}).code, kExitUsage);
  EXPECT_EQ(run({"ledger", "list"}).err, "kith: no node runs in " + home_ + ": kith run\n");
  EXPECT_NE(run({"ledger", "--help"}).out.find("kith ledger check FILE"), std::string::npos);
}

}  // namespace
}  // namespace kith::cli
