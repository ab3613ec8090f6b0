// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_bodies.h"

#include <algorithm>

#include "engine/base/limits.h"

namespace kith::protocols {
namespace {

SyncShared::BodyAsked key_of(const store::Ledger& ledger, const store::RunKey& run) {
  return {ledger.id(), run.lane, run.first_seq};
}

// Where each of the entries lies that are asked for, as far as they are held.
std::vector<store::ReadBodies::At> places_of(const SyncLacks& lacks,
                                             const std::vector<Stretch>& way) {
  std::vector<store::ReadBodies::At> places;
  for (std::size_t i = 0; i < lacks.which.size() * 8; ++i) {
    if ((lacks.which[i / 8] >> (i % 8) & 1) == 0) continue;
    const std::uint64_t seq = lacks.first_seq + i;
    const auto at = std::find_if(way.begin(), way.end(), [seq](const Stretch& stretch) {
      return stretch.from <= seq && seq <= stretch.to;
    });
    places.push_back({at == way.end() ? 0 : at->lane, seq});
  }
  return places;
}

}  // namespace

BodyFetch::BodyFetch(SyncShared& shared, Bell& bell) : shared_(shared) {
  rested_.done = {[](void* self, std::int64_t, const void*) { static_cast<Bell*>(self)->ring(); },
                  &bell};
}

BodyFetch::~BodyFetch() {
  for (const Asked& asked : asked_) {
    const auto at = shared_.bodies_asked.find(key_of(*asked.ledger, asked.run));
    if (at != shared_.bodies_asked.end()) shared_.bodies_asked.erase(at);
  }
}

// A walk that brought nothing makes the next one later, unless somebody asks for it.
bool BodyFetch::begin(Walk& walk, store::Retaining& retaining) {
  const std::uint64_t version = retaining.lacks_version();
  if (version == 0) return false;
  if (walk.is_begun) {
    if (walk.requests == retaining.requests()) {
      if (!walk.is_end || !walk.found.empty()) return true;
      if (!walk.is_again && walk.version == version) return false;
      if (!is_rested(walk)) return false;
    }
    walk.rest_us = walk.has_gained ? sync_limits::kBodiesRestUs
                                   : std::min(walk.rest_us * 2, sync_limits::kBodiesRestMaxUs);
  }
  const std::uint64_t rest_us = walk.rest_us;
  walk = {};
  walk.is_begun = true;
  walk.version = version;
  walk.requests = retaining.requests();
  walk.began_us = shared_.loop.now_us();
  walk.rest_us = rest_us;
  return true;
}

bool BodyFetch::is_rested(const Walk& walk) {
  const std::uint64_t since_us = shared_.loop.now_us() - walk.began_us;
  if (since_us >= walk.rest_us) return true;
  const std::uint64_t left_us = walk.rest_us - since_us;
  if (!rested_.armed()) shared_.loop.start(rested_, left_us);
  return false;
}

Task<std::optional<SyncLacks>> BodyFetch::next(std::uint64_t at, store::Ledger& ledger) {
  Walk& walk = walks_[at];
  store::Retaining& retaining = ledger.retaining();
  while (asked_.size() < sync_limits::kBodiesAskedMax && asked_bytes_ < sync_limits::kWindowBytes) {
    if (!begin(walk, retaining)) break;
    if (walk.found.empty()) {
      if (walk.is_end) break;
      store::Retaining::Lacks lacks = co_await retaining.lacks(walk.next);
      walk.found.assign(lacks.found.begin(), lacks.found.end());
      walk.next = lacks.next;
      walk.is_end = lacks.is_end;
      continue;
    }
    auto asks = ask(at, ledger, walk);
    if (asks) co_return asks;
  }
  co_return std::nullopt;
}

// The first of what was found, or as much of it as one answer may hold. Nothing where another peer
// is asked for it already.
std::optional<SyncLacks> BodyFetch::ask(std::uint64_t at, store::Ledger& ledger, Walk& walk) {
  store::Lack& lack = walk.found.front();
  const auto key = key_of(ledger, lack.run);
  const bool is_mine = std::any_of(asked_.begin(), asked_.end(), [&](const Asked& asked) {
    return asked.ledger == &ledger && asked.run.lane == lack.run.lane &&
           asked.run.first_seq == lack.run.first_seq;
  });
  if (!is_mine && shared_.bodies_asked.contains(key)) {
    walk.is_again = true;
    walk.found.pop_front();
    return std::nullopt;
  }
  SyncLacks asks{at, lack.bodies.front().first, {}, {lack.feed, lack.last_seq, lack.last}};
  Asked asked{at, &ledger, lack.run, {}, 0};
  auto end = lack.bodies.begin();
  for (; end != lack.bodies.end(); ++end) {
    const auto [seq, bytes] = *end;
    if (asked.bytes > 0 && asked.bytes + bytes > sync_limits::kBodiesBytesMax) break;
    asked.bytes += bytes;
    asked.seqs.push_back(seq);
    const std::size_t place = seq - asks.first_seq;
    asks.which.resize(place / 8 + 1);
    asks.which[place / 8] = static_cast<std::uint8_t>(asks.which[place / 8] | 1u << (place % 8));
  }
  lack.bodies.erase(lack.bodies.begin(), end);
  if (lack.bodies.empty()) walk.found.pop_front();
  if (asked_.empty()) heard();
  asked_bytes_ += asked.bytes;
  asked_.push_back(std::move(asked));
  shared_.bodies_asked.insert(key);
  return asks;
}

Task<void> BodyFetch::take(SyncBodies bodies) {
  if (asked_.empty() || asked_.front().at != bodies.at ||
      asked_.front().seqs.size() != bodies.bodies.size())
    throw Fault(sync_error::not_asked);
  heard();
  const Asked asked = std::move(asked_.front());
  asked_.pop_front();
  asked_bytes_ -= asked.bytes;
  const auto listed = shared_.bodies_asked.find(key_of(*asked.ledger, asked.run));
  if (listed != shared_.bodies_asked.end()) shared_.bodies_asked.erase(listed);
  store::FillBodies::Came came;
  for (std::size_t i = 0; i < asked.seqs.size(); ++i)
    if (bodies.bodies[i]) came.emplace_back(asked.seqs[i], to_vector(*bodies.bodies[i]));
  if (came.empty()) co_return;
  const std::uint64_t filled =
      co_await asked.ledger->retaining().fill(asked.run.lane, std::move(came));
  if (filled > 0) walks_[asked.at].has_gained = true;
}

void BodyFetch::again() {
  for (auto& [at, walk] : walks_) walk.is_again = true;
}

Task<std::vector<std::optional<ByteVector>>> bodies_of(store::Ledger& ledger, SyncLacks lacks) {
  SyncWant want;
  want.after.feed = lacks.to.feed;
  want.to_seq = lacks.to.seq;
  want.to_entry = lacks.to.entry;
  const auto way = co_await way_of(ledger, want);
  auto places = places_of(lacks, way);
  auto bodies = co_await ledger.retaining().read(std::move(places), sync_limits::kBodiesBytesMax);
  co_return bodies;
}

}  // namespace kith::protocols
