// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/ledger_rows.h"

#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"

namespace kith::lua {

namespace {

struct Flag {
  const char* name;
  unsigned bit;
};
constexpr Flag kFlags[] = {{"late", KITH_ENTRY_LATE},       {"fork", KITH_ENTRY_FORK},
                           {"early", KITH_ENTRY_EARLY},     {"odd", KITH_ENTRY_ODD},
                           {"dropped", KITH_ENTRY_DROPPED}, {"void", KITH_ENTRY_VOID}};

}  // namespace

std::string cid_text(kith_bytes cid) {
  const auto read = wire::Cid::from_bytes(view(cid));
  return read ? read->text() : "";
}

wire::Value appended_row(const kith_entry& entry) {
  wire::Value row;
  row["id"] = cid_text(entry.id);
  row["feed"] = cid_text(entry.feed);
  row["seq"] = entry.seq;
  row["time"] = static_cast<double>(entry.time_us) / 1e6;
  row["arrival"] = entry.arrival;
  return row;
}

wire::Value entry_row(const kith_entry& entry) {
  wire::Value row = appended_row(entry);
  row["author"] = wire::to_base58(view(entry.author));
  row["type"] = text(entry.type);
  for (const Flag& flag : kFlags) row[flag.name] = (entry.flags & flag.bit) != 0;
  wire::Value::List links;
  for (std::size_t i = 0; i < entry.n_links; ++i) links.push_back(cid_text(entry.links[i]));
  row["links"] = std::move(links);
  if (entry.flags & KITH_ENTRY_DROPPED) return row;
  row["data"] = to_vector(view(entry.body));
  if (wire::is_utf8(view(entry.body))) row["text"] = text(entry.body);
  return row;
}

wire::Value::List entry_rows(const kith_page& page) {
  wire::Value::List rows;
  rows.reserve(page.n);
  for (std::size_t i = 0; i < page.n; ++i) rows.push_back(entry_row(page.entries[i]));
  return rows;
}

}  // namespace kith::lua
