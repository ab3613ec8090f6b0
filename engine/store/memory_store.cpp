// SPDX-License-Identifier: MIT
// The KeyValue of tests and of nodes that keep nothing: an ordered map a column. A scan shares its
// column's map; a commit that meets a shared one writes into a copy, so the scan sees nothing of
// it.
#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "engine/store/key_value.h"

namespace kith::store {
namespace {

struct Less {
  using is_transparent = void;
  bool operator()(Bytes a, Bytes b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
};
using Map = std::map<ByteVector, std::shared_ptr<const ByteVector>, Less>;

// Jobs beside the loop read while the committer writes: one of the two places with a mutex (the
// other is where threads meet, in engine/node), as RocksDB has its own.
struct Columns {
  mutable std::mutex mutex;
  std::array<std::shared_ptr<Map>, kColumns> maps;
};

class MemoryScan final : public Scan {
 public:
  MemoryScan(std::shared_ptr<const Columns> columns, std::shared_ptr<const Map> map)
      : columns_(std::move(columns)), map_(std::move(map)), at_(map_->end()) {}
  // Under the mutex: a commit that finds the map unshared writes into it.
  ~MemoryScan() override {
    const std::lock_guard lock(columns_->mutex);
    map_.reset();
  }

  void seek(Bytes key) override { at_ = map_->lower_bound(key); }
  void seek_back(Bytes key) override {
    at_ = map_->upper_bound(key);
    back_from(at_);
  }
  void next() override { ++at_; }
  void back() override { back_from(at_); }
  bool valid() const override { return at_ != map_->end(); }
  Bytes key() const override { return at_->first; }
  Bytes value() const override { return *at_->second; }
  Result<void> status() const override { return {}; }

 private:
  void back_from(Map::const_iterator at) {
    at_ = at == map_->begin() ? map_->end() : std::prev(at);
  }
  std::shared_ptr<const Columns> columns_;
  std::shared_ptr<const Map> map_;
  Map::const_iterator at_;
};

class MemoryStore final : public KeyValue {
 public:
  MemoryStore() {
    for (auto& map : columns_->maps) map = std::make_shared<Map>();
  }
  Result<std::optional<ByteVector>> get(Column column, Bytes key) const override {
    const std::lock_guard lock(columns_->mutex);
    const Map& map = *columns_->maps[static_cast<std::size_t>(column)];
    const auto at = map.find(key);
    if (at == map.end()) return std::optional<ByteVector>();
    return std::optional(*at->second);
  }
  Result<void> commit(const Batch& batch, bool) override {
    const std::lock_guard lock(columns_->mutex);
    for (const Batch::Write& write : batch.writes()) {
      Map& map = writable(write.column);
      if (write.erase) {
        map.erase(to_vector(batch.key(write)));
      } else {
        map.insert_or_assign(to_vector(batch.key(write)),
                             std::make_shared<const ByteVector>(write.value));
      }
    }
    return {};
  }
  Result<void> sync() override { return {}; }
  std::unique_ptr<Scan> scan(Column column) const override {
    const std::lock_guard lock(columns_->mutex);
    return std::make_unique<MemoryScan>(columns_, columns_->maps[static_cast<std::size_t>(column)]);
  }

 private:
  Map& writable(Column column) {
    auto& map = columns_->maps[static_cast<std::size_t>(column)];
    if (map.use_count() > 1) map = std::make_shared<Map>(*map);
    return *map;
  }
  std::shared_ptr<Columns> columns_ = std::make_shared<Columns>();
};

}  // namespace

std::unique_ptr<KeyValue> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace kith::store
