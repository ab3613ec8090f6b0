// SPDX-License-Identifier: MIT
// Between the addresses of WebSocket links and those of the links below them: .../tcp/P/ws, nothing
// else.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>

namespace kith::websocket {

Result<ByteVector> address_below(Bytes address);  // without the /ws
ByteVector address_above(Bytes lower);            // empty stays empty
// What HTTP calls the host of it: the name it was resolved from, if any, or the IP; and the port.
std::string http_host(Bytes address, std::string_view dns_name);

}  // namespace kith::websocket
