// SPDX-License-Identifier: MIT
// SHA-1 (FIPS 180-4), for the one place that asks for it: the accept key of a WebSocket handshake
// (RFC 6455 4.2.2), where nothing rests on its strength. Nothing else may.
#pragma once
#include <kith/bytes.h>

#include <array>

namespace kith::wire {

std::array<std::uint8_t, 20> sha1(Bytes bytes);

}  // namespace kith::wire
