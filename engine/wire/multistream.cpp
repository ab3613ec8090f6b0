// SPDX-License-Identifier: MIT
#include "engine/wire/multistream.h"

#include <algorithm>
#include <cassert>

#include "engine/base/limits.h"

namespace kith::wire {

void append_line(ByteVector& to, std::string_view text) {
  assert(text.size() < limits::kMultistreamLineMax);
  append_varint(to, text.size() + 1);
  append(to, as_bytes(text));
  to.push_back('\n');
}

Result<std::size_t> read_line_prefix(Bytes prefix) {
  std::uint64_t size = 0;
  const int taken = read_varint(prefix.first(std::min(prefix.size(), kLinePrefixMax)), size);
  if (taken < 0) return wire_error::bad_varint;
  if (taken == 0) {
    return prefix.size() < kLinePrefixMax ? wire_error::truncated : wire_error::too_large;
  }
  if (size == 0) return wire_error::bad_line;
  if (size > limits::kMultistreamLineMax) return wire_error::too_large;
  return static_cast<std::size_t>(size);
}

Result<std::string_view> judge_line(Bytes line) {
  const std::string_view text = as_text(line);
  if (text.empty() || text.find('\n') != text.size() - 1) return wire_error::bad_line;
  return text.substr(0, text.size() - 1);
}

Result<std::string_view> read_line(Bytes& from) {
  const Result<std::size_t> size = read_line_prefix(from);
  if (!size) return size.error();
  const std::size_t prefix = varint_size(*size);
  if (from.size() < prefix + *size) return wire_error::truncated;
  const Result<std::string_view> text = judge_line(from.subspan(prefix, *size));
  if (text) from = from.subspan(prefix + *size);
  return text;
}

}  // namespace kith::wire
