// SPDX-License-Identifier: MIT
#include "engine/store/retaining.h"

#include <algorithm>

namespace kith::store {
namespace {

constexpr std::uint64_t kSecondUs = 1'000'000;
constexpr std::uint64_t kSoonUs = kSecondUs;
constexpr std::uint64_t kEveryUs = 60 * kSecondUs;
// Of what was freed: a compaction is worth so much, and one step of it is of about so much.
constexpr std::uint64_t kReclaimBytesMin = 4 * 1024 * 1024;
constexpr std::uint64_t kReclaimBytesStep = 16 * 1024 * 1024;
// Of max_bytes: dropped beyond what must be, so that not every run that comes costs one.
constexpr std::uint64_t kSlackPart = 16;

struct ReclaimWork {
  std::shared_ptr<KeyValue> store;
  ByteVector first, last;
  bool step() {
    store->reclaim(Column::bodies, first, last);
    return true;
  }
};

}  // namespace

// The one change that is under way.
class Retaining::Changing {
 public:
  explicit Changing(Retaining& owner) : owner_(owner) {}
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;
  ~Changing() {
    owner_.is_changing_ = false;
    owner_.setup_.loop.start(owner_.turn_, 0);
  }

 private:
  Retaining& owner_;
};

Retaining::Retaining(RetainingSetup setup)
    : setup_(std::move(setup)), scope_([log = setup_.log, this](const std::exception& thrown) {
        is_passing_ = false;
        log.warn("bodies not dropped ledger={} err=\"{}\"", setup_.ledger.name(), thrown.what());
      }) {}

void Retaining::load() {
  const KeyValue& store = setup_.committer.store();
  const auto row = store.get(Column::meta, meta_key(MetaKind::bodies, setup_.number)).value();
  bytes_ = row ? decode_bytes_record(*row).value_or(0) : 0;
  const auto scan = store.scan(Column::meta);
  scan->seek(meta_key(MetaKind::lack, setup_.number, {}));
  if (scan->valid() && run_of(scan->key(), MetaKind::lack, setup_.number)) ++lacks_version_;
  scan->status().value();
}

void Retaining::settle(const LedgerSettings::Retention& bounds) {
  if (bounds.max_age_s == bounds_.max_age_s && bounds.max_bytes == bounds_.max_bytes) return;
  bounds_ = bounds;
  dropped_to_us_ = 0;
  dropped_to_arrival_ = 1;
  pass_soon();
}

// ---- of a run that is about to be kept

std::uint64_t Retaining::due_us() const {
  if (bounds_.max_age_s == 0) return 0;
  const std::uint64_t now_us = setup_.loop.wall_us();
  return now_us - std::min(now_us / kSecondUs, bounds_.max_age_s) * kSecondUs;
}

bool Retaining::shed(Run& run, FeedKind kind) const {
  const std::uint64_t due = due_us();
  if (kind == FeedKind::control || run.rows.front().time_us >= due) return false;
  bool is_changed = false;
  for (Row& row : run.rows) {
    if (row.time_us >= due) break;
    if (row.is_dropped || row.body_bytes == 0) continue;
    row.is_dropped = is_changed = true;
    row.body = {};
  }
  return is_changed;
}

void Retaining::add(const RunKey& key, const Run& run, std::uint64_t arrival, Batch& batch) {
  const std::uint64_t due = due_us();
  Marks lacks;
  std::uint64_t bytes = 0;
  for (std::size_t place = 0; place < run.rows.size(); ++place) {
    const Row& row = run.rows[place];
    if (!row.is_dropped) bytes += row.body_bytes;
    if (row.is_dropped && row.time_us >= due) lacks.set(place);
  }
  if (lacks.any()) {
    batch.put(Column::meta, meta_key(MetaKind::lack, setup_.number, key), encode(lacks));
    lacking_.push_back(arrival + run.rows.size() - 1);
  }
  if (bytes == 0) return;
  bytes_ += bytes;
  put_bytes(batch);
  if (bounds_.max_bytes != 0 && bytes_ > bounds_.max_bytes) pass_soon();
}

void Retaining::put_bytes(Batch& batch) const {
  batch.put(Column::meta, meta_key(MetaKind::bodies, setup_.number), encode_bytes_record(bytes_));
}

// ---- changes

BodySetup Retaining::setup_now() const {
  BodySetup made;
  made.store = setup_.committer.share();
  made.ledger = setup_.number;
  for (const auto& [number, lane] : setup_.ledger.lanes().all())
    if (lane.feed->opening.kind == FeedKind::control) made.control_lanes.insert(number);
  made.synced_arrival = setup_.ledger.synced_arrival();
  made.due_us = due_us();
  return made;
}

Task<void> Retaining::begin() {
  while (is_changing_ || is_writing_) {
    Parked parked;
    waiting_.push_back(parked.slot());
    co_await parked;
  }
  if (setup_.is_retired) throw Fault(Error(KITH_CLOSED, "the node is stopping"));
  is_changing_ = true;
}

void Retaining::on_turn(void* self, std::int64_t, const void*) {
  auto& mine = *static_cast<Retaining*>(self);
  while (!mine.waiting_.empty() && !mine.is_changing_ && !mine.is_writing_) {
    const auto next = mine.waiting_.front();
    mine.waiting_.pop_front();
    next->answer(0);
  }
}

Task<void> Retaining::commit(BodyWork& work) {
  Batch batch = work.take_batch();
  if (batch.empty()) co_return;
  if (setup_.committer.is_full())
    throw Fault(Error(KITH_LIMIT, "too much waits for the disk; try again"));
  const std::int64_t gained = work.take_gained();
  const auto lost = static_cast<std::uint64_t>(std::max<std::int64_t>(-gained, 0));
  bytes_ += static_cast<std::uint64_t>(std::max<std::int64_t>(gained, 0));
  bytes_ -= std::min(bytes_, lost);
  if (gained != 0) put_bytes(batch);
  for (const auto& [lane, more] : work.take_freed()) {
    BodyWork::Freed& freed = freed_.try_emplace(lane, more).first->second;
    freed.first_seq = std::min(freed.first_seq, more.first_seq);
    freed.last_seq = std::max(freed.last_seq, more.last_seq);
    freed_bytes_ += more.bytes;
  }
  Parked parked;
  written_ = parked.slot();
  is_writing_ = true;
  setup_.committer.commit(std::move(batch), {&on_written, this}, {});
  const std::int64_t r = co_await parked;
  if (r < 0) throw Fault(Error(KITH_IO, "the store takes nothing more: see kith doctor"));
}

// Though nobody may wait for it any more.
void Retaining::on_written(void* self, std::int64_t r, const void*) {
  auto& mine = *static_cast<Retaining*>(self);
  mine.is_writing_ = false;
  mine.setup_.loop.start(mine.turn_, 0);
  if (const auto slot = std::exchange(mine.written_, nullptr)) slot->answer(r);
}

Task<void> Retaining::work_off(std::shared_ptr<BodyWork> work) {
  do {
    co_await begin();
    const Changing changing(*this);
    auto mine = work;
    co_await beside(setup_.loop, std::move(mine), Loop::Beside::lengthy);
    if (work->error()) throw Fault(*work->error());
    co_await commit(*work);
  } while (!work->is_over());
}

Task<std::uint64_t> Retaining::ask_for(std::shared_ptr<BodyWork> work) {
  auto mine = work;
  co_await work_off(std::move(mine));
  co_return work->bodies();
}

// ---- on request

OneBody::At Retaining::place_of(const Held& entry) const {
  OneBody::At at{entry.id, entry.seq, {}};
  const Feed* feed = setup_.ledger.lanes().find_feed(entry.feed);
  if (!feed) throw Fault(Error(KITH_ABSENT, "no such entry is held here"));
  if (feed->opening.kind == FeedKind::control)
    throw Fault(Error(KITH_REFUSED,
                      "this entry says who may write: its body stays as long as the ledger does"));
  for (const std::uint32_t number : feed->lanes) {
    const Lane& lane = *setup_.ledger.lanes().find(number);
    if (lane.first_seq <= entry.seq && entry.seq <= lane.seq) at.lanes.push_back(number);
  }
  return at;
}

Task<std::uint64_t> Retaining::drop(Held entry) {
  auto work = std::make_shared<OneBody>(setup_now(), place_of(entry), false);
  const std::uint64_t bodies = co_await ask_for(std::move(work));
  was_asked_ = true;
  pass_soon();
  setup_.tell();
  co_return bodies;
}

Task<std::uint64_t> Retaining::drop_before(std::uint64_t time_us) {
  BodySetup setup = setup_now();
  setup.due_us = time_us;
  auto work = std::make_shared<DropBefore>(std::move(setup), 0, true);
  const std::uint64_t bodies = co_await ask_for(std::move(work));
  was_asked_ = true;
  pass_soon();
  setup_.tell();
  co_return bodies;
}

Task<std::uint64_t> Retaining::want(Held entry) {
  auto work = std::make_shared<OneBody>(setup_now(), place_of(entry), true);
  const std::uint64_t bodies = co_await ask_for(std::move(work));
  wanted(bodies);
  co_return bodies;
}

Task<std::uint64_t> Retaining::want_all() {
  auto work = std::make_shared<WantAll>(setup_now());
  const std::uint64_t bodies = co_await ask_for(std::move(work));
  wanted(bodies);
  co_return bodies;
}

void Retaining::wanted(std::uint64_t bodies) {
  if (bodies == 0) return;
  ++lacks_version_;
  ++requests_;
  setup_.tell();
}

// ---- for sync

std::uint64_t Retaining::lacks_version() {
  const std::uint64_t synced = setup_.ledger.synced_arrival();
  while (!lacking_.empty() && lacking_.front() <= synced) {
    lacking_.pop_front();
    ++lacks_version_;
  }
  return lacks_version_;
}

Task<Retaining::Lacks> Retaining::lacks(RunKey after) {
  auto work = std::make_shared<FindLacks>(setup_now(), after);
  auto mine = work;
  co_await beside(setup_.loop, std::move(mine), Loop::Beside::brief);
  if (work->error()) throw Fault(*work->error());
  Lacks made;
  made.found = std::move(work->found());
  made.next = work->next();
  made.is_end = work->is_end();
  co_return made;
}

Task<std::uint64_t> Retaining::fill(std::uint32_t lane, FillBodies::Came came) {
  auto work = std::make_shared<FillBodies>(setup_now(), lane, std::move(came));
  auto mine = work;
  const std::uint64_t bodies = co_await ask_for(std::move(mine));
  if (bodies == 0) co_return 0;
  filled_ += bodies;
  setup_.tell();
  dropped_to_arrival_ = std::min(dropped_to_arrival_, work->first_arrival());
  if (bounds_.max_bytes != 0 && bytes_ > bounds_.max_bytes) pass_soon();
  co_return bodies;
}

Task<std::uint64_t> Retaining::fill_from(std::uint32_t lane, const Run& run, std::uint64_t to_seq) {
  if (lacks_version() == 0) co_return 0;
  const std::uint64_t from = std::max(run.first_seq, setup_.ledger.lanes().find(lane)->first_seq);
  FillBodies::Came came;
  for (std::uint64_t seq = from; seq <= to_seq; ++seq) {
    const Row& row = run.rows[seq - run.first_seq];
    if (!row.is_dropped && row.body_bytes > 0) came.emplace_back(seq, to_vector(row.body));
  }
  if (came.empty()) co_return 0;
  const std::uint64_t bodies = co_await fill(lane, std::move(came));
  co_return bodies;
}

Task<std::vector<std::optional<ByteVector>>> Retaining::read(std::vector<ReadBodies::At> at,
                                                             std::size_t bytes_max) {
  auto work = std::make_shared<ReadBodies>(setup_.committer.share(), std::move(at), bytes_max);
  auto mine = work;
  co_await beside(setup_.loop, std::move(mine), Loop::Beside::brief);
  if (work->error()) throw Fault(*work->error());
  co_return std::move(work->bodies());
}

// ---- by itself

void Retaining::pass_soon() {
  if (!std::exchange(is_soon_, true)) setup_.loop.start(time_, kSoonUs);
}

void Retaining::on_time(void* self, std::int64_t, const void*) {
  auto& mine = *static_cast<Retaining*>(self);
  mine.is_soon_ = false;
  if (mine.setup_.is_retired) return;
  if (mine.bounds_.max_age_s != 0 || mine.bounds_.max_bytes != 0 || mine.is_passing_)
    mine.setup_.loop.start(mine.time_, kEveryUs);
  if (!std::exchange(mine.is_passing_, true)) mine.scope_.spawn(pass(mine));
}

Task<void> Retaining::pass(Retaining& self) {
  const std::uint64_t before = self.bytes_;
  co_await self.drop_due();
  co_await self.drop_surplus();
  if (self.bytes_ < before)
    self.setup_.log.info("bodies dropped ledger={} bytes={}", self.setup_.ledger.name(),
                         before - self.bytes_);
  co_await self.reclaim();
  self.is_passing_ = false;
}

Task<void> Retaining::drop_due() {
  const std::uint64_t due = due_us();
  if (due <= dropped_to_us_) co_return;
  auto work = std::make_shared<DropBefore>(setup_now(), dropped_to_us_, false);
  auto mine = work;
  co_await ask_for(std::move(mine));
  dropped_to_us_ = work->next_us();
}

Task<void> Retaining::drop_surplus() {
  const std::uint64_t max = bounds_.max_bytes;
  if (max == 0 || bytes_ <= max) co_return;
  const std::uint64_t surplus = bytes_ - (max - max / kSlackPart);
  auto work = std::make_shared<DropOldest>(setup_now(), dropped_to_arrival_, surplus);
  auto mine = work;
  co_await ask_for(std::move(mine));
  dropped_to_arrival_ = work->next_arrival();
}

// Lane by lane: their bodies lie side by side.
Task<void> Retaining::reclaim() {
  if (freed_bytes_ < (std::exchange(was_asked_, false) ? 1 : kReclaimBytesMin)) co_return;
  const auto freed = std::exchange(freed_, {});
  freed_bytes_ = 0;
  for (auto at = freed.begin(); at != freed.end();) {
    auto work = std::make_shared<ReclaimWork>();
    work->store = setup_.committer.share();
    work->first = encode(RunKey{at->first, at->second.first_seq});
    for (std::uint64_t bytes = 0; at != freed.end() && bytes < kReclaimBytesStep; ++at) {
      bytes += at->second.bytes;
      work->last = encode(RunKey{at->first, at->second.last_seq});
    }
    if (setup_.is_retired) co_return;
    co_await beside(setup_.loop, std::move(work), Loop::Beside::lengthy);
  }
}

}  // namespace kith::store
