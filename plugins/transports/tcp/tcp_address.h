// SPDX-License-Identifier: MIT
// Between multiaddrs and socket addresses: /ip4/A/tcp/P and /ip6/A/tcp/P, nothing else.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>
#include <sys/socket.h>

namespace kith::tcp {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  std::string host() const;  // the literal
  std::uint16_t port() const;
};

Result<SocketAddress> socket_address(Bytes multiaddr);

ByteVector multiaddr_of(const SocketAddress& address);

}  // namespace kith::tcp
