// SPDX-License-Identifier: MIT
#include "engine/node/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "engine/base/limits.h"
#include "engine/node/control_caller.h"

namespace kith::node {

namespace {

constexpr std::uint64_t kAcceptAgainUs = 100'000;  // after the process ran out of fds

// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool is_ours(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

Error failed(const char* what) {
  return Error(control_error::io, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

struct ControlSocket::State {
  State(Loop& given_loop, bus::Bus& given_bus, Log given_log)
      : loop(given_loop), bus(given_bus), log(given_log) {}
  void accept();
  void admit(Fd fd);
  void reap();

  Loop& loop;
  bus::Bus& bus;
  Log log;
  std::optional<SocketPath> path;  // while the file is ours
  Fd listener;
  std::unique_ptr<Loop::Watch> watch;  // after the fd it watches
  std::vector<std::unique_ptr<Caller>> callers;
  Timer reaper, again;
};

// One connection. It is never destroyed from inside itself: it says `gone`, and the reaper comes.
class ControlSocket::Caller final : public LineSink {
 public:
  Caller(State& state, Fd fd) : state_(state), fd_(std::move(fd)), lines_(state.bus, *this) {
    hook_.end_turn = {
        [](void* self, std::int64_t, const void*) { static_cast<Caller*>(self)->flush(); }, this};
    watch_ = state.loop.watch(fd_.get(), {[](void* self, std::int64_t ready, const void*) {
                                            static_cast<Caller*>(self)->ready(ready);
                                          },
                                          this});
    watch_->arm(KITH_RD);
  }
  bool gone() const { return gone_; }

  void write(std::string_view line) override {
    out_ += line;
    state_.loop.mark_dirty(hook_);
  }
  std::size_t queued_bytes() const override { return out_.size() - sent_; }
  void close(std::string_view why) override {
    state_.log.warn("control caller cut off err={}", why);
    closing_ = true;
    state_.loop.mark_dirty(hook_);
  }

 private:
  void ready(std::int64_t directions) {
    if (gone_) return;
    if (directions & KITH_WR) flush();
    if ((directions & KITH_RD) && !gone_) read();
  }

  void read() {
    const MutableBytes space = state_.loop.scratch();
    const ssize_t n = ::recv(fd_.get(), space.data(), space.size(), 0);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return end();
    if (n == 0) return read_end();
    if (n > 0) lines_.receive(space.first(static_cast<std::size_t>(n)));
    if (!closing_) watch_->arm(KITH_RD);
  }

  // Who only shut its writing side (a script with its lines in a pipe) still gets its answers.
  void read_end() {
    pollfd state{fd_.get(), 0, 0};
    if (::poll(&state, 1, 0) != 0) return end();
    half_ = true;
    flush();
  }

  void flush() {
    while (!gone_ && sent_ < out_.size()) {
      const ssize_t n =
          ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN) return end();
      if (n < 0) break;
      sent_ += static_cast<std::size_t>(n);
    }
    if (closing_) return end();
    if (queued_bytes() > 0) {
      if (sent_ >= limits::kControlQueueMax / 2) {  // not a memmove for each piece
        out_.erase(0, sent_);
        sent_ = 0;
      }
      return watch_->arm(KITH_WR);
    }
    sent_ = 0;
    out_.clear();
    if (out_.capacity() > kKeptBytes) out_.shrink_to_fit();
    lines_.drained();
    if (half_ && lines_.under_way() == 0 && queued_bytes() == 0) end();
  }

  void end() {
    gone_ = true;
    state_.loop.start(state_.reaper, 0);
  }

  static constexpr std::size_t kKeptBytes = 64 * 1024;
  State& state_;
  Fd fd_;
  std::unique_ptr<Loop::Watch> watch_;
  Loop::TurnHook hook_;
  std::string out_;
  std::size_t sent_ = 0;
  bool half_ = false, closing_ = false, gone_ = false;
  ControlCaller lines_;  // last: its end says nothing to what is above
};

void ControlSocket::State::accept() {
  for (;;) {
    Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() >= 0) {
      admit(std::move(fd));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EAGAIN) return watch->arm(KITH_RD);
    log.warn("control accept failed err={}", std::strerror(errno));
    return loop.start(again, kAcceptAgainUs);
  }
}

void ControlSocket::State::admit(Fd fd) {
  if (!is_ours(fd.get())) return log.warn("control caller refused err=another_user");
  if (callers.size() >= limits::kControlPeersMax) {
    const std::string line = error_line({}, "limit", "too many callers on the control socket");
    // Best effort: it is cut off either way.
    if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      log.debug("control refusal not said err={}", std::strerror(errno));
    return log.warn("control caller refused err=too_many");
  }
  callers.push_back(std::make_unique<Caller>(*this, std::move(fd)));
}

// What a caller's end tells may say more about other callers: they are taken out first.
void ControlSocket::State::reap() {
  const auto live = [](const auto& caller) { return !caller->gone(); };
  const auto dead = std::stable_partition(callers.begin(), callers.end(), live);
  std::vector<std::unique_ptr<Caller>> freed(std::make_move_iterator(dead),
                                             std::make_move_iterator(callers.end()));
  callers.erase(dead, callers.end());
}

ControlSocket::ControlSocket(Loop& loop, bus::Bus& bus, Log log)
    : state_(std::make_unique<State>(loop, bus, log)) {
  state_->reaper.done = {
      [](void* state, std::int64_t, const void*) { static_cast<State*>(state)->reap(); },
      state_.get()};
  state_->again.done = {
      [](void* state, std::int64_t, const void*) { static_cast<State*>(state)->accept(); },
      state_.get()};
}

ControlSocket::~ControlSocket() {
  if (state_->path) ::unlink(state_->path->path());
}

std::size_t ControlSocket::callers() const { return state_->callers.size(); }

Result<void> ControlSocket::open(const std::string& home) {
  auto path = SocketPath::in(home);
  if (!path) return path.error();
  struct stat found {};
  if (::lstat(path->path(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      return Error(control_error::refused, home + "/kith.sock is there and is no socket");
    ::unlink(path->path());
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return failed("socket");
  const mode_t before = ::umask(0177);  // so that it is 0600 from its first moment
  const int bound = ::bind(fd.get(), path->address(), path->size());
  const int bind_errno = errno;
  ::umask(before);
  errno = bind_errno;
  if (bound != 0) return failed("bind");
  state_->path = *std::move(path);
  if (::listen(fd.get(), SOMAXCONN) != 0) return failed("listen");
  state_->listener = std::move(fd);
  state_->watch = state_->loop.watch(
      state_->listener.get(),
      {[](void* state, std::int64_t, const void*) { static_cast<State*>(state)->accept(); },
       state_.get()});
  if (!state_->watch) return Error(control_error::io, "this loop watches no fds");
  state_->watch->arm(KITH_RD);
  return {};
}

}  // namespace kith::node
