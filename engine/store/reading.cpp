// SPDX-License-Identifier: MIT
#include "engine/store/reading.h"

#include <algorithm>

#include "engine/store/open_ledger.h"

namespace kith::store {
namespace {

// Of one step, so that it stays a matter of milliseconds.
constexpr std::uint64_t kRowsPerStep = 4'096;
constexpr std::uint64_t kRebuiltPerStep = 2'048;

}  // namespace

PageWork::PageWork(PageSetup setup)
    : setup_(std::move(setup)), next_(setup_.query.after), runs_(setup_.store) {
  const std::uint32_t limit = setup_.query.limit;
  limit_ = limit == 0 ? kPageEntriesMax : std::min(limit, kPageEntriesMax);
}

bool PageWork::step() {
  rows_max_ = rows_ + kRowsPerStep;
  rebuilt_max_ = runs_.rebuilt() + kRebuiltPerStep;
  if (!go_on()) return false;
  close();
  if (setup_.query.newest) std::reverse(found_.begin(), found_.end());
  return true;
}

bool PageWork::has_budget() { return ++rows_ < rows_max_ && runs_.rebuilt() < rebuilt_max_; }

bool PageWork::has_room(const StoredRun& run, std::uint64_t seq) const {
  if (found_.empty()) return true;
  return found_.size() < limit_ && bytes_ + run.row(seq).body.size() <= kPageBytesMax;
}

void PageWork::add(const StoredRun& run, std::uint64_t seq) {
  const Row& row = run.row(seq);
  Held held;
  held.id = run.id(seq);
  held.feed = run.run.feed;
  held.seq = seq;
  held.time_us = row.time_us;
  held.arrival = run.header.arrival + (seq - run.run.first_seq);
  held.type = row.type;
  held.body = to_vector(row.body);
  held.body_bytes = row.body_bytes;
  if (row.time_us < run.header.highest_us) held.flags |= KITH_ENTRY_LATE;
  if (row.time_us > setup_.due_us) held.flags |= KITH_ENTRY_EARLY;
  if (row.is_dropped) held.flags |= KITH_ENTRY_DROPPED;
  bytes_ += row.body.size();
  found_.push_back({std::move(held), run.lane});
}

const StoredRun* PageWork::run_holding(std::uint32_t lane, std::uint64_t seq) {
  const auto run = runs_.holding(lane, seq);
  if (run) return *run;
  fail(run.error());
  return nullptr;
}

bool PageWork::fail(Error error) {
  error_ = std::move(error);
  return true;
}

bool PageWork::finish(bool is_full) {
  more_ = is_full && !setup_.query.newest;
  return true;
}

bool PageWork::is_over(const Scan& scan) {
  if (scan.valid()) return false;
  if (const auto status = scan.status(); !status) fail(status.error());
  return true;
}

bool LoadWork::step() {
  const auto run = runs_.holding(lane_, seq_);
  if (!run) {
    error_ = run.error();
  } else if (const StoredRun& whole = **run; whole.run.first_seq == seq_) {
    bytes_ = {to_vector(whole.columns()), whole.bodies};
  } else {
    bytes_ = encode(tail_of(whole.run, seq_, whole.id(seq_ - 1)));
  }
  return true;
}

bool PlaceWork::step() {
  const auto scan = store_->scan(Column::arrivals);
  scan->seek_back(encode(at_));
  if (scan->valid()) {
    const auto key = decode_arrival_key(scan->key());
    const auto record = decode_arrival_record(scan->value());
    if (key && record && key->ledger == at_.ledger &&
        at_.arrival - key->arrival < record->entries) {
      const std::uint64_t first_seq = record->run.first_seq;
      place_ = {record->run.lane, first_seq, first_seq + record->entries - 1,
                key->arrival + record->entries};
      return true;
    }
  }
  if (const auto status = scan->status(); !status) {
    error_ = status.error();
  } else {
    error_ = damage("arrival " + std::to_string(at_.arrival), 0, "its row is missing");
  }
  return true;
}

Task<Page> OpenLedger::read(Query query) {
  PageSetup setup;
  setup.store = shared_.setup.committer.share();
  setup.ledger = number_;
  setup.due_us = shared_.setup.loop.wall_us() + kEarlyUs;
  if (query.author) {
    setup.lanes.emplace();
    for (const Feed* feed : lanes_.feeds_of(*query.author))
      setup.lanes->insert(feed->lanes.begin(), feed->lanes.end());
  }
  if (!query.by_time) query.after = std::min(query.after, kIntegerMax);
  setup.query = std::move(query);
  auto work =
      setup.query.by_time ? page_by_time(std::move(setup)) : page_by_arrival(std::move(setup));
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (work->error()) throw Fault(*work->error());
  Page page;
  page.more = work->more();
  page.next = work->next();
  for (PageWork::Found& found : work->found()) {
    const Lane* lane = lanes_.find(found.lane);
    if (!lane)
      throw Fault(damage("feed " + cid_text(found.held.feed), found.held.seq,
                         "it lies in a lane that is not known"));
    const Feed& feed = *lane->feed;
    found.held.author = feed.opening.author;
    if (feed.fork_seq != 0 && found.held.seq >= feed.fork_seq) found.held.flags |= KITH_ENTRY_FORK;
    page.entries.push_back(std::move(found.held));
  }
  co_return page;
}

Task<RunBytes> OpenLedger::load(std::uint32_t lane, std::uint64_t seq) {
  const Lane* found = lanes_.find(lane);
  if (!found || seq < found->first_seq || seq > found->seq)
    throw Fault(Error(KITH_ABSENT, "no such entry in this lane"));
  auto work = std::make_shared<LoadWork>(shared_.setup.committer.share(), lane, seq);
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (work->error()) throw Fault(*work->error());
  co_return std::move(work->bytes());
}

Task<Ledger::Place> OpenLedger::place_of(std::uint64_t arrival) {
  if (arrival == 0 || arrival > synced_arrival_)
    throw Fault(Error(KITH_ABSENT, "nothing arrived under this number yet"));
  const ArrivalKey at{number_, arrival};
  auto work = std::make_shared<PlaceWork>(shared_.setup.committer.share(), at);
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (work->error()) throw Fault(*work->error());
  co_return work->place();
}

}  // namespace kith::store
