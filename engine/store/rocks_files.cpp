// SPDX-License-Identifier: MIT
#include "engine/store/rocks_files.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/store/rocks_log.h"

namespace kith::store {
namespace {

constexpr const char* kCurrent = "CURRENT";
constexpr const char* kManifest = "MANIFEST-";
constexpr const char* kFirstManifest = "MANIFEST-000001";

Error damaged(const std::string& folder, const std::string& said) {
  return Error(store_error::damaged,
               fmt::format("{}. Stop the node, move {} aside to keep it, and start again: what "
                           "peers hold comes back by sync, and this node goes on in a new feed",
                           said, folder));
}

// The files of one folder, by way of an Env.
class Files {
 public:
  Files(rocksdb::Env& env, const std::string& folder) : env_(env), folder_(folder) {}

  Result<void> judge();

 private:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  Error bad(const std::string& name, std::size_t offset) const {
    return damaged(folder_, fmt::format("{} is corrupted at byte {}", path(name), offset));
  }
  Result<void> list();
  Result<std::string> listing() const;
  Result<LogVerdict> judge_log(const std::string& name) const;
  Result<void> cut(const std::string& name, std::size_t bytes);
  Result<void> judge_wals();

  rocksdb::Env& env_;
  const std::string& folder_;
  std::vector<std::string> wals_;  // numbered with leading zeros: in order
  bool holds_tables_ = false;
  bool is_current_ = false;
};

Result<void> Files::list() {
  std::vector<std::string> names;
  const auto listed = env_.GetChildren(folder_, &names);
  if (!listed.ok()) return rocks_error(folder_, listed);
  for (const std::string& name : names) {
    if (name.ends_with(".log")) wals_.push_back(name);
    if (name.ends_with(".sst")) holds_tables_ = true;
    if (name == kCurrent) is_current_ = true;
  }
  std::sort(wals_.begin(), wals_.end());
  return {};
}

// The name of the MANIFEST that counts.
Result<std::string> Files::listing() const {
  std::string line;
  const auto read = rocksdb::ReadFileToString(&env_, path(kCurrent), &line);
  if (!read.ok()) return rocks_error(folder_, read);
  const bool is_name = line.starts_with(kManifest) && line.ends_with('\n');
  if (!is_name) return damaged(folder_, path(kCurrent) + " names no MANIFEST");
  return line.substr(0, line.size() - 1);
}

Result<LogVerdict> Files::judge_log(const std::string& name) const {
  std::unique_ptr<rocksdb::SequentialFile> file;
  auto status = env_.NewSequentialFile(path(name), &file, rocksdb::EnvOptions());
  RocksLog log;
  ByteVector block(RocksLog::kBlock);
  rocksdb::Slice read;
  do {
    if (status.ok())
      status = file->Read(block.size(), &read, reinterpret_cast<char*>(block.data()));
    if (!status.ok()) return rocks_error(folder_, status);
    if (!read.empty()) log.add(as_bytes({read.data(), read.size()}));
  } while (read.size() == block.size());
  return log.verdict();
}

// What a crash left of a write that was never promised ends: RocksDB would take a hole for damage,
// and the next start would take the end of a log that is not the newest for it.
Result<void> Files::cut(const std::string& name, std::size_t bytes) {
  std::unique_ptr<rocksdb::WritableFile> file;
  auto status = env_.ReopenWritableFile(path(name), &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Truncate(bytes);
  if (status.ok()) status = file->Fsync();
  if (status.ok()) status = file->Close();
  if (!status.ok()) return rocks_error(folder_, status);
  return {};
}

// A sync of one log syncs those before it, so that the logs end where the first of them stops:
// unless a record behind that place notes that what stood there was synced.
Result<void> Files::judge_wals() {
  std::size_t stop = wals_.size();
  LogVerdict stopped;
  LogVerdict::Stretch before, after;
  for (std::size_t i = 0; i < wals_.size(); ++i) {
    const auto verdict = judge_log(wals_[i]);
    if (!verdict) return verdict.error();
    if (verdict->end == LogEnd::damaged) return bad(wals_[i], verdict->offset);
    (stop < i ? after : before).add(verdict->before);
    after.add(verdict->after);
    if (stop < i || verdict->end == LogEnd::whole) continue;
    stop = i;
    stopped = *verdict;
  }
  if (stop == wals_.size()) return {};
  // Where nothing stands before, at least what comes right before the first behind is missing.
  const std::uint64_t kept_seq =
      before.last_seq != 0 || after.first_seq < 2 ? before.last_seq : after.first_seq - 2;
  if (after.synced_seq > kept_seq) return bad(wals_[stop], stopped.offset);
  for (std::size_t i = stop; i < wals_.size(); ++i) {
    const auto ended = cut(wals_[i], i == stop ? stopped.offset : 0);
    if (!ended) return ended;
  }
  return {};
}

Result<void> Files::judge() {
  const auto listed = list();
  if (!listed) return listed;
  if (!is_current_) {
    if (wals_.empty() && !holds_tables_) return {};
    return damaged(folder_, path(kCurrent) + " is missing");
  }
  const auto manifest = listing();
  if (!manifest) return manifest.error();
  // The log that is written to is listed nowhere; it is made before the first MANIFEST is replaced.
  if (wals_.empty() && (holds_tables_ || *manifest != kFirstManifest))
    return damaged(folder_, "the log in " + folder_ + " is missing");
  const auto verdict = judge_log(*manifest);
  if (!verdict) return verdict.error();
  // Its records are synced one by one.
  const bool is_right = verdict->end == LogEnd::whole || verdict->end == LogEnd::torn;
  if (!is_right) return bad(*manifest, verdict->offset);
  return judge_wals();
}

}  // namespace

Error rocks_error(const std::string& folder, const rocksdb::Status& status) {
  const std::string said = status.ToString();
  const auto says = [&](const char* part) { return said.find(part) != std::string::npos; };
  if (says("While lock file") || says("lock hold by current process")) {
    return Error(store_error::in_use,
                 folder +
                     " is open in another process, most likely a node that runs already: "
                     "stop that one, or give this one a home of its own");
  }
  if (status.IsNoSpace() || says("Disk quota exceeded")) {
    return Error(store_error::full, "no space is left for " + folder + " (" + said + ")");
  }
  if (status.IsCorruption() || status.IsPathNotFound()) return damaged(folder, said);
  return Error(store_error::failed, folder + ": " + said);
}

Result<void> prepare_rocks_files(rocksdb::Env& env, const std::string& folder) {
  rocksdb::FileLock* lock = nullptr;
  const auto locked = env.LockFile(folder + "/LOCK", &lock);
  if (!locked.ok()) return rocks_error(folder, locked);
  auto judged = Files(env, folder).judge();
  env.UnlockFile(lock).PermitUncheckedError();
  return judged;
}

}  // namespace kith::store
