// SPDX-License-Identifier: MIT
// A listening TCP socket, made from an address or refused with a sentence that a person can act on.
#pragma once
#include <kith/socket_listener.h>

#include "plugins/transports/tcp/tcp_address.h"

namespace kith::tcp {

Result<Transport::Listening> open_listener(const Host& host, const SocketAddress& address,
                                           Transport::EachLink each);
void name_link(Pipe& link, int fd);  // asks the socket for both addresses

}  // namespace kith::tcp
