// SPDX-License-Identifier: MIT
#include "engine/net/keeper.h"

#include "engine/base/limits.h"

namespace kith::net {

Keeper::Kept::Kept(Keeper& by, const wire::PeerId& which)
    : keeper(by), peer(which), backoff_ms(limits::kBackoffFirstMs) {
  timer.done = kith_done{[](void* self, std::int64_t, const void*) {
                           auto* kept = static_cast<Kept*>(self);
                           if (kept->scope.empty()) kept->scope.spawn(redial(*kept));
                         },
                         this};
}

void Keeper::keep(const wire::PeerId& peer, bool connected) {
  const auto [at, is_new] = kept_.try_emplace(peer, *this, peer);
  Kept& kept = at->second;
  if (is_new && !connected) kept.scope.spawn(redial(kept));
}

void Keeper::unkeep(const wire::PeerId& peer) { kept_.erase(peer); }

void Keeper::connected(const wire::PeerId& peer) {
  const auto at = kept_.find(peer);
  if (at != kept_.end()) at->second.timer.stop();
}

void Keeper::disconnected(const wire::PeerId& peer, std::uint64_t lived_us) {
  const auto at = kept_.find(peer);
  if (at == kept_.end()) return;
  Kept& kept = at->second;
  if (lived_us >= kept.backoff_ms * 1000) kept.backoff_ms = limits::kBackoffFirstMs;
  redial_later(kept);
}

Task<void> Keeper::redial(Kept& kept) {
  const std::vector<wire::Multiaddr> none;
  const auto line = kept.keeper.dialer_.start(kept.peer, none);
  bool open = false;
  if (line) {
    Dialer::Line::Wait wait(**line, kept.keeper.shared_.loop);
    const auto answer = co_await wait;
    open = answer && *answer;
  }
  if (!open) kept.keeper.redial_later(kept);
}

void Keeper::redial_later(Kept& kept) {
  std::uint64_t chance = 0;
  std::uint8_t bytes[sizeof chance];
  shared_.loop.random(bytes);
  std::memcpy(&chance, bytes, sizeof chance);
  const std::uint64_t backoff_us = kept.backoff_ms * 1000;
  const std::uint64_t delay_us = backoff_us * 3 / 4 + chance % (backoff_us / 2 + 1);
  kept.backoff_ms = std::min<std::uint64_t>(kept.backoff_ms * 2, limits::kBackoffMaxMs);
  shared_.log.debug("redial peer={} in_ms={}", kept.peer.short_text(), delay_us / 1000);
  shared_.loop.start(kept.timer, delay_us);
}

}  // namespace kith::net
