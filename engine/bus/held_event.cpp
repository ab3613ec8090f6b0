// SPDX-License-Identifier: MIT
#include "engine/bus/held_event.h"

#include <array>

namespace kith::bus {

HeldEvent::HeldEvent(const kith_event& event) : event_(event) {
  if (event.message) {
    message_ = *event.message;
    event_.message = &message_;
    hold_ = Buffer::share(message_.hold);
  }
  const bool copy_message = event.message && !message_.hold;
  const std::array<kith_bytes*, 7> views{&event_.name, &event_.body,   &message_.topic,
                                         &message_.id, &message_.data, &message_.from,
                                         &message_.via};
  const std::size_t copied = copy_message ? views.size() : 2;
  for (std::size_t i = 0; i < copied; ++i) append(bytes_, view(*views[i]));
  std::size_t at = 0;
  for (std::size_t i = 0; i < copied; ++i) {
    views[i]->p = bytes_.data() + at;
    at += views[i]->n;
  }
}

}  // namespace kith::bus
