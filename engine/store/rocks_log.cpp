// SPDX-License-Identifier: MIT
// The format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format. Blocks of
// 32 KiB; a record is a masked CRC-32C of type and payload (4), length (2), type (1), payload, and
// lies in one block. This store never recycles a log, so that only the types 1 to 4 are written.
#include "engine/store/rocks_log.h"

#include <algorithm>

namespace kith::store {
namespace {

constexpr std::size_t kHeader = 7;
constexpr std::size_t kCovered = 6;  // the CRC is of what begins here
constexpr std::size_t kPage = 4'096;
constexpr std::uint32_t kPolynomial = 0x82f63b78u;
constexpr std::uint8_t kLogData = 3;  // a batch's entry that goes to the log alone
enum : std::uint8_t { kNone, kFull, kFirst, kMiddle, kLast };

constexpr std::uint32_t shifted(std::uint32_t crc) {
  return (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
}
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = shifted(crc);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t crc_of(Bytes bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ byte) & 0xff];
  return ~crc;
}
constexpr std::uint32_t unmasked(std::uint32_t masked) {
  const std::uint32_t turned = masked - 0xa282ead8u;
  return (turned >> 17) | (turned << 15);
}
std::uint64_t load(Bytes from, std::size_t bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes; ++i) word |= std::uint64_t{from[i]} << (8 * i);
  return word;
}
std::uint32_t load_32(Bytes from) { return static_cast<std::uint32_t>(load(from, 4)); }
std::size_t length_of(Bytes rest) { return static_cast<std::size_t>(load(rest.subspan(4), 2)); }

bool all_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Whether a record of this length is whole but for one bit of its CRC, type or payload: each flip
// leaves a difference of CRCs of its own.
bool is_one_bit_off(Bytes rest, std::size_t length) {
  const std::uint32_t stands = load_32(rest);
  const std::uint32_t crc = crc_of(rest.subspan(kCovered, 1 + length));
  for (int bit = 0; bit < 32; ++bit)
    if (unmasked(stands ^ (1u << bit)) == crc) return true;
  const std::uint32_t differs = unmasked(stands) ^ crc;
  std::uint32_t flipped = 1;
  for (std::size_t bit = 0; bit < 8 * (1 + length); ++bit) {
    flipped = shifted(flipped);
    if (flipped == differs) return true;
  }
  return false;
}

// As above, or whole but for its length. `rest` reaches to the end of the block or of the log.
bool is_flipped(Bytes rest) {
  const std::size_t length = length_of(rest);
  if (kHeader + length <= rest.size() && is_one_bit_off(rest, length)) return true;
  const std::uint32_t stands = unmasked(load_32(rest));
  std::uint32_t crc = 0xffffffffu;
  for (const std::uint8_t byte : rest.subspan(kCovered)) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ byte) & 0xff];
    if (~crc == stands) return true;
  }
  return false;
}

bool is_type(std::uint8_t type) { return type >= kFull && type <= kLast; }

// Whether zeros stand in it up to where a page ends, as in a page that was never written.
bool has_hole(Bytes block, std::size_t at, std::size_t end) {
  for (std::size_t from = at; from < end;) {
    const std::size_t to = std::min(end, (from / kPage + 1) * kPage);
    if (all_zero(block.subspan(from, to - from))) return true;
    from = to;
  }
  return false;
}

}  // namespace

std::array<std::uint8_t, kLogNoteBytes> log_note(std::uint64_t synced_seq) {
  std::array<std::uint8_t, kLogNoteBytes> note{};
  for (std::size_t i = 0; i < note.size(); ++i)
    note[i] = static_cast<std::uint8_t>(synced_seq >> (8 * i));
  return note;
}

void LogVerdict::Stretch::add(const Stretch& next) {
  if (first_seq == 0) first_seq = next.first_seq;
  last_seq = std::max(last_seq, next.last_seq);
  synced_seq = std::max(synced_seq, next.synced_seq);
}

// The record that begins `rest`, if it is whole.
std::optional<RocksLog::Record> RocksLog::read(Bytes rest) {
  if (rest.size() < kHeader || !is_type(rest[kCovered])) return std::nullopt;
  const std::size_t length = length_of(rest);
  if (kHeader + length > rest.size()) return std::nullopt;
  if (crc_of(rest.subspan(kCovered, 1 + length)) != unmasked(load_32(rest))) return std::nullopt;
  return Record{rest[kCovered], rest.subspan(kHeader, length), kHeader + length};
}

void RocksLog::note(Bytes head, LogVerdict::Stretch& stretch) {
  if (head.size() < kHead) return;
  const std::uint64_t seq = load(head, 8), count = load(head.subspan(8), 4);
  if (stretch.first_seq == 0) stretch.first_seq = seq;
  stretch.last_seq = std::max(stretch.last_seq, seq + std::max<std::uint64_t>(count, 1) - 1);
  if (head[12] != kLogData || head[13] != kLogNoteBytes) return;
  stretch.synced_seq = std::max(stretch.synced_seq, load(head.subspan(14), kLogNoteBytes));
}

void RocksLog::pass(const Record& record) {
  if (record.type == kFull || record.type == kFirst) head_.clear();
  append(head_, record.payload.first(std::min(record.payload.size(), kHead - head_.size())));
  is_open_ = record.type == kFirst || record.type == kMiddle;
  if (!is_open_) note(head_, verdict_.before);
}

// Up to the first that is not whole; where that stands in the block.
std::size_t RocksLog::add_whole(Bytes block) {
  std::size_t at = 0;
  while (at < block.size()) {
    if (kBlock - at < kHeader && all_zero(block.subspan(at))) return block.size();  // a trailer
    const auto record = read(block.subspan(at));
    if (!record) return at;
    pass(*record);
    at += record->bytes;
    if (!is_open_) verdict_.offset = at_ + at;
  }
  return at;
}

void RocksLog::stop(Bytes block, std::size_t at) {
  const Bytes rest = block.subspan(at);
  is_blank_ = all_zero(rest);
  if (is_blank_ || rest.size() < kHeader) {  // set aside and not written, or a hole
    verdict_.end = LogEnd::torn;
    return;
  }
  const bool is_sound = is_type(rest[kCovered]) && kHeader + length_of(rest) <= kBlock - at;
  const std::size_t end = is_sound ? at + kHeader + length_of(rest) : block.size();
  if (is_flipped(rest)) {
    verdict_.end = LogEnd::damaged;
  } else if (is_sound && end > block.size()) {
    verdict_.end = LogEnd::torn;
  } else if (has_hole(block, at, end)) {
    verdict_.end = LogEnd::holed;
  } else {
    verdict_.end = LogEnd::damaged;
  }
}

// What stands behind the place where it stopped.
void RocksLog::add_rest(Bytes block, std::size_t at) {
  if (is_blank_ && !all_zero(block.subspan(at))) verdict_.end = LogEnd::holed;
  while (at + kHeader <= block.size() && is_type(block[at + kCovered])) {
    const auto record = read(block.subspan(at));
    if (record && (record->type == kFull || record->type == kFirst))
      note(record->payload, verdict_.after);
    at += kHeader + length_of(block.subspan(at));
  }
}

void RocksLog::add(Bytes block) {
  if (verdict_.end != LogEnd::whole) {
    add_rest(block, 0);
  } else {
    const std::size_t at = add_whole(block);
    if (at < block.size()) {
      stop(block, at);
      add_rest(block, at);
    }
  }
  at_ += block.size();
}

LogVerdict RocksLog::verdict() const {
  LogVerdict verdict = verdict_;
  if (is_open_ && verdict.end == LogEnd::whole) verdict.end = LogEnd::torn;
  return verdict;
}

LogVerdict judge_rocks_log(Bytes log) {
  RocksLog read;
  for (std::size_t at = 0; at < log.size(); at += RocksLog::kBlock) {
    read.add(log.subspan(at, std::min(RocksLog::kBlock, log.size() - at)));
  }
  return read.verdict();
}

}  // namespace kith::store
