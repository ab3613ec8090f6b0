// SPDX-License-Identifier: MIT
// ControlClient: the program's side of the control socket. Blocking, plain poll and recv; one
// thread. Closed by its destructor, which cancels all that is under way in the node.
#pragma once
#include <functional>

#include "engine/node/control_line.h"
#include "engine/node/socket_path.h"

namespace kith::cli {

class ControlClient {
 public:
  // control_error::no_node when none runs in that home.
  static Result<ControlClient> connect(const std::string& home);
  ControlClient(ControlClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), reader_(std::move(other.reader_)), last_(other.last_) {}
  ControlClient& operator=(ControlClient&& other) noexcept;
  ~ControlClient();

  // What is heard before the end; each may be empty. false from part or event: that is enough, it
  // is cancelled.
  struct Hearing {
    std::function<bool(const wire::Value& part)> part;
    std::function<bool(const std::string& name, const wire::Value& body)> event;
    std::function<void(std::int64_t count)> dropped;
    int stop_fd = -1;  // cancelled when it becomes readable (a signalfd, a timerfd, an epoll)
  };
  struct Outcome {
    bool ok = false;         // `end` holds; else code and message
    bool cancelled = false;  // by this side
    wire::Value end;
    std::string code, message;
  };
  // args: a map by name, a list of words as the command line has them, or null.
  Result<Outcome> call(std::string_view command, wire::Value args, const Hearing& hearing);
  Result<Outcome> listen(std::string_view pattern, const Hearing& hearing);

  // The same by steps, for who waits for more than the node: start any number, poll fd() for
  // reading, and take replies until there is none.
  int fd() const { return fd_; }
  Result<wire::Value> start_call(std::string_view command, wire::Value args);  // the id
  Result<wire::Value> start_listen(std::string_view pattern);
  Result<void> cancel(const wire::Value& id);
  Result<std::optional<node::Reply>> next();  // does not wait

 private:
  explicit ControlClient(int fd);
  Result<wire::Value> start(node::Request request);
  Result<Outcome> follow(const wire::Value& id, const Hearing& hearing);
  Result<void> write(std::string_view line);

  int fd_ = -1;
  node::LineReader reader_;
  std::int64_t last_ = 0;
};

}  // namespace kith::cli
