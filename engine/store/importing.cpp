// SPDX-License-Identifier: MIT
#include "engine/store/importing.h"

#include "engine/base/limits.h"
#include "engine/store/beside.h"
#include "engine/store/files.h"
#include "engine/store/stored_runs.h"

namespace kith::store {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr int kPiecesPerStep = 4;

// Reads on to the next run.
class ImportWork {
 public:
  explicit ImportWork(FileSource source) : source_(std::move(source)) {}

  bool step() {
    run_.reset();
    for (int piece = 0; piece < kPiecesPerStep; ++piece) {
      auto next = reader_.next();
      if (!next) return fail(next.error());
      if (*next) {
        run_ = *std::move(*next);
        bytes_ = encode(run_->run);
        return true;
      }
      const auto read = source_.read(piece_);
      if (!read) return fail(read.error());
      if (*read == 0) {
        const auto end = reader_.finish();
        return end ? true : fail(end.error());
      }
      reader_.feed(Bytes(piece_).first(*read));
    }
    return false;
  }

  // None, and no error: the end.
  std::optional<FileRun>& run() { return run_; }
  RunBytes& bytes() { return bytes_; }
  const std::optional<Error>& error() const { return error_; }
  const RunFileReader& reader() const { return reader_; }
  std::uint64_t of_bytes() const { return source_.size(); }

 private:
  bool fail(Error error) {
    error_ = std::move(error);
    return true;
  }
  FileSource source_;
  RunFileReader reader_;
  ByteVector piece_ = ByteVector(kPieceBytes);
  std::optional<FileRun> run_;
  RunBytes bytes_;
  std::optional<Error> error_;
};

void refuse(ImportReport& report, std::string sentence) {
  if (report.refused.size() < limits::kProblemsMax) report.refused.push_back(std::move(sentence));
}

std::string place_of(const FileRun& run) {
  return "feed " + cid_text(run.run.feed) + " seq " + std::to_string(run.run.first_seq) + " to " +
         std::to_string(run.run.last_seq());
}

// Whether the lane goes on behind it. What is this node's to blame (a full disk) ends the import.
Task<bool> take(Ledger& ledger, ImportWork& work, ImportReport& report) {
  const FileRun& run = *work.run();
  try {
    ByteVector opening = run.opening_block;
    RunBytes bytes = std::move(work.bytes());
    const std::size_t fresh =
        co_await ledger.take(std::move(opening), std::move(bytes.entries), std::move(bytes.bodies));
    report.fresh += fresh;
    co_return true;
  } catch (const Fault& fault) {  // of one run: the others may be good
    if (fault.error().is(KITH_IO) || fault.error().is(KITH_LIMIT)) throw;
    refuse(report, place_of(run) + ": " + fault.what() + "; what follows it was left out");
  }
  co_return false;
}

}  // namespace

Task<ImportReport> import_file(ImportSetup setup) {
  auto work = std::make_shared<ImportWork>(FileSource::open(setup.file).value());
  ImportReport report;
  Ledger* ledger = nullptr;
  bool is_lane_good = true;
  for (;;) {
    auto mine = work;
    co_await beside(setup.loop, std::move(mine), Loop::Beside::lengthy);
    const RunFileReader& reader = work->reader();
    if (!ledger && reader.genesis()) {
      ledger = &setup.open(*reader.genesis(), reader.ledger());
      report.ledger = ledger->name();
      report.is_proof = reader.manifest()->entry.has_value();
    }
    if (!ledger && work->error()) throw Fault(*work->error());
    if (work->error())
      refuse(report, work->error()->message() + "; what is behind it was not read");
    if (!work->run()) break;
    if (work->run()->begins_lane) is_lane_good = true;
    report.entries += work->run()->ids.size();
    if (is_lane_good) {
      const bool is_taken = co_await take(*ledger, *work, report);
      is_lane_good = is_taken;
    }
    if (setup.progress && !setup.progress(report.entries, reader.offset(), work->of_bytes()))
      throw Fault(Error(KITH_CLOSED, "nobody waits for the import any more; what it took is kept"));
  }
  co_return report;
}

}  // namespace kith::store
