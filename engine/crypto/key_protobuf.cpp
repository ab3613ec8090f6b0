// SPDX-License-Identifier: MIT
#include "engine/crypto/key_protobuf.h"

namespace kith::crypto {
namespace {

constexpr std::uint8_t kTypeTag = 1 << 3;
constexpr std::uint8_t kDataTag = 2 << 3 | 2;
constexpr std::size_t kHeadBytes = 3;  // type tag, type, data tag

}  // namespace

Result<KeyParts> decode_key(Bytes protobuf) {
  const Error malformed(crypto_error::bad_key, "not a deterministic key protobuf");
  if (protobuf.size() < kHeadBytes || protobuf[0] != kTypeTag || protobuf[2] != kDataTag)
    return malformed;
  if (protobuf[1] > static_cast<std::uint8_t>(KeyType::ecdsa)) return crypto_error::unsupported_key;
  const auto type = static_cast<KeyType>(protobuf[1]);
  Bytes rest = protobuf.subspan(kHeadBytes);
  const auto data = wire::read_prefixed(rest, rest.size());
  if (!data || !rest.empty()) return malformed;
  return KeyParts{type, *data};
}

ByteVector encode_key(KeyType type, Bytes data) {
  ByteVector protobuf = {kTypeTag, static_cast<std::uint8_t>(type), kDataTag};
  protobuf.reserve(kHeadBytes + wire::kVarintMax + data.size());
  wire::append_prefixed(protobuf, data);
  return protobuf;
}

}  // namespace kith::crypto
