// SPDX-License-Identifier: MIT
// HttpServer: an HTTP/1.1 server on a loopback port of its own, one thread a connection, that
// answers as a lambda says. For tests of what really dials; a test of decisions uses a fake
// service.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace kith::test {

class HttpServer {
 public:
  // Gives the whole answer, header and all; empty: none is given. Called on the server's threads.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit HttpServer(Answer answer) : answer_(std::move(answer)) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    bind(fd_, reinterpret_cast<const sockaddr*>(&at), size);
    listen(fd_, 1'024);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    threads_.emplace_back([this] { accept_all(); });
  }
  ~HttpServer() {
    ::shutdown(fd_, SHUT_RDWR);
    threads_.front().join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : links_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::size_t i = 1; i < threads_.size(); ++i) threads_[i].join();
    close(fd_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t links() {  // accepted so far
    const std::lock_guard lock(mutex_);
    return accepted_;
  }
  static std::string reply(const std::string& status, const std::string& body = "",
                           const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
  }

 private:
  void accept_all() {
    for (int fd; (fd = accept(fd_, nullptr, nullptr)) >= 0;) {
      const std::lock_guard lock(mutex_);
      links_.push_back(fd);
      ++accepted_;
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    std::string pending;
    for (std::string request; read_one(fd, pending, request);) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = answer_(request);
      if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
      if (answer.find("Connection: close") != answer.npos) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(links_, fd);
    close(fd);
  }
  static bool read_one(int fd, std::string& pending, std::string& request) {
    for (;;) {
      const std::size_t end = pending.find("\r\n\r\n");
      if (end != pending.npos) {
        const std::size_t at = pending.find("Content-Length: ");
        const std::size_t body = at < end ? std::stoul(pending.substr(at + 16)) : 0;
        if (pending.size() >= end + 4 + body) {
          request = pending.substr(0, end + 4 + body);
          pending.erase(0, request.size());
          return true;
        }
      }
      char bytes[4096];
      const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      pending.append(bytes, static_cast<std::size_t>(n));
    }
  }

  Answer answer_;
  int fd_ = -1;
  unsigned port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> links_;
  std::size_t accepted_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace kith::test
