// SPDX-License-Identifier: MIT
#include "engine/cli/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

namespace kith::cli {

namespace {

using node::control_error;
using node::Reply;
using node::Request;

constexpr int kCancelMs = 2'000;  // for the node to say that it has cancelled

Error failed(const char* what) {
  return Error(control_error::io, std::string(what) + ": " + std::strerror(errno));
}

// One step of following a call or a listen.
struct Follower {
  const ControlClient::Hearing& hearing;
  ControlClient::Outcome outcome;
  bool enough = false, over = false;

  void take(Reply& reply) {
    switch (reply.kind) {
      case Reply::Kind::part:
        if (!enough && hearing.part) enough = !hearing.part(reply.value);
        return;
      case Reply::Kind::event:
        if (!enough && hearing.event) enough = !hearing.event(reply.name, reply.value);
        return;
      case Reply::Kind::dropped:
        if (!enough && hearing.dropped) hearing.dropped(reply.dropped);
        return;
      case Reply::Kind::end:
        outcome.ok = true;
        outcome.end = std::move(reply.value);
        break;
      case Reply::Kind::error:
        outcome.code = std::move(reply.code);
        outcome.message = std::move(reply.message);
        break;
    }
    over = true;
  }
};

}  // namespace

// What a node says to its own user is not bounded by what that user may say to it.
ControlClient::ControlClient(int fd) : fd_(fd), reader_(std::numeric_limits<std::size_t>::max()) {}

ControlClient& ControlClient::operator=(ControlClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(reader_, other.reader_);
  std::swap(last_, other.last_);
  return *this;
}

ControlClient::~ControlClient() {
  if (fd_ >= 0) ::close(fd_);
}

Result<ControlClient> ControlClient::connect(const std::string& home) {
  const auto path = node::SocketPath::in(home);
  if (!path) return path.error();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("socket");
  ControlClient client(fd);
  int connected;
  do {
    connected = ::connect(fd, path->address(), path->size());
  } while (connected != 0 && errno == EINTR);
  if (connected == 0) return client;
  if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
    return Error(control_error::no_node, home);
  if (errno == EACCES) return Error(control_error::refused, home + "/kith.sock is another user's");
  return failed("connect");
}

Result<void> ControlClient::write(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) return control_error::closed;
    if (n < 0) return failed("send");
    line.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// ---- by steps

Result<wire::Value> ControlClient::start(Request request) {
  request.id = ++last_;
  auto written = write(node::request_line(request));
  if (!written) return written.error();
  return std::move(request.id);
}

Result<wire::Value> ControlClient::start_call(std::string_view command, wire::Value args) {
  return start({Request::Kind::call, {}, std::string(command), std::move(args)});
}

Result<wire::Value> ControlClient::start_listen(std::string_view pattern) {
  return start({Request::Kind::on, {}, std::string(pattern), {}});
}

Result<void> ControlClient::cancel(const wire::Value& id) {
  return write(node::request_line({Request::Kind::cancel, id, {}, {}}));
}

Result<std::optional<Reply>> ControlClient::next() {
  for (;;) {
    if (const auto line = reader_.next()) {
      auto reply = node::parse_reply(*line);
      if (!reply) return Error(control_error::malformed, reply.error().detail());
      return std::optional(*std::move(reply));
    }
    std::array<std::uint8_t, 64 * 1024> space;
    const ssize_t n = ::recv(fd_, space.data(), space.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return std::optional<Reply>();
    if (n == 0 || (n < 0 && errno == ECONNRESET)) return control_error::closed;
    if (n < 0) return failed("recv");
    reader_.feed(Bytes(space.data(), static_cast<std::size_t>(n)));
  }
}

// ---- to the end

Result<ControlClient::Outcome> ControlClient::call(std::string_view command, wire::Value args,
                                                   const Hearing& hearing) {
  auto id = start_call(command, std::move(args));
  if (!id) return id.error();
  return follow(*id, hearing);
}

Result<ControlClient::Outcome> ControlClient::listen(std::string_view pattern,
                                                     const Hearing& hearing) {
  auto id = start_listen(pattern);
  if (!id) return id.error();
  return follow(*id, hearing);
}

Result<ControlClient::Outcome> ControlClient::follow(const wire::Value& id,
                                                     const Hearing& hearing) {
  Follower follower{hearing, {}};
  bool& cancelled = follower.outcome.cancelled;
  for (;;) {
    for (;;) {
      auto reply = next();
      if (!reply) return reply.error();
      if (!*reply) break;
      Reply& taken = **reply;
      if (taken.id == id || taken.id.is_null()) follower.take(taken);
      if (follower.over) return std::move(follower.outcome);
      if (follower.enough) break;
    }
    if (follower.enough && !cancelled) {
      cancelled = true;
      if (auto written = cancel(id); !written) return written.error();
      continue;
    }
    std::array<pollfd, 2> waits{{{fd_, POLLIN, 0}, {cancelled ? -1 : hearing.stop_fd, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), cancelled ? kCancelMs : -1);
    if (ready < 0 && errno != EINTR) return failed("poll");
    if (ready == 0) return control_error::timeout;
    if (ready > 0 && waits[1].revents != 0) follower.enough = true;
  }
}

}  // namespace kith::cli
