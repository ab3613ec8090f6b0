// SPDX-License-Identifier: MIT
// The commands that make a ledger, join one, and say who may write in it.
#include <fmt/core.h>

#include "engine/node/command_adder.h"
#include "engine/store/stored_runs.h"
#include "engine/wire/encodings.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::int64_t kRank = 100;
constexpr const char* kRole = "writer";

// What others join by: the genesis itself, so that nobody need be asked for it.
Value described(const store::Ledger& ledger) {
  Value made;
  made["name"] = ledger.name();
  made["id"] = store::cid_text(ledger.id());
  const auto& founder = ledger.genesis().founder;
  made["founder"] = founder ? Value(store::peer_of(*founder).text()) : Value();
  made["join"] = wire::to_multibase('u', ledger.genesis_block());
  return made;
}

Value create(Node& node, const Value& args) {
  store::Ledgers::Founding founding;
  founding.name = args.string_or("name");
  founding.hide = args.boolean_or("hide", false);
  founding.rule = args.string_or("rule");
  if (args.boolean_or("private", false) || founding.hide || !founding.rule.empty())
    return described(node.found_ledger(founding));
  store::Ledger& ledger = node.open_ledger(founding.name);
  if (!ledger.genesis().is_open())
    throw Fault(Error(KITH_REFUSED, fmt::format("a ledger '{}' with a founder is kept here already",
                                                founding.name)));
  node.ledgers().keep(ledger, true);
  return described(ledger);
}

Value join(Node& node, const std::string& text, const std::string& name) {
  const auto block = wire::from_multibase(text);
  if (!block)
    throw Fault(Error(KITH_BAD,
                      "this is not what 'kith ledger create' printed as join: a text that "
                      "begins with u"));
  return described(node.join_ledger(*block, name));
}

Value leave(Node& node, const std::string& name) {
  store::Ledger& ledger = ledger_named(node.ledgers(), name);
  node.ledgers().keep(ledger, false);
  Value made;
  made["name"] = name;
  made["note"] =
      "it is kept on disk, and not opened at the next start unless the config or an app "
      "does; 'kith ledger join' takes it up again";
  return made;
}

std::optional<crypto::Key32> author_of(const std::string& text) {
  const auto peer = wire::PeerId::from_text(text);
  return peer ? store::author_of(*peer) : std::nullopt;
}

Value row_of(const store::Member& member) {
  Value row;
  row["to"] = store::peer_of(member.given.to).text();
  row["rank"] = static_cast<std::int64_t>(member.given.rank);
  row["role"] = member.given.role;
  row["grant"] = store::cid_text(member.grant);
  return row;
}

Task<Value> grant(Node& node, std::string name, std::string to, std::int64_t rank,
                  std::string role) {
  store::Ledger& ledger = ledger_named(node.ledgers(), name);
  const auto author = author_of(to);
  if (!author)
    throw Fault(Error(KITH_BAD, fmt::format("'{}' is no peer id such as 12D3KooW.. ('kith status' "
                                            "there shows it)",
                                            to)));
  if (rank < 1 || rank > store::kRankMax)
    throw Fault(Error(
        KITH_BAD, fmt::format("--rank is 1 to {}: the lower, the more it may", store::kRankMax)));
  store::Member made;
  made.given = {*author, static_cast<std::uint16_t>(rank), role};
  store::Grant given = made.given;
  const store::Appended appended = co_await ledger.grant(std::move(given));
  made.grant = appended.id;
  co_return row_of(made);
}

// By the id of a grant, or all that a peer holds.
std::vector<store::Member> named_members(const store::Ledger& ledger, const std::string& who) {
  const auto author = author_of(who);
  std::vector<store::Member> found;
  for (const store::Member& member : ledger.members()) {
    const bool is_named =
        author ? member.given.to == *author : store::cid_text(member.grant) == who;
    if (is_named && member.counts && !member.is_revoked) found.push_back(member);
  }
  if (found.empty())
    throw Fault(
        Error(KITH_ABSENT, fmt::format("'{}' names no grant that stands in {}: 'kith ledger "
                                       "show {}' lists them",
                                       who, ledger.name(), ledger.name())));
  return found;
}

struct Revoking {
  std::string name, who, keep;
  bool dry_run = false, reissue = false;
};

Value command_again(const std::string& ledger, const store::Member& member) {
  return fmt::format("kith ledger grant {} {} --rank {} --role {}", ledger,
                     store::peer_of(member.given.to).text(), member.given.rank, member.given.role);
}

// What fell with it, and what became of that.
Task<Value> fallen(store::Ledger& ledger, std::vector<store::Member> fell, bool is_reissued) {
  Value::List rows;
  for (const store::Member& member : fell) {
    Value row = row_of(member);
    if (is_reissued) {
      store::Grant again = member.given;
      const store::Appended appended = co_await ledger.grant(std::move(again));
      row["again"] = store::cid_text(appended.id);
    } else {
      row["next"] = command_again(ledger.name(), member);
    }
    rows.push_back(std::move(row));
  }
  co_return rows;
}

Task<Value> revoke_one(store::Ledger& ledger, store::Member member, Revoking order) {
  store::Revoke revoke{member.grant, {}};
  if (order.keep == "held") {
    auto heads = co_await ledger.heads_under(member.grant);
    revoke.keep = std::move(heads);
  }
  const store::Fall fall = ledger.fall_of(revoke);
  Value row = row_of(member);
  row["void"] = fall.entries;
  row["kept_feeds"] = static_cast<std::int64_t>(revoke.keep.size());
  if (!order.dry_run) {
    const store::Appended appended = co_await ledger.revoke(std::move(revoke));
    row["revoke"] = store::cid_text(appended.id);
  }
  std::vector<store::Member> fell = fall.grants;
  const bool is_reissued = order.reissue && !order.dry_run;
  auto told = co_await fallen(ledger, std::move(fell), is_reissued);
  row["fell"] = std::move(told);
  co_return row;
}

Task<Value> revoke(Node& node, Revoking order) {
  if (order.keep != "held" && order.keep != "none")
    throw Fault(Error(KITH_BAD, "--keep is held (what this node holds of it stays) or none"));
  store::Ledger& ledger = ledger_named(node.ledgers(), order.name);
  const std::vector<store::Member> members = named_members(ledger, order.who);
  Value::List rows;
  for (const store::Member& member : members) {
    auto row = co_await revoke_one(ledger, member, order);
    rows.push_back(std::move(row));
  }
  Value made;
  made["dry_run"] = order.dry_run;
  made["revoked"] = std::move(rows);
  co_return made;
}

void add_makers(const CommandAdder& adder) {
  Node& node = adder.node;
  auto creating = command_spec(
      "ledger.create", "make a ledger, which is opened at each start from now on",
      "{name, id, founder, join}",
      {required_arg("name", "string", "1 to 64 of a-z 0-9 . _ -"),
       optional_arg("private", "bool", "this node founds it: only who is granted may write", true,
                    false),
       optional_arg("hide", "bool", "private, and nobody can guess a short body from its id", true,
                    false),
       optional_arg("rule", "string", "private, by the grants of this other ledger", true, "")});
  auto joining = command_spec(
      "ledger.join", "keep a ledger that another node made, from now on",
      "{name, id, founder, join}",
      {required_arg("text", "string", "the join that 'ledger create' or 'ledger show' prints"),
       optional_arg("as", "string", "a name for it here, where its own is taken", true, "")});
  auto leaving = command_spec("ledger.leave", "open a ledger no more at each start", "{name, note}",
                              {required_arg("name", "string", "the ledger")});
  adder.add(std::move(creating),
            [&node](bus::CallPtr call, Value args) { call->end(create(node, args)); });
  adder.add(std::move(joining), [&node](bus::CallPtr call, Value args) {
    call->end(join(node, args.string_or("text"), args.string_or("as")));
  });
  adder.add(std::move(leaving), [&node](bus::CallPtr call, Value args) {
    call->end(leave(node, args.string_or("name")));
  });
}

}  // namespace

void add_ledger_access(const CommandAdder& adder) {
  add_makers(adder);
  const auto name = required_arg("name", "string", "the ledger");
  auto granting = command_spec(
      "ledger.grant", "let a peer write in a ledger with a founder", "{to, rank, role, grant}",
      {name, required_arg("peer", "string", "its peer id"),
       optional_arg("rank", "int", "1 to 65535; it may grant what is above it", true, kRank),
       optional_arg("role", "string", "a name for people and apps", true, kRole)});
  auto revoking = command_spec(
      "ledger.revoke", "take a grant away; what falls with it is shown",
      "{dry_run, revoked: [{to, rank, role, grant, void, kept_feeds, revoke, fell}]}",
      {name, required_arg("who", "string", "a peer id, or the id of one grant"),
       optional_arg("keep", "string", "held: what is held here of it stays; none", true, "held"),
       optional_arg("dry-run", "bool", "only show what would fall", true, false),
       optional_arg("reissue", "bool", "give the grants that fall with it again", true, false)});
  Node& node = adder.node;
  adder.add(std::move(granting), [adder, &node](bus::CallPtr call, Value args) {
    adder.answer(std::move(call),
                 grant(node, args.string_or("name"), args.string_or("peer"),
                       args.integer_or("rank", kRank), args.string_or("role", kRole)));
  });
  adder.add(std::move(revoking), [adder, &node](bus::CallPtr call, Value args) {
    Revoking order{args.string_or("name"), args.string_or("who"), args.string_or("keep", "held"),
                   args.boolean_or("dry-run", false), args.boolean_or("reissue", false)};
    adder.answer(std::move(call), revoke(node, std::move(order)));
  });
}

}  // namespace kith::node
