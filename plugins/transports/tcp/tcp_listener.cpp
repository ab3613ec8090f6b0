// SPDX-License-Identifier: MIT
#include "plugins/transports/tcp/tcp_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace kith::tcp {
namespace {

constexpr int kBacklog = 1024;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

void set(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

// What a person can act on.
std::string sentence(const SocketAddress& address, int number) {
  const std::string where = "port " + std::to_string(address.port()) + " on " + address.host();
  switch (number) {
    case EADDRINUSE: return where + " is taken by another program: choose another";
    case EACCES: return where + " needs privileges: choose one above 1023";
    case EADDRNOTAVAIL:
      return "this machine has no address " + address.host() + ": choose one of its own";
    case EAFNOSUPPORT:
      return "this machine speaks no IPv6: remove " + address.host() + " from listen";
    default: return where + " cannot be opened: " + std::strerror(number);
  }
}

}  // namespace

void name_link(Pipe& link, int fd) {
  SocketAddress local, remote;
  if (getsockname(fd, local.get(), &local.size) != 0) return;
  if (getpeername(fd, remote.get(), &remote.size) != 0) return;
  SocketLink::name(link, multiaddr_of(local), multiaddr_of(remote));
}

Result<Transport::Listening> open_listener(const Host& host, const SocketAddress& address,
                                           Transport::EachLink each) {
  const int family = address.storage.ss_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error(KITH_IO, sentence(address, errno));
  Fd held(fd);
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);  // links inherit it, and the next
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd, address.get(), address.size) != 0 || ::listen(fd, kBacklog) != 0) {
    const int number = errno;
    return Error(number == EADDRINUSE ? KITH_REFUSED : KITH_IO, sentence(address, number));
  }
  SocketAddress bound;
  if (getsockname(fd, bound.get(), &bound.size) != 0) {
    return Error(KITH_IO, sentence(address, errno));
  }
  auto made = std::make_unique<SocketListener>(host, held.release(), &name_link, std::move(each));
  if (!made->is_open()) return Error(KITH_IO, "this loop watches no sockets");
  return Transport::Listening{std::move(made), multiaddr_of(bound)};
}

}  // namespace kith::tcp
