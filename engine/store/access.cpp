// SPDX-License-Identifier: MIT
#include "engine/store/access.h"

#include <algorithm>
#include <cassert>

namespace kith::store {

// A grant, or what a revoke or an opening names as one before it is held.
struct Access::Standing {
  Digest id{};
  std::optional<Grant> grant;  // none: not held
  bool counts = false;
  std::size_t revokes = 0;                          // that count and act on it
  std::map<Digest, std::multiset<Cut>> kept;        // by these, of each feed
  std::vector<Issuer*> issuers;                     // control feeds opened under it
  std::vector<std::pair<Issuer*, Item*>> named_by;  // revokes, until the grant is held

  void add(const Item& revoke);
  void remove(const Item& revoke);
  Right right_of(const Digest& feed, const crypto::Key32& author) const;
};

// An entry of a control feed.
struct Access::Item {
  Digest prev{};
  Standing* standing = nullptr;  // the grant that it is, or that it revokes
  bool is_grant = false;
  std::vector<Head> keep;  // of a revoke
  bool counts = false;
};

// A control feed.
struct Access::Issuer {
  Digest id{};
  crypto::Key32 author{};
  Standing* under = nullptr;  // nullptr: opened as the founder's
  std::map<Cut, Item> items;  // an entry after the one before it
  Right right;                // as items were last judged by
  std::uint64_t judge_from_seq = 1;
  bool is_marked = false;

  // Known and the same for ever once the grant is held.
  std::optional<std::uint16_t> number() const {
    if (!under) return std::uint16_t{0};
    return under->grant ? std::optional(under->grant->rank) : std::nullopt;
  }
  bool outranks(const Standing& standing) const {
    return standing.grant && standing.grant->rank > number().value_or(kRankMax);
  }
  std::set<Cut> ways_to(const Cut& cut) const;
  bool does_prev_count(const Cut& at, const Item& item) const;
};

void Access::Standing::add(const Item& revoke) {
  ++revokes;
  for (const Head& head : revoke.keep) kept[head.feed].insert({head.seq, head.entry});
}

void Access::Standing::remove(const Item& revoke) {
  --revokes;
  for (const Head& head : revoke.keep) {
    const auto at = kept.find(head.feed);
    at->second.erase(at->second.find({head.seq, head.entry}));
    if (at->second.empty()) kept.erase(at);
  }
}

Right Access::Standing::right_of(const Digest& feed, const crypto::Key32& author) const {
  if (!counts || grant->to != author) return {};
  if (revokes == 0) return {true, std::nullopt};
  const auto at = kept.find(feed);
  // One of the revokes at least does not name it: it is kept to seq 0.
  if (at == kept.end() || at->second.size() < revokes) return {};
  return {true, *at->second.begin()};
}

// The cut and its ancestors, as far as they are held; empty: the cut is not.
std::set<Cut> Access::Issuer::ways_to(const Cut& cut) const {
  std::set<Cut> made;
  auto at = items.find(cut);
  while (at != items.end()) {
    made.insert(at->first);
    at = items.find({at->first.seq - 1, at->second.prev});
  }
  return made;
}

bool Access::Issuer::does_prev_count(const Cut& at, const Item& item) const {
  if (at.seq == 1) return item.prev == id;
  const auto before = items.find({at.seq - 1, item.prev});
  return before != items.end() && before->second.counts;
}

Access::Access(const Genesis& genesis, const Access* rule)
    : founder_(genesis.founder), source_(rule ? rule->source_ : this) {}

Access::~Access() = default;

void Access::open(const Digest& feed, const Opening& opening) {
  assert(opening.kind == FeedKind::control);
  if (!rules()) return;
  const auto [at, is_new] = issuers_.try_emplace(feed);
  if (!is_new) return;
  Issuer& issuer = at->second;
  issuer.id = feed;
  issuer.author = opening.author;
  if (!opening.grant) return;
  issuer.under = &standings_[*opening.grant];
  issuer.under->issuers.push_back(&issuer);
}

void Access::add(const Digest& feed, ControlEntry entry) {
  if (!rules()) return;
  Issuer& issuer = issuers_.at(feed);
  const auto [at, is_new] = issuer.items.try_emplace({entry.seq, entry.id});
  if (!is_new) return;
  Item& item = at->second;
  item.prev = entry.prev;
  if (Grant* grant = std::get_if<Grant>(&entry.body)) {
    item.is_grant = true;
    item.standing = &standings_[entry.id];
    hold(entry.id, std::move(*grant));
  } else {
    const Revoke& revoke = std::get<Revoke>(entry.body);
    item.standing = &standings_[revoke.grant];
    item.keep.reserve(revoke.keep.size());
    for (const SignedHead& row : revoke.keep) item.keep.push_back(row.head);
    if (!item.standing->grant) item.standing->named_by.emplace_back(&issuer, &item);
  }
  issuer.judge_from_seq = std::min(issuer.judge_from_seq, entry.seq);
  mark(issuer);
}

// What was known by name only has a rank now, so revokes of it that count begin to act. Nothing
// counts under it yet; once the grant does, touch marks the feeds that waited.
void Access::hold(const Digest& id, Grant grant) {
  Standing& standing = standings_.at(id);
  standing.id = id;
  standing.grant = std::move(grant);
  for (const auto& [issuer, revoke] : standing.named_by) {
    if (revoke->counts && issuer->outranks(standing)) standing.add(*revoke);
  }
  standing.named_by = {};
}

void Access::mark(Issuer& issuer) {
  const auto number = issuer.number();
  if (issuer.is_marked || !number) return;
  issuer.is_marked = true;
  unsettled_[*number].push_back(&issuer);
}

void Access::touch(Standing& standing) {
  changed_grants_.insert(standing.id);
  for (Issuer* issuer : standing.issuers) mark(*issuer);
}

// What is issued under a number acts only on grants above it, so one ascent over the numbers meets
// each feed once, after all that decides about it.
Access::Changes Access::settle() {
  while (!unsettled_.empty()) {
    const auto lowest = unsettled_.extract(unsettled_.begin());
    for (Issuer* issuer : lowest.mapped()) judge(*issuer);
  }
  Changes made{{changed_grants_.begin(), changed_grants_.end()},
               {changed_feeds_.begin(), changed_feeds_.end()}};
  changed_grants_.clear();
  changed_feeds_.clear();
  return made;
}

void Access::judge(Issuer& issuer) {
  issuer.is_marked = false;
  const Right right = right_of(issuer);
  // An entry that came may be the cut, or join it to its ancestors: then older ones change too.
  if (right.cut || right != issuer.right) issuer.judge_from_seq = 0;
  issuer.right = right;
  const std::set<Cut> ways = right.cut ? issuer.ways_to(*right.cut) : std::set<Cut>{};
  auto at = issuer.items.lower_bound({issuer.judge_from_seq, {}});
  for (; at != issuer.items.end(); ++at) {
    auto& [place, item] = *at;
    const auto leads = ways.empty() ? std::nullopt : std::optional(ways.contains(place));
    const bool counts = right.covers(place.seq, leads) && issuer.does_prev_count(place, item) &&
                        (!item.is_grant || issuer.outranks(*item.standing));
    if (counts != item.counts) flip(issuer, item);
  }
  issuer.judge_from_seq = UINT64_MAX;
}

void Access::flip(const Issuer& issuer, Item& item) {
  item.counts = !item.counts;
  changed_feeds_.insert(issuer.id);
  Standing& standing = *item.standing;
  if (item.is_grant) {
    standing.counts = item.counts;
  } else if (issuer.outranks(standing)) {
    item.counts ? standing.add(item) : standing.remove(item);
  } else {
    return;
  }
  touch(standing);
}

Right Access::right_of(const Issuer& issuer) const {
  if (issuer.under) return issuer.under->right_of(issuer.id, issuer.author);
  return {issuer.author == founder_, std::nullopt};
}

Right Access::right_of(const Digest& feed, const Opening& opening) const {
  assert(source_->unsettled_.empty());
  if (!founder_) return {true, std::nullopt};
  if (opening.kind == FeedKind::control && !rules()) return {};
  if (!opening.grant) return {opening.author == founder_, std::nullopt};
  const auto at = source_->standings_.find(*opening.grant);
  if (at == source_->standings_.end()) return {};
  return at->second.right_of(feed, opening.author);
}

std::optional<std::uint16_t> Access::number_of(const Opening& opening) const {
  if (!opening.grant) return std::uint16_t{0};
  const Grant* grant = find_grant(*opening.grant);
  return grant ? std::optional(grant->rank) : std::nullopt;
}

bool Access::counts(const Digest& feed, const Cut& entry) const {
  assert(unsettled_.empty());
  const auto issuer = issuers_.find(feed);
  if (issuer == issuers_.end()) return false;
  const auto at = issuer->second.items.find(entry);
  return at != issuer->second.items.end() && at->second.counts;
}

const Grant* Access::find_grant(const Digest& entry) const {
  const auto at = source_->standings_.find(entry);
  return at == source_->standings_.end() || !at->second.grant ? nullptr : &*at->second.grant;
}

std::vector<Access::Stood> Access::grants() const {
  std::vector<Stood> made;
  for (const auto& [id, standing] : source_->standings_)
    if (standing.grant)
      made.push_back({id, *standing.grant, standing.counts, standing.revokes > 0});
  return made;
}

std::vector<Digest> Access::grants_to(const crypto::Key32& author) const {
  std::vector<std::pair<std::uint16_t, Digest>> found;
  for (const auto& [id, standing] : source_->standings_) {
    if (!standing.counts || standing.revokes > 0 || standing.grant->to != author) continue;
    found.emplace_back(standing.grant->rank, id);
  }
  std::sort(found.begin(), found.end());
  std::vector<Digest> made;
  for (const auto& [rank, id] : found) made.push_back(id);
  return made;
}

bool Right::covers(std::uint64_t seq, std::optional<bool> leads_to_cut) const {
  if (!counts_at_all) return false;
  return !cut || leads_to_cut.value_or(seq <= cut->seq);
}

std::vector<std::uint64_t> counted_to(const Right& right, const Lanes& lanes, const Feed& feed,
                                      std::uint32_t cut_lane) {
  std::map<std::uint32_t, std::uint64_t> ways;  // the lanes that lead to the cut, and how far
  std::uint64_t last = right.cut ? right.cut->seq : 0;
  for (const Lane* lane = lanes.find(cut_lane); lane; lane = lanes.find(lane->parent)) {
    ways.emplace(lane->number, last);
    last = lane->first_seq - 1;
  }
  std::vector<std::uint64_t> made;
  for (const std::uint32_t number : feed.lanes) {
    const Lane& lane = *lanes.find(number);
    const std::uint64_t none = lane.first_seq - 1;
    const auto way = ways.find(number);
    if (!right.counts_at_all) {
      made.push_back(none);
    } else if (!right.cut) {
      made.push_back(lane.seq);
    } else if (ways.empty()) {
      made.push_back(std::clamp(right.cut->seq, none, lane.seq));
    } else {
      made.push_back(way == ways.end() ? none : std::min(way->second, lane.seq));
    }
  }
  return made;
}

}  // namespace kith::store
