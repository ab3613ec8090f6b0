// SPDX-License-Identifier: MIT
// KeyValue over RocksDB: one database, one column family a Column. No type, option or exception of
// RocksDB's leaves this file.
#include <fmt/core.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include "engine/store/key_value.h"
#include "engine/store/rocks_log.h"

namespace kith::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kWriteBufferBytes = 8 * kMiB;    // of one column
constexpr std::size_t kWriteBuffersBytes = 32 * kMiB;  // of all
constexpr std::size_t kCacheBytes = 8 * kMiB;          // of all
constexpr std::size_t kWalsBytes = 32 * kMiB;          // what an open reads again
constexpr std::size_t kInfoLogBytes = 1 * kMiB;
constexpr std::size_t kInfoLogsMax = 2;
constexpr int kOpenFilesMax = 256;
constexpr int kBackgroundJobs = 2;
constexpr int kBloomBits = 10;

// In the order of Column. RocksDB insists on the first name.
constexpr std::array<const char*, kColumns> kNames = {"default", "runs",     "bodies",
                                                      "times",   "arrivals", "apps"};
constexpr const char* kFirstManifest = "MANIFEST-000001";
constexpr bool is_read_by_point(Column column) {
  return column == Column::meta || column == Column::bodies || column == Column::apps;
}

rocksdb::Slice slice(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Bytes bytes_of(const rocksdb::Slice& slice) { return as_bytes({slice.data(), slice.size()}); }

Error damaged(const std::string& folder, const std::string& said) {
  return Error(store_error::damaged,
               fmt::format("{}. Stop the node, move {} aside to keep it, and start again: what "
                           "peers hold comes back by sync, and this node goes on in a new feed",
                           said, folder));
}

Error error_of(const std::string& folder, const rocksdb::Status& status) {
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

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // What was acknowledged was synced: a bad record is damage, wherever it stands. Only a write that
  // a crash cut off is forgiven. Point-in-time recovery, the default, cuts the log there and opens.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  options.max_total_wal_size = kWalsBytes;
  options.db_write_buffer_size = kWriteBuffersBytes;
  options.max_background_jobs = kBackgroundJobs;
  options.max_open_files = kOpenFilesMax;
  options.max_file_opening_threads = 1;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = kInfoLogsMax;
  options.max_log_file_size = kInfoLogBytes;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;  // once a write has failed, the Committer writes no more
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> columns() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool has_lz4 =
      std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  // One shard: with the default number each is too small for an index block.
  const auto cache = rocksdb::NewLRUCache(kCacheBytes, 0);
  std::vector<rocksdb::ColumnFamilyDescriptor> out;
  for (std::size_t i = 0; i < kColumns; ++i) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    if (is_read_by_point(static_cast<Column>(i))) {
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBits));
    }
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = kWriteBufferBytes;
    options.compression = has_lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    out.emplace_back(kNames[i], options);
  }
  return out;
}

// Closed when the store and its last scan are gone.
struct Database {
  std::string folder;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> columns;

  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    for (auto* column : columns) db->DestroyColumnFamilyHandle(column);
  }
  rocksdb::ColumnFamilyHandle* at(Column column) const {
    return columns[static_cast<std::size_t>(column)];
  }
  Result<void> judge(const rocksdb::Status& status) const {
    if (status.ok()) return {};
    return error_of(folder, status);
  }
};

class RocksScan final : public Scan {
 public:
  RocksScan(std::shared_ptr<const Database> database, Column column)
      : database_(std::move(database)),
        walk_(database_->db->NewIterator(rocksdb::ReadOptions(), database_->at(column))) {}
  void seek(Bytes key) override { walk_->Seek(slice(key)); }
  void seek_back(Bytes key) override { walk_->SeekForPrev(slice(key)); }
  void next() override { walk_->Next(); }
  void back() override { walk_->Prev(); }
  bool valid() const override { return walk_->Valid(); }
  Bytes key() const override { return bytes_of(walk_->key()); }
  Bytes value() const override { return bytes_of(walk_->value()); }
  Result<void> status() const override { return database_->judge(walk_->status()); }

 private:
  std::shared_ptr<const Database> database_;
  std::unique_ptr<rocksdb::Iterator> walk_;
};

class RocksStore final : public KeyValue {
 public:
  explicit RocksStore(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  Result<std::optional<ByteVector>> get(Column column, Bytes key) const override {
    rocksdb::PinnableSlice value;
    const auto status =
        database_->db->Get(rocksdb::ReadOptions(), database_->at(column), slice(key), &value);
    if (status.IsNotFound()) return std::optional<ByteVector>();
    if (!status.ok()) return error_of(database_->folder, status);
    return std::optional(to_vector(bytes_of(value)));
  }
  Result<void> commit(const Batch& batch, bool sync) override {
    if (batch.empty()) return sync ? this->sync() : Result<void>();
    rocksdb::WriteBatch writes(batch.bytes());
    for (const Batch::Write& write : batch.writes()) {
      auto* column = database_->at(write.column);
      const auto status = write.erase ? writes.Delete(column, slice(write.key))
                                      : writes.Put(column, slice(write.key), slice(write.value));
      if (!status.ok()) return error_of(database_->folder, status);
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    return database_->judge(database_->db->Write(options, &writes));
  }
  Result<void> sync() override { return database_->judge(database_->db->SyncWAL()); }
  std::unique_ptr<Scan> scan(Column column) const override {
    return std::make_unique<RocksScan>(database_, column);
  }

 private:
  std::shared_ptr<Database> database_;
};

std::string read_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

LogVerdict judge_log(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  ByteVector block(RocksLog::kBlock);
  RocksLog log;
  while (file) {
    file.read(reinterpret_cast<char*>(block.data()), static_cast<std::streamsize>(block.size()));
    const auto bytes = static_cast<std::size_t>(file.gcount());
    if (bytes > 0) log.add(Bytes(block).first(bytes));
  }
  return log.verdict();
}

// What RocksDB would take for the end of a log, or for an empty folder, and open with less than was
// kept.
Result<void> judge_files(const std::string& folder) {
  std::error_code error;
  std::map<std::string, fs::path> wals;  // numbered with leading zeros: in order
  bool holds_tables = false;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".log") wals.emplace(path.filename().string(), path);
    if (path.extension() == ".sst") holds_tables = true;
  }
  if (error) return Error(store_error::failed, folder + ": " + error.message());

  const auto bad = [&](const fs::path& path, std::size_t offset) {
    return damaged(folder, fmt::format("{} is corrupted at byte {}", path.string(), offset));
  };
  const fs::path current = fs::path(folder) / "CURRENT";
  if (!fs::exists(current, error)) {
    if (wals.empty() && !holds_tables) return {};
    return damaged(folder, current.string() + " is missing");
  }
  // The log that is written to is listed nowhere; it is made before the first MANIFEST is replaced.
  const std::string listing = read_line(current);
  if (wals.empty() && (holds_tables || listing != kFirstManifest)) {
    return damaged(folder, "the log in " + folder + " is missing");
  }
  const fs::path manifest = fs::path(folder) / listing;
  const LogVerdict listed = judge_log(manifest);
  if (listed.end == LogEnd::damaged) return bad(manifest, listed.offset);

  // A sync of one log syncs those before it, so only the last that holds anything may be torn.
  std::optional<Error> torn;
  for (const auto& [name, path] : wals) {
    const LogVerdict verdict = judge_log(path);
    if (verdict.end == LogEnd::damaged) return bad(path, verdict.offset);
    if (torn && verdict.holds_records) return *torn;
    if (verdict.end == LogEnd::torn && !torn) torn = bad(path, verdict.offset);
  }
  return {};
}

// Under the lock, for a node that runs writes there.
Result<void> judge_folder(const std::string& folder) {
  auto* env = rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  const auto locked = env->LockFile(folder + "/LOCK", &lock);
  if (!locked.ok()) return error_of(folder, locked);
  auto judged = judge_files(folder);
  env->UnlockFile(lock).PermitUncheckedError();
  return judged;
}

}  // namespace

Result<std::unique_ptr<KeyValue>> open_rocks_store(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error(store_error::failed, folder + ": " + error.message());
  const auto judged = judge_folder(folder);
  if (!judged) return judged.error();
  auto database = std::make_shared<Database>();
  database->folder = folder;
  rocksdb::DB* opened = nullptr;
  const auto status =
      rocksdb::DB::Open(database_options(), folder, columns(), &database->columns, &opened);
  database->db.reset(opened);
  if (!status.ok()) return error_of(folder, status);
  return std::unique_ptr<KeyValue>(std::make_unique<RocksStore>(std::move(database)));
}

}  // namespace kith::store
