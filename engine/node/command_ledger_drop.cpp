// SPDX-License-Identifier: MIT
// The commands that take bodies out of this node's store for good, and ask peers for those that
// were dropped.
#include <fmt/core.h>

#include <cmath>

#include "engine/node/command_adder.h"
#include "engine/protocols/sync.h"
#include "engine/store/retaining.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::uint64_t kGiveUpUs = 10'000'000;  // without a body
constexpr std::uint64_t kLookEveryUs = 50'000;
constexpr const char* kRemoved = "removed here; other nodes may still hold it";

struct FoundEntry {
  store::Ledger* ledger = nullptr;
  store::Held held;
};

// Which ledger an entry is of, its id does not tell.
Task<FoundEntry> find_entry(store::Ledgers& ledgers, std::string text) {
  const store::Digest id = entry_named(text);
  for (store::Ledger* ledger : ledgers.all()) {
    const auto held = co_await ledger->find(id);
    if (!held) continue;
    FoundEntry found;
    found.ledger = ledger;
    found.held = *held;
    co_return found;
  }
  throw Fault(Error(KITH_ABSENT, "no ledger that is open here holds this entry"));
}

Value dropped(std::uint64_t bodies) {
  Value made;
  made["dropped"] = bodies;
  made["note"] = kRemoved;
  return made;
}

Task<Value> drop_before(Node& node, std::string name, double before_s) {
  if (!(before_s > 0 && before_s * 1e6 <= static_cast<double>(store::kIntegerMax)))
    throw Fault(Error(KITH_BAD, "--before is seconds since 1970, such as a row's time"));
  store::Retaining& retaining = ledger_named(node.ledgers(), name).retaining();
  const auto time_us = static_cast<std::uint64_t>(std::llround(before_s * 1e6));
  const std::uint64_t bodies = co_await retaining.drop_before(time_us);
  co_return dropped(bodies);
}

Task<Value> drop_entry(Node& node, std::string entry) {
  FoundEntry found = co_await find_entry(node.ledgers(), std::move(entry));
  if (found.held.body_bytes == 0)
    throw Fault(Error(KITH_BAD, "this entry has no body: there is nothing to drop"));
  const std::uint64_t bodies = co_await found.ledger->retaining().drop(std::move(found.held));
  co_return dropped(bodies);
}

std::size_t sync_peers(Node& node) {
  std::size_t peers = 0;
  for (const auto& [id, record] : node.swarm().peers().all())
    peers += record.connections > 0 && protocols::speaks_sync(record) ? 1 : 0;
  return peers;
}

// Until all have come, or none for a while. How many came.
Task<std::uint64_t> await_bodies(Node& node, store::Retaining& retaining, bus::Call& call,
                                 std::uint64_t wanted, std::uint64_t before) {
  std::uint64_t came = 0;
  for (std::uint64_t since_us = node.loop().now_us();;) {
    const std::uint64_t now = retaining.filled() - before;
    if (now != came) {
      came = now;
      since_us = node.loop().now_us();
      Value part;
      part["fetched"] = came;
      part["of"] = wanted;
      if (!call.part(part)) break;
    }
    if (came >= wanted || node.loop().now_us() - since_us >= kGiveUpUs) break;
    Nap nap(node.loop(), kLookEveryUs);
    co_await nap;
  }
  co_return std::min(came, wanted);
}

[[noreturn]] void nobody_has_it(std::size_t peers) {
  const std::string whom =
      peers == 0 ? "no peer is connected that could have it"
                 : fmt::format("none of the peers that are connected ({}) gave it in {} s", peers,
                               kGiveUpUs / 1'000'000);
  throw Fault(Error(KITH_ABSENT, whom + "; each that connects from now on is asked for it"));
}

Task<Value> fetch_entry(Node& node, bus::CallPtr call, std::string entry) {
  FoundEntry found = co_await find_entry(node.ledgers(), std::move(entry));
  store::Retaining& retaining = found.ledger->retaining();
  const store::Digest id = found.held.id;
  const std::uint64_t before = retaining.filled();
  const std::uint64_t wanted = co_await retaining.want(std::move(found.held));
  Value made;
  made["fetched"] = wanted;
  made["lacked"] = 0;
  if (wanted == 0) co_return made;  // it is here
  const std::size_t peers = sync_peers(node);
  if (peers == 0) nobody_has_it(peers);
  co_await await_bodies(node, retaining, *call, wanted, before);
  const auto held = co_await found.ledger->find(id);
  if (!held || (held->flags & KITH_ENTRY_DROPPED) != 0) nobody_has_it(peers);
  co_return made;
}

Task<Value> fetch_ledger(Node& node, bus::CallPtr call, std::string name) {
  store::Retaining& retaining = ledger_named(node.ledgers(), name).retaining();
  const std::uint64_t before = retaining.filled();
  const std::uint64_t wanted = co_await retaining.want_all();
  std::uint64_t came = 0;
  if (sync_peers(node) > 0) {
    const std::uint64_t all = co_await await_bodies(node, retaining, *call, wanted, before);
    came = all;
  }
  Value made;
  made["ok"] = came == wanted;
  made["fetched"] = came;
  made["lacked"] = wanted - came;
  if (came < wanted) made["note"] = "each peer that connects from now on is asked for the rest";
  co_return made;
}

}  // namespace

void add_ledger_drop(const CommandAdder& adder) {
  Node& node = adder.node;
  auto dropping = command_spec(
      "ledger.drop",
      "remove bodies from this node for good; entries, sizes and types stay, and so does the chain",
      "{dropped, note}",
      {required_arg("what", "string", "an entry's id; with --before a ledger"),
       optional_arg("before", "number", "all of it before this time, in seconds", true)});
  auto fetching = command_spec(
      "ledger.fetch", "ask peers for bodies that were dropped here", "{fetched, lacked, note}",
      {required_arg("what", "string",
                    "an entry's id, or a ledger: then all but those removed with drop")});
  dropping.admin = fetching.admin = true;
  fetching.stream = true;
  adder.add(std::move(dropping), [adder, &node](bus::CallPtr call, Value args) {
    const Value* before = args.find("before");
    const double* const before_s = before ? before->number() : nullptr;
    adder.answer(std::move(call), before_s ? drop_before(node, args.string_or("what"), *before_s)
                                           : drop_entry(node, args.string_or("what")));
  });
  adder.add(std::move(fetching), [adder, &node](bus::CallPtr call, Value args) {
    std::string what = args.string_or("what");
    const bool is_entry = wire::Cid::from_text(what) && !node.ledgers().find(what);
    adder.answer(call, is_entry ? fetch_entry(node, call, std::move(what))
                                : fetch_ledger(node, call, std::move(what)));
  });
}

}  // namespace kith::node
