// SPDX-License-Identifier: MIT
// `doctor`: what is wrong with this node and what to do about it. Each check looks at one thing
// that the node knows of itself and changes nothing.
#include <fmt/core.h>

#include <algorithm>

#include "engine/node/command_adder.h"
#include "engine/node/doctor.h"
#include "engine/store/clock_rules.h"

namespace kith::node {
namespace {

constexpr std::uint64_t kWeekUs = 7ull * 24 * 3600 * 1'000'000;
constexpr std::uint64_t kEarlyUs = 60'000'000;  // store/README.md, "Order"
constexpr std::size_t kNamedMax = 3;            // in one sentence

Check well(const char* check, std::string detail) { return {check, true, std::move(detail), ""}; }
Check unwell(const char* check, std::string detail, std::string next) {
  return {check, false, std::move(detail), std::move(next)};
}

// "a, b, c and 4 more"
std::string named(const std::vector<std::string>& all) {
  std::string made;
  for (std::size_t i = 0; i < std::min(all.size(), kNamedMax); ++i)
    made += (i > 0 ? ", " : "") + all[i];
  if (all.size() > kNamedMax) made += fmt::format(" and {} more", all.size() - kNamedMax);
  return made;
}

std::uint64_t newest_us(const store::Ledger& ledger, const store::Feed& feed) {
  std::uint64_t newest = 0;
  for (const std::uint32_t number : feed.lanes)
    newest = std::max(newest, ledger.lanes().find(number)->time_us);
  return newest;
}

std::vector<const store::Feed*> own_feeds(const Node& node, const store::Ledger& ledger) {
  const auto author = store::author_of(node.setup().identity.peer_id());
  return author ? ledger.lanes().feeds_of(*author) : std::vector<const store::Feed*>();
}

Check check_clock(Node& node) {
  for (const store::Ledger* ledger : node.ledgers().all()) {
    std::uint64_t newest = 0;
    for (const store::Feed* feed : own_feeds(node, *ledger))
      newest = std::max(newest, newest_us(*ledger, *feed));
    const auto why = store::clock_refusal(node.loop().wall_us(), newest, ledger->name());
    if (!why.empty()) return unwell("clock", why, "timedatectl set-ntp true");
  }
  const protocols::ClockVerdict verdict = node.clocks().verdict();
  return {"clock", !verdict.is_off(), describe(verdict), std::string(advice(verdict))};
}

Check check_store(const store::Committer& committer) {
  if (const auto& failure = committer.failure())
    return unwell("store", "a write failed, and nothing is kept since: " + failure->message(),
                  "see that the disk has room and is whole, then stop this node and start it anew");
  const bool is_sync = committer.durability() == store::Durability::sync;
  return well("store",
              is_sync ? "what is answered is on disk"
                      : "what is answered is on disk within 50 ms (durability = \"interval\")");
}

Check check_ledgers(Node& node) {
  const auto ledgers = node.ledgers().all();
  const std::uint64_t now_us = node.loop().wall_us();
  std::vector<std::string> forked;
  std::size_t early = 0;
  for (const store::Ledger* ledger : ledgers) {
    for (const store::Feed* feed : own_feeds(node, *ledger))
      if (feed->fork_seq != 0 && newest_us(*ledger, *feed) + kWeekUs > now_us)
        forked.push_back(ledger->name());
    for (const auto& [number, lane] : ledger->lanes().all())
      early += lane.time_us > now_us + kEarlyUs ? 1 : 0;
  }
  if (!forked.empty())
    return unwell("ledgers",
                  "another has written with this node's key within a week: " + named(forked),
                  "a copy or backup of this home runs elsewhere: stop it there, and give it an "
                  "identity of its own");
  const std::string open = fmt::format("{} open", ledgers.size());
  if (early == 0) return well("ledgers", open);
  return well("ledgers", fmt::format("{}; entries of {} feeds wait until their time comes, as they "
                                     "are ahead of this clock",
                                     open, early));
}

Check check_addresses(const Node& node) {
  std::vector<std::string> texts;
  for (const auto& address : node.addresses()) texts.push_back(address.without_peer().text());
  if (!texts.empty()) return well("addresses", named(texts));
  return unwell("addresses", "this node listens nowhere, so no peer can dial it",
                "give a transport an address in kith.toml, such as [plugins.tcp] with listen = "
                "[\"/ip4/0.0.0.0/tcp/4001\"], and start it anew");
}

Check check_peers(Node& node) {
  std::size_t connected = 0;
  for (const auto& [id, record] : node.swarm().peers().all())
    connected += record.connections > 0 ? 1 : 0;
  if (connected > 0) return well("peers", fmt::format("{} connected", connected));
  return unwell("peers", "none is connected",
                "kith connect MULTIADDR of a node that runs, as its 'kith status' shows them; or "
                "name it in peers under [plugins.bootstrap], to keep it");
}

Check check_apps(Node& node) {
  std::vector<std::string> names, states;
  for (const auto& [name, app] : node.apps().all()) {
    if (app->state == "running" || app->state == "loading") continue;
    names.push_back(name);
    states.push_back(name + " " + app->state);
  }
  if (names.empty()) return well("apps", fmt::format("{} run", node.apps().all().size()));
  return unwell("apps", named(states),
                fmt::format("kith app logs {0}; once it is mended, kith app reload {0}", names[0]));
}

wire::Value examine(Node& node, const store::Committer& committer) {
  Checks made = {check_clock(node),     check_store(committer), check_ledgers(node),
                 check_addresses(node), check_peers(node),      check_apps(node)};
  if (const std::string& home = node.setup().home; !home.empty()) {
    made.push_back(check_home(home));
    made.push_back(check_disk(home));
  }
  made.push_back(check_files(node.setup().config.limits.connections));
  return doctor_body(made);
}

}  // namespace

void add_doctor(const CommandAdder& adder) {
  adder.add_read("doctor", "what is wrong with this node, and what to do about it",
                 "{ok, checks: [{check, ok, detail, next}]}",
                 [&node = adder.node, &committer = *adder.services.committer] {
                   return examine(node, committer);
                 });
}

}  // namespace kith::node
