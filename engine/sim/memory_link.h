// SPDX-License-Identifier: MIT
// One link of a MemoryNetwork: two ends and a flow of bytes each way. It is freed when both ends
// are dropped; `links` holds those that live. Nothing here knows of ports or dials.
#pragma once
#include <list>

#include "engine/sim/memory_network.h"

namespace kith::sim {

struct MemoryLink;
using MemoryLinks = std::list<MemoryLink*>;  // that live, oldest first

// The first end is the dialer's. The addresses are the dialer's own and the one it dialed; the
// other end has them the other way round.
std::pair<Pipe, Pipe> make_memory_link(Loop& loop, const LinkShape& shape, MemoryLinks& links,
                                       ByteVector from, ByteVector to,
                                       std::pair<Place, Place> places = {});
std::pair<Place, Place> places_of(const MemoryLink& link);  // the dialer's and the listener's
void silence(MemoryLink& link, bool dialer);                // one end of it
void silence_memory_link(kith_pipe* end);
ByteVector memory_address(std::uint64_t port);  // "/memory/<port>", binary

}  // namespace kith::sim
