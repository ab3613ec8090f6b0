// SPDX-License-Identifier: MIT
// Replay: for each author, the highest seqno whose id has left the seen table; what does not exceed
// it is an old message played again. Bounded: the author not heard of for longest is forgotten.
// Not every stack counts upwards (older js-libp2p draws seqnos at random): an author whose valid
// messages jump by 2^60 is told apart by that and exempt.
#pragma once
#include <cstdint>
#include <list>
#include <map>

#include "plugins/routers/gossipsub/seen.h"

namespace kith::gossip {

class Replay {
 public:
  explicit Replay(std::size_t authors_max) : authors_max_(authors_max) {}

  bool is_old(Fingerprint author, std::uint64_t seqno) const;
  // A message of the author's that proved valid.
  void observe(Fingerprint author, std::uint64_t seqno);
  // An id of the author's has left the seen table.
  void raise(Fingerprint author, std::uint64_t seqno);
  std::size_t size() const { return authors_.size(); }

 private:
  struct Author {
    Fingerprint id = 0;
    std::uint64_t floor = 0, highest = 0;
    bool jumps = false;
  };
  Author& author(Fingerprint id);

  std::size_t authors_max_;
  std::list<Author> order_;  // lately heard of first
  std::map<Fingerprint, std::list<Author>::iterator> authors_;
};

}  // namespace kith::gossip
