// SPDX-License-Identifier: MIT
// The look over RocksDB's logs. Its property: whatever a crash leaves of a log that was whole, cut
// at any byte, is never called damaged, and what it calls whole is whole to the last byte.
#include "engine/store/rocks_log.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kith::store::LogEnd;
  const kith::Bytes log(data, size);
  const auto verdict = kith::store::judge_rocks_log(log);
  if (verdict.offset > size) std::abort();
  if (verdict.end == LogEnd::whole && verdict.offset != size) std::abort();
  const auto before = kith::store::judge_rocks_log(log.first(verdict.offset));
  if (before.end == LogEnd::damaged || before.offset != verdict.offset) std::abort();
  if (before.before.last_seq != verdict.before.last_seq) std::abort();
  return 0;
}
