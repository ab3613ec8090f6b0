// SPDX-License-Identifier: MIT
// StopWait: one descriptor that becomes readable when this program is told to end (SIGINT,
// SIGTERM) or when its time is up. While it lives the two signals end nothing by themselves.
#pragma once
#include <signal.h>

namespace kith::cli {

class StopWait {
 public:
  StopWait();
  StopWait(const StopWait&) = delete;
  StopWait& operator=(const StopWait&) = delete;
  ~StopWait();

  void start(double seconds);  // from now
  int fd() const { return epoll_fd_; }
  bool is_over();     // either happened
  bool was_told();    // a signal came
  bool wait(int ms);  // at most this long; whether either happened

 private:
  int epoll_fd_, signal_fd_, timer_fd_;
  sigset_t before_{};
  bool told_ = false;
};

}  // namespace kith::cli
