// SPDX-License-Identifier: MIT
#include "plugins/apps/hooks/hook.h"

#include <climits>

#include "engine/wire/json.h"
#include "engine/wire/message_value.h"
#include "plugins/apps/hooks/limits.h"
#include "plugins/apps/hooks/retry.h"

namespace kith::hooks {

Hook::Hook(const Host& host, const Poster& poster, HookSpec spec)
    : host_(host), poster_(poster), spec_(std::move(spec)) {}

Hook::~Hook() {
  if (!waiting_.empty())
    host_.warn("hook ends with messages undelivered" + named() +
               " waiting=" + std::to_string(waiting_.size()));
}

Result<void> Hook::listen() {
  const auto take = [this](const kith_event& event) -> int {
    if (event.message) hear(*event.message);
    return KITH_PASS;
  };
  // As `listen` does: all that is heard, also what this node publishes, and before anybody's answer
  // ends the walk.
  heard_ = host_.on("message/" + spec_.topic, take, INT_MAX, KITH_ON_OWN);
  if (!heard_) return Error(KITH_BAD, spec_.topic + ": " + host_.why(KITH_BAD));
  return {};
}

void Hook::hear(const kith_message& message) {
  if (is_gone_) return;
  std::string body = wire::to_json(wire::message_value(message));
  make_room(body.size());
  waiting_bytes_ += body.size();
  waiting_.push_back(std::move(body));
  if (tasks_.empty()) tasks_.spawn(deliver(*this));
}

void Hook::make_room(std::size_t bytes) {
  const std::size_t kept = is_posting_ ? 1 : 0;  // it may be the receiver's already
  while (waiting_.size() > kept &&
         (waiting_.size() >= kWaitingMax || waiting_bytes_ + bytes > kWaitingBytesMax))
    drop_oldest();
}

void Hook::drop_oldest() {
  const auto oldest = std::next(waiting_.begin(), is_posting_ ? 1 : 0);
  if (!is_posting_) tries_ = 0;
  waiting_bytes_ -= oldest->size();
  waiting_.erase(oldest);
  ++dropped_;
  if (!notice_) tell_drops();
}

// At the first drop, and then once a minute as long as there are more.
void Hook::tell_drops() {
  if (dropped_ == dropped_told_) return;
  host_.warn("hook dropped messages, its receiver is too slow" + named() +
             " dropped=" + std::to_string(dropped_ - dropped_told_));
  dropped_told_ = dropped_;
  const auto again = [](void* self, std::int64_t, const void*) {
    static_cast<Hook*>(self)->notice_.forget();
    static_cast<Hook*>(self)->tell_drops();
  };
  notice_ = host_.after(kDropNoticeUs, kith_done{again, this});
}

void Hook::advance() {
  waiting_bytes_ -= waiting_.front().size();
  waiting_.pop_front();
  tries_ = 0;
}

Task<void> Hook::deliver(Hook& hook) {
  Sleep off_the_message_path(hook.host_, 0);
  co_await off_the_message_path;
  while (!hook.waiting_.empty()) {
    hook.is_posting_ = true;
    const Outcome outcome = co_await hook.poster_.post(hook.spec_.url, hook.waiting_.front());
    hook.is_posting_ = false;
    const auto delay_us = hook.judge(outcome);
    if (!delay_us) continue;
    hook.next_try_us_ = hook.host_.wall_us() + *delay_us;
    Sleep pause(hook.host_, *delay_us);
    co_await pause;
    hook.next_try_us_ = 0;
  }
}

std::optional<std::uint64_t> Hook::judge(const Outcome& outcome) {
  const bool was_well = last_error_.empty();
  last_status_ = outcome.status;
  last_error_ = outcome.error;
  if (outcome.delivered()) {
    if (!was_well) host_.info("hook delivers again" + named());
    ++delivered_;
    advance();
    return {};
  }
  if (outcome.is_gone()) {
    stop_for_good();
    return {};
  }
  if (was_well) host_.warn("hook fails, will retry" + named() + " err=\"" + outcome.error + "\"");
  if (++tries_ >= kTriesMax) {
    host_.warn("hook gives a message up" + named() + " tries=" + std::to_string(tries_) +
               " err=\"" + outcome.error + "\"");
    ++failed_;
    advance();
    return {};
  }
  return retry_delay_us(tries_, outcome.retry_after_s, host_.random_u64());
}

void Hook::stop_for_good() {
  is_gone_ = true;
  heard_.cancel();
  dropped_ += waiting_.size();
  dropped_told_ = dropped_;
  host_.warn("hook stops until the node is started again: the receiver answered 410 Gone" +
             named() + " dropped=" + std::to_string(waiting_.size()));
  waiting_.clear();
  waiting_bytes_ = 0;
}

wire::Value Hook::row() const {
  const auto count = [](std::uint64_t n) { return wire::Value(static_cast<std::int64_t>(n)); };
  wire::Value row;
  row["topic"] = spec_.topic;
  row["url"] = spec_.shown_url();
  row["waiting"] = count(waiting_.size());
  row["delivered"] = count(delivered_);
  row["failed"] = count(failed_);
  row["dropped"] = count(dropped_);
  row["last_status"] = last_status_ == 0 ? wire::Value() : wire::Value(last_status_);
  row["last_error"] = last_error_.empty() ? wire::Value() : wire::Value(last_error_);
  row["next_try"] =
      next_try_us_ == 0 ? wire::Value() : wire::Value(static_cast<double>(next_try_us_) / 1e6);
  return row;
}

}  // namespace kith::hooks
