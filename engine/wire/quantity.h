// SPDX-License-Identifier: MIT
// Quantity: durations ("250ms", "30s", "5m", "2h", "1d") and sizes ("512", "64KiB", "10MB") as
// people write them in a config or on a command line. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace kith::wire {

// Seconds; a bare number is seconds. Nothing when it is not of that form, or over 100 years.
std::optional<double> parse_duration(std::string_view text);
// Bytes; a bare whole number is bytes. Nothing when it is not of that form, or over 2^63 - 1.
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace kith::wire
