// SPDX-License-Identifier: MIT
// The bytes of a run, as engine/store/README.md "Run" lays them out. One form for each run: what is
// parsed is written as the very same bytes.
#include <algorithm>
#include <cassert>
#include <map>

#include "engine/store/block_codec.h"
#include "engine/store/columns.h"
#include "engine/store/run.h"

namespace kith::store {
namespace {

constexpr std::size_t kRowBytesMin = 2;  // a time and a size
constexpr std::uint64_t kBodiesBytesMax = kRunBodiesMax + kBodyBytesMax;
constexpr std::size_t kFixedBytes = 160;  // feed, prev, signature and the first numbers, about

std::uint32_t size_of(const Row& row) {
  return row.is_dropped ? row.body_bytes : static_cast<std::uint32_t>(row.body.size());
}

void append_times(ByteVector& to, const std::vector<Row>& rows) {
  std::uint64_t least = 0;
  for (const Row& row : rows) {
    assert(row.time_us >= least);
    wire::append_varint(to, row.time_us - least);
    least = row.time_us + 1;
  }
}

void append_types(ByteVector& to, const std::vector<Row>& rows) {
  std::map<std::string_view, std::size_t> numbers;
  std::vector<std::string_view> types;
  ByteVector indices;
  std::size_t index = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows[i].type != rows[i - 1].type) {
      const auto [at, is_new] = numbers.emplace(rows[i].type, types.size());
      if (is_new) types.push_back(rows[i].type);
      index = at->second;
    }
    wire::append_varint(indices, index);
  }
  wire::append_varint(to, types.size());
  for (const std::string_view type : types) wire::append_prefixed(to, as_bytes(type));
  if (types.size() > 1) append(to, indices);
}

void append_links(ByteVector& to, const std::vector<Row>& rows) {
  const auto has_links = [](const Row& row) { return !row.links.empty(); };
  wire::append_varint(
      to, static_cast<std::uint64_t>(std::count_if(rows.begin(), rows.end(), has_links)));
  std::size_t least = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].links.empty()) continue;
    wire::append_varint(to, i - least);
    wire::append_varint(to, rows[i].links.size());
    for (const Digest& link : rows[i].links) append(to, link);
    least = i + 1;
  }
}

void append_sizes(ByteVector& to, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    wire::append_varint(to, std::uint64_t{size_of(row)} << 1 | (row.is_dropped ? 1 : 0));
  }
  for (const Row& row : rows) {
    if (row.is_dropped) append(to, row.body_digest);
  }
}

void read_times(ColumnReader& reader, std::vector<Row>& rows) {
  std::uint64_t least = 0;
  for (Row& row : rows) {
    row.time_us = least + reader.number(kIntegerMax, ledger_error::bad_integer, "a time");
    reader.expect(row.time_us <= kIntegerMax, ledger_error::bad_integer, "a time");
    least = row.time_us + 1;
  }
}

std::vector<std::string_view> read_type_table(ColumnReader& reader, std::size_t rows) {
  const std::uint64_t count = reader.number(rows, ledger_error::bad_run, "more types than rows");
  reader.expect(count > 0, ledger_error::bad_run, "no types");
  std::vector<std::string_view> types;
  for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
    const std::uint64_t size = reader.number();
    types.push_back(as_text(reader.bytes(size)));
    reader.expect(is_type_valid(types.back()), ledger_error::bad_type, "");
  }
  auto sorted = types;
  std::sort(sorted.begin(), sorted.end());
  reader.expect(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
                ledger_error::bad_run, "a type twice");
  return types;
}

// Types stand in the order in which the rows first use them, all of them used.
void read_types(ColumnReader& reader, std::vector<Row>& rows) {
  const auto types = read_type_table(reader, rows.size());
  if (reader.failed()) return;
  std::uint64_t used = 0;
  for (Row& row : rows) {
    const std::uint64_t index =
        types.size() == 1 ? 0
                          : reader.number(types.size() - 1, ledger_error::bad_run, "no such type");
    reader.expect(index <= used, ledger_error::bad_run, "types out of order");
    if (reader.failed()) return;
    used = std::max(used, index + 1);
    row.type = types[index];
  }
  reader.expect(used == types.size(), ledger_error::bad_run, "a type that no entry has");
}

void read_links(ColumnReader& reader, std::vector<Row>& rows) {
  const std::uint64_t linking =
      reader.number(rows.size(), ledger_error::bad_run, "links of more entries than there are");
  std::uint64_t least = 0;
  for (std::uint64_t i = 0; i < linking && !reader.failed(); ++i) {
    const std::uint64_t at =
        least + reader.number(rows.size(), ledger_error::bad_run, "links of no entry");
    const std::uint64_t count = reader.number(kLinksMax, ledger_error::bad_links, "more than 16");
    reader.expect(at < rows.size() && count > 0, ledger_error::bad_run, "links of no entry");
    reader.expect(count * sizeof(Digest) <= reader.left(), ledger_error::bad_run, "cut short");
    if (reader.failed()) return;
    auto& links = rows[at].links;
    links.resize(count);
    for (Digest& link : links) reader.copy(link);
    reader.expect(are_links_sorted(links), ledger_error::bad_links, "");
    least = at + 1;
  }
}

void read_sizes(ColumnReader& reader, std::vector<Row>& rows) {
  std::uint64_t total = 0;
  for (Row& row : rows) {
    const std::uint64_t number =
        reader.number(kBodyBytesMax << 1 | 1, ledger_error::body_too_large, "");
    row.is_dropped = number & 1;
    row.body_bytes = static_cast<std::uint32_t>(number >> 1);
    total += row.body_bytes;
  }
  reader.expect(total <= kBodiesBytesMax, ledger_error::run_too_large, "bodies of over 2 MiB");
  for (Row& row : rows) {
    if (!row.is_dropped) continue;
    reader.copy(row.body_digest);
    reader.expect(row.body_bytes > 0, ledger_error::bad_run, "nothing is left of no bytes");
    reader.expect(row.body_digest != empty_digest(), ledger_error::body_mismatch,
                  "the block of no bytes, with a size");
  }
}

void read_bodies(ColumnReader& reader, std::vector<Row>& rows, Bytes bodies) {
  ColumnReader body_reader(bodies);
  for (Row& row : rows) {
    if (!row.is_dropped) row.body = body_reader.bytes(row.body_bytes);
  }
  reader.expect(!body_reader.failed() && body_reader.left() == 0, ledger_error::bad_run,
                "bodies of another size");
}

}  // namespace

RunBytes encode(const Run& run) {
  RunBytes bytes;
  std::size_t bodies_bytes = 0, links = 0;
  for (const Row& row : run.rows) {
    bodies_bytes += row.body.size();
    links += row.links.size() + row.is_dropped;
  }
  bytes.entries.reserve(kFixedBytes + 12 * run.rows.size() + sizeof(Digest) * links);
  append(bytes.entries, run.feed);
  wire::append_varint(bytes.entries, run.first_seq);
  append(bytes.entries, run.prev);
  append(bytes.entries, run.signature);
  wire::append_varint(bytes.entries, run.rows.size());
  append_times(bytes.entries, run.rows);
  append_types(bytes.entries, run.rows);
  append_links(bytes.entries, run.rows);
  append_sizes(bytes.entries, run.rows);
  bytes.bodies.reserve(bodies_bytes);
  for (const Row& row : run.rows) {
    if (!row.is_dropped) append(bytes.bodies, row.body);
  }
  return bytes;
}

Result<Run> parse_run(Bytes entries, Bytes bodies) {
  ColumnReader reader(entries);
  Run run;
  reader.copy(run.feed);
  run.first_seq = reader.number(kIntegerMax, ledger_error::bad_integer, "a seq");
  reader.expect(run.first_seq > 0, ledger_error::bad_run, "seq begins at 1");
  reader.copy(run.prev);
  reader.copy(run.signature);
  const std::uint64_t count =
      reader.number(kRunEntriesMax, ledger_error::run_too_large, "more than 512 entries");
  reader.expect(count > 0, ledger_error::bad_run, "no entries");
  reader.expect(count <= reader.left() / kRowBytesMin, ledger_error::bad_run, "cut short");
  if (reader.failed()) return reader.error();
  reader.expect(count - 1 <= kIntegerMax - run.first_seq, ledger_error::bad_integer, "a seq");
  run.rows.resize(count);
  read_times(reader, run.rows);
  read_types(reader, run.rows);
  read_links(reader, run.rows);
  read_sizes(reader, run.rows);
  reader.expect(reader.left() == 0, ledger_error::bad_run, "bytes after its end");
  if (!reader.failed()) read_bodies(reader, run.rows, bodies);
  if (reader.failed()) return reader.error();
  return run;
}

}  // namespace kith::store
