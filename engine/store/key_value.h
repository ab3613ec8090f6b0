// SPDX-License-Identifier: MIT
// KeyValue: columns of ordered keys behind one small interface. Two bodies: RocksDB, and memory for
// tests and for nodes that keep nothing; one contract suite holds both. get and scan from any
// thread, commit from one at a time. Knows nothing of ledgers.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>

#include <memory>
#include <optional>
#include <vector>

namespace kith::store {

enum class store_error {
  in_use = 1,  // another process has it open
  damaged,     // it holds something other than what was written
  full,        // no space left
  failed       // whatever else the system said
};
const char* describe(store_error error);

enum class Column : std::uint8_t { meta, runs, bodies, times, arrivals, apps, index };
inline constexpr std::size_t kColumns = 7;

// Writes that are all kept or none; later ones of one key win.
class Batch {
 public:
  struct Write {
    Column column;
    bool erase;
    std::size_t key_at, key_bytes;  // key()
    ByteVector value;
  };
  void put(Column column, Bytes key, ByteVector value) {
    add(column, false, key, std::move(value));
  }
  void erase(Column column, Bytes key) { add(column, true, key, {}); }
  void append(Batch&& more);
  bool empty() const { return writes_.empty(); }
  std::size_t bytes() const { return bytes_; }
  const std::vector<Write>& writes() const { return writes_; }
  Bytes key(const Write& write) const {
    return Bytes(keys_).subspan(write.key_at, write.key_bytes);
  }

 private:
  void add(Column column, bool erase, Bytes key, ByteVector value) {
    bytes_ += key.size() + value.size();
    writes_.push_back({column, erase, keys_.size(), key.size(), std::move(value)});
    kith::append(keys_, key);
  }
  std::vector<Write> writes_;
  ByteVector keys_;  // of all, one after the other: most are short, and have no value
  std::size_t bytes_ = 0;
};

// A walk over one column as it stood when the walk was made. Owned by one thread.
class Scan {
 public:
  virtual ~Scan() = default;
  virtual void seek(Bytes key) = 0;       // to the first key >= this
  virtual void seek_back(Bytes key) = 0;  // to the last key <= this
  virtual void next() = 0;
  virtual void back() = 0;
  virtual bool valid() const = 0;
  virtual Bytes key() const = 0;  // until the next move
  virtual Bytes value() const = 0;
  virtual Result<void> status() const = 0;  // damaged: why it ended
};

class KeyValue {
 public:
  virtual ~KeyValue() = default;
  virtual Result<std::optional<ByteVector>> get(Column column, Bytes key) const = 0;
  // All of it or nothing, also across a crash. sync: it survives a power cut when this returns.
  virtual Result<void> commit(const Batch& batch, bool sync) = 0;
  virtual Result<void> sync() = 0;  // what was committed before survives a power cut
  virtual std::unique_ptr<Scan> scan(Column column) const = 0;
  // Much was overwritten or erased from one key to another, both included: its space is given back
  // before this returns, as far as the store can. May take seconds; from any one thread.
  virtual void reclaim(Column, Bytes /*first*/, Bytes /*last*/) {}
};

std::unique_ptr<KeyValue> make_memory_store();
// Makes the folder where it is missing. A damaged store is refused with a sentence that says what
// is damaged and what to do; nothing in it is changed.
Result<std::unique_ptr<KeyValue>> open_rocks_store(const std::string& folder);

}  // namespace kith::store
