// SPDX-License-Identifier: MIT
// SocketListener: accepts links on a listening socket until it is destroyed. Owned by the engine
// through the transport's table; it owns the fd. Out of fds, it rests and lets the backlog stand.
#pragma once
#include <kith/plugin.h>
#include <kith/socket_link.h>

namespace kith {

class SocketListener final : public Transport::Listener {
 public:
  using Name = void (*)(Pipe& link, int fd);  // gives an accepted link its addresses

  // Takes the bound, listening, non-blocking fd over.
  SocketListener(const Host& host, int fd, Name name, Transport::EachLink each)
      : host_(host), fd_(fd), name_(name), each_(std::move(each)) {
    watch_ = host.loop().watch(host.raw(), fd, kith_done{&SocketListener::ready, this});
    if (watch_) host.loop().arm(host.raw(), watch_, KITH_RD);
  }
  SocketListener(const SocketListener&) = delete;
  SocketListener& operator=(const SocketListener&) = delete;
  ~SocketListener() override;
  bool is_open() const { return watch_ != nullptr; }  // false: this loop watches no sockets

 private:
  static constexpr int kAcceptsAtOnce = 64;  // then others have their turn
  static constexpr std::uint64_t kRestFirstUs = 50'000, kRestMaxUs = 1'000'000;

  static void ready(void* self, std::int64_t, const void*);
  static void rested(void* self, std::int64_t, const void*);
  bool take(int fd);  // false: this is gone
  void rest(int number);

  const Host& host_;
  int fd_;
  Name name_;
  Transport::EachLink each_;
  kith_op* watch_ = nullptr;
  Op resting_;
  std::uint64_t rest_us_ = 0;
  bool* gone_ = nullptr;  // set while links are handed out, in which this may end
};

inline SocketListener::~SocketListener() {
  if (gone_) *gone_ = true;
  host_.api()->cancel(host_.raw(), watch_);
  close(fd_);
}

inline void SocketListener::ready(void* self, std::int64_t, const void*) {
  auto* listener = static_cast<SocketListener*>(self);
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    const int fd = accept4(listener->fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      listener->rest_us_ = 0;
      if (!listener->take(fd)) return;
      continue;
    }
    if (errno == EAGAIN) break;
    if (errno != ECONNABORTED && errno != EINTR) return listener->rest(errno);
  }
  listener->host_.loop().arm(listener->host_.raw(), listener->watch_, KITH_RD);
}

inline bool SocketListener::take(int fd) {
  Result<Pipe> link = SocketLink::adopt(host_, fd, 0);
  if (!link) return true;
  name_(*link, fd);
  bool gone = false;
  gone_ = &gone;
  each_(*std::move(link));
  if (!gone) gone_ = nullptr;
  return !gone;
}

inline void SocketListener::rest(int number) {
  rest_us_ = std::min(std::max(rest_us_ * 2, kRestFirstUs), kRestMaxUs);
  if (rest_us_ == kRestFirstUs) {
    const bool is_full = number == EMFILE || number == ENFILE;
    host_.warn(std::string("accept rests err=\"") + std::strerror(number) + "\"" +
               (is_full ? " advice=\"raise the limit of open files\"" : ""));
  }
  resting_ = host_.after(rest_us_, kith_done{&SocketListener::rested, this});
}

inline void SocketListener::rested(void* self, std::int64_t, const void*) {
  auto* listener = static_cast<SocketListener*>(self);
  listener->resting_.forget();
  listener->host_.loop().arm(listener->host_.raw(), listener->watch_, KITH_RD);
}

}  // namespace kith
