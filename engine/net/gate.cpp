// SPDX-License-Identifier: MIT
#include "engine/net/gate.h"

#include <algorithm>

#include "engine/wire/encodings.h"

namespace kith::net {

bool Gate::List::holds(const wire::Multiaddr& address) const {
  if (blocks.empty()) return false;
  const auto ip = Cidr::ip_from_text(address.host());
  const auto has_ip = [&](const Cidr& block) { return block.contains(*ip); };
  return ip && std::any_of(blocks.begin(), blocks.end(), has_ip);
}

bool Gate::List::holds(const wire::PeerId& peer, const wire::Multiaddr& address) const {
  return peers.contains(peer) || holds(address);
}

Result<Gate::List> Gate::read(const std::vector<std::string>& entries, std::string_view name) {
  List list;
  for (const std::string& entry : entries) {
    if (const auto block = Cidr::from_text(entry)) {
      list.blocks.push_back(*block);
    } else if (const auto peer = wire::PeerId::from_text(entry)) {
      list.peers.insert(*peer);
    } else {
      return Error(KITH_BAD, "\"" + wire::escape_text(entry) + "\" in " + std::string(name) +
                                 " is neither a peer id, an IP address nor a block such as "
                                 "10.0.0.0/8");
    }
  }
  return list;
}

Result<void> Gate::set(const Lists& lists) {
  auto allow = read(lists.allow, "allow");
  if (!allow) return allow.error();
  auto deny = read(lists.deny, "deny");
  if (!deny) return deny.error();
  allow_ = std::move(*allow);
  deny_ = std::move(*deny);
  return {};
}

std::size_t Gate::add(Guard guard) {
  guards_.emplace(++last_id_, std::move(guard));
  return last_id_;
}

void Gate::remove(std::size_t id) { guards_.erase(id); }

bool Gate::admits(const wire::PeerId& peer, const wire::Multiaddr& remote, bool dialed) const {
  if (deny_.holds(peer, remote)) return false;
  if (!allow_.empty() && !allow_.holds(peer, remote)) return false;
  // A guard may remove itself or another while it runs.
  for (auto at = guards_.begin(); at != guards_.end();) {
    const auto [id, guard] = *at;
    if (!guard(peer, remote, dialed)) return false;
    at = guards_.upper_bound(id);
  }
  return true;
}

bool Gate::admits_address(const wire::Multiaddr& remote) const {
  if (deny_.holds(remote)) return false;
  // Where only blocks are allowed, no proof of a peer id can help an address outside them.
  const bool by_address_alone = allow_.peers.empty() && !allow_.blocks.empty();
  return !by_address_alone || remote.host_is_name() || allow_.holds(remote);
}

}  // namespace kith::net
