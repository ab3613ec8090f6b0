// SPDX-License-Identifier: MIT
// HttpPool: one multi handle of libcurl on the loop. Its sockets are watched, its timeouts are one
// timer. Transfers in one pool share the connections that are kept, so what one of them may reach
// the others must be allowed to reach, too. Not destroyed from inside the end of a transfer.
#pragma once
#include <map>
#include <memory>

#include "engine/base/loop.h"
#include "engine/net/curl.h"

namespace kith::net {

class HttpPool {
 public:
  HttpPool(const CurlLibrary& curl, Loop& loop);  // throws Fault
  ~HttpPool();                                    // every transfer has been removed before
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  // Begins a transfer. `ended` fires with 1 + its CURLcode, from a later turn; the handle is
  // removed then.
  void add(CURL* transfer, kith_done ended);
  void remove(CURL* transfer);

 private:
  struct Socket {
    HttpPool& pool;
    curl_socket_t fd;
    unsigned wants = 0;  // KITH_RD, KITH_WR
    std::unique_ptr<Loop::Watch> watch;
  };
  static int socket_changed(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int timer_changed(CURLM*, long ms, void* self);
  static int close_socket(void* self, curl_socket_t fd);
  static void ready(void* socket, std::int64_t directions, const void*);
  void act(curl_socket_t fd, int what);
  void reap();

  const CurlLibrary& curl_;
  Loop& loop_;
  CURLM* multi_;
  std::map<curl_socket_t, Socket> sockets_;
  std::map<CURL*, kith_done> transfers_;
  Timer timer_;
};

}  // namespace kith::net
