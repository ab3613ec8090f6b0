// SPDX-License-Identifier: MIT
// Looks over a log of RocksDB's (WAL or MANIFEST) before it is opened, for damage that RocksDB
// reads as its end: it would open with less than was synced. Everything else its checksums find.
// Pure.
#pragma once
#include <kith/bytes.h>

#include <string>

namespace kith::store {

enum class LogEnd {
  whole,   // the last record ends where the log does
  torn,    // a write was cut off by a crash: nothing of it was acknowledged
  damaged  // more than that
};
struct LogVerdict {
  LogEnd end = LogEnd::whole;
  std::size_t offset = 0;      // where it is torn or damaged
  bool holds_records = false;  // a whole one, at least
};

// Block by block, as a log is read; only the last may be shorter than kBlock.
class RocksLog {
 public:
  static constexpr std::size_t kBlock = 32'768;
  void add(Bytes block);
  LogVerdict verdict() const;

 private:
  LogVerdict verdict_;
  bool is_open_ = false;   // a record whose last piece has not come
  bool is_blank_ = false;  // zeros from here on
};
LogVerdict judge_rocks_log(Bytes log);

}  // namespace kith::store
