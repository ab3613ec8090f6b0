// SPDX-License-Identifier: MIT
// Lines of /kith/sync/1: each message behind its length as a varint. A line that has begun goes on:
// 64 KiB of it within kSyncAnswerMs, in both directions. Coroutines over a stream that somebody
// else owns; nothing is set aside for what has not arrived.
#pragma once
#include <kith/pipe.h>

namespace kith::protocols {

// Empty: the other side's end. Waits for the first byte as long as the stream's deadline says.
// Throws Fault, sync_error::bad_message for what can be no line.
Task<ByteVector> read_line(Pipe& stream, std::size_t bytes_max);
Task<void> write_line(Pipe& stream, ByteVector message);

}  // namespace kith::protocols
