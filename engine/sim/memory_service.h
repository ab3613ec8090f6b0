// SPDX-License-Identifier: MIT
// MemoryService: kith.memory/1 over a MemoryNetwork, offered by whoever composes a node with
// `node.offer(KITH_MEMORY, service.table(), service.self())`. Owned beside the network; its end
// closes what listens and cancels what dials. A kith_op of its own is a number, never followed.
#pragma once
#include "engine/sim/memory_network.h"

namespace kith::sim {

class MemoryService {
 public:
  MemoryService(Loop& loop, MemoryNetwork& network, Place place = 0);
  MemoryService(const MemoryService&) = delete;
  MemoryService& operator=(const MemoryService&) = delete;
  ~MemoryService();

  static const kith_memory* table();
  void* self() { return this; }

 private:
  struct Dial;
  kith_op* dial(std::uint64_t port, kith_done done);
  int listen(std::uint64_t port, kith_done each_link, kith_op** op, std::uint64_t* bound);
  void cancel(kith_op* op);

  Loop& loop_;
  MemoryNetwork& network_;
  const Place place_;
  std::uintptr_t next_id_ = 1;
  std::map<std::uintptr_t, std::unique_ptr<Dial>> dials_;
  std::map<std::uintptr_t, std::uint64_t> ports_;  // listened on
};

}  // namespace kith::sim
