// SPDX-License-Identifier: MIT
// What of an Identify message stands, once the sender is proven. Pure.
#pragma once
#include <optional>

#include "engine/net/peers.h"
#include "engine/wire/identify.h"

namespace kith::protocols {

struct Judged {
  net::Identified what;
  std::optional<wire::Multiaddr> observed;  // how the sender sees this node
  std::string record_refused;               // why its signed record was set aside; or empty
};
// A key that is not the proven peer's refuses all, a missing one too unless it is a push; a bad
// signed record is set aside alone. Text that is no UTF-8 and addresses that cannot be read are
// left out.
Result<Judged> judge_identify(wire::IdentifyMessage message, const wire::PeerId& proven, bool push);

}  // namespace kith::protocols
