// SPDX-License-Identifier: MIT
// Requests and replies are read, written and read again as the same; and lines that arrive in
// pieces are the lines that arrive at once.
#include "engine/node/control_line.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace kith;
using node::Reply;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string write(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::part: return node::part_line(reply.id, reply.value);
    case Reply::Kind::end: return node::end_line(reply.id, reply.value);
    case Reply::Kind::error: return node::error_line(reply.id, reply.code, reply.message);
    case Reply::Kind::event: return node::event_line(reply.id, reply.name, reply.value);
    case Reply::Kind::dropped:
      return node::dropped_line(reply.id, static_cast<std::size_t>(reply.dropped));
  }
  return {};
}

std::string_view without_end(std::string_view line) {
  require(line.ends_with('\n') && line.find('\n') == line.size() - 1);
  return line.substr(0, line.size() - 1);
}

void judge(std::string_view line) {
  if (const auto request = node::parse_request(line)) {
    const std::string written = node::request_line(*request);
    const auto again = node::parse_request(without_end(written));
    require(again && again->kind == request->kind && again->id == request->id &&
            again->name == request->name && again->args == request->args);
  }
  if (const auto reply = node::parse_reply(line)) {
    const std::string written = write(*reply);
    const auto again = node::parse_reply(without_end(written));
    require(again && again->kind == reply->kind && again->id == reply->id &&
            again->value == reply->value && again->name == reply->name &&
            again->code == reply->code && again->message == reply->message &&
            again->dropped == reply->dropped);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  constexpr std::size_t kMax = 256;
  node::LineReader whole(kMax), pieces(kMax);
  whole.feed(bytes);
  std::vector<std::string> lines, pieced;
  while (const auto line = whole.next()) lines.emplace_back(*line);
  for (std::size_t at = 0; at < size && !pieces.too_long();) {
    const std::size_t n = std::min<std::size_t>(1 + data[at] % 7, size - at);
    pieces.feed(bytes.subspan(at, n));
    while (const auto line = pieces.next()) pieced.emplace_back(*line);
    at += n;
  }
  require(lines == pieced && whole.too_long() == pieces.too_long());
  for (const std::string& line : lines) judge(line);
  return 0;
}
