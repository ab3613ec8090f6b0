// SPDX-License-Identifier: MIT
// The format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format. Blocks of
// 32 KiB; a record is a masked CRC-32C of type and payload (4), length (2), type (1), payload, and
// lies in one block. This store never recycles a log, so that only the types 1 to 4 are written.
#include "engine/store/rocks_log.h"

#include <algorithm>
#include <array>

namespace kith::store {
namespace {

constexpr std::size_t kHeader = 7;
enum : std::uint8_t { kNone, kFull, kFirst, kMiddle, kLast };

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

constexpr std::uint32_t masked(std::uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}
std::uint32_t load_32(Bytes from) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) word |= std::uint32_t{from[i]} << (8 * i);
  return word;
}
bool all_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Whether a record ends within `rest`, though its length says otherwise: the CRC of a shorter
// payload is the one that stands there. What was torn has none.
bool ends_earlier(Bytes rest) {
  const std::uint32_t stands = load_32(rest);
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = kHeader - 1; i < rest.size(); ++i) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ rest[i]) & 0xff];
    if (masked(~crc) == stands) return true;
  }
  return false;
}

}  // namespace

void RocksLog::add(Bytes block) {
  if (verdict_.end != LogEnd::whole) {
    if (!is_blank_ || !all_zero(block)) verdict_.end = LogEnd::damaged;
    return;
  }
  std::size_t at = 0;
  const auto pass = [&](std::size_t bytes) {
    at += bytes;
    verdict_.offset += bytes;
  };
  const auto end_as = [&](LogEnd end) { verdict_.end = end; };
  while (at < block.size()) {
    const Bytes rest = block.subspan(at);
    const std::size_t in_block = kBlock - at;
    if (in_block < kHeader) {  // a trailer of zeros
      pass(rest.size());
      continue;
    }
    if (rest.size() < kHeader) return end_as(LogEnd::torn);
    const std::size_t length = rest[4] + (std::size_t{rest[5]} << 8);
    const std::uint8_t type = rest[6];
    if (type == kNone && length == 0) {  // set aside and not written, or a hole: RocksDB goes on
      is_blank_ = true;
      return end_as(all_zero(rest) ? LogEnd::torn : LogEnd::damaged);
    }
    if (type == kNone || type > kLast || kHeader + length > in_block) {
      return end_as(LogEnd::damaged);
    }
    if (kHeader + length > rest.size()) {
      return end_as(ends_earlier(rest) ? LogEnd::damaged : LogEnd::torn);
    }
    pass(kHeader + length);
    is_open_ = type == kFirst || type == kMiddle;
    verdict_.holds_records = verdict_.holds_records || !is_open_;
  }
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
