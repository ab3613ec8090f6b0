// SPDX-License-Identifier: MIT
#include "engine/store/places.h"

#include <algorithm>

namespace kith::store {
namespace {

// The widths of a record's fields: every writer has a reader that asks for the same ones.
class Writer {
 public:
  explicit Writer(std::size_t bytes) { bytes_.reserve(bytes); }
  Writer& number(std::uint64_t value, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
      bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  Writer& raw(Bytes bytes) {
    append(bytes_, bytes);
    return *this;
  }
  ByteVector take() { return std::move(bytes_); }

 private:
  ByteVector bytes_;
};

class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}
  std::uint64_t number(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(4)); }
  template <std::size_t N>
  void raw(std::array<std::uint8_t, N>& to) {
    const Bytes from = take(N);
    std::copy(from.begin(), from.end(), to.begin());
  }
  Bytes rest() { return take(rest_.size()); }
  bool is_whole() const { return is_good_ && rest_.empty(); }

 private:
  Bytes take(std::size_t n) {
    if (rest_.size() < n) {
      is_good_ = false;
      return {};
    }
    const Bytes taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }
  Bytes rest_;
  bool is_good_ = true;
};

template <class Record>
std::optional<Record> whole(const Reader& reader, Record record) {
  if (!reader.is_whole()) return std::nullopt;
  return record;
}

}  // namespace

ByteVector meta_key(MetaKind kind, std::uint32_t number) {
  return Writer(5).number(static_cast<std::uint8_t>(kind), 1).number(number, 4).take();
}
std::optional<std::uint32_t> number_of(Bytes meta_key, MetaKind kind) {
  Reader reader(meta_key);
  if (reader.number(1) != static_cast<std::uint8_t>(kind)) return std::nullopt;
  return whole(reader, reader.number32());
}

ByteVector encode(const NameRecord& record) {
  Writer to(1 + record.name.size());
  return to.number(record.is_kept ? 1 : 0, 1).raw(as_bytes(record.name)).take();
}
std::optional<NameRecord> decode_name_record(Bytes record) {
  Reader reader(record);
  NameRecord made;
  made.is_kept = reader.number(1) == 1;
  made.name = std::string(as_text(reader.rest()));
  if (!is_name_valid(made.name)) return std::nullopt;
  return whole(reader, std::move(made));
}

ByteVector encode(const RunKey& key) {
  return Writer(12).number(key.lane, 4).number(key.first_seq, 8).take();
}
std::optional<RunKey> decode_run_key(Bytes key) {
  Reader reader(key);
  RunKey made;
  made.lane = reader.number32();
  made.first_seq = reader.number(8);
  return whole(reader, made);
}

ByteVector meta_key(MetaKind kind, std::uint32_t ledger, const RunKey& run) {
  Writer to(17);
  to.number(static_cast<std::uint8_t>(kind), 1).number(ledger, 4);
  return to.number(run.lane, 4).number(run.first_seq, 8).take();
}
std::optional<RunKey> run_of(Bytes meta_key, MetaKind kind, std::uint32_t ledger) {
  Reader reader(meta_key);
  if (reader.number(1) != static_cast<std::uint8_t>(kind) || reader.number32() != ledger)
    return std::nullopt;
  RunKey made;
  made.lane = reader.number32();
  made.first_seq = reader.number(8);
  return whole(reader, made);
}

ByteVector encode(const TimeKey& key) {
  Writer to(22);
  to.number(key.ledger, 4).number(key.time_us, 8).number(key.lane, 4).number(key.seq, 6);
  return to.take();
}
std::optional<TimeKey> decode_time_key(Bytes key) {
  Reader reader(key);
  TimeKey made;
  made.ledger = reader.number32();
  made.time_us = reader.number(8);
  made.lane = reader.number32();
  made.seq = reader.number(6);
  return whole(reader, made);
}

ByteVector encode(const ArrivalKey& key) {
  return Writer(12).number(key.ledger, 4).number(key.arrival, 8).take();
}
std::optional<ArrivalKey> decode_arrival_key(Bytes key) {
  Reader reader(key);
  ArrivalKey made;
  made.ledger = reader.number32();
  made.arrival = reader.number(8);
  return whole(reader, made);
}

ByteVector encode(const TimePlace& place) {
  Writer to(18);
  return to.number(place.time_us, 8).number(place.lane, 4).number(place.seq, 6).take();
}
std::optional<TimePlace> decode_time_place(Bytes bytes) {
  Reader reader(bytes);
  TimePlace made;
  made.time_us = reader.number(8);
  made.lane = reader.number32();
  made.seq = reader.number(6);
  return whole(reader, made);
}
ByteVector ledger_prefix(std::uint32_t ledger) { return Writer(4).number(ledger, 4).take(); }

ByteVector encode(const IdKey& key) {
  Writer to(23);
  to.number(static_cast<std::uint8_t>(IndexKind::id), 1).number(key.ledger, 4);
  return to.raw(key.beginning).number(key.lane, 4).number(key.seq, 6).take();
}
std::optional<IdKey> decode_id_key(Bytes key) {
  Reader reader(key);
  if (reader.number(1) != static_cast<std::uint8_t>(IndexKind::id)) return std::nullopt;
  IdKey made;
  made.ledger = reader.number32();
  reader.raw(made.beginning);
  made.lane = reader.number32();
  made.seq = reader.number(6);
  return whole(reader, made);
}
ByteVector type_prefix(IndexKind kind, std::uint32_t ledger, std::string_view type) {
  Writer to(6 + type.size() + 18);
  to.number(static_cast<std::uint8_t>(kind), 1).number(ledger, 4).number(type.size(), 1);
  return to.raw(as_bytes(type)).take();
}
ByteVector arrival_after(Bytes prefix, std::uint64_t arrival) {
  return Writer(prefix.size() + 8).raw(prefix).number(arrival, 8).take();
}
std::optional<std::uint64_t> arrival_behind(Bytes prefix, Bytes key) {
  if (key.size() != prefix.size() + 8 || !equal(key.first(prefix.size()), prefix))
    return std::nullopt;
  return Reader(key.subspan(prefix.size())).number(8);
}

ByteVector encode(const RunPlace& place) {
  Writer to(16);
  return to.number(place.run.lane, 4)
      .number(place.run.first_seq, 8)
      .number(place.entries, 4)
      .take();
}
std::optional<RunPlace> decode_run_place(Bytes bytes) {
  if (bytes.size() < 16) return std::nullopt;
  Reader reader(bytes.first(16));
  RunPlace made;
  made.run.lane = reader.number32();
  made.run.first_seq = reader.number(8);
  made.entries = reader.number32();
  return whole(reader, made);
}

ByteVector encode(const IndexRecord& record) {
  Writer to(18 + record.only_type.size());
  to.number(kRecordVersion, 1).number(record.ids_to, 8).number(record.has_types ? 1 : 0, 1);
  return to.number(record.types_to, 8).raw(as_bytes(record.only_type)).take();
}
std::optional<IndexRecord> decode_index_record(Bytes record) {
  Reader reader(record);
  if (reader.number(1) != kRecordVersion) return std::nullopt;
  IndexRecord made;
  made.ids_to = reader.number(8);
  made.has_types = reader.number(1) == 1;
  made.types_to = reader.number(8);
  made.only_type = std::string(as_text(reader.rest()));
  return whole(reader, std::move(made));
}

ByteVector encode(const LaneRecord& record) {
  Writer to(81 + record.opening.size());
  to.number(kRecordVersion, 1).number(record.ledger, 4).number(record.parent, 4);
  to.number(record.first_seq, 8).raw(record.feed).raw(record.first_entry).raw(record.opening);
  return to.take();
}
std::optional<LaneRecord> decode_lane_record(Bytes record) {
  Reader reader(record);
  if (reader.number(1) != kRecordVersion) return std::nullopt;
  LaneRecord made;
  made.ledger = reader.number32();
  made.parent = reader.number32();
  made.first_seq = reader.number(8);
  reader.raw(made.feed);
  reader.raw(made.first_entry);
  made.opening = to_vector(reader.rest());
  return whole(reader, std::move(made));
}

ByteVector encode(const TipRecord& record) {
  Writer to(56);
  to.number(record.seq, 8).number(record.time_us, 8).number(record.run_first_seq, 8);
  return to.raw(record.entry).take();
}
std::optional<TipRecord> decode_tip_record(Bytes record) {
  Reader reader(record);
  TipRecord made;
  made.seq = reader.number(8);
  made.time_us = reader.number(8);
  made.run_first_seq = reader.number(8);
  reader.raw(made.entry);
  return whole(reader, made);
}

ByteVector encode_bytes_record(std::uint64_t bytes) { return Writer(8).number(bytes, 8).take(); }
std::optional<std::uint64_t> decode_bytes_record(Bytes record) {
  Reader reader(record);
  const std::uint64_t bytes = reader.number(8);
  return whole(reader, bytes);
}

ByteVector encode(const OwnRecord& record) {
  Writer to(32 + record.origin.size());
  return to.raw(record.feed).raw(as_bytes(record.origin)).take();
}
std::optional<OwnRecord> decode_own_record(Bytes record) {
  Reader reader(record);
  OwnRecord made;
  reader.raw(made.feed);
  made.origin = std::string(as_text(reader.rest()));
  return whole(reader, std::move(made));
}

ByteVector encode(const ReceiptKey& key) {
  Writer to(69);
  to.number(static_cast<std::uint8_t>(MetaKind::receipt), 1).number(key.ledger, 4);
  return to.raw(key.feed).raw(key.witness).take();
}
std::optional<ReceiptKey> decode_receipt_key(Bytes key) {
  Reader reader(key);
  if (reader.number(1) != static_cast<std::uint8_t>(MetaKind::receipt)) return std::nullopt;
  ReceiptKey made;
  made.ledger = reader.number32();
  reader.raw(made.feed);
  reader.raw(made.witness);
  return whole(reader, made);
}

ByteVector encode(const ReceiptRecord& record) {
  Writer to(112);
  to.number(record.seq, 8).raw(record.entry).number(record.time_us, 8).raw(record.signature);
  return to.take();
}
std::optional<ReceiptRecord> decode_receipt_record(Bytes record) {
  Reader reader(record);
  ReceiptRecord made;
  made.seq = reader.number(8);
  reader.raw(made.entry);
  made.time_us = reader.number(8);
  reader.raw(made.signature);
  return whole(reader, made);
}

ByteVector encode(const ArrivalRecord& record) {
  Writer to(24);
  to.number(record.run.lane, 4).number(record.run.first_seq, 8).number(record.entries, 4);
  return to.number(record.highest_us, 8).take();
}
std::optional<ArrivalRecord> decode_arrival_record(Bytes record) {
  Reader reader(record);
  ArrivalRecord made;
  made.run.lane = reader.number32();
  made.run.first_seq = reader.number(8);
  made.entries = reader.number32();
  made.highest_us = reader.number(8);
  return whole(reader, made);
}

ByteVector with_header(const RunHeader& header, Bytes entries) {
  Writer to(kRunHeaderBytes + entries.size());
  to.number(header.arrival, 8).number(header.highest_us, 8).raw(header.check).raw(entries);
  return to.take();
}
std::optional<RunHeader> decode_run_header(Bytes stored) {
  if (stored.size() < kRunHeaderBytes) return std::nullopt;
  Reader reader(stored.first(kRunHeaderBytes));
  RunHeader made;
  made.arrival = reader.number(8);
  made.highest_us = reader.number(8);
  reader.raw(made.check);
  return whole(reader, made);
}
std::array<std::uint8_t, 8> check_of(const Digest& last) {
  std::array<std::uint8_t, 8> made;
  std::copy_n(last.begin(), made.size(), made.begin());
  return made;
}

}  // namespace kith::store
