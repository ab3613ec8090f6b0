// SPDX-License-Identifier: MIT
// Looks over a log of RocksDB's (WAL or MANIFEST) before it is opened: where it stops being whole,
// and whether a crash may have left it so. RocksDB would take some damage for its end, and open
// with less than was synced. Pure.
#pragma once
#include <kith/bytes.h>

#include <array>
#include <optional>

namespace kith::store {

enum class LogEnd {
  whole,   // the last record ends where the log does
  torn,    // a write was cut short by a crash
  holed,   // pages were never written, though later ones were: a crash, if they were not synced
  damaged  // more than that; also what is one bit away from whole
};

// What RocksStore puts first into each batch: the sequence number up to which all was synced
// before. So a record tells of those before it that no crash may take.
inline constexpr std::size_t kLogNoteBytes = 8;
std::array<std::uint8_t, kLogNoteBytes> log_note(std::uint64_t synced_seq);

struct LogVerdict {
  // Of the records of a stretch: sequence numbers, 0 where there is none.
  struct Stretch {
    std::uint64_t first_seq = 0, last_seq = 0;
    std::uint64_t synced_seq = 0;  // the highest that was noted
    void add(const Stretch& next);
  };
  LogEnd end = LogEnd::whole;
  std::size_t offset = 0;  // the end of the last whole record before it stops
  Stretch before, after;   // that place
};

// Block by block, as a log is read; only the last may be shorter than kBlock.
class RocksLog {
 public:
  static constexpr std::size_t kBlock = 32'768;
  void add(Bytes block);
  LogVerdict verdict() const;

 private:
  struct Record {
    std::uint8_t type = 0;
    Bytes payload;
    std::size_t bytes = 0;  // with its header
  };
  // RocksDB's header of a batch, and the note behind it.
  static constexpr std::size_t kHead = 12 + 2 + kLogNoteBytes;

  static std::optional<Record> read(Bytes rest);
  std::size_t add_whole(Bytes block);
  void add_rest(Bytes block, std::size_t at);
  void stop(Bytes block, std::size_t at);
  void pass(const Record& record);
  static void note(Bytes head, LogVerdict::Stretch& stretch);

  LogVerdict verdict_;
  std::size_t at_ = 0;     // of the block
  ByteVector head_;        // of the record that is open
  bool is_open_ = false;   // a record whose last piece has not come
  bool is_blank_ = false;  // zeros from where it stopped on
};
LogVerdict judge_rocks_log(Bytes log);

}  // namespace kith::store
