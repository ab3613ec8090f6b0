// SPDX-License-Identifier: MIT
// The commands of ledgers: what is kept here, and whether all of it is whole.
#include <fmt/core.h>

#include "engine/bus/nearest.h"
#include "engine/node/command_adder.h"

namespace kith::node {

namespace {

using wire::Value;

Value::List ledger_rows(store::Ledgers& ledgers) {
  Value::List rows;
  for (const store::Ledger* ledger : ledgers.all()) {
    Value row;
    row["name"] = ledger->name();
    row["id"] = wire::Cid::from_bytes(store::cid_of(ledger->id())).value().text();
    row["feeds"] = static_cast<std::int64_t>(ledger->feeds());
    row["entries"] = ledger->entries();
    row["arrival"] = ledger->synced_arrival();
    rows.push_back(std::move(row));
  }
  return rows;
}

// Entries a second since it began, in whole ones.
std::int64_t rate(std::uint64_t entries, std::uint64_t us) {
  return us == 0 ? 0
                 : static_cast<std::int64_t>(static_cast<double>(entries) * 1e6 /
                                             static_cast<double>(us));
}

// What is not whole is a failure, after its verdict as the last part.
Task<void> verify(Loop& loop, store::Ledgers& ledgers, bus::CallPtr call, std::string name) {
  const std::uint64_t began_us = loop.now_us();
  const auto progress = [&loop, call, began_us](std::uint64_t entries, std::uint64_t of) {
    Value part;
    part["entries"] = entries;
    part["of"] = of;
    part["per_second"] = rate(entries, loop.now_us() - began_us);
    call->part(part);
  };
  try {
    store::Ledger& ledger = ledger_named(ledgers, name);
    store::Progress told = progress;
    const store::Verdict verdict = co_await ledger.verify(std::move(told));
    call->end(verdict_body(verdict));
  } catch (const Fault& fault) {  // the border to the caller
    call->fail(fault.what(), code_of(fault.error()));
  }
}

}  // namespace

store::Ledger& ledger_named(store::Ledgers& ledgers, const std::string& name) {
  if (store::Ledger* ledger = ledgers.find(name)) return *ledger;
  std::vector<std::string_view> names;
  for (const store::Ledger* ledger : ledgers.all()) names.push_back(ledger->name());
  if (names.empty())
    throw Fault(Error(KITH_ABSENT,
                      "no ledger is open here: an app opens one, or [ledgers] open in "
                      "kith.toml"));
  throw Fault(Error(KITH_ABSENT, fmt::format("no ledger '{}' is open here: did you mean '{}'?",
                                             name, bus::nearest(name, names))));
}

void add_ledger_commands(const CommandAdder& adder) {
  store::Ledgers& ledgers = adder.node.ledgers();
  adder.add_read("ledger.list", "the ledgers that are kept here",
                 "[{name, id, feeds, entries, arrival}]",
                 [&ledgers] { return Value(ledger_rows(ledgers)); });
  auto verifying = command_spec(
      "ledger.verify", "check every chain, body and signature of a ledger",
      "{ok, feeds, entries, problems}", {required_arg("name", "string", "the ledger")});
  verifying.read = true;
  verifying.stream = true;
  adder.add(std::move(verifying), [adder, &ledgers](bus::CallPtr call, Value args) {
    adder.scope.spawn(verify(adder.node.loop(), ledgers, std::move(call), args.string_or("name")));
  });
  add_ledger_access(adder);
  add_ledger_drop(adder);
  add_ledger_show(adder);
  add_ledger_tools(adder);
  add_ledger_tail(adder);
}

}  // namespace kith::node
