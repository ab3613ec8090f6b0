// SPDX-License-Identifier: MIT
// Taken: how many places each peer has taken of something that is bounded by the peer, such as the
// streams of one protocol. Places must be given back before the Taken ends.
#pragma once
#include <map>
#include <optional>

#include "engine/wire/peer_id.h"

namespace kith::protocols {

class Taken {
 public:
  explicit Taken(std::size_t places_per_peer) : places_(places_per_peer) {}
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

  // Gives the place back when it ends.
  class Place {
   public:
    Place(Taken& taken, const wire::PeerId& peer) : taken_(&taken), peer_(peer) {
      ++taken.counts_[peer];
    }
    Place(Place&& other) noexcept
        : taken_(std::exchange(other.taken_, nullptr)), peer_(other.peer_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (!taken_) return;
      const auto at = taken_->counts_.find(peer_);
      if (--at->second == 0) taken_->counts_.erase(at);
    }

   private:
    Taken* taken_;
    wire::PeerId peer_;
  };
  std::optional<Place> take(const wire::PeerId& peer) {
    const auto at = counts_.find(peer);
    if (at != counts_.end() && at->second >= places_) return std::nullopt;
    return Place(*this, peer);
  }

 private:
  std::size_t places_;
  std::map<wire::PeerId, std::size_t> counts_;
};

}  // namespace kith::protocols
