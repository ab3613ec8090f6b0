// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/follower.h"

#include "plugins/runners/lua/ledger_rows.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

Follower::Follower(Script& script, std::uint32_t hook, Wish wish)
    : script_(script), hook_(hook), wish_(std::move(wish)), cursor_(wish_.after) {}

Follower::~Follower() {
  const Host& host = script_.host();
  host.api()->cancel(host.raw(), reading_);
  host.api()->cancel(host.raw(), timer_);
}

void Follower::start() {
  if (!cursor_) return;
  may_be_more_ = true;
  wake_in(0);
}

void Follower::hear(std::uint64_t arrival) {
  if (!cursor_) cursor_ = arrival - 1;
  may_be_more_ = true;
  if (!reading_ && rows_.empty()) wake_in(0);
}

void Follower::go_on() {
  is_giving_ = false;
  wake_in(0);
}

void Follower::wake_in(std::uint64_t us) {
  if (timer_) return;
  const Host& host = script_.host();
  timer_ = host.loop().after(host.raw(), us, {&on_timer, this});
}

void Follower::on_timer(void* self, std::int64_t, const void*) {
  auto& me = *static_cast<Follower*>(self);
  me.timer_ = nullptr;
  me.step();
}

// In a turn of its own, so that no entry is given on top of other code of the script's.
void Follower::step() {
  if (is_giving_ || reading_ || script_.has_failed()) return;
  if (const std::uint64_t us = script_.rest_us()) return wake_in(us);
  if (rows_.empty()) return read();
  is_giving_ = true;
  wire::Value row = std::move(rows_.front());
  rows_.pop_front();
  script_.give_entry(hook_, std::move(row));  // the function may end this object
}

void Follower::read() {
  if (!std::exchange(may_be_more_, false)) return;
  kith_query query{};
  query.size = sizeof query;
  query.after = *cursor_;
  query.limit = kFollowEntriesMax;
  query.type = c_bytes(wish_.type);
  const Services& services = script_.services();
  reading_ = services.ledgers->read(services.ledgers_self, c_bytes(wish_.ledger), &query,
                                    {&on_page, this});
  if (reading_) return;
  may_be_more_ = true;
  wake_in(kFollowRetryUs);
}

void Follower::on_page(void* self, std::int64_t r, const void* result) {
  auto& me = *static_cast<Follower*>(self);
  me.reading_ = nullptr;
  if (r >= 0) return me.take(*static_cast<const kith_page*>(result));
  const std::string why = result ? to_string(*static_cast<const kith_bytes*>(result))
                                 : describe(static_cast<kith_err>(r));
  me.script_.write_log(KITH_LOG_ERROR, "ledger:on '" + me.wish_.ledger + "': " + why +
                                           "; it is tried again every 10 s");
  me.may_be_more_ = true;
  me.wake_in(kFollowRetryUs);
}

void Follower::take(const kith_page& page) {
  for (std::size_t i = 0; i < page.n; ++i) rows_.push_back(entry_row(page.entries[i]));
  if (page.n > 0) cursor_ = std::max(*cursor_, page.entries[page.n - 1].arrival);
  cursor_ = std::max(*cursor_, page.next);
  if (page.more != 0) may_be_more_ = true;
  wake_in(0);
}

}  // namespace kith::lua
