// SPDX-License-Identifier: MIT
// HeldEvent: a copy of an event that outlives what the event looked at. For emissions that are
// posted.
#pragma once
#include <kith/bytes.h>

namespace kith::bus {

class HeldEvent {
 public:
  explicit HeldEvent(const kith_event& event);
  HeldEvent(const HeldEvent&) = delete;
  HeldEvent& operator=(const HeldEvent&) = delete;
  const kith_event& event() const { return event_; }

 private:
  ByteVector bytes_;  // name, body and, of a message that nothing holds, its fields
  Buffer hold_;
  kith_message message_{};
  kith_event event_{};
};

}  // namespace kith::bus
