// SPDX-License-Identifier: MIT
// resolve_name: a Lookup by getaddrinfo on a Worker, given up after five seconds. The question is
// shared with the thread; who asked is known on the loop only and may be gone when it is answered.
#pragma once
#include "engine/base/loop.h"
#include "engine/node/workers.h"

namespace kith::node {

std::unique_ptr<Loop::Lookup> resolve_name(Loop& loop, Worker& worker, const std::string& name,
                                           kith_done done);

}  // namespace kith::node
