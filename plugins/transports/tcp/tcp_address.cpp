// SPDX-License-Identifier: MIT
#include "plugins/transports/tcp/tcp_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "engine/wire/multiaddr.h"

namespace kith::tcp {
namespace {

constexpr std::uint8_t kIp4 = 4, kTcp = 6, kIp6 = 41;  // multicodec: each its own varint

template <class Family>
const Family& as(const SocketAddress& address) {
  return reinterpret_cast<const Family&>(address.storage);
}

}  // namespace

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = {};
  const void* address = storage.ss_family == AF_INET
                            ? static_cast<const void*>(&as<sockaddr_in>(*this).sin_addr)
                            : &as<sockaddr_in6>(*this).sin6_addr;
  inet_ntop(storage.ss_family, address, text, sizeof text);
  return text;
}

std::uint16_t SocketAddress::port() const {
  return ntohs(storage.ss_family == AF_INET ? as<sockaddr_in>(*this).sin_port
                                            : as<sockaddr_in6>(*this).sin6_port);
}

Result<SocketAddress> socket_address(Bytes multiaddr) {
  const auto address = wire::Multiaddr::from_bytes(multiaddr);
  if (!address) return address.error();
  const auto parts = address->parts();
  const bool fits = parts.size() >= 2 && parts[1].name == "tcp" &&
                    (parts[0].name == "ip4" || parts[0].name == "ip6");
  if (!fits) return Error(KITH_BAD, address->text() + " is not /ip4/ADDRESS/tcp/PORT or /ip6/...");
  SocketAddress made;
  std::uint16_t port = 0;
  std::memcpy(&port, parts[1].value.data(), sizeof port);  // both are in network order
  if (parts[0].name == "ip4") {
    auto& ip4 = reinterpret_cast<sockaddr_in&>(made.storage);
    ip4.sin_family = AF_INET;
    ip4.sin_port = port;
    std::memcpy(&ip4.sin_addr, parts[0].value.data(), sizeof ip4.sin_addr);
    made.size = sizeof ip4;
  } else {
    auto& ip6 = reinterpret_cast<sockaddr_in6&>(made.storage);
    ip6.sin6_family = AF_INET6;
    ip6.sin6_port = port;
    std::memcpy(&ip6.sin6_addr, parts[0].value.data(), sizeof ip6.sin6_addr);
    made.size = sizeof ip6;
  }
  return made;
}

ByteVector multiaddr_of(const SocketAddress& address) {
  const bool is_ip4 = address.storage.ss_family == AF_INET;
  const auto* ip =
      is_ip4 ? reinterpret_cast<const std::uint8_t*>(&as<sockaddr_in>(address).sin_addr)
             : reinterpret_cast<const std::uint8_t*>(&as<sockaddr_in6>(address).sin6_addr);
  ByteVector made{is_ip4 ? kIp4 : kIp6};
  append(made, {ip, is_ip4 ? 4u : 16u});
  const std::uint8_t tcp[] = {kTcp, static_cast<std::uint8_t>(address.port() >> 8),
                              static_cast<std::uint8_t>(address.port())};
  append(made, tcp);
  return made;
}

}  // namespace kith::tcp
