// SPDX-License-Identifier: MIT
// SHA-256 (FIPS 180-4), plain and portable, for peer ids and CIDs. The wire room links to nothing,
// and ships with the SDK: what hashes in bulk takes the engine's faster one.
#pragma once
#include <kith/bytes.h>

#include <array>

namespace kith::wire {

std::array<std::uint8_t, 32> sha256(Bytes bytes);

}  // namespace kith::wire
