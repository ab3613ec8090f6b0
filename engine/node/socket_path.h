// SPDX-License-Identifier: MIT
// The address of HOME/kith.sock, for both its sides. A path over 107 bytes does not fit a socket
// address; it goes through /proc/self/fd and a hold on the folder, which this owns. Opens no
// socket.
#pragma once
#include <kith/result.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace kith::node {

enum class control_error { no_node = 1, refused, closed, malformed, timeout, io };
const char* describe(control_error error);

class SocketPath {
 public:
  static Result<SocketPath> in(const std::string& home);
  SocketPath(SocketPath&& other) noexcept
      : folder_fd_(std::exchange(other.folder_fd_, -1)), address_(other.address_) {}
  SocketPath& operator=(SocketPath&& other) noexcept {
    std::swap(folder_fd_, other.folder_fd_);
    std::swap(address_, other.address_);
    return *this;
  }
  ~SocketPath();

  // As long as this lives.
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof address_; }
  const char* path() const { return address_.sun_path; }

 private:
  SocketPath() = default;
  int folder_fd_ = -1;
  sockaddr_un address_{};
};

}  // namespace kith::node
