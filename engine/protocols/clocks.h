// SPDX-License-Identifier: MIT
// Clocks: what peers' clocks say of this machine's. Each hello of /kith/sync/1 and its answer tell
// a time; the median of the connected peers decides, so no one liar among several does. Owned by
// Sync; loop thread. Sets no clock and refuses nothing: what counts never depends on it.
#pragma once
#include <functional>
#include <map>

#include "engine/base/loop.h"
#include "engine/wire/peer_id.h"

namespace kith::protocols {

struct ClockVerdict {
  std::size_t peers = 0;       // that told their time
  std::size_t agree = 0;       // of those, how many say the same: off on that side, or not off
  std::int64_t offset_us = 0;  // their median less this machine's time: above 0 it is behind
  bool is_off() const;         // by over 60 s
};
std::string describe(const ClockVerdict& verdict);
std::string_view advice(const ClockVerdict& verdict);  // empty where it is not off

class Clocks {
 public:
  explicit Clocks(Loop& loop) : loop_(loop) {}
  Clocks(const Clocks&) = delete;
  Clocks& operator=(const Clocks&) = delete;

  // In a hello, which may have lain unread: it counts until the peer has answered one of ours.
  void heard(const wire::PeerId& peer, std::uint64_t theirs_us);
  // In an answer, which is of the middle of its round trip.
  void answered(const wire::PeerId& peer, std::uint64_t theirs_us, std::uint64_t round_trip_us);
  void forget(const wire::PeerId& peer) { told_.erase(peer); }

  ClockVerdict verdict();
  // Told when it becomes off and when it is right again; at most once a minute.
  std::function<void(const ClockVerdict&)> changed;

 private:
  struct Told {
    std::int64_t offset_us = 0;
    bool is_answer = false;
  };
  void note(const wire::PeerId& peer, Told told);
  void look();

  Loop& loop_;
  std::map<wire::PeerId, Told> told_;
  std::int64_t base_us_ = 0;  // of the wall clock over the loop's, when it was last looked at
  bool is_off_ = false;       // as was told
  std::uint64_t may_tell_us_ = 0;
};

}  // namespace kith::protocols
