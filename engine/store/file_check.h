// SPDX-License-Identifier: MIT
// FileCheck: looks at a file of a ledger, or at a proof, without a node or a store: every CID,
// chain and signature. It is fed the file from its beginning; where a feed forked, a second time.
// It never says more than the file shows: not that an author was entitled, nor that there is no
// other branch. Pure; any one thread.
#pragma once
#include <map>

#include "engine/store/run_file.h"

namespace kith::store {

// The one entry of a proof.
struct Proven {
  Digest id{}, feed{};
  crypto::Key32 author{};
  std::uint64_t seq = 0, time_us = 0;
  std::uint64_t signed_seq = 0;  // of the head that covers it
  std::string type;
  std::optional<ByteVector> body;  // none: it is not in the file
  std::uint32_t body_bytes = 0;
};

struct FileVerdict {
  std::optional<Genesis> genesis;
  Digest ledger{};
  bool is_proof = false;
  std::optional<Proven> proven;
  std::uint64_t lanes = 0, entries = 0, body_bytes = 0;
  std::uint64_t missing_bodies = 0;
  std::vector<std::string> problems;  // sentences; at most kProblemsMax
  bool ok() const { return problems.empty(); }
};

class FileCheck {
 public:
  // False: nothing more can be read. Nothing stops before the end for a problem of one run.
  bool feed(Bytes piece);
  void finish();
  // After finish: the file must be fed once more, for branches began at entries of which only the
  // file knows; then finish again.
  bool wants_again() const { return pass_ == 1 && !branches_.empty() && is_readable_; }
  void begin_again();
  const FileVerdict& verdict() const { return verdict_; }

 private:
  struct Branch {  // from an entry that must stand elsewhere in the file
    Digest feed{};
    std::uint64_t seq = 0, first_time_us = 0;
  };
  void judge(FileRun& run);
  Before before(const FileRun& run);
  void find_branches(const FileRun& run);
  void judge_tips();
  void prove(const FileRun& run);
  void problem(std::string sentence);
  void problem(const FileRun& run, const Error& error);

  RunFileReader reader_;
  FileVerdict verdict_;
  int pass_ = 1;
  bool is_readable_ = true;
  Before last_;  // the last entry of the lane
  Digest last_head_{};
  std::vector<Digest> ends_;  // signed heads at which lanes ended
  std::multimap<Digest, Branch> branches_;
};

}  // namespace kith::store
