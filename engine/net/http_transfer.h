// SPDX-License-Identifier: MIT
// HttpTransfer: one request on its way, as a handle of libcurl with all that bounds it. Lives in
// the frame of the request; destroying it cancels.
#pragma once
#include "engine/net/cidr.h"
#include "engine/net/http_client.h"
#include "engine/net/http_pool.h"
#include "engine/net/http_url.h"

namespace kith::net {

class HttpTransfer {
 public:
  // Begins. Everything given outlives it. addresses: IP literals, the only ones that are dialed.
  // `ended` fires with 1 + the CURLcode.
  HttpTransfer(const CurlLibrary& curl, HttpPool& pool, const HttpRequest& request,
               const HttpUrl& url, const std::string& agent,
               const std::vector<std::string>& addresses, kith_done ended);
  ~HttpTransfer();
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  // After its end. Throws Fault.
  HttpReply take(std::int64_t ended);

 private:
  struct FreeList {
    const CurlLibrary* curl;
    void operator()(curl_slist* list) const { curl->slist_free_all(list); }
  };
  using List = std::unique_ptr<curl_slist, FreeList>;
  struct FreeHandle {
    const CurlLibrary* curl;
    void operator()(CURL* handle) const { curl->easy_cleanup(handle); }
  };

  template <class T>
  void set(CURLoption option, T value);
  void set_target(const std::vector<std::string>& addresses);
  void set_bounds();
  void set_message(const std::string& agent);
  void add_line(List& list, const std::string& line);
  Error failure(CURLcode code) const;

  static std::size_t take_header(char* text, std::size_t size, std::size_t n, void* self);
  static std::size_t take_body(char* bytes, std::size_t size, std::size_t n, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  const CurlLibrary& curl_;
  HttpPool& pool_;
  const HttpRequest& request_;
  const HttpUrl& url_;
  List headers_, pins_;
  std::unique_ptr<CURL, FreeHandle> handle_;  // ends before what it points to
  std::vector<Cidr::Ip> approved_;
  std::size_t header_bytes_ = 0;
  bool too_large_ = false;
  HttpReply reply_;
  char why_[CURL_ERROR_SIZE] = {};
};

}  // namespace kith::net
