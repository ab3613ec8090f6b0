// SPDX-License-Identifier: MIT
// KeyValue over RocksDB: one database, one column family a Column. No type, option or exception of
// RocksDB's leaves this file, but an Env that tests give.
#include "engine/store/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "engine/store/rocks_files.h"
#include "engine/store/rocks_log.h"

namespace kith::store {
namespace {

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
constexpr std::size_t kLedgerBytes = 4;  // that a key of Column::times begins with

// In the order of Column. RocksDB insists on the first name.
constexpr std::array<const char*, kColumns> kNames = {"default",  "runs", "bodies", "times",
                                                      "arrivals", "apps", "index"};
constexpr bool is_read_by_point(Column column) {
  return column == Column::meta || column == Column::bodies || column == Column::apps;
}

rocksdb::Slice slice(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Bytes bytes_of(const rocksdb::Slice& slice) { return as_bytes({slice.data(), slice.size()}); }

// A log in which a write failed stays as it is until the next start, which judges it: once there is
// space again, RocksDB would end it with half a record inside and go on in another.
class NoRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* is_wanted) override {
    *is_wanted = false;
  }
};

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // What was acknowledged was synced: a bad record is damage, wherever it stands; what a crash tore
  // is gone by now. Point-in-time recovery, the default, cuts the log there and opens.
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
  options.listeners.push_back(std::make_shared<NoRecovery>());
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
    // Its keys ascend, by ledger: each goes in beside the one before, without a search.
    if (static_cast<Column>(i) == Column::times)
      options.memtable_insert_with_hint_prefix_extractor.reset(
          rocksdb::NewFixedPrefixTransform(kLedgerBytes));
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
    return rocks_error(folder, status);
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
  explicit RocksStore(std::shared_ptr<Database> database)
      : database_(std::move(database)), synced_seq_(database_->db->GetLatestSequenceNumber()) {}

  Result<std::optional<ByteVector>> get(Column column, Bytes key) const override {
    rocksdb::PinnableSlice value;
    const auto status =
        database_->db->Get(rocksdb::ReadOptions(), database_->at(column), slice(key), &value);
    if (status.IsNotFound()) return std::optional<ByteVector>();
    if (!status.ok()) return rocks_error(database_->folder, status);
    return std::optional(to_vector(bytes_of(value)));
  }
  Result<void> commit(const Batch& batch, bool sync) override {
    if (batch.empty()) return sync ? this->sync() : Result<void>();
    rocksdb::WriteBatch writes(batch.bytes());
    const auto note = log_note(synced_seq_);
    auto status = writes.PutLogData(slice(note));
    for (const Batch::Write& write : batch.writes()) {
      auto* column = database_->at(write.column);
      if (!status.ok()) break;
      const auto key = slice(batch.key(write));
      status =
          write.erase ? writes.Delete(column, key) : writes.Put(column, key, slice(write.value));
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    if (status.ok()) status = database_->db->Write(options, &writes);
    if (status.ok() && sync) synced_seq_ = database_->db->GetLatestSequenceNumber();
    return database_->judge(status);
  }
  Result<void> sync() override {
    const std::uint64_t seq = database_->db->GetLatestSequenceNumber();
    const auto status = database_->db->SyncWAL();
    if (status.ok()) synced_seq_ = seq;
    return database_->judge(status);
  }
  std::unique_ptr<Scan> scan(Column column) const override {
    return std::make_unique<RocksScan>(database_, column);
  }
  void reclaim(Column column, Bytes first, Bytes last) override {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    const rocksdb::Slice begin = slice(first), end = slice(last);
    // What goes wrong with the disk, the next write is told. A log goes once all of it is in
    // tables.
    database_->db->CompactRange(options, database_->at(column), &begin, &end)
        .PermitUncheckedError();
    database_->db->Flush(rocksdb::FlushOptions(), database_->columns).PermitUncheckedError();
  }

 private:
  std::shared_ptr<Database> database_;
  std::uint64_t synced_seq_;  // what an open finds was written into tables
};

}  // namespace

Result<std::unique_ptr<KeyValue>> open_rocks_store(const std::string& folder, rocksdb::Env& env) {
  const auto prepared = prepare_rocks_files(env, folder);
  if (!prepared) return prepared.error();
  auto database = std::make_shared<Database>();
  database->folder = folder;
  rocksdb::DBOptions options = database_options();
  options.env = &env;
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(options, folder, columns(), &database->columns, &opened);
  database->db.reset(opened);
  if (!status.ok()) return rocks_error(folder, status);
  return std::unique_ptr<KeyValue>(std::make_unique<RocksStore>(std::move(database)));
}

Result<std::unique_ptr<KeyValue>> open_rocks_store(const std::string& folder) {
  auto* env = rocksdb::Env::Default();
  std::error_code error;
  const bool is_made = std::filesystem::create_directories(folder, error);
  if (error) return Error(store_error::failed, folder + ": " + error.message());
  if (is_made) {  // its entry above it is to last as long as what it holds
    std::unique_ptr<rocksdb::Directory> above;
    auto status = env->NewDirectory(folder + "/..", &above);
    if (status.ok()) status = above->Fsync();
    if (!status.ok()) return rocks_error(folder, status);
  }
  return open_rocks_store(folder, *env);
}

}  // namespace kith::store
