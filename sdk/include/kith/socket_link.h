// SPDX-License-Identifier: MIT
// SocketLink: one stream socket as a pipe, for transports that have an fd. Owned by whoever holds
// the Pipe; it owns the fd. Reads and writes go straight to the socket, so an idle link buffers
// nothing. The plugin's host must outlive it.
#pragma once
#include <kith/host.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace kith {

class SocketLink final : public kith_pipe {
 public:
  // Takes the non-blocking fd over, also when it fails (a loop without fds).
  static Result<Pipe> adopt(const Host& host, int fd, unsigned flags);
  // The multiaddrs that info() tells, once they are known.
  static void name(Pipe& pipe, ByteVector local, ByteVector remote) {
    auto* link = static_cast<SocketLink*>(pipe.get());
    link->local_ = std::move(local);
    link->remote_ = std::move(remote);
  }

  std::int64_t read(MutableBytes to);
  std::int64_t write(std::span<const kith_bytes> pieces);
  void want(unsigned rd_wr, kith_done wake);
  void deadline(unsigned rd_wr, std::uint32_t ms);
  int shut();
  void drop(int error);
  int info(kith_pipe_info& info) const;

 private:
  static constexpr std::uint64_t kNever = UINT64_MAX;
  static constexpr std::size_t kPiecesAtOnce = 64;
  static constexpr int kDrainsMax = 16;

  struct Side {
    kith_done wake{nullptr, nullptr};
    std::uint64_t deadline_us = kNever;
    int error = 0;  // stays once it is set
  };
  SocketLink(const Host& host, int fd, unsigned flags)
      : kith_pipe{&PipeOps<SocketLink>::table},
        host_(host),
        fd_(fd),
        flags_(static_cast<std::uint8_t>(flags)) {}
  ~SocketLink();
  static int error_of(int number);

  Side& side(unsigned direction) { return direction == KITH_RD ? reading_ : writing_; }
  int refused(const Side& side) const;
  void arm(unsigned direction);
  void set_alarm();
  static void fd_ready(void* self, std::int64_t directions, const void*);
  static void alarm_rang(void* self, std::int64_t, const void*);
  bool is_ready(unsigned direction) const;
  bool wake(unsigned direction, std::int64_t r);  // false: this is gone

  const Host& host_;
  kith_op* watch_ = nullptr;
  kith_op* alarm_ = nullptr;
  std::uint64_t alarm_us_ = kNever;
  Side reading_, writing_;
  bool* gone_ = nullptr;  // set while a wake runs, which may drop this
  int fd_;
  std::uint8_t flags_, armed_ = 0;
  std::uint8_t unsure_ = 0;  // directions used since they were armed: readiness may be stale
  bool shut_ = false;
  ByteVector local_, remote_;
};
static_assert(sizeof(SocketLink) <= 256);

inline int SocketLink::error_of(int number) {
  switch (number) {
    case EAGAIN:
    case EINTR: return KITH_AGAIN;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ETIMEDOUT:  // keepalive
    case EHOSTUNREACH:
    case ENETUNREACH: return KITH_RESET;
    default: return KITH_IO;
  }
}

inline Result<Pipe> SocketLink::adopt(const Host& host, int fd, unsigned flags) {
  auto* link = new SocketLink(host, fd, flags);
  Pipe pipe(link);
  link->watch_ = host.loop().watch(host.raw(), fd, kith_done{&SocketLink::fd_ready, link});
  if (!link->watch_) return Error(KITH_IO, "this loop watches no sockets");
  return pipe;
}

inline SocketLink::~SocketLink() {
  if (gone_) *gone_ = true;
  host_.api()->cancel(host_.raw(), alarm_);
  host_.api()->cancel(host_.raw(), watch_);
  close(fd_);
}

inline int SocketLink::refused(const Side& side) const {
  if (side.deadline_us != kNever && side.deadline_us <= host_.now_us()) return KITH_TIMEOUT;
  return side.error;
}

inline std::int64_t SocketLink::read(MutableBytes to) {
  if (const int error = refused(reading_)) return error;
  if (to.empty()) return KITH_AGAIN;
  unsure_ |= armed_ & KITH_RD;
  const ssize_t n = recv(fd_, to.data(), to.size(), 0);
  if (n > 0) return n;
  // The socket tells of a reset once. When a write heard of it, the read sees an end of file.
  if (n == 0) return writing_.error == KITH_RESET ? KITH_RESET : 0;
  const int error = error_of(errno);
  if (error != KITH_AGAIN) reading_.error = error;
  return error;
}

inline std::int64_t SocketLink::write(std::span<const kith_bytes> pieces) {
  if (const int error = refused(writing_)) return error;
  if (shut_) return KITH_CLOSED;
  unsure_ |= armed_ & KITH_WR;
  std::int64_t taken = 0;
  while (!pieces.empty()) {
    iovec parts[kPiecesAtOnce];
    const std::size_t count = std::min(pieces.size(), kPiecesAtOnce);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      parts[i] = {const_cast<std::uint8_t*>(pieces[i].p), pieces[i].n};
      bytes += pieces[i].n;
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n < 0) {
      const int error = error_of(errno);
      if (error != KITH_AGAIN) writing_.error = error;
      return taken > 0 ? taken : error;
    }
    taken += n;
    if (static_cast<std::size_t>(n) < bytes) break;
    pieces = pieces.subspan(count);
  }
  return taken;
}

inline void SocketLink::want(unsigned rd_wr, kith_done wake) {
  for (const unsigned direction : {unsigned{KITH_RD}, unsigned{KITH_WR}}) {
    if (!(rd_wr & direction)) continue;
    side(direction).wake = wake;
    if (wake.fn) arm(direction);
  }
  if (wake.fn) set_alarm();
}

inline void SocketLink::arm(unsigned direction) {
  if (armed_ & direction) return;
  armed_ |= static_cast<std::uint8_t>(direction);
  unsure_ &= static_cast<std::uint8_t>(~direction);
  host_.loop().arm(host_.raw(), watch_, direction);
}

inline void SocketLink::deadline(unsigned rd_wr, std::uint32_t ms) {
  const std::uint64_t due_us = ms == 0 ? kNever : host_.now_us() + std::uint64_t{ms} * 1000;
  if (rd_wr & KITH_RD) reading_.deadline_us = due_us;
  if (rd_wr & KITH_WR) writing_.deadline_us = due_us;
  set_alarm();
}

// The alarm runs only while somebody waits, and is left alone when a deadline moves away: it then
// rings once for nothing, which is cheaper than to set it for every frame.
inline void SocketLink::set_alarm() {
  std::uint64_t due_us = kNever;
  if (reading_.wake.fn) due_us = reading_.deadline_us;
  if (writing_.wake.fn) due_us = std::min(due_us, writing_.deadline_us);
  if (due_us >= alarm_us_) return;
  host_.api()->cancel(host_.raw(), alarm_);
  const std::uint64_t now_us = host_.now_us();
  alarm_us_ = due_us;
  alarm_ = host_.loop().after(host_.raw(), due_us > now_us ? due_us - now_us : 0,
                              kith_done{&SocketLink::alarm_rang, this});
}

inline void SocketLink::alarm_rang(void* self, std::int64_t, const void*) {
  auto* link = static_cast<SocketLink*>(self);
  link->alarm_ = nullptr;
  link->alarm_us_ = kNever;
  const std::uint64_t now_us = link->host_.now_us();
  for (const unsigned direction : {unsigned{KITH_RD}, unsigned{KITH_WR}}) {
    if (link->side(direction).deadline_us > now_us) continue;
    if (!link->wake(direction, KITH_TIMEOUT)) return;
  }
  link->set_alarm();
}

inline void SocketLink::fd_ready(void* self, std::int64_t directions, const void*) {
  auto* link = static_cast<SocketLink*>(self);
  for (const unsigned direction : {unsigned{KITH_RD}, unsigned{KITH_WR}}) {
    if (!(directions & direction)) continue;
    link->armed_ &= static_cast<std::uint8_t>(~direction);
    if ((link->unsure_ & direction) && !link->is_ready(direction)) {
      if (link->side(direction).wake.fn) link->arm(direction);
      continue;
    }
    const bool late = link->refused(link->side(direction)) == KITH_TIMEOUT;
    if (!link->wake(direction, late ? std::int64_t{KITH_TIMEOUT} : direction)) return;
  }
}

inline bool SocketLink::is_ready(unsigned direction) const {
  pollfd asked{fd_, static_cast<short>(direction == KITH_RD ? POLLIN : POLLOUT), 0};
  return poll(&asked, 1, 0) > 0;
}

inline bool SocketLink::wake(unsigned direction, std::int64_t r) {
  const kith_done done = std::exchange(side(direction).wake, kith_done{nullptr, nullptr});
  if (!done.fn) return true;
  bool gone = false;
  gone_ = &gone;
  done.fn(done.ctx, r, nullptr);
  if (!gone) gone_ = nullptr;
  return !gone;
}

inline int SocketLink::shut() {
  if (std::exchange(shut_, true)) return 0;
  return shutdown(fd_, SHUT_WR) == 0 || errno == ENOTCONN ? 0 : KITH_IO;
}

inline void SocketLink::drop(int error) {
  if (error < 0) {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  } else {
    // Closing over unread bytes would send RST and cut off what was taken.
    shut();
    std::uint8_t unread[4096];
    for (int i = 0; i < kDrainsMax && recv(fd_, unread, sizeof unread, 0) > 0; ++i) {
    }
  }
  delete this;
}

inline int SocketLink::info(kith_pipe_info& info) const {
  info.flags = flags_;
  info.peer = info.protocol = kith_bytes{nullptr, 0};
  info.local = c_bytes(Bytes(local_));
  info.remote = c_bytes(Bytes(remote_));
  return 0;
}

}  // namespace kith
