// SPDX-License-Identifier: MIT
// A ledger's entries as scripts get them: what kith_ledgers gives, as values. No Lua in here.
#pragma once
#include <kith/services.h>

#include "engine/wire/value.h"

namespace kith::lua {

std::string cid_text(kith_bytes cid);
wire::Value entry_row(const kith_entry& entry);
wire::Value::List entry_rows(const kith_page& page);
// What an append tells of the entry that it made.
wire::Value appended_row(const kith_entry& entry);

}  // namespace kith::lua
