// SPDX-License-Identifier: MIT
// FaultyDisk: one folder of files in memory, below RocksDB. It knows what was synced: after a cut
// of the power the rest is dropped or torn, by chance. Entries of the folder last from its sync on;
// of those that were not synced the first few last, as with a journal. It fails when it is told to.
#pragma once
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <functional>
#include <map>
#include <mutex>
#include <random>

#include "engine/store/key_value.h"

namespace kith::test {

using Random = std::mt19937_64;

class FaultyDisk final : public rocksdb::FileSystem,
                         public std::enable_shared_from_this<FaultyDisk> {
 public:
  // What a disk may leave of bytes that were written to a file and not synced.
  enum class Tear {
    drop,    // none
    prefix,  // the first of them, cut off anywhere
    holes,   // the first of them, some pages never written: zeros
    garbage  // the first of them, some pages with what stood there before
  };
  static constexpr const char* kFolder = "/disk/store";

  // The store on this disk; the disk lives as long as it.
  Result<std::shared_ptr<store::KeyValue>> open();
  // What the next start finds.
  std::shared_ptr<FaultyDisk> after_a_cut(Random& random, Tear tear) const;
  std::shared_ptr<FaultyDisk> copy() const;  // after a kill of the process: all that was written

  // A step is what changes the disk: a write, a sync, an entry of the folder.
  std::size_t steps() const;
  // From that step on (1: the next) all fail, for the power is gone; it may have been done itself.
  void cut_at(std::size_t step, bool is_done);
  void cut_now();
  bool has_failed() const;  // in that way, or in the one below
  // That step fails so, and `times` in all; of a write the first half is done.
  void fail_at(std::size_t step, std::size_t times, rocksdb::IOStatus how);

  std::map<std::string, std::string> files() const;
  void flip(const std::string& name, std::size_t bit);
  std::size_t unsynced_bytes() const;

  // ---- rocksdb::FileSystem
  using Status = rocksdb::IOStatus;
  using Options = rocksdb::IOOptions;
  using Context = rocksdb::IODebugContext;
  const char* Name() const override { return "FaultyDisk"; }
  Status NewSequentialFile(const std::string&, const rocksdb::FileOptions&,
                           std::unique_ptr<rocksdb::FSSequentialFile>*, Context*) override;
  Status NewRandomAccessFile(const std::string&, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSRandomAccessFile>*, Context*) override;
  Status NewWritableFile(const std::string&, const rocksdb::FileOptions&,
                         std::unique_ptr<rocksdb::FSWritableFile>*, Context*) override;
  Status ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                            std::unique_ptr<rocksdb::FSWritableFile>*, Context*) override;
  Status NewDirectory(const std::string&, const Options&, std::unique_ptr<rocksdb::FSDirectory>*,
                      Context*) override;
  Status FileExists(const std::string&, const Options&, Context*) override;
  Status GetChildren(const std::string&, const Options&, std::vector<std::string>*,
                     Context*) override;
  Status DeleteFile(const std::string&, const Options&, Context*) override;
  Status RenameFile(const std::string&, const std::string&, const Options&, Context*) override;
  Status CreateDir(const std::string&, const Options&, Context*) override { return Status::OK(); }
  Status CreateDirIfMissing(const std::string&, const Options&, Context*) override {
    return Status::OK();
  }
  Status DeleteDir(const std::string&, const Options&, Context*) override { return Status::OK(); }
  Status GetFileSize(const std::string&, const Options&, std::uint64_t*, Context*) override;
  Status GetFileModificationTime(const std::string&, const Options&, std::uint64_t*,
                                 Context*) override;
  Status LockFile(const std::string&, const Options&, rocksdb::FileLock**, Context*) override;
  Status UnlockFile(rocksdb::FileLock*, const Options&, Context*) override;
  Status GetTestDirectory(const Options&, std::string*, Context*) override;
  Status NewLogger(const std::string&, const Options&, std::shared_ptr<rocksdb::Logger>*,
                   Context*) override;
  Status GetAbsolutePath(const std::string&, const Options&, std::string*, Context*) override;
  Status IsDirectory(const std::string&, const Options&, bool*, Context*) override;

 private:
  struct Data {
    std::string bytes;
    std::size_t synced = 0;  // so many of the first
  };
  using Entries = std::map<std::string, std::shared_ptr<Data>>;
  class Reader;
  class PlaceReader;
  class Writer;
  class Folder;

  // Runs `act` as one step, whole or half.
  Status step(const std::function<void(bool is_half)>& act);
  void change(std::function<void(Entries&)> change);
  std::shared_ptr<Data> find(const std::string& path) const;
  static std::string tear(const Data& data, Random& random, Tear how);

  mutable std::mutex lock_;  // RocksDB has threads of its own
  Entries entries_, synced_entries_;
  std::vector<std::function<void(Entries&)>> changes_;  // of the folder, since its sync
  bool is_locked_ = false;
  std::size_t steps_ = 0, cut_at_ = 0;
  bool cut_is_done_ = false, is_cut_ = false, has_failed_ = false;
  std::size_t fail_from_ = 0, fail_to_ = 0;
  Status failure_;
};

}  // namespace kith::test
