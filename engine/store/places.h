// SPDX-License-Identifier: MIT
// Places: where a ledger's things lie in a KeyValue, and the records that only this store reads.
// Fixed widths, big-endian, so that keys sort as their numbers do; specified in README.md, "On
// disk: keys". Pure; any thread. Entries themselves are run.h's.
#pragma once
#include "engine/store/blocks.h"
#include "engine/store/key_value.h"

namespace kith::store {

// Kinds of keys in Column::meta, each followed by a number.
enum class MetaKind : std::uint8_t {
  ledger = 'g',  // ledger number -> kRecordVersion, genesis block
  lane = 'l',    // lane number -> LaneRecord
  own = 'o',     // ledger number -> OwnRecord
  tip = 't'      // lane number -> TipRecord
};
inline constexpr std::uint8_t kRecordVersion = 1;

ByteVector meta_key(MetaKind kind, std::uint32_t number);
std::optional<std::uint32_t> number_of(Bytes meta_key, MetaKind kind);

struct RunKey {  // also of its bodies
  std::uint32_t lane = 0;
  std::uint64_t first_seq = 0;
};
ByteVector encode(const RunKey& key);
std::optional<RunKey> decode_run_key(Bytes key);

struct TimeKey {
  std::uint32_t ledger = 0;
  std::uint64_t time_us = 0;
  std::uint32_t lane = 0;
  std::uint64_t seq = 0;  // below 2^48
};
ByteVector encode(const TimeKey& key);
std::optional<TimeKey> decode_time_key(Bytes key);

struct ArrivalKey {
  std::uint32_t ledger = 0;
  std::uint64_t arrival = 0;  // of the run's first entry
};
ByteVector encode(const ArrivalKey& key);
std::optional<ArrivalKey> decode_arrival_key(Bytes key);

struct LaneRecord {
  std::uint32_t ledger = 0;
  std::uint32_t parent = 0;
  std::uint64_t first_seq = 1;
  Digest feed{};
  Digest first_entry{};
  ByteVector opening;  // of the feed's first lane; else empty
};
ByteVector encode(const LaneRecord& record);
std::optional<LaneRecord> decode_lane_record(Bytes record);

// Written with each run, so that a lane's end is known without reading it.
struct TipRecord {
  std::uint64_t seq = 0;
  std::uint64_t time_us = 0;
  std::uint64_t run_first_seq = 0;
  Digest entry{};
};
ByteVector encode(const TipRecord& record);
std::optional<TipRecord> decode_tip_record(Bytes record);

struct OwnRecord {
  Digest feed{};
  std::string origin;
};
ByteVector encode(const OwnRecord& record);
std::optional<OwnRecord> decode_own_record(Bytes record);

struct ArrivalRecord {
  RunKey run;
  std::uint32_t entries = 0;
  std::uint64_t highest_us = 0;  // the highest time after it; what was early then is left out
};
ByteVector encode(const ArrivalRecord& record);
std::optional<ArrivalRecord> decode_arrival_record(Bytes record);

// Stands before a run's entry columns.
struct RunHeader {
  std::uint64_t arrival = 0;            // of its first entry
  std::uint64_t highest_us = 0;         // before it: what is not above that came late
  std::array<std::uint8_t, 8> check{};  // the first bytes of its last entry's id
};
inline constexpr std::size_t kRunHeaderBytes = 24;
ByteVector with_header(const RunHeader& header, Bytes entries);
std::optional<RunHeader> decode_run_header(Bytes stored);
std::array<std::uint8_t, 8> check_of(const Digest& last);

}  // namespace kith::store
