// SPDX-License-Identifier: MIT
#include "engine/wire/varint.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace kith::wire {

const char* describe(wire_error error) {
  switch (error) {
    case wire_error::truncated: return "truncated";
    case wire_error::bad_varint: return "bad varint";
    case wire_error::bad_multibase: return "bad multibase text";
    case wire_error::bad_multihash: return "bad multihash";
    case wire_error::bad_cid: return "bad CID";
    case wire_error::bad_peer_id: return "bad peer id";
    case wire_error::bad_multiaddr: return "bad multiaddr";
    case wire_error::bad_cbor: return "malformed CBOR";
    case wire_error::not_canonical: return "not canonical DAG-CBOR";
    case wire_error::bad_protobuf: return "malformed protobuf";
    case wire_error::bad_line: return "bad multistream line";
    case wire_error::bad_frame: return "bad frame";
    case wire_error::too_large: return "too large";
    case wire_error::trailing_bytes: return "trailing bytes";
  }
  return "unknown wire error";
}

int read_varint(Bytes from, std::uint64_t& value) {
  if (from.empty()) return 0;
  if (from[0] < 0x80) {
    value = from[0];
    return 1;
  }
  const std::size_t end = std::min(from.size(), kVarintMax);
  std::uint64_t sum = from[0] & 0x7fu;
  for (std::size_t i = 1; i < end; ++i) {
    const std::uint64_t byte = from[i];
    sum |= (byte & 0x7f) << (7 * i);
    if (byte & 0x80) continue;
    if (byte == 0) return -1;  // a last byte of zero adds nothing: not minimal
    value = sum;
    return static_cast<int>(i) + 1;
  }
  return end == kVarintMax ? -1 : 0;
}

Result<Varint> read_varint(Bytes from) {
  Varint read;
  const int size = read_varint(from, read.value);
  if (size < 0) return wire_error::bad_varint;
  if (size == 0) return wire_error::truncated;
  read.size = static_cast<std::size_t>(size);
  return read;
}

std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

std::size_t write_varint(std::uint64_t value, std::uint8_t* to) {
  assert(value >> 63 == 0);
  std::size_t size = 0;
  while (value >= 0x80) {
    to[size++] = static_cast<std::uint8_t>(value | 0x80);
    value >>= 7;
  }
  to[size++] = static_cast<std::uint8_t>(value);
  return size;
}

void append_varint(ByteVector& to, std::uint64_t value) {
  std::uint8_t bytes[kVarintMax];
  append(to, Bytes(bytes, write_varint(value, bytes)));
}

Result<Bytes> read_prefixed(Bytes& from, std::size_t max) {
  std::uint64_t length = 0;
  const int taken = read_varint(from, length);
  if (taken < 0) return wire_error::bad_varint;
  if (taken == 0) return wire_error::truncated;
  if (length > max) return wire_error::too_large;
  const Bytes rest = from.subspan(static_cast<std::size_t>(taken));
  if (length > rest.size()) return wire_error::truncated;
  from = rest.subspan(length);
  return rest.first(length);
}

void append_prefixed(ByteVector& to, Bytes piece) {
  append_varint(to, piece.size());
  append(to, piece);
}

}  // namespace kith::wire
