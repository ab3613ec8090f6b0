// SPDX-License-Identifier: MIT
#include "plugins/transports/websocket/websocket_address.h"

#include "engine/wire/multiaddr.h"

namespace kith::websocket {
namespace {

constexpr std::uint64_t kWs = 477;  // multicodec
constexpr std::uint16_t kHttpPort = 80;

}  // namespace

Result<ByteVector> address_below(Bytes bytes) {
  const auto address = wire::Multiaddr::from_bytes(bytes);
  if (!address) return address.error();
  const auto parts = address->parts();
  if (address->suffix() != "/tcp/ws" || parts.back().code != kWs)
    return Error(KITH_BAD, address->text() + " is not /ip4/ADDRESS/tcp/PORT/ws or alike");
  return to_vector(bytes.first(bytes.size() - wire::varint_size(kWs)));
}

ByteVector address_above(Bytes lower) {
  ByteVector address = to_vector(lower);
  if (!lower.empty()) wire::append_varint(address, kWs);
  return address;
}

std::string http_host(Bytes bytes, std::string_view dns_name) {
  const auto address = wire::Multiaddr::from_bytes(bytes);
  if (!address) return std::string(dns_name);
  std::string host = dns_name.empty() ? address->host() : std::string(dns_name);
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const std::uint16_t port = address->port().value_or(kHttpPort);
  return port == kHttpPort ? host : host + ":" + std::to_string(port);
}

}  // namespace kith::websocket
