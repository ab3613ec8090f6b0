// SPDX-License-Identifier: MIT
// The smallest transport: links over Unix sockets, for addresses such as /unix/tmp/kith.sock.
#include <kith/socket_listener.h>
#include <sys/un.h>

#include "engine/wire/multiaddr.h"

namespace {

struct Unix final : kith::Transport {
  static constexpr const char* kName = "unix";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Links over Unix sockets.";
  static constexpr const char* kSuffix = "/unix";
  using Transport::Transport;

  kith::Task<kith::Pipe> dial(kith::Bytes addr, std::string_view) override {
    const sockaddr_un to = socket_address(addr).value();
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    kith::Pipe link = kith::SocketLink::adopt(host, fd, KITH_PIPE_DIALED).value();
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw kith::Fault(kith::Error(KITH_REFUSED, std::strerror(errno)));
    }
    kith::SocketLink::name(link, {}, kith::to_vector(addr));
    co_return link;
  }

  kith::Result<Listening> listen(kith::Bytes addr, EachLink each) override {
    const auto at = socket_address(addr);
    if (!at) return at.error();
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(at->sun_path);
    const auto* name = reinterpret_cast<const sockaddr*>(&*at);
    if (bind(fd, name, sizeof *at) != 0 || ::listen(fd, 64) != 0) {
      const kith::Error error(KITH_IO, std::string(at->sun_path) + ": " + std::strerror(errno));
      close(fd);
      return error;
    }
    const auto nameless = [](kith::Pipe&, int) {};
    auto made = std::make_unique<kith::SocketListener>(host, fd, nameless, std::move(each));
    return Listening{std::move(made), kith::to_vector(addr)};
  }

  static kith::Result<sockaddr_un> socket_address(kith::Bytes addr) {
    const auto address = kith::wire::Multiaddr::from_bytes(addr);
    if (!address) return address.error();
    sockaddr_un made{AF_UNIX, {}};
    if (address->suffix() != kSuffix) return kith::Error(KITH_BAD, "not /unix/PATH");
    const auto parts = address->parts();
    const std::string path(kith::as_text(parts.front().value));
    if (path.size() >= sizeof made.sun_path) return kith::Error(KITH_BAD, "the path is too long");
    path.copy(made.sun_path, path.size());
    return made;
  }
};

}  // namespace

KITH_PLUGIN(Unix)
