// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_line.h"

#include "engine/base/limits.h"
#include "engine/protocols/sync_message.h"
#include "engine/wire/varint.h"

namespace kith::protocols {
namespace {

constexpr std::size_t kStepBytes = 64 * 1024;

void check(std::int64_t error) {
  if (error < 0) throw Fault(Error(static_cast<kith_err>(error), "the stream of sync ended"));
}

}  // namespace

Task<ByteVector> read_line(Pipe& stream, std::size_t bytes_max) {
  ByteVector head;
  std::uint64_t size = 0;
  for (int taken = 0; taken == 0;) {
    std::uint8_t byte[1];
    const std::int64_t n = co_await read_some(stream, byte);
    if (n == 0 && head.empty()) co_return ByteVector();
    check(n == 0 ? std::int64_t{KITH_RESET} : n);
    if (head.empty()) stream.deadline(KITH_RD, limits::kSyncAnswerMs);
    head.push_back(*byte);
    taken = wire::read_varint(head, size);
    if (taken < 0) throw Fault(sync_error::bad_message);
  }
  if (size == 0 || size > bytes_max)
    throw Fault(Error(sync_error::bad_message, "a line of " + std::to_string(size) + " bytes"));
  ByteVector line;
  while (line.size() < size) {
    const std::size_t have = line.size();
    line.resize(std::min<std::size_t>(size, have + kStepBytes));
    const MutableBytes step = MutableBytes(line).subspan(have);
    stream.deadline(KITH_RD, limits::kSyncAnswerMs);
    const int error = co_await read_exact(stream, step);
    check(error);
  }
  co_return line;
}

Task<void> write_line(Pipe& stream, ByteVector message) {
  ByteVector line;
  line.reserve(message.size() + wire::kVarintMax);
  wire::append_prefixed(line, message);
  for (Bytes rest = line; !rest.empty();) {
    const Bytes step = rest.first(std::min(rest.size(), kStepBytes));
    stream.deadline(KITH_WR, limits::kSyncAnswerMs);
    const int error = co_await write_all(stream, step);
    check(error);
    rest = rest.subspan(step.size());
  }
}

}  // namespace kith::protocols
