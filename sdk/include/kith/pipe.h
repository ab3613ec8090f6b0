// SPDX-License-Identifier: MIT
// Pipe: the C++ holder of a kith_pipe, with waits for coroutines. PipeOps: the C table made from a
// C++ class.
#pragma once
#include <kith/bytes.h>
#include <kith/task.h>

#include <algorithm>

namespace kith {

// Waits until the given direction is ready; gives the ready bits, or KITH_TIMEOUT.
class PipeReady {
 public:
  PipeReady(kith_pipe* pipe, unsigned direction) : pipe_(pipe), direction_(direction) {}
  PipeReady(const PipeReady&) = delete;
  PipeReady& operator=(const PipeReady&) = delete;
  ~PipeReady() {
    if (waiter_) pipe_->ops->want(pipe_, direction_, kith_done{nullptr, nullptr});
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    pipe_->ops->want(pipe_, direction_, kith_done{&PipeReady::fire, this});
  }
  std::int64_t await_resume() const noexcept { return r_; }

 private:
  static void fire(void* self, std::int64_t r, const void*) {
    auto* ready = static_cast<PipeReady*>(self);
    ready->r_ = r;
    std::exchange(ready->waiter_, nullptr).resume();
  }
  kith_pipe* pipe_;
  unsigned direction_;
  std::coroutine_handle<> waiter_;
  std::int64_t r_ = 0;
};

// Owns a kith_pipe: dropped with RST unless it was closed or released before.
class Pipe {
 public:
  Pipe() = default;
  explicit Pipe(kith_pipe* owned) : pipe_(owned) {}
  Pipe(Pipe&& other) noexcept : pipe_(std::exchange(other.pipe_, nullptr)) {}
  Pipe& operator=(Pipe&& other) noexcept {
    std::swap(pipe_, other.pipe_);
    return *this;
  }
  ~Pipe() { reset(); }

  explicit operator bool() const { return pipe_ != nullptr; }
  kith_pipe* get() const { return pipe_; }
  kith_pipe* release() { return std::exchange(pipe_, nullptr); }

  std::int64_t read(MutableBytes to) { return pipe_->ops->read(pipe_, to.data(), to.size()); }
  std::int64_t peek(Bytes& seen) {
    kith_bytes bytes{nullptr, 0};
    const std::int64_t n = pipe_->ops->peek(pipe_, &bytes);
    seen = kith::view(bytes);
    return n;
  }
  void consume(std::size_t n) { pipe_->ops->consume(pipe_, n); }
  std::int64_t write(Bytes bytes) {
    const kith_bytes one = c_bytes(bytes);
    return pipe_->ops->write(pipe_, &one, 1);
  }
  std::int64_t send(const Buffer& buffer) { return pipe_->ops->send(pipe_, buffer.get()); }
  void want(unsigned direction, kith_done wake) { pipe_->ops->want(pipe_, direction, wake); }
  void deadline(unsigned direction, std::uint32_t ms) {
    pipe_->ops->deadline(pipe_, direction, ms);
  }
  PipeReady readable() { return PipeReady(pipe_, KITH_RD); }
  PipeReady writable() { return PipeReady(pipe_, KITH_WR); }
  int shut() { return pipe_->ops->shut(pipe_); }
  kith_pipe_info info() const {
    kith_pipe_info info{};
    info.size = sizeof info;
    pipe_->ops->info(pipe_, &info);
    return info;
  }
  // What was taken still leaves, then FIN.
  void close() {
    if (auto* pipe = release()) pipe->ops->drop(pipe, 0);
  }
  void reset(int error = KITH_CLOSED) {
    if (auto* pipe = release()) pipe->ops->drop(pipe, error);
  }

 private:
  kith_pipe* pipe_ = nullptr;
};

// n bytes (0 = FIN) or an error, after a wait where needed.
inline Task<std::int64_t> read_some(Pipe& pipe, MutableBytes to) {
  for (;;) {
    const std::int64_t n = pipe.read(to);
    if (n != KITH_AGAIN) co_return n;
    const std::int64_t ready = co_await pipe.readable();
    if (ready < 0) co_return ready;
  }
}

// 0, or an error; a FIN in between is KITH_RESET. Reads no byte more than asked.
inline Task<int> read_exact(Pipe& pipe, MutableBytes to) {
  while (!to.empty()) {
    const std::int64_t n = co_await read_some(pipe, to);
    if (n < 0) co_return static_cast<int>(n);
    if (n == 0) co_return KITH_RESET;
    to = to.subspan(static_cast<std::size_t>(n));
  }
  co_return 0;
}

// 0, or an error. `bytes` must outlive the task.
inline Task<int> write_all(Pipe& pipe, Bytes bytes) {
  while (!bytes.empty()) {
    const std::int64_t n = pipe.write(bytes);
    if (n == KITH_AGAIN) {
      const std::int64_t ready = co_await pipe.writable();
      if (ready < 0) co_return static_cast<int>(ready);
      continue;
    }
    if (n < 0) co_return static_cast<int>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  co_return 0;
}

// The table for a class T : kith_pipe whose methods carry the names of the table. peek, consume and
// send are optional (a link has none). T's method `drop(int)` ends it; nothing else deletes it.
template <class T>
struct PipeOps {
  static T& self(kith_pipe* pipe) { return *static_cast<T*>(pipe); }
  static constexpr kith_pipe_ops make() {
    kith_pipe_ops ops{};
    ops.size = sizeof ops;
    ops.read = [](kith_pipe* p, std::uint8_t* to, std::size_t cap) -> std::int64_t {
      return self(p).read({to, cap});
    };
    if constexpr (requires(T & t, Bytes & v) { t.peek(v); }) {
      ops.peek = [](kith_pipe* p, kith_bytes* seen) -> std::int64_t {
        Bytes bytes;
        const std::int64_t n = self(p).peek(bytes);
        *seen = c_bytes(bytes);
        return n;
      };
      ops.consume = [](kith_pipe* p, std::size_t n) { self(p).consume(n); };
      ops.send = [](kith_pipe* p, kith_buf* buf) -> std::int64_t { return self(p).send(buf); };
    }
    ops.write = [](kith_pipe* p, const kith_bytes* v, std::size_t nv) -> std::int64_t {
      return self(p).write({v, nv});
    };
    ops.want = [](kith_pipe* p, unsigned direction, kith_done wake) {
      self(p).want(direction, wake);
    };
    ops.deadline = [](kith_pipe* p, unsigned direction, std::uint32_t ms) {
      self(p).deadline(direction, ms);
    };
    ops.shut = [](kith_pipe* p) -> int { return self(p).shut(); };
    ops.drop = [](kith_pipe* p, int error) { self(p).drop(error); };
    ops.info = [](kith_pipe* p, kith_pipe_info* info) -> int { return self(p).info(*info); };
    return ops;
  }
  static constexpr kith_pipe_ops table = make();
};

}  // namespace kith
