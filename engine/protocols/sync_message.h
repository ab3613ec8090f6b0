// SPDX-License-Identifier: MIT
// The messages of /kith/sync/0 (engine/store/README.md "Sync"): canonical DAG-CBOR of three fixed
// shapes, so that a reader looks at the bytes where they lie and holds nothing that was not sent.
// Pure; no I/O.
#pragma once
#include <variant>

#include "engine/store/lanes.h"

namespace kith::protocols {

enum class sync_error {
  bad_message = 1,  // none of the three shapes, or not in its one form
  not_asked,        // a ledger that the hello did not name
};
const char* describe(sync_error error);

// What one end keeps: {v: 0, ledgers: [{id, tips}]}, ledgers and tips sorted, none twice. Tips are
// 72 bytes each: feed, seq big-endian, entry.
struct SyncHello {
  struct Kept {
    store::Digest ledger{};
    std::vector<store::Tip> tips;
  };
  std::vector<Kept> ledgers;
};
// {bodies, ledger, entries, opening}: one run, or the end of one. Views of what was read.
struct SyncRun {
  store::Digest ledger{};
  Bytes opening, entries, bodies;
};
// {done: true, ledger}: all that the hello lacked was sent; what follows is new.
struct SyncDone {
  store::Digest ledger{};
};
using SyncNews = std::variant<SyncRun, SyncDone>;

inline constexpr std::size_t kTipBytes = 32 + 8 + 32;

ByteVector encode(const SyncHello& hello);
ByteVector encode(const SyncRun& run);
ByteVector encode(const SyncDone& done);
Result<SyncHello> decode_sync_hello(Bytes message);
Result<SyncNews> decode_sync_news(Bytes message);

}  // namespace kith::protocols
