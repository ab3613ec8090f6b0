// SPDX-License-Identifier: MIT
// Unsigned varint (multiformats/unsigned-varint): LEB128, at most 9 bytes, minimal form only. Pure.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>

namespace kith::wire {

enum class wire_error {
  truncated = 1,  // more bytes are needed
  bad_varint,     // over 9 bytes, over 63 bits, or not minimal
  bad_multibase,
  bad_multihash,
  bad_cid,
  bad_peer_id,
  bad_multiaddr,
  bad_cbor,       // malformed
  not_canonical,  // well-formed, but not the one form that DAG-CBOR allows
  bad_protobuf,
  bad_line,   // multistream-select
  bad_frame,  // Yamux, Noise
  too_large,
  trailing_bytes,
};
const char* describe(wire_error error);

inline constexpr std::size_t kVarintMax = 9;

// The value and how many bytes it took. `truncated` asks for more bytes.
struct Varint {
  std::uint64_t value = 0;
  std::size_t size = 0;
};
Result<Varint> read_varint(Bytes from);
// Allocation-free form for hot paths: bytes taken (> 0), 0 = more bytes are needed, -1 = bad.
int read_varint(Bytes from, std::uint64_t& value);
std::size_t varint_size(std::uint64_t value);
std::size_t write_varint(std::uint64_t value,
                         std::uint8_t* to);  // to: kVarintMax bytes; returns the size
void append_varint(ByteVector& to, std::uint64_t value);

// Cuts a varint-length-prefixed piece off the front of `from`. `truncated` asks for more; over max
// is too_large.
Result<Bytes> read_prefixed(Bytes& from, std::size_t max);
void append_prefixed(ByteVector& to, Bytes piece);

}  // namespace kith::wire
