// SPDX-License-Identifier: MIT
#include "engine/net/peers.h"

#include <algorithm>

#include "engine/base/limits.h"

namespace kith::net {
namespace {

constexpr std::size_t kWorkedMax = 8;  // of the addresses of one peer
constexpr std::size_t kEvictedAtOnce = limits::kPeersMax / 16;

bool evictable(const PeerRecord& record) { return record.connections == 0 && !record.kept; }

}  // namespace

PeerRecord* Peers::find(const wire::PeerId& id) {
  const auto at = table_.find(id);
  return at == table_.end() ? nullptr : &at->second;
}

PeerRecord& Peers::get(const wire::PeerId& id) {
  if (PeerRecord* known = find(id)) return *known;
  if (table_.size() >= limits::kPeersMax) make_room(false);
  PeerRecord& made = table_[id];
  made.id = id;
  return made;
}

// A sixteenth at a time, so that a flood of new peers costs each of them little.
bool Peers::make_room(bool for_hint) {
  std::vector<std::pair<std::uint64_t, const wire::PeerId*>> idle;
  for (const auto& [id, record] : table_) {
    if (evictable(record) && (!for_hint || record.last_useful_us == 0))
      idle.emplace_back(record.last_useful_us, &id);
  }
  const std::size_t count = std::min(idle.size(), kEvictedAtOnce);
  const auto less_useful = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : *a.second < *b.second;
  };
  const auto end = idle.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(idle.begin(), end, idle.end(), less_useful);
  for (auto at = idle.begin(); at != end; ++at) table_.erase(table_.find(*at->second));
  return count > 0;
}

bool Peers::hint(const wire::PeerId& id, const wire::Multiaddr& address) {
  const auto named = address.peer();
  if (id.empty() || (named && !(*named == id))) return false;
  const wire::Multiaddr bare = address.without_peer();
  if (bare.empty() || bare.is_unspecified()) return false;
  PeerRecord* record = find(id);
  if (!record) {
    if (table_.size() >= limits::kPeersMax && !make_room(true)) return false;
    record = &get(id);
  }
  auto& known = record->addresses;
  if (std::find(known.begin(), known.end(), bare) != known.end()) return true;
  if (known.size() >= limits::kAddressesPerPeerMax) return false;
  known.push_back(bare);
  return true;
}

void Peers::worked(const wire::PeerId& id, const wire::Multiaddr& address, std::uint64_t now_us) {
  PeerRecord& record = get(id);
  record.last_useful_us = now_us;
  auto& known = record.addresses;
  const auto at = std::find(known.begin(), known.end(), address);
  if (at == known.end()) {
    if (known.size() >= limits::kAddressesPerPeerMax) known.pop_back();
    known.insert(known.begin(), address);
    ++record.worked;
  } else {
    const bool is_new = at - known.begin() >= static_cast<std::ptrdiff_t>(record.worked);
    std::rotate(known.begin(), at, at + 1);
    if (is_new) ++record.worked;
  }
  record.worked = std::min(record.worked, kWorkedMax);
}

void Peers::failed(const wire::PeerId& id, const wire::Multiaddr& address) {
  PeerRecord* record = find(id);
  if (!record) return;
  auto& known = record->addresses;
  const auto at = std::find(known.begin(), known.end(), address);
  if (at == known.end()) return;
  if (at - known.begin() < static_cast<std::ptrdiff_t>(record->worked)) --record->worked;
  std::rotate(at, at + 1, known.end());
}

void Peers::named(PeerRecord& record, const std::vector<wire::Multiaddr>& addresses) {
  auto& known = record.addresses;
  known.resize(record.worked);
  for (const wire::Multiaddr& address : addresses) {
    if (known.size() >= limits::kAddressesPerPeerMax) break;
    if (std::find(known.begin(), known.end(), address) == known.end()) known.push_back(address);
  }
}

}  // namespace kith::net
