// SPDX-License-Identifier: MIT
// The command ledger.show: what a ledger is, who may write in it, its feeds, and who vouches for
// what of them.
#include "engine/node/command_adder.h"
#include "engine/store/receipts.h"
#include "engine/store/stored_runs.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::int64_t kFeeds = 100, kFeedsMax = 1'000;

double seconds(std::uint64_t us) { return static_cast<double>(us) / 1e6; }

Value::List member_rows(const store::Ledger& ledger) {
  Value::List rows;
  for (const store::Member& member : ledger.members()) {
    Value row;
    row["peer"] = store::peer_of(member.given.to).text();
    row["rank"] = std::int64_t{member.given.rank};
    row["role"] = member.given.role;
    row["grant"] = store::cid_text(member.grant);
    row["state"] = !member.counts ? "void" : member.is_revoked ? "revoked" : "stands";
    rows.push_back(std::move(row));
  }
  return rows;
}

// Of those that are believed; the others were kept for when they may be again.
Value::List voucher_rows(store::Ledger& ledger, const store::Digest& feed,
                         const wire::PeerId& self) {
  const store::Receipts& receipts = ledger.receipts();
  Value::List rows;
  for (const auto& [receipt, signature] : receipts.table().of_feed(feed)) {
    if (!receipts.is_believed(receipt.witness)) continue;
    const wire::PeerId witness = store::peer_of(receipt.witness);
    Value row;
    row["witness"] = witness.text();
    row["seq"] = receipt.seq;
    row["time"] = seconds(receipt.time_us);
    row["own"] = witness == self;
    rows.push_back(std::move(row));
  }
  return rows;
}

Value feed_row(store::Ledger& ledger, const store::Feed& feed, const wire::PeerId& self) {
  const store::Lane* newest = nullptr;
  for (const std::uint32_t number : feed.lanes) {
    const store::Lane* lane = ledger.lanes().find(number);
    if (!newest || lane->seq > newest->seq) newest = lane;
  }
  const wire::PeerId author = store::peer_of(feed.opening.author);
  Value row;
  row["feed"] = store::cid_text(feed.id);
  row["author"] = author.text();
  row["kind"] = feed.opening.kind == store::FeedKind::control ? "control" : "data";
  row["seq"] = newest->seq;
  row["time"] = seconds(newest->time_us);
  row["fork"] = feed.fork_seq != 0;
  row["own"] = author == self;
  row["vouched"] = voucher_rows(ledger, feed.id, self);
  return row;
}

Value show(Node& node, const Value& args) {
  store::Ledger& ledger = ledger_named(node.ledgers(), args.string_or("name"));
  const std::int64_t limit = args.integer_or("limit", kFeeds), after = args.integer_or("after", 0);
  if (limit < 1 || limit > kFeedsMax) throw Fault(Error(KITH_BAD, "--limit is 1 to 1000"));
  if (after < 0 || after > UINT32_MAX)
    throw Fault(Error(KITH_BAD, "--after is the `next` of the page before"));
  const wire::PeerId& self = node.setup().identity.peer_id();
  const auto& founder = ledger.genesis().founder;
  Value made;
  made["name"] = ledger.name();
  made["id"] = store::cid_text(ledger.id());
  made["founder"] = founder ? Value(store::peer_of(*founder).text()) : Value("open to all");
  made["entries"] = ledger.entries();
  made["receipts"] = std::uint64_t{ledger.receipts().table().size()};
  made["members"] = member_rows(ledger);
  Value::List feeds;
  Value next;
  const auto& lanes = ledger.lanes().all();
  std::uint32_t last = 0;
  for (auto at = lanes.upper_bound(static_cast<std::uint32_t>(after)); at != lanes.end(); ++at) {
    const store::Lane& lane = at->second;
    if (lane.parent != 0 || lane.is_empty() || lane.feed->lanes.front() != lane.number) continue;
    if (feeds.size() == static_cast<std::size_t>(limit)) {
      next = std::int64_t{last};
      break;
    }
    last = lane.number;
    feeds.push_back(feed_row(ledger, *lane.feed, self));
  }
  made["feeds"] = std::move(feeds);
  made["next"] = std::move(next);
  return made;
}

}  // namespace

void add_ledger_show(const CommandAdder& adder) {
  Node& node = adder.node;
  auto spec = command_spec(
      "ledger.show", "what a ledger is, its members and feeds, and who vouches for what",
      "{name, id, founder, entries, receipts, members, feeds: [{feed, author, seq, time, "
      "vouched: [{witness, seq, time, own}]}], next}",
      {required_arg("name", "string", "the ledger"),
       optional_arg("limit", "int", "how many feeds, 1 to 1000", true, kFeeds),
       optional_arg("after", "int", "the `next` of the page before", true, 0)});
  spec.read = true;
  adder.add(std::move(spec),
            [&node](bus::CallPtr call, Value args) { call->end(show(node, args)); });
}

}  // namespace kith::node
