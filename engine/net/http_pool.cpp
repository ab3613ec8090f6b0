// SPDX-License-Identifier: MIT
#include "engine/net/http_pool.h"

#include <unistd.h>

namespace kith::net {
namespace {

constexpr long kKeptMax = 64;  // connections that wait for another request

}  // namespace

HttpPool::HttpPool(const CurlLibrary& curl, Loop& loop)
    : curl_(curl), loop_(loop), multi_(curl.multi_init()) {
  if (!multi_) throw Fault(Error(KITH_IO, "libcurl gave no multi handle"));
  timer_.done = kith_done{[](void* self, std::int64_t, const void*) {
                            static_cast<HttpPool*>(self)->act(CURL_SOCKET_TIMEOUT, 0);
                          },
                          this};
  curl_.multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &HttpPool::socket_changed);
  curl_.multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_.multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &HttpPool::timer_changed);
  curl_.multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_.multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKeptMax);
}

HttpPool::~HttpPool() { curl_.multi_cleanup(multi_); }

void HttpPool::add(CURL* transfer, kith_done ended) {
  // libcurl closes a socket by this, also long after the transfer: the watch goes first, for an fd
  // that is closed while it is watched would be another's soon.
  curl_.easy_setopt(transfer, CURLOPT_CLOSESOCKETFUNCTION, &HttpPool::close_socket);
  curl_.easy_setopt(transfer, CURLOPT_CLOSESOCKETDATA, this);
  transfers_[transfer] = ended;
  if (const CURLMcode code = curl_.multi_add_handle(multi_, transfer)) {
    transfers_.erase(transfer);
    throw Fault(Error(KITH_IO, "libcurl took no transfer: " + std::to_string(code)));
  }
}

void HttpPool::remove(CURL* transfer) {
  if (transfers_.erase(transfer) > 0) curl_.multi_remove_handle(multi_, transfer);
}

int HttpPool::socket_changed(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto* pool = static_cast<HttpPool*>(self);
  if (what == CURL_POLL_REMOVE) {
    pool->sockets_.erase(fd);
    return 0;
  }
  Socket& socket = pool->sockets_.try_emplace(fd, Socket{*pool, fd, 0, nullptr}).first->second;
  if (!socket.watch) socket.watch = pool->loop_.watch(fd, kith_done{&HttpPool::ready, &socket});
  if (!socket.watch) {
    pool->sockets_.erase(fd);
    return -1;
  }
  socket.wants = (what & CURL_POLL_IN ? unsigned{KITH_RD} : 0) |
                 (what & CURL_POLL_OUT ? unsigned{KITH_WR} : 0);
  if (socket.wants != 0) socket.watch->arm(socket.wants);
  return 0;
}

int HttpPool::timer_changed(CURLM*, long ms, void* self) {
  auto* pool = static_cast<HttpPool*>(self);
  if (ms < 0) {
    pool->timer_.stop();
  } else {
    pool->loop_.start(pool->timer_, static_cast<std::uint64_t>(ms) * 1000);
  }
  return 0;
}

int HttpPool::close_socket(void* self, curl_socket_t fd) {
  static_cast<HttpPool*>(self)->sockets_.erase(fd);
  return close(fd);
}

void HttpPool::ready(void* ctx, std::int64_t directions, const void*) {
  auto* socket = static_cast<Socket*>(ctx);
  HttpPool& pool = socket->pool;
  const curl_socket_t fd = socket->fd;
  // A direction that was armed before libcurl changed its mind.
  const auto wanted = static_cast<unsigned>(directions) & socket->wants;
  if (wanted == 0) return;
  pool.act(fd,
           (wanted & KITH_RD ? CURL_CSELECT_IN : 0) | (wanted & KITH_WR ? CURL_CSELECT_OUT : 0));
}

void HttpPool::act(curl_socket_t fd, int what) {
  int running = 0;
  curl_.multi_socket_action(multi_, fd, what, &running);
  // The same one, or one that has its number now and is armed already.
  if (const auto still = sockets_.find(fd); still != sockets_.end())
    still->second.watch->arm(still->second.wants);
  reap();
}

void HttpPool::reap() {
  int left = 0;
  while (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const transfer = message->easy_handle;
    const CURLcode code = message->data.result;
    const auto found = transfers_.find(transfer);
    if (found == transfers_.end()) continue;
    const kith_done ended = found->second;
    remove(transfer);
    ended.fn(ended.ctx, 1 + std::int64_t{code}, nullptr);
  }
}

}  // namespace kith::net
