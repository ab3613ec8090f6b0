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
  ledger = 'g',       // ledger number -> kRecordVersion, genesis block
  name = 'n',         // ledger number -> whether it is opened at each start, its name here
  lane = 'l',         // lane number -> LaneRecord
  own = 'o',          // ledger number -> OwnRecord, of data
  own_control = 'c',  // ledger number -> OwnRecord, of control
  tip = 't',          // lane number -> TipRecord
  receipt = 'r',      // ReceiptKey -> ReceiptRecord
  bodies = 'b',       // ledger number -> bytes of bodies held
  lack = 'w',         // ledger number, run -> marks: bodies that peers are asked for
  removed = 'x',      // ledger number, run -> marks: bodies dropped on request, never asked for
  index = 'i'         // ledger number -> IndexRecord
};
inline constexpr std::uint8_t kRecordVersion = 1;

ByteVector meta_key(MetaKind kind, std::uint32_t number);
std::optional<std::uint32_t> number_of(Bytes meta_key, MetaKind kind);

struct NameRecord {
  bool is_kept = false;  // opened at each start
  std::string name;      // by which this node knows the ledger
};
ByteVector encode(const NameRecord& record);
std::optional<NameRecord> decode_name_record(Bytes record);

struct RunKey {  // also of its bodies
  std::uint32_t lane = 0;
  std::uint64_t first_seq = 0;
};
ByteVector encode(const RunKey& key);
std::optional<RunKey> decode_run_key(Bytes key);
// What Column::meta has of one run.
ByteVector meta_key(MetaKind kind, std::uint32_t ledger, const RunKey& run);
std::optional<RunKey> run_of(Bytes meta_key, MetaKind kind, std::uint32_t ledger);

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

// What `times` and the index's rows of a type hold behind their prefix.
struct TimePlace {
  std::uint64_t time_us = 0;
  std::uint32_t lane = 0;
  std::uint64_t seq = 0;  // below 2^48
};
ByteVector encode(const TimePlace& place);
std::optional<TimePlace> decode_time_place(Bytes bytes);
ByteVector ledger_prefix(std::uint32_t ledger);  // of times and arrivals

// Column::index: kinds of rows. It is built behind the arrivals, from what the runs hold.
enum class IndexKind : std::uint8_t {
  id = 'i',         // IdKey -> nothing
  type_time = 't',  // a type's prefix, TimePlace -> nothing
  type_run = 'r'    // a type's prefix, first arrival 8 -> RunPlace: a run that has such entries
};
struct IdKey {
  std::uint32_t ledger = 0;
  std::array<std::uint8_t, 8> beginning{};  // of the entry's digest
  std::uint32_t lane = 0;
  std::uint64_t seq = 0;  // below 2^48
};
ByteVector encode(const IdKey& key);
std::optional<IdKey> decode_id_key(Bytes key);
ByteVector type_prefix(IndexKind kind, std::uint32_t ledger, std::string_view type);
// A prefix with an arrival behind it, and back.
ByteVector arrival_after(Bytes prefix, std::uint64_t arrival);
std::optional<std::uint64_t> arrival_behind(Bytes prefix, Bytes key);

struct RunPlace {
  RunKey run;
  std::uint32_t entries = 0;
};
ByteVector encode(const RunPlace& place);
// Of a row by arrival, too: whatever stands behind it is not looked at.
std::optional<RunPlace> decode_run_place(Bytes bytes);

// How far the index goes, by arrival.
struct IndexRecord {
  std::uint64_t ids_to = 0;
  // Rows of types are there once a ledger has several; until then all up to ids_to are only_type.
  bool has_types = false;
  std::uint64_t types_to = 0;
  std::string only_type;
  std::uint64_t built_to() const { return has_types && types_to < ids_to ? types_to : ids_to; }
  std::uint64_t typed_to() const { return has_types ? types_to : ids_to; }
};
ByteVector encode(const IndexRecord& record);
std::optional<IndexRecord> decode_index_record(Bytes record);

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

// How many bytes of bodies a ledger holds.
ByteVector encode_bytes_record(std::uint64_t bytes);
std::optional<std::uint64_t> decode_bytes_record(Bytes record);

struct OwnRecord {
  Digest feed{};
  std::string origin;
};
ByteVector encode(const OwnRecord& record);
std::optional<OwnRecord> decode_own_record(Bytes record);

struct ReceiptKey {
  std::uint32_t ledger = 0;
  Digest feed{};
  crypto::Key32 witness{};
};
ByteVector encode(const ReceiptKey& key);
std::optional<ReceiptKey> decode_receipt_key(Bytes key);

struct ReceiptRecord {
  std::uint64_t seq = 0;
  Digest entry{};
  std::uint64_t time_us = 0;
  crypto::Signature signature{};
};
ByteVector encode(const ReceiptRecord& record);
std::optional<ReceiptRecord> decode_receipt_record(Bytes record);

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
