// SPDX-License-Identifier: MIT
#include "engine/node/socket_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace kith::node {

const char* describe(control_error error) {
  switch (error) {
    case control_error::no_node: return "no node runs there";
    case control_error::refused: return "refused";
    case control_error::closed: return "the node closed the control socket";
    case control_error::malformed: return "not a line of the control protocol";
    case control_error::timeout: return "the node does not answer";
    case control_error::io: return "the control socket failed";
  }
  return "unknown error";
}

Result<SocketPath> SocketPath::in(const std::string& home) {
  SocketPath made;
  made.address_.sun_family = AF_UNIX;
  std::string path = home + "/kith.sock";
  if (path.size() >= sizeof made.address_.sun_path) {
    made.folder_fd_ = ::open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (made.folder_fd_ < 0) {
      const bool absent = errno == ENOENT;
      return Error(absent ? control_error::no_node : control_error::io,
                   home + ": " + std::strerror(errno));
    }
    path = "/proc/self/fd/" + std::to_string(made.folder_fd_) + "/kith.sock";
  }
  std::memcpy(made.address_.sun_path, path.c_str(), path.size() + 1);
  return made;
}

SocketPath::~SocketPath() {
  if (folder_fd_ >= 0) ::close(folder_fd_);
}

}  // namespace kith::node
