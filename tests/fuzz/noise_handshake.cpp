// SPDX-License-Identifier: MIT
// A stranger's messages against both roles. The input is a role, then pieces with a two-byte
// length, read in turn. Whatever they are: no read succeeds out of turn, none after a failure, a
// payload is shorter than its message, and without the other side's keys no handshake gets past
// message 1.
#include <cstdlib>

#include "engine/crypto/noise.h"

using namespace kith;

namespace {

Bytes next_piece(Bytes& from) {
  if (from.size() < 2) return {};
  const std::size_t wanted = static_cast<std::size_t>(from[0] << 8 | from[1]);
  from = from.subspan(2);
  const Bytes piece = from.first(std::min(wanted, from.size()));
  from = from.subspan(piece.size());
  return piece;
}

void must(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool initiator = data[0] & 1;
  Bytes rest(data + 1, size - 1);
  crypto::Key32 static_secret, ephemeral_secret;
  static_secret.fill(1);
  ephemeral_secret.fill(2);
  crypto::NoiseXX side(initiator, static_secret, ephemeral_secret);

  if (initiator) must(bool(side.write(as_bytes("payload"))));
  must(!side.write({}));
  const Bytes first = next_piece(rest);
  const auto read = side.read(first);
  if (!read) {
    must(!side.read(first) && !side.write({}) && !side.finished());
    return 0;
  }
  // Message 0 is in the clear and can be anything; 1 and 2 are sealed with keys that only a peer
  // who took part can have.
  must(!initiator);
  must(read->size() + 32 == first.size());
  must(equal(*read, first.subspan(32)));
  const auto answer = side.write(as_bytes("answer"));
  if (answer) must(answer->size() == 96 + 6);
  must(!side.read(next_piece(rest)));
  must(!side.finished() && !side.write({}));
  return 0;
}
