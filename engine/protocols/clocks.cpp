// SPDX-License-Identifier: MIT
#include "engine/protocols/clocks.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/base/limits.h"

namespace kith::protocols {
namespace {

constexpr std::int64_t kOffUs = 60'000'000;
constexpr std::int64_t kStepUs = 5'000'000;  // more between two looks: somebody set the clock
constexpr std::uint64_t kRoundTripMaxUs = 30'000'000;  // of a longer one the middle tells little
constexpr std::uint64_t kTellEveryUs = 60'000'000;     // a peer may change its mind all the time

bool is_far(std::int64_t offset_us) { return std::abs(offset_us) > kOffUs; }

std::string span_text(std::int64_t us) {
  const double s = std::abs(static_cast<double>(us)) / 1e6;
  if (s < 120) return fmt::format("{:.1f} s", s);
  if (s < 7'200) return fmt::format("{:.0f} min", s / 60);
  return s < 172'800 ? fmt::format("{:.1f} h", s / 3'600) : fmt::format("{:.0f} days", s / 86'400);
}

// Of an even number the one of the two in the middle that is nearer to right: more than half of the
// peers must agree that it is off.
std::int64_t median(std::vector<std::int64_t>& offsets) {
  std::sort(offsets.begin(), offsets.end());
  const std::int64_t low = offsets[(offsets.size() - 1) / 2], high = offsets[offsets.size() / 2];
  return std::abs(low) < std::abs(high) ? low : high;
}

}  // namespace

bool ClockVerdict::is_off() const { return is_far(offset_us); }

std::string describe(const ClockVerdict& verdict) {
  if (verdict.peers == 0) return "no peer has told its time yet";
  return fmt::format("this machine's clock is {} {} the median of its peers; {} of {} agree{}",
                     span_text(verdict.offset_us), verdict.offset_us < 0 ? "ahead of" : "behind",
                     verdict.agree, verdict.peers, verdict.is_off() ? "" : " within 60 s");
}

std::string_view advice(const ClockVerdict& verdict) {
  if (!verdict.is_off()) return "";
  if (verdict.peers == 1)
    return "only one peer has told its time, so its clock may be the wrong one: compare this "
           "machine's with a third before you set it";
  if (verdict.offset_us < 0)
    return "set this machine's clock, best by NTP (timedatectl set-ntp true): what it writes is "
           "not shown elsewhere before its time has come there";
  return "set this machine's clock, best by NTP (timedatectl set-ntp true): what others write is "
         "not shown here before its time has come";
}

void Clocks::heard(const wire::PeerId& peer, std::uint64_t theirs_us) {
  look();
  const auto at = told_.find(peer);
  if (theirs_us == 0 || (at != told_.end() && at->second.is_answer)) return;
  note(peer, {static_cast<std::int64_t>(theirs_us - loop_.wall_us()), false});
}

void Clocks::answered(const wire::PeerId& peer, std::uint64_t theirs_us,
                      std::uint64_t round_trip_us) {
  look();
  if (theirs_us == 0 || round_trip_us > kRoundTripMaxUs) return;
  const std::uint64_t then_us = loop_.wall_us() - round_trip_us / 2;
  note(peer, {static_cast<std::int64_t>(theirs_us - then_us), true});
}

ClockVerdict Clocks::verdict() {
  look();
  ClockVerdict made;
  std::vector<std::int64_t> offsets;
  for (const auto& [peer, told] : told_) offsets.push_back(told.offset_us);
  if (offsets.empty()) return made;
  made.peers = offsets.size();
  made.offset_us = median(offsets);
  const auto agrees = [&made](std::int64_t offset_us) {
    return is_far(offset_us) == made.is_off() &&
           (!made.is_off() || (offset_us < 0) == (made.offset_us < 0));
  };
  made.agree = static_cast<std::size_t>(std::count_if(offsets.begin(), offsets.end(), agrees));
  return made;
}

void Clocks::note(const wire::PeerId& peer, Told told) {
  if (!told_.contains(peer) && told_.size() >= limits::kConnectionsMax) return;
  told_[peer] = told;
  const ClockVerdict now = verdict();
  const bool may_tell = loop_.now_us() >= may_tell_us_;
  if (now.is_off() == is_off_ || !may_tell) return;
  is_off_ = now.is_off();
  may_tell_us_ = loop_.now_us() + kTellEveryUs;
  if (changed) changed(now);
}

// What peers told is held against the clock as it stood then: once that was set, or the machine
// slept, they are to tell anew.
void Clocks::look() {
  const auto base_us = static_cast<std::int64_t>(loop_.wall_us() - loop_.now_us());
  if (std::abs(base_us - base_us_) > kStepUs) told_.clear();
  base_us_ = base_us;
}

}  // namespace kith::protocols
