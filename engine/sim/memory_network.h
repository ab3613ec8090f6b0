// SPDX-License-Identifier: MIT
// MemoryNetwork: links inside one process on a Loop, with delay, bandwidth and cuts. Backs
// transports/memory through the service kith.memory/1, and tests directly. Reliable and ordered, as
// TCP is; loss shows as delay or a cut.
#pragma once
#include <kith/pipe.h>

#include <functional>
#include <map>
#include <memory>

#include "engine/base/loop.h"

namespace kith::sim {

struct LinkShape {
  std::uint64_t delay_us = 0;          // one way
  std::uint64_t bytes_per_second = 0;  // 0 = unlimited
  std::size_t buffer_bytes =
      256 * 1024;  // taken by write and not yet read on the other side, per direction
};

class MemoryNetwork {
 public:
  explicit MemoryNetwork(Loop& loop);
  ~MemoryNetwork();  // every link must be dropped before

  // Two ends of a new link.
  std::pair<Pipe, Pipe> pair(LinkShape shape = {});

  // What kith.memory/1 stands on. each(link) for every dial that arrives.
  Result<std::uint64_t> listen(std::uint64_t port,
                               std::function<void(Pipe)> each);  // 0 = pick; KITH_REFUSED: taken
  void unlisten(std::uint64_t port);
  Result<Pipe> dial(std::uint64_t port);  // KITH_REFUSED: nobody there

  void shape(LinkShape shape);   // of links made from now on
  void silence(kith_pipe* end);  // what this end writes is swallowed from now on, and it reads
                                 // nothing: a peer gone silent
  std::size_t links() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::sim
