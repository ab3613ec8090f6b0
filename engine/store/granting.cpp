// SPDX-License-Identifier: MIT
// StoredLedger: who may write in it, grants and revokes of this node's own, and what is told when
// other entries count than before. README.md, "Access".
#include <algorithm>

#include "engine/store/reading.h"
#include "engine/store/stored_ledger.h"

namespace kith::store {

std::optional<Digest> StoredLedger::own_grant() const {
  if (genesis_.is_open() || genesis_.founder == shared_.author) return std::nullopt;
  const auto grants = counting_.access().grants_to(shared_.author);
  return grants.empty() ? std::nullopt : std::optional(grants.front());
}

// Empty: this node may write.
std::string StoredLedger::right_refusal() const {
  if (genesis_.is_open() || genesis_.founder == shared_.author || own_grant()) return {};
  return "this node has no grant in " + name_ + ": its founder gives one by 'kith ledger grant " +
         name_ + " " + peer_of(shared_.author).text() + "'";
}

std::uint16_t StoredLedger::own_number() const {
  const auto grant = own_grant();
  return grant ? counting_.access().find_grant(*grant)->rank : std::uint16_t{0};
}

// ---- what counts

void StoredLedger::count_soon() {
  if (is_loaded_ && !is_counting_) scope_.spawn(count());
}

Task<void> StoredLedger::count() {
  const Flagged counting(is_counting_);
  Nap turn(shared_.setup.loop, 0);  // whoever made it stale has more to tell first
  co_await turn;
  while (counting_.is_stale()) {
    auto asks = counting_.count();
    if (asks.empty()) continue;
    auto work = std::make_shared<CutWork>(shared_.setup.committer.share(), std::move(asks));
    auto mine = work;
    co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
    if (work->error()) throw Fault(*work->error());
    for (const CutAsk& found : work->asks()) counting_.count(found);
  }
  for (OwnFeed* own : {&own_, &own_control_}) leave_cut(*own);
  tell_changes();
}

void StoredLedger::tell_changes() {
  for (const Counting::Change& change : counting_.take_changes()) {
    const Lane& lane = *lanes_.find(change.lane);
    if (!change.counts && lane.feed->opening.kind == FeedKind::data)
      shared_.setup.log.info("entries void ledger={} feed={} from={} to={}", name_,
                             cid_text(lane.feed->id), change.first_seq, change.last_seq);
    tell_observers([&](LedgerObserver& observer) {
      observer.on_void(*this, lane, change.first_seq, change.last_seq, change.counts);
    });
    if (change.counts) receipts_.grown(*lane.feed);
  }
  tell_observers([&](LedgerObserver& observer) { observer.on_rights(*this); });
}

// A feed that was cut is never gone on with, wherever the cut lies.
void StoredLedger::leave_cut(OwnFeed& own) {
  if (own.lane == 0) return;
  const Feed& feed = *lanes_.find(own.lane)->feed;
  const Right right = counting_.access().right_of(feed.id, feed.opening);
  if (!right.counts_at_all || right.cut) leave(own, "what it was granted under was revoked");
}

// ---- grants and revokes

std::vector<Member> StoredLedger::members() const {
  std::vector<Member> made;
  for (const Access::Stood& stood : counting_.access().grants())
    made.push_back({stood.id, stood.grant, stood.counts, stood.is_revoked});
  std::sort(made.begin(), made.end(), [](const Member& a, const Member& b) {
    return std::tie(a.given.rank, a.grant) < std::tie(b.given.rank, b.grant);
  });
  return made;
}

void StoredLedger::check_may_issue(std::uint16_t rank) const {
  check_open();
  if (genesis_.is_open())
    throw Fault(Error(KITH_REFUSED, name_ + " is open: everybody may write in it, so there is "
                                            "nothing to grant or to revoke"));
  if (genesis_.rule)
    throw Fault(Error(KITH_REFUSED, "another ledger rules " + name_ +
                                        ": grant and revoke there: " + cid_text(*genesis_.rule)));
  if (std::string why = right_refusal(); !why.empty())
    throw Fault(Error(KITH_REFUSED, std::move(why)));
  if (rank <= own_number())
    throw Fault(Error(KITH_REFUSED, "rank " + std::to_string(rank) +
                                        " is not below this node's own: it has rank " +
                                        std::to_string(own_number())));
}

Task<Appended> StoredLedger::grant(Grant grant) {
  check_may_issue(grant.rank);
  if (!is_type_valid(grant.role))
    throw Fault(Error(KITH_BAD, "a role is 1 to 64 of a-z 0-9 . _ / -"));
  NewEntry entry;
  entry.type = kGrantType;
  entry.body = encode(grant);
  co_return co_await append_to(own_control_, std::move(entry));
}

Task<Appended> StoredLedger::revoke(Revoke revoke) {
  const Grant* given = counting_.access().find_grant(revoke.grant);
  if (!given) throw Fault(Error(KITH_ABSENT, "no such grant is held in " + name_));
  check_may_issue(given->rank);
  if (revoke.keep.size() > kKeepMax)
    throw Fault(Error(KITH_LIMIT, "the grant has over 1000 feeds: more than a revoke can keep"));
  NewEntry entry;
  entry.type = kRevokeType;
  entry.body = encode(revoke);
  co_return co_await append_to(own_control_, std::move(entry));
}

// The branch of a feed that goes furthest; a revoke keeps one.
Task<std::vector<SignedHead>> StoredLedger::heads_under(Digest grant) {
  struct Place {
    std::uint32_t lane;
    SignedHead head;
  };
  std::vector<Place> places;
  counting_.each_ruled([&](const Counting& counting) {
    for (const Feed* feed : counting.feeds_under(grant)) {
      const Lane* best = nullptr;
      for (const std::uint32_t number : feed->lanes) {
        const Lane& lane = *counting.lanes().find(number);
        const auto tip = counting.lanes().tip_of(lane);
        if (tip && (!best || best->counts_to < lane.counts_to)) best = &lane;
      }
      if (best) places.push_back({best->number, {{feed->id, best->counts_to, best->counted}, {}}});
    }
  });
  std::vector<SignedHead> heads;
  for (Place& place : places) {
    auto work = std::make_shared<LoadWork>(shared_.setup.committer.share(), place.lane,
                                           place.head.head.seq);
    auto mine = work;
    co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
    if (work->error()) throw Fault(*work->error());
    place.head.signature = parse_run(work->bytes().entries, work->bytes().bodies).value().signature;
    heads.push_back(place.head);
  }
  std::sort(heads.begin(), heads.end(),
            [](const SignedHead& a, const SignedHead& b) { return a.head.feed < b.head.feed; });
  co_return heads;
}

namespace {

// How much of what counts in a ledger would not, by other rules.
std::uint64_t entries_lost(const Counting& counting, const Access& trial) {
  std::uint64_t lost = 0;
  for (const Feed* feed : counting.data_feeds()) {
    const Right right = trial.right_of(feed->id, feed->opening);
    std::uint32_t cut_lane = 0;
    for (const std::uint32_t number : feed->lanes) {
      const Lane& lane = *counting.lanes().find(number);
      if (right.cut && lane.counts_to == right.cut->seq && lane.counted == right.cut->entry)
        cut_lane = number;
    }
    const auto counts_to = counted_to(right, counting.lanes(), *feed, cut_lane);
    for (std::size_t i = 0; i < feed->lanes.size(); ++i) {
      const std::uint64_t now = counting.lanes().find(feed->lanes[i])->counts_to;
      if (now > counts_to[i]) lost += now - counts_to[i];
    }
  }
  return lost;
}

}  // namespace

Fall StoredLedger::fall_of(const Revoke& revoke) const {
  Opening opening;
  opening.ledger = id_;
  opening.author = shared_.author;
  opening.kind = FeedKind::control;
  opening.grant = own_grant();
  Digest feed{};
  ControlEntry entry{1, {}, feed, ControlBody(revoke)};
  if (own_control_.lane != 0) {
    const Lane& lane = *lanes_.find(own_control_.lane);
    feed = lane.feed->id;
    opening = lane.feed->opening;
    entry = {lane.seq + 1, {}, lane.is_empty() ? feed : lane.entry, ControlBody(revoke)};
  }
  const auto trial = counting_.trial(feed, opening, std::move(entry));
  Fall fall;
  counting_.each_ruled(
      [&](const Counting& counting) { fall.entries += entries_lost(counting, *trial); });
  std::map<Digest, Access::Stood> after;
  for (const Access::Stood& stood : trial->grants()) after.emplace(stood.id, stood);
  for (const Member& member : members()) {
    const auto at = after.find(member.grant);
    if (member.counts && (at == after.end() || !at->second.counts)) fall.grants.push_back(member);
  }
  return fall;
}

}  // namespace kith::store
