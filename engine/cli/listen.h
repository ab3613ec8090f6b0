// SPDX-License-Identifier: MIT
// The verbs that hear a topic for as long as they run: listen and talk. Both end cleanly when they
// are told to (SIGINT, SIGTERM), or when nobody reads their output any more.
#pragma once
#include "engine/cli/remote.h"

namespace kith::cli {

struct ListenRequest {
  std::string topic;
  std::optional<std::int64_t> count;
  std::optional<double> timeout_s;  // from when it is joined
};
int listen_to(const Place& place, const ListenRequest& request);

// Publishes each line of in_fd, prints what others say. The end of in_fd ends it.
int talk_on(const Place& place, const std::string& topic, int in_fd);

// "..QmXyZa hello": who, in short, and the text; bytes that are no text are only counted.
std::string message_line(const wire::Value& message);

}  // namespace kith::cli
