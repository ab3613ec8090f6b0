// SPDX-License-Identifier: MIT
#include "tests/bench/raw_limit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "engine/crypto/crypto.h"

namespace kith::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPlain = 65'519;
constexpr std::size_t kFrame = kPlain + crypto::Cipher::kTag;

void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

struct Ends {
  int listener = -1;
  sockaddr_in at{};
};

Ends listen_loopback() {
  Ends ends;
  ends.listener = socket(AF_INET, SOCK_STREAM, 0);
  ends.at.sin_family = AF_INET;
  ends.at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(bind(ends.listener, reinterpret_cast<sockaddr*>(&ends.at), sizeof ends.at) == 0, "bind");
  check(listen(ends.listener, 1) == 0, "listen");
  socklen_t n = sizeof ends.at;
  getsockname(ends.listener, reinterpret_cast<sockaddr*>(&ends.at), &n);
  return ends;
}

int dial(const Ends& ends) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  check(connect(fd, reinterpret_cast<const sockaddr*>(&ends.at), sizeof ends.at) == 0, "connect");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

void write_all(int fd, const std::uint8_t* at, std::size_t n) {
  while (n > 0) {
    const ssize_t w = write(fd, at, n);
    check(w > 0, "write");
    at += w;
    n -= static_cast<std::size_t>(w);
  }
}

bool read_all(int fd, std::uint8_t* at, std::size_t n) {
  while (n > 0) {
    const ssize_t r = read(fd, at, n);
    if (r <= 0) return false;
    at += r;
    n -= static_cast<std::size_t>(r);
  }
  return true;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double raw_sealed_mb_per_s(std::size_t bytes) {
  const Ends ends = listen_loopback();
  const std::size_t frames = bytes / kPlain;
  const crypto::Key32 key{1, 2, 3};
  const pid_t sender = fork();
  if (sender == 0) {
    crypto::Cipher cipher;
    const int fd = dial(ends);
    const ByteVector plain(kPlain, 7);
    ByteVector frame(kFrame);
    for (std::size_t i = 0; i < frames; ++i) {
      cipher.seal(key, i, {}, plain, frame.data());
      write_all(fd, frame.data(), frame.size());
    }
    _exit(0);
  }
  const int fd = accept(ends.listener, nullptr, nullptr);
  crypto::Cipher cipher;
  ByteVector frame(kFrame);
  const auto start = Clock::now();
  for (std::size_t i = 0; i < frames; ++i) {
    check(read_all(fd, frame.data(), frame.size()), "short");
    check(cipher.open(key, i, {}, frame), "forged");
  }
  const double seconds = seconds_since(start);
  close(fd);
  close(ends.listener);
  waitpid(sender, nullptr, 0);
  return static_cast<double>(frames * kPlain) / 1e6 / seconds;
}

std::vector<double> raw_echo_us(std::size_t rounds, std::size_t size) {
  const Ends ends = listen_loopback();
  const pid_t echoer = fork();
  ByteVector bytes(size, 7);
  if (echoer == 0) {
    const int fd = accept(ends.listener, nullptr, nullptr);
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (read_all(fd, bytes.data(), size)) write_all(fd, bytes.data(), size);
    _exit(0);
  }
  const int fd = dial(ends);
  std::vector<double> out;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto start = Clock::now();
    write_all(fd, bytes.data(), size);
    check(read_all(fd, bytes.data(), size), "short");
    out.push_back(seconds_since(start) * 1e6);
  }
  close(fd);
  close(ends.listener);
  waitpid(echoer, nullptr, 0);
  return out;
}

}  // namespace kith::bench
