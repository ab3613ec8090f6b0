// SPDX-License-Identifier: MIT
// When a receiver that did not take a message is asked again. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace kith::hooks {

// Retry-After (RFC 9110 section 10.2.3), seconds or a date, as seconds from wall_s on; at most
// kRetryAfterMaxS, and nothing where it is neither.
std::optional<std::uint64_t> parse_retry_after(std::string_view value, std::uint64_t wall_s);

// How long to wait after `tries` tries: up to a fifth longer by chance, so that many nodes do not
// come back at once, and not before what the receiver asked for.
std::uint64_t retry_delay_us(std::size_t tries, std::optional<std::uint64_t> asked_s,
                             std::uint64_t chance);

}  // namespace kith::hooks
