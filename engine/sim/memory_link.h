// SPDX-License-Identifier: MIT
// One link of a MemoryNetwork: two ends and a flow of bytes each way. It is freed when both ends
// are dropped; `links` counts those that live. Nothing here knows of ports or dials.
#pragma once
#include "engine/sim/memory_network.h"

namespace kith::sim {

// The first end is the dialer's. The addresses are the dialer's own and the one it dialed; the
// other end has them the other way round.
std::pair<Pipe, Pipe> make_memory_link(Loop& loop, const LinkShape& shape, std::size_t& links,
                                       ByteVector from, ByteVector to);
void silence_memory_link(kith_pipe* end);
ByteVector memory_address(std::uint64_t port);  // "/memory/<port>", binary

}  // namespace kith::sim
