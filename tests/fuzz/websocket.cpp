// SPDX-License-Identifier: MIT
// The WebSocket frame reader: in pieces of any size it takes the same as at once, never more than
// it was given, and what is written is read again. The first two bytes pick the side and the piece.
#include <algorithm>
#include <cstdlib>

#include "engine/wire/websocket.h"

using namespace kith;

namespace {

struct Taken {
  ByteVector payload;
  bool closed = false;
  std::uint16_t broken = 0;
  friend bool operator==(const Taken&, const Taken&) = default;
};

Taken take(Bytes input, bool masked, std::size_t piece_max) {
  wire::WebsocketReader reader(masked);
  Taken taken;
  ByteVector bytes = to_vector(input);
  for (MutableBytes left(bytes); !left.empty();) {
    const MutableBytes piece = left.first(std::min(piece_max, left.size()));
    left = left.subspan(piece.size());
    const std::size_t kept = reader.take(piece);
    if (kept > piece.size()) std::abort();
    append(taken.payload, piece.first(kept));
    if (const auto ping = reader.take_ping(); ping && ping->size() > wire::kWebsocketControlMax)
      std::abort();
  }
  taken.closed = reader.closed();
  taken.broken = reader.broken();
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool masked = (data[0] & 1) != 0;
  const std::size_t piece = 1 + data[1];
  const Bytes input(data + 2, size - 2);
  const Taken whole = take(input, masked, SIZE_MAX);
  if (!(take(input, masked, piece) == whole)) std::abort();

  const wire::WebsocketMask mask{data[0], data[1], 3, 4};
  ByteVector frame;
  wire::append_websocket_frame(frame, wire::WebsocketOpcode::binary, input,
                               masked ? &mask : nullptr);
  if (!equal(take(frame, masked, piece).payload, input)) std::abort();
  return 0;
}
