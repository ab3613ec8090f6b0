// SPDX-License-Identifier: MIT
// MemoryNetwork: links inside one process on a Loop, with delay, bandwidth and cuts. Backs
// transports/memory through the service kith.memory/1, and tests directly. Reliable and ordered, as
// TCP is; loss shows as delay or a cut.
#pragma once
#include <kith/pipe.h>

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "engine/base/loop.h"

namespace kith::sim {

struct LinkShape {
  std::uint64_t delay_us = 0;          // one way
  std::uint64_t bytes_per_second = 0;  // 0 = unlimited
  std::size_t buffer_bytes =
      256 * 1024;  // taken by write and not yet read on the other side, per direction
};

using Place = std::uint32_t;  // whose end of a link; 0: nobody's in particular

class MemoryNetwork {
 public:
  explicit MemoryNetwork(Loop& loop);
  ~MemoryNetwork();  // every link must be dropped before

  // Two ends of a new link.
  std::pair<Pipe, Pipe> pair(LinkShape shape = {});

  // What kith.memory/1 stands on. each(link) for every dial that arrives.
  Result<std::uint64_t> listen(std::uint64_t port,
                               std::function<void(Pipe)> each,  // 0 = pick; KITH_REFUSED: taken
                               Place place = 0);
  void unlisten(std::uint64_t port);
  Result<Pipe> dial(std::uint64_t port, Place from = 0);  // KITH_REFUSED: nobody there

  void shape(LinkShape shape);   // of links made from now on
  void silence(kith_pipe* end);  // what this end writes is swallowed from now on, and it reads
                                 // nothing: a peer gone silent
  void silence(Place whose);     // all its ends, those of later links too
  // Some and the others lose each other: links between them fall silent at both ends, for good, and
  // dials across are refused until nobody is apart any more.
  void part(std::set<Place> some);
  std::size_t links() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::sim
