// SPDX-License-Identifier: MIT
#include "engine/net/connection.h"

namespace kith::net {

const char* describe(net_error error) {
  switch (error) {
    case net_error::wrong_peer: return "another peer answered than was asked for";
    case net_error::no_common_protocol: return "no protocol in common";
    case net_error::upgrade_failed: return "the handshake failed";
    case net_error::gate_refused: return "refused by this node's gate";
    case net_error::no_address: return "no address to dial";
    case net_error::no_transport: return "no transport for this address";
    case net_error::dial_failed: return "dial failed";
    case net_error::limit: return "over a limit of this node";
    case net_error::closed: return "the connection is closed";
    case net_error::timeout: return "the other side took too long";
    case net_error::protocol_violation: return "the other side broke the protocol";
    case net_error::dialed_self: return "this is the node itself";
  }
  return "unknown network error";
}

}  // namespace kith::net
