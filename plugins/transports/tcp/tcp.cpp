// SPDX-License-Identifier: MIT
// /ip4/A/tcp/P and /ip6/A/tcp/P: links over TCP sockets. What listens is said by the option
// `listen`, which the node reads and brings here address by address.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "engine/wire/multiaddr.h"
#include "engine/wire/value.h"
#include "plugins/transports/tcp/tcp_listener.h"

namespace kith::tcp {
namespace {

constexpr std::uint32_t kConnectMs = 15'000;

Error connect_error(const SocketAddress& to, int number) {
  const std::string where = to.host() + " port " + std::to_string(to.port());
  switch (number) {
    case ECONNREFUSED: return Error(KITH_REFUSED, "nothing listens on " + where);
    case ETIMEDOUT: return Error(KITH_TIMEOUT, where + " does not answer");
    case ENETUNREACH:
    case EHOSTUNREACH: return Error(KITH_IO, "no route to " + to.host());
    case EMFILE:
    case ENFILE: return Error(KITH_LIMIT, "out of open files: raise the limit (ulimit -n)");
    default: return Error(KITH_IO, where + ": " + std::strerror(number));
  }
}

class Tcp final : public Transport {
 public:
  static constexpr const char* kName = "tcp";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Links over TCP, as every libp2p node has them.";
  static constexpr const char* kSuffix = "/tcp";
  static constexpr kith_option kOptions[] = {{"listen", "strings", "[\"/ip4/0.0.0.0/tcp/0\"]",
                                              "Addresses to listen on; port 0 picks a free one."},
                                             {}};

  using Transport::Transport;

  Result<void> configure(Bytes options, bool) {
    const auto given = wire::decode_body(options);
    if (!given) return given.error();
    const wire::Value* listen = given->find("listen");
    if (!listen || !listen->list()) return Error(KITH_BAD, "listen is a list of addresses");
    for (const wire::Value& entry : *listen->list()) {
      if (!entry.string()) return Error(KITH_BAD, "listen is a list of addresses");
      const auto address = wire::Multiaddr::from_text(*entry.string());
      if (!address) return Error(KITH_BAD, *entry.string() + ": " + address.error().message());
      const auto socket = socket_address(address->bytes());
      if (!socket) return socket.error();
    }
    return {};
  }

  Task<Pipe> dial(Bytes addr, std::string_view) override {
    const SocketAddress to = socket_address(addr).value();
    const int fd = socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw Fault(connect_error(to, errno));
    Pipe link = SocketLink::adopt(host, fd, KITH_PIPE_DIALED).value();
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    int number = ::connect(fd, to.get(), to.size) == 0 ? 0 : errno;
    if (number == EINPROGRESS) {
      link.deadline(KITH_WR, kConnectMs);
      const std::int64_t ready = co_await link.writable();
      if (ready < 0) throw Fault(connect_error(to, ETIMEDOUT));
      link.deadline(KITH_WR, 0);
      socklen_t size = sizeof number;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
    }
    if (number != 0) throw Fault(connect_error(to, number));
    name_link(link, fd);
    co_return link;
  }

  Result<Listening> listen(Bytes addr, EachLink each) override {
    const auto address = socket_address(addr);
    if (!address) return address.error();
    return open_listener(host, *address, std::move(each));
  }
};

}  // namespace
}  // namespace kith::tcp

using kith::tcp::Tcp;
KITH_PLUGIN(Tcp)
