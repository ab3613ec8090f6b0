// SPDX-License-Identifier: MIT
#include "engine/cli/stop_wait.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace kith::cli {
namespace {

bool is_readable(int fd, int ms) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, ms) > 0;
}

}  // namespace

StopWait::StopWait() : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &both, &before_);
  signal_fd_ = ::signalfd(-1, &both, SFD_CLOEXEC | SFD_NONBLOCK);
  timer_fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  epoll_event readable{};
  readable.events = EPOLLIN;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, signal_fd_, &readable);
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, timer_fd_, &readable);
}

StopWait::~StopWait() {
  was_told();  // what came is taken, so that it does not strike when the mask is lifted
  ::close(epoll_fd_);
  ::close(signal_fd_);
  ::close(timer_fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void StopWait::start(double seconds) {
  const double whole = std::floor(seconds);
  itimerspec once{};
  once.it_value.tv_sec = static_cast<time_t>(whole);
  once.it_value.tv_nsec = static_cast<long>((seconds - whole) * 1e9);
  // Zero would disarm it.
  if (once.it_value.tv_sec == 0) once.it_value.tv_nsec = std::max(once.it_value.tv_nsec, 1L);
  ::timerfd_settime(timer_fd_, 0, &once, nullptr);
}

bool StopWait::is_over() { return told_ || is_readable(epoll_fd_, 0); }

bool StopWait::was_told() {
  signalfd_siginfo signal{};
  while (::read(signal_fd_, &signal, sizeof signal) == sizeof signal) told_ = true;
  return told_;
}

bool StopWait::wait(int ms) { return told_ || is_readable(epoll_fd_, ms); }

}  // namespace kith::cli
