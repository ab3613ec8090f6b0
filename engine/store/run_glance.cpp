// SPDX-License-Identifier: MIT
#include "engine/store/run_glance.h"

#include "engine/store/columns.h"
#include "engine/store/run.h"

namespace kith::store {
namespace {

// README.md, "Run": up to the first time.
RunBeginning read_beginning(ColumnReader& reader) {
  RunBeginning made;
  reader.bytes(sizeof(Digest));  // feed
  made.first_seq = reader.number();
  reader.bytes(sizeof(Digest) + sizeof(crypto::Signature));  // prev
  made.entries = reader.number(kRunEntriesMax, ledger_error::run_too_large, "");
  reader.expect(made.entries > 0, ledger_error::bad_run, "no entries");
  made.first_us = reader.number();
  return made;
}

bool read_types(ColumnReader& reader, RunGlance& glance) {
  const std::size_t rows = glance.times_us.size();
  const std::uint64_t count = reader.number(rows, ledger_error::bad_run, "");
  for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
    const std::uint64_t size = reader.number();
    glance.types.emplace_back(as_text(reader.bytes(size)));
  }
  glance.type.assign(rows, 0);
  if (count < 2) return count == 1 && !reader.failed();
  for (std::uint16_t& type : glance.type)
    type = static_cast<std::uint16_t>(reader.number(count - 1, ledger_error::bad_run, ""));
  return !reader.failed();
}

}  // namespace

std::optional<RunBeginning> glance_beginning(Bytes stored) {
  const auto header = decode_run_header(stored);
  if (!header) return std::nullopt;
  ColumnReader reader(stored.subspan(kRunHeaderBytes));
  RunBeginning made = read_beginning(reader);
  made.arrival = header->arrival;
  if (reader.failed()) return std::nullopt;
  return made;
}

std::optional<RunGlance> glance_run(Bytes stored) {
  const auto header = decode_run_header(stored);
  if (!header) return std::nullopt;
  ColumnReader reader(stored.subspan(kRunHeaderBytes));
  const RunBeginning beginning = read_beginning(reader);
  if (reader.failed()) return std::nullopt;
  RunGlance made;
  made.arrival = header->arrival;
  made.first_seq = beginning.first_seq;
  made.times_us.resize(beginning.entries, beginning.first_us);
  for (std::size_t i = 1; i < made.times_us.size(); ++i)
    made.times_us[i] = made.times_us[i - 1] + reader.number() + 1;
  if (!read_types(reader, made)) return std::nullopt;
  return made;
}

}  // namespace kith::store
