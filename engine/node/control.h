// SPDX-License-Identifier: MIT
// ControlSocket: HOME/kith.sock, where the CLI and other programs of the same user call commands
// and hear events. Owned by the Node, which holds the lock of the home; loop thread. 0600, and the
// other side must be our user or root.
#pragma once
#include "engine/bus/bus.h"
#include "engine/node/socket_path.h"

namespace kith::node {

class ControlSocket {
 public:
  ControlSocket(Loop& loop, bus::Bus& bus, Log log);
  ~ControlSocket();  // ends every caller and removes the file

  // A socket that a dead node left is replaced.
  Result<void> open(const std::string& home);
  std::size_t callers() const;

 private:
  struct State;
  class Caller;
  std::unique_ptr<State> state_;
};

}  // namespace kith::node
