// SPDX-License-Identifier: MIT
#include "tests/store/faulty_disk.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine/store/rocks_store.h"

namespace kith::test {
namespace {

constexpr std::size_t kPage = 4'096;

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

rocksdb::IOStatus absent(const std::string& path) {
  return rocksdb::IOStatus::PathNotFound(path, "No such file or directory");
}

class Silence final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};
class Lock final : public rocksdb::FileLock {};

// A store, and the disk that it needs to the end.
struct Opened {
  std::shared_ptr<FaultyDisk> disk;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<store::KeyValue> store;
};

}  // namespace

class FaultyDisk::Reader final : public rocksdb::FSSequentialFile {
 public:
  Reader(const FaultyDisk& disk, std::shared_ptr<Data> data)
      : disk_(disk), data_(std::move(data)) {}
  Status Read(std::size_t n, const Options&, rocksdb::Slice* out, char* to, Context*) override {
    const std::lock_guard hold(disk_.lock_);
    const std::size_t from = std::min(at_, data_->bytes.size());
    const std::size_t bytes = std::min(n, data_->bytes.size() - from);
    std::memcpy(to, data_->bytes.data() + from, bytes);
    at_ = from + bytes;
    *out = {to, bytes};
    return Status::OK();
  }
  Status Skip(std::uint64_t n) override {
    at_ += n;
    return Status::OK();
  }

 private:
  const FaultyDisk& disk_;
  std::shared_ptr<Data> data_;
  std::size_t at_ = 0;
};

class FaultyDisk::PlaceReader final : public rocksdb::FSRandomAccessFile {
 public:
  PlaceReader(const FaultyDisk& disk, std::shared_ptr<Data> data)
      : disk_(disk), data_(std::move(data)) {}
  Status Read(std::uint64_t at, std::size_t n, const Options&, rocksdb::Slice* out, char* to,
              Context*) const override {
    const std::lock_guard hold(disk_.lock_);
    const std::size_t from = std::min<std::size_t>(at, data_->bytes.size());
    const std::size_t bytes = std::min(n, data_->bytes.size() - from);
    std::memcpy(to, data_->bytes.data() + from, bytes);
    *out = {to, bytes};
    return Status::OK();
  }

 private:
  const FaultyDisk& disk_;
  std::shared_ptr<Data> data_;
};

class FaultyDisk::Writer final : public rocksdb::FSWritableFile {
 public:
  Writer(FaultyDisk& disk, std::shared_ptr<Data> data) : disk_(disk), data_(std::move(data)) {}
  using FSWritableFile::Append;
  Status Append(const rocksdb::Slice& slice, const Options&, Context*) override {
    return disk_.step([&](bool is_half) {
      data_->bytes.append(slice.data(), is_half ? slice.size() / 2 : slice.size());
    });
  }
  Status Sync(const Options&, Context*) override {
    return disk_.step([&](bool is_half) {
      if (!is_half) data_->synced = data_->bytes.size();
    });
  }
  Status Truncate(std::uint64_t size, const Options&, Context*) override {
    return disk_.step([&](bool is_half) {
      if (is_half) return;
      data_->bytes.resize(size);
      data_->synced = std::min(data_->synced, data_->bytes.size());
    });
  }
  Status Flush(const Options&, Context*) override { return Status::OK(); }
  Status Close(const Options&, Context*) override { return Status::OK(); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const Options&, Context*) override {
    const std::lock_guard hold(disk_.lock_);
    return data_->bytes.size();
  }

 private:
  FaultyDisk& disk_;
  std::shared_ptr<Data> data_;
};

class FaultyDisk::Folder final : public rocksdb::FSDirectory {
 public:
  explicit Folder(FaultyDisk& disk) : disk_(disk) {}
  Status Fsync(const Options&, Context*) override {
    return disk_.step([&](bool is_half) {
      if (is_half) return;
      disk_.synced_entries_ = disk_.entries_;
      disk_.changes_.clear();
    });
  }
  Status Close(const Options&, Context*) override { return Status::OK(); }

 private:
  FaultyDisk& disk_;
};

Result<std::shared_ptr<store::KeyValue>> FaultyDisk::open() {
  auto opened = std::make_shared<Opened>();
  opened->disk = shared_from_this();
  opened->env = rocksdb::NewCompositeEnv(opened->disk);
  auto made = store::open_rocks_store(kFolder, *opened->env);
  if (!made) return made.error();
  opened->store = *std::move(made);
  auto* store = opened->store.get();
  return std::shared_ptr<store::KeyValue>(std::move(opened), store);
}

// The bytes that a cut leaves of a file.
std::string FaultyDisk::tear(const Data& data, Random& random, Tear how) {
  const std::size_t unsynced = data.bytes.size() - data.synced;
  const std::size_t left = how == Tear::drop ? 0 : random() % (unsynced + 1);
  std::string bytes = data.bytes.substr(0, data.synced + left);
  if (how != Tear::holes && how != Tear::garbage) return bytes;
  for (std::size_t page = data.synced / kPage; page * kPage < bytes.size(); ++page) {
    if (random() % 3 != 0) continue;
    const std::size_t end = std::min(bytes.size(), (page + 1) * kPage);
    for (std::size_t at = std::max(data.synced, page * kPage); at < end; ++at)
      bytes[at] = how == Tear::holes ? '\0' : static_cast<char>(random());
  }
  return bytes;
}

std::shared_ptr<FaultyDisk> FaultyDisk::after_a_cut(Random& random, Tear how) const {
  const std::lock_guard hold(lock_);
  auto made = std::make_shared<FaultyDisk>();
  Entries entries = synced_entries_;
  const std::size_t changes = how == Tear::drop ? 0 : random() % (changes_.size() + 1);
  for (std::size_t i = 0; i < changes; ++i) changes_[i](entries);
  for (const auto& [name, data] : entries) {
    std::string bytes = tear(*data, random, how);
    const std::size_t size = bytes.size();
    made->entries_[name] = std::make_shared<Data>(Data{std::move(bytes), size});
  }
  made->synced_entries_ = made->entries_;
  return made;
}

std::shared_ptr<FaultyDisk> FaultyDisk::copy() const {
  const std::lock_guard hold(lock_);
  auto made = std::make_shared<FaultyDisk>();
  for (const auto& [name, data] : entries_)
    made->entries_[name] = std::make_shared<Data>(Data{data->bytes, data->bytes.size()});
  made->synced_entries_ = made->entries_;
  return made;
}

std::size_t FaultyDisk::steps() const {
  const std::lock_guard hold(lock_);
  return steps_;
}
void FaultyDisk::cut_at(std::size_t step, bool is_done) {
  const std::lock_guard hold(lock_);
  cut_at_ = steps_ + step;
  cut_is_done_ = is_done;
}
void FaultyDisk::cut_now() {
  const std::lock_guard hold(lock_);
  is_cut_ = true;
}
bool FaultyDisk::has_failed() const {
  const std::lock_guard hold(lock_);
  return is_cut_ || has_failed_;
}
void FaultyDisk::fail_at(std::size_t step, std::size_t times, Status how) {
  const std::lock_guard hold(lock_);
  fail_from_ = steps_ + step;
  fail_to_ = fail_from_ + times;
  failure_ = std::move(how);
}

FaultyDisk::Status FaultyDisk::step(const std::function<void(bool)>& act) {
  const std::lock_guard hold(lock_);
  const Status gone = Status::IOError("the power is gone");
  if (is_cut_) return gone;
  ++steps_;
  if (steps_ == cut_at_) {
    is_cut_ = true;
    act(!cut_is_done_);
    return gone;
  }
  if (steps_ >= fail_from_ && steps_ < fail_to_) {
    act(true);
    has_failed_ = true;
    return failure_;
  }
  act(false);
  return Status::OK();
}

void FaultyDisk::change(std::function<void(Entries&)> change) {
  change(entries_);
  changes_.push_back(std::move(change));
}

std::shared_ptr<FaultyDisk::Data> FaultyDisk::find(const std::string& path) const {
  const auto found = entries_.find(name_of(path));
  return found == entries_.end() ? nullptr : found->second;
}

std::map<std::string, std::string> FaultyDisk::files() const {
  const std::lock_guard hold(lock_);
  std::map<std::string, std::string> made;
  for (const auto& [name, data] : entries_) made[name] = data->bytes;
  return made;
}
void FaultyDisk::flip(const std::string& name, std::size_t bit) {
  const std::lock_guard hold(lock_);
  char& byte = entries_.at(name)->bytes.at(bit / 8);
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
}
std::size_t FaultyDisk::unsynced_bytes() const {
  const std::lock_guard hold(lock_);
  std::size_t bytes = 0;
  for (const auto& [name, data] : entries_) bytes += data->bytes.size() - data->synced;
  return bytes;
}

FaultyDisk::Status FaultyDisk::NewSequentialFile(const std::string& path,
                                                 const rocksdb::FileOptions&,
                                                 std::unique_ptr<rocksdb::FSSequentialFile>* out,
                                                 Context*) {
  const std::lock_guard hold(lock_);
  auto data = find(path);
  if (!data) return absent(path);
  *out = std::make_unique<Reader>(*this, std::move(data));
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::NewRandomAccessFile(
    const std::string& path, const rocksdb::FileOptions&,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* out, Context*) {
  const std::lock_guard hold(lock_);
  auto data = find(path);
  if (!data) return absent(path);
  *out = std::make_unique<PlaceReader>(*this, std::move(data));
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                               std::unique_ptr<rocksdb::FSWritableFile>* out,
                                               Context*) {
  auto data = std::make_shared<Data>();
  const auto status = step([&](bool is_half) {
    if (is_half) return;
    change([name = name_of(path), data](Entries& entries) { entries[name] = data; });
  });
  if (status.ok()) *out = std::make_unique<Writer>(*this, std::move(data));
  return status;
}
FaultyDisk::Status FaultyDisk::ReopenWritableFile(const std::string& path,
                                                  const rocksdb::FileOptions&,
                                                  std::unique_ptr<rocksdb::FSWritableFile>* out,
                                                  Context*) {
  const std::lock_guard hold(lock_);
  auto data = find(path);
  if (!data) return absent(path);
  *out = std::make_unique<Writer>(*this, std::move(data));
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::NewDirectory(const std::string&, const Options&,
                                            std::unique_ptr<rocksdb::FSDirectory>* out, Context*) {
  *out = std::make_unique<Folder>(*this);
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::FileExists(const std::string& path, const Options&, Context*) {
  const std::lock_guard hold(lock_);
  return path == kFolder || find(path) ? Status::OK() : Status::NotFound(path);
}
FaultyDisk::Status FaultyDisk::GetChildren(const std::string&, const Options&,
                                           std::vector<std::string>* out, Context*) {
  const std::lock_guard hold(lock_);
  out->clear();
  for (const auto& [name, data] : entries_) out->push_back(name);
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::DeleteFile(const std::string& path, const Options&, Context*) {
  return step([&](bool is_half) {
    if (is_half) return;
    change([name = name_of(path)](Entries& entries) { entries.erase(name); });
  });
}
FaultyDisk::Status FaultyDisk::RenameFile(const std::string& from, const std::string& to,
                                          const Options&, Context*) {
  return step([&](bool is_half) {
    if (is_half) return;
    change([from = name_of(from), to = name_of(to)](Entries& entries) {
      const auto moved = entries.extract(from);
      if (moved) entries[to] = moved.mapped();
    });
  });
}
FaultyDisk::Status FaultyDisk::GetFileSize(const std::string& path, const Options&,
                                           std::uint64_t* out, Context*) {
  const std::lock_guard hold(lock_);
  const auto data = find(path);
  if (!data) return absent(path);
  *out = data->bytes.size();
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::GetFileModificationTime(const std::string&, const Options&,
                                                       std::uint64_t* out, Context*) {
  *out = 0;
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::LockFile(const std::string& path, const Options&,
                                        rocksdb::FileLock** out, Context*) {
  const std::lock_guard hold(lock_);
  if (is_locked_) return Status::IOError("While lock file: " + path);
  is_locked_ = true;
  *out = new Lock();
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::UnlockFile(rocksdb::FileLock* lock, const Options&, Context*) {
  const std::lock_guard hold(lock_);
  is_locked_ = false;
  delete lock;
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::GetTestDirectory(const Options&, std::string* out, Context*) {
  *out = kFolder;
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::NewLogger(const std::string&, const Options&,
                                         std::shared_ptr<rocksdb::Logger>* out, Context*) {
  *out = std::make_shared<Silence>();
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::GetAbsolutePath(const std::string& path, const Options&,
                                               std::string* out, Context*) {
  *out = path;
  return Status::OK();
}
FaultyDisk::Status FaultyDisk::IsDirectory(const std::string& path, const Options&, bool* out,
                                           Context*) {
  *out = path == kFolder;
  return Status::OK();
}

}  // namespace kith::test
