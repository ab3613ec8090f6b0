// SPDX-License-Identifier: MIT
// Lines of multistream-select 1.0 (libp2p/specs connections): varint length, text, newline; the
// length covers the newline. Pure; the dialogue is engine/net's.
#pragma once
#include "engine/wire/varint.h"

namespace kith::wire {

inline constexpr std::string_view kMultistreamProtocol = "/multistream/1.0.0";
inline constexpr std::string_view kMultistreamNone = "na";
inline constexpr std::size_t kLinePrefixMax = 2;  // bytes of the varint: lines end at 1024

void append_line(ByteVector& to, std::string_view text);

// The bytes that follow the prefix. `truncated` asks for its second byte.
Result<std::size_t> read_line_prefix(Bytes prefix);
// The text of what follows the prefix: one newline, at the end.
Result<std::string_view> judge_line(Bytes line);
// Cuts a whole line off the front of `from`, and leaves it alone otherwise.
Result<std::string_view> read_line(Bytes& from);

}  // namespace kith::wire
