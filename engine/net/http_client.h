// SPDX-License-Identifier: MIT
// HttpClient: outbound HTTP for apps and hooks, over libcurl's multi interface on the loop's fds.
// The guard approves the host, the loop resolves it, the guard approves each address, and the
// request is pinned to those: what was judged is what is dialed. No redirects, no cookies, no
// proxies. Owned by the Node; loop thread; absent in the simulator, where a fake service stands in.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/loop.h"

namespace kith::net {

struct HttpRequest {
  std::string method = "GET", url;
  std::vector<std::string> headers;  // "name: value"; those that frame the message are refused
  ByteVector body;
  std::uint32_t ms = 30'000;  // in all, resolving included
  std::size_t reply_max = 1024 * 1024;
  bool by_operator = false;          // the operator's config holds the URL: any address will do
  std::vector<std::string> allowed;  // origins ("http://127.0.0.1:8080") that the operator named
  std::string asked_by;              // the app, for the line of config that a refusal names
};
struct HttpReply {
  int status = 0;
  std::vector<std::string> headers;  // "name: value", names in lower case
  ByteVector body;
};

class HttpClient {
 public:
  // agent: the User-Agent of requests that bring none.
  HttpClient(Loop& loop, Log log, std::string agent);
  ~HttpClient();  // after every request's task
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Destroying the request's task cancels it. Throws Fault: KITH_REFUSED by the guard, with a
  // sentence that names the line of config that would allow it; KITH_BAD for a malformed request;
  // KITH_ABSENT where libcurl is not installed; KITH_TIMEOUT, KITH_LIMIT, KITH_IO.
  Task<HttpReply> request(HttpRequest request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::net
