// SPDX-License-Identifier: MIT
// multistream-select 1.0 over any pipe (links and streams alike). Reads no byte beyond the
// agreement. Deadlines are set on the pipe by the caller. Throw Fault.
#pragma once
#include <functional>

#include "engine/net/connection.h"

namespace kith::net {

// Dialer: header and first proposal in one write; the index of the first that the other side has.
Task<std::size_t> select_protocol(Pipe& pipe, std::span<const std::string_view> proposals);
// Responder: answers "na" up to limits::kNegotiateProposalsMax times. known(name) decides; `ls` is
// answered "na".
Task<std::string> answer_protocol(Pipe& pipe, const std::function<bool(std::string_view)>& known);

}  // namespace kith::net
