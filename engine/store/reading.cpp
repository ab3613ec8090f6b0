// SPDX-License-Identifier: MIT
#include "engine/store/reading.h"

#include <algorithm>

#include "engine/store/stored_ledger.h"

namespace kith::store {
namespace {

// Of one step, so that it stays a matter of milliseconds.
constexpr std::uint64_t kRowsPerStep = 4'096;
constexpr std::uint64_t kRebuiltPerStep = 2'048;

// Entries of one time are put in order of their ids. Where a page ends between two of them, its
// cursor holds in its upper bits how many of them it gave.
constexpr int kTimeBits = 53;
constexpr std::uint64_t kGivenMax = (1u << (64 - kTimeBits)) - 1;
// Of one time; an author would need as many feeds to make more. Then the rest is seen by arrival.
constexpr std::size_t kSameTimeMax = 4'096;

std::uint64_t time_of(std::uint64_t cursor) { return cursor & kIntegerMax; }
std::uint64_t given_of(std::uint64_t cursor) { return cursor >> kTimeBits; }
std::uint64_t cursor_of(std::uint64_t time_us, std::uint64_t given) {
  return time_us | given << kTimeBits;
}

// A source of lanes opens each of them; with more, all rows are looked at for the author's.
constexpr std::size_t kMergedLanesMax = 1'024;
// An author who wrote no more is cheaper to look through for a type than the type for him.
constexpr std::uint64_t kFewEntries = 4'096;

SpotRange range_of(const PageSetup& setup) {
  const Query& query = setup.query;
  SpotRange made;
  made.is_backwards = query.newest;
  if (query.by_time) {
    const std::uint64_t before_us = time_of(query.before);
    made.first = time_of(query.after);
    made.last = setup.due_us;
    if (query.before != 0)
      made.last = std::min(made.last, given_of(query.before) > 0 ? before_us : before_us - 1);
  } else {
    made.first = query.after + 1;
    made.last = query.before == 0 ? setup.arrivals : std::min(setup.arrivals, query.before - 1);
  }
  return made;
}

// Whichever names the fewest entries that are not wanted.
std::unique_ptr<SpotSource> source_of(const PageSetup& setup) {
  const Query& query = setup.query;
  const SpotRange range = range_of(setup);
  const IndexRecord& index = setup.index;
  const bool is_common = query.type.empty() || (!index.has_types && query.type == index.only_type);
  const bool is_typed = !is_common && setup.arrivals - index.typed_to() <= kTailMax;
  const auto& author = setup.author;
  if (author && author->lanes.size() <= kMergedLanesMax &&
      (!is_typed || author->entries <= kFewEntries))
    return spots_of_lanes(setup.store, author->lanes, query.by_time, query.type, range);
  if (is_typed)
    return spots_of_type(setup.store, {setup.ledger, query.type, query.by_time, index, range});
  const auto make = query.by_time ? spots_by_time : spots_by_arrival;
  return make(setup.store, query.by_time ? Column::times : Column::arrivals,
              ledger_prefix(setup.ledger), range);
}

}  // namespace

PageWork::PageWork(PageSetup setup) : PageWork(setup, source_of(setup)) {}

PageWork::PageWork(PageSetup setup, std::unique_ptr<SpotSource> source)
    : setup_(std::move(setup)),
      source_(std::move(source)),
      runs_(setup_.store),
      next_(setup_.query.after),
      links_(setup_.store, setup_.ledger, setup_.index, setup_.arrivals) {
  const std::uint32_t limit = setup_.query.limit;
  limit_ = limit == 0 ? kPageEntriesMax : std::min(limit, kPageEntriesMax);
}

bool PageWork::step() {
  if (source_) {
    rows_max_ = rows_ + kRowsPerStep;
    rebuilt_max_ = rebuilt() + kRebuiltPerStep;
    if (!fill()) return false;
    source_.reset();
  }
  if (!error_ && !judge_links()) return false;
  if (setup_.query.newest) std::reverse(found_.begin(), found_.end());
  return true;
}

bool PageWork::has_budget() { return ++rows_ < rows_max_ && rebuilt() < rebuilt_max_; }

bool PageWork::fill() {
  while (has_budget()) {
    Spot spot;
    const auto drawn = source_->draw(spot);
    if (!drawn) return fail(drawn.error());
    if (*drawn == SpotSource::Drawn::nothing_yet) continue;
    const bool is_end = *drawn == SpotSource::Drawn::end;
    if (!same_.empty() && (is_end || spot.key != same_us_) && !take_same()) return true;
    if (is_end) return finish(false);
    if (wants(spot) && !take(spot)) return true;
  }
  return false;
}

bool PageWork::wants(const Spot& spot) const {
  const auto cut = setup_.void_after.find(spot.lane);
  if (cut != setup_.void_after.end() && spot.seq > cut->second) return false;
  if (!setup_.author) return true;
  const auto& lanes = setup_.author->lanes;
  const auto before = [](const LaneBound& lane, std::uint32_t at) { return lane.number < at; };
  const auto found = std::lower_bound(lanes.begin(), lanes.end(), spot.lane, before);
  return found != lanes.end() && found->number == spot.lane;
}

// False: it is over.
bool PageWork::take(const Spot& spot) {
  const auto held = runs_.holding(spot.lane, spot.seq);
  if (!held) return !fail(held.error());
  const StoredRun& run = **held;
  const Row& row = run.row(spot.seq);
  if (!setup_.query.type.empty() && row.type != setup_.query.type) return true;
  if (!setup_.query.by_time) {
    if (!has_room(row)) return !finish(true);
    next_ = back_ = spot.key;
    return add(spot.lane, spot.seq);
  }
  same_us_ = spot.key;
  same_.push_back({run.id(spot.seq), spot.lane, spot.seq});
  if (same_.size() >= 2 * kSameTimeMax) sort_same();
  return true;
}

void PageWork::sort_same() {
  const bool newest = setup_.query.newest;
  std::sort(same_.begin(), same_.end(), [newest](const Place& a, const Place& b) {
    return newest ? b.id < a.id : a.id < b.id;
  });
  if (same_.size() > kSameTimeMax) same_.resize(kSameTimeMax);
}

// False: it is over.
bool PageWork::take_same() {
  sort_same();
  const std::vector<Place> all = std::exchange(same_, {});
  const Query& query = setup_.query;
  const auto given_by = [&](std::uint64_t cursor) {
    const std::uint64_t given = same_us_ == time_of(cursor) ? given_of(cursor) : 0;
    return std::min<std::uint64_t>(given, all.size());
  };
  std::uint64_t from = given_by(query.after), skipped_end = given_by(query.before);
  if (query.newest) std::swap(from, skipped_end);
  for (std::uint64_t i = from; i + skipped_end < all.size(); ++i) {
    const auto held = runs_.holding(all[i].lane, all[i].seq);
    if (!held) return !fail(held.error());
    if (!has_room((*held)->row(all[i].seq))) return !finish(true);
    if (!add(all[i].lane, all[i].seq)) return false;
    go_past(i + 1, all.size());
  }
  return true;
}

void PageWork::go_past(std::uint64_t given, std::size_t of) {
  const bool is_split = given < of && given <= kGivenMax;
  if (setup_.query.newest) {
    back_ = cursor_of(same_us_, is_split ? given : 0);
  } else {
    next_ = is_split ? cursor_of(same_us_, given) : same_us_ + 1;
  }
}

bool PageWork::has_room(const Row& row) const {
  if (found_.empty()) return true;
  return found_.size() < limit_ && bytes_ + row.body.size() <= kPageBytesMax;
}

// False: it is over.
bool PageWork::add(std::uint32_t lane, std::uint64_t seq) {
  const auto found = runs_.holding(lane, seq);
  if (!found) return !fail(found.error());
  const StoredRun& run = **found;
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
  held.links = row.links;
  if (row.time_us < run.header.highest_us) held.flags |= KITH_ENTRY_LATE;
  if (row.time_us > setup_.due_us) held.flags |= KITH_ENTRY_EARLY;
  if (row.is_dropped) held.flags |= KITH_ENTRY_DROPPED;
  bytes_ += row.body.size();
  links_.ask(found_.size(), held.time_us, held.id, held.links);
  found_.push_back({std::move(held), lane});
  return true;
}

bool PageWork::judge_links() {
  const auto is_over = links_.step();
  if (!is_over) return fail(is_over.error());
  if (!*is_over) return false;
  for (const std::size_t entry : links_.odd()) found_[entry].held.flags |= KITH_ENTRY_ODD;
  return true;
}

bool PageWork::fail(Error error) {
  error_ = std::move(error);
  return true;
}

bool PageWork::finish(bool is_full) {
  const Query& query = setup_.query;
  more_ = is_full && !query.newest;
  if (query.newest && is_full) before_ = back_;
  if (!query.by_time && !more_) next_ = std::max(query.after, range_of(setup_).last);
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

PageSetup StoredLedger::page_setup(Query query) const {
  PageSetup setup;
  setup.store = shared_.setup.committer.share();
  setup.ledger = number_;
  setup.due_us = shared_.setup.loop.wall_us() + kEarlyUs;
  setup.arrivals = entries_;
  setup.index = index_.record();
  setup.void_after = counting_.void_after();
  if (query.author) {
    auto& [lanes, entries] = setup.author.emplace();
    for (const Feed* feed : lanes_.feeds_of(*query.author)) {
      for (const std::uint32_t number : feed->lanes) {
        const Lane& lane = *lanes_.find(number);
        const LaneEnd end = end_of(lane);
        const auto cut = setup.void_after.find(number);
        const std::uint64_t last_seq = cut == setup.void_after.end() ? end.seq : cut->second;
        lanes.push_back({number, last_seq, end.time_us});
        entries += last_seq + 1 - lane.first_seq;
      }
    }
    std::sort(lanes.begin(), lanes.end(),
              [](const LaneBound& a, const LaneBound& b) { return a.number < b.number; });
  }
  if (!query.by_time) query.after = std::min(query.after, kIntegerMax);
  setup.query = std::move(query);
  return setup;
}

// What only the loop knows of the entries that a job found.
Page StoredLedger::page_of(PageWork& work) const {
  if (work.error()) throw Fault(*work.error());
  Page page;
  page.more = work.more();
  page.next = work.next();
  page.before = work.before();
  for (PageWork::Found& found : work.found()) {
    Held& held = found.held;
    const Lane* lane = lanes_.find(found.lane);
    if (!lane)
      throw Fault(
          damage("feed " + cid_text(held.feed), held.seq, "it lies in a lane that is not known"));
    const Feed& feed = *lane->feed;
    held.author = feed.opening.author;
    if (feed.fork_seq != 0 && held.seq >= feed.fork_seq) held.flags |= KITH_ENTRY_FORK;
    if (genesis_.hide && held.body.size() >= kHiddenBytes)
      held.body.erase(held.body.begin(), held.body.begin() + kHiddenBytes);
    page.entries.push_back(std::move(held));
  }
  return page;
}

Task<Page> StoredLedger::read(Query query) {
  if (!query.type.empty()) index_.hurry();
  auto work = std::make_shared<PageWork>(page_setup(std::move(query)));
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  co_return page_of(*work);
}

Task<RunBytes> StoredLedger::load(std::uint32_t lane, std::uint64_t seq) {
  const Lane* found = lanes_.find(lane);
  if (!found || seq < found->first_seq || seq > found->seq)
    throw Fault(Error(KITH_ABSENT, "no such entry in this lane"));
  auto work = std::make_shared<LoadWork>(shared_.setup.committer.share(), lane, seq);
  auto mine = work;
  co_await beside(shared_.setup.loop, std::move(mine), Loop::Beside::brief);
  if (work->error()) throw Fault(*work->error());
  co_return std::move(work->bytes());
}

Task<Ledger::Place> StoredLedger::place_of(std::uint64_t arrival) {
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
