// SPDX-License-Identifier: MIT
#include "engine/net/http_transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "engine/base/limits.h"

namespace kith::net {
namespace {

Cidr::Ip ip_of(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text,
              sizeof text);
  }
  return Cidr::ip_from_text(text).value_or(Cidr::Ip());
}

bool has_header(const std::vector<std::string>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [name](std::string_view line) {
    return line.size() > name.size() && line[name.size()] == ':' &&
           std::equal(name.begin(), name.end(), line.begin(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  });
}

}  // namespace

HttpTransfer::HttpTransfer(const CurlLibrary& curl, HttpPool& pool, const HttpRequest& request,
                           const HttpUrl& url, const std::string& agent,
                           const std::vector<std::string>& addresses, kith_done ended)
    : curl_(curl),
      pool_(pool),
      request_(request),
      url_(url),
      headers_(nullptr, FreeList{&curl}),
      pins_(nullptr, FreeList{&curl}),
      handle_(curl.easy_init(), FreeHandle{&curl}) {
  if (!handle_) throw Fault(Error(KITH_IO, "libcurl gave no handle"));
  set_target(addresses);
  set_bounds();
  set_message(agent);
  pool_.add(handle_.get(), ended);
}

HttpTransfer::~HttpTransfer() { pool_.remove(handle_.get()); }

template <class T>
void HttpTransfer::set(CURLoption option, T value) {
  if (curl_.easy_setopt(handle_.get(), option, value) != CURLE_OK)
    throw Fault(Error(KITH_IO, "this libcurl lacks option " + std::to_string(option)));
}

void HttpTransfer::add_line(List& list, const std::string& line) {
  curl_slist* longer = curl_.slist_append(list.get(), line.c_str());
  if (!longer) throw Fault(Error(KITH_IO, "no memory"));
  static_cast<void>(list.release());
  list.reset(longer);
}

// Where it may go, and nowhere else: pinned names, and each socket judged once more as it opens.
void HttpTransfer::set_target(const std::vector<std::string>& addresses) {
  std::string joined;
  for (const std::string& address : addresses) {
    if (const auto ip = Cidr::ip_from_text(address)) approved_.push_back(*ip);
    const bool is_v6 = address.find(':') != address.npos;
    joined += (joined.empty() ? "" : ",") + (is_v6 ? "[" + address + "]" : address);
  }
  if (!Cidr::ip_from_text(url_.host())) {
    add_line(pins_, "+" + url_.host() + ":" + url_.port() + ":" + joined);
    set(CURLOPT_RESOLVE, pins_.get());
  }
  set(CURLOPT_CURLU, url_.handle());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::open_socket);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_PROXY, "");  // not even one that the environment names
  set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
}

void HttpTransfer::set_bounds() {
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS, long{request_.ms});  // the request's own deadline comes first
  set(CURLOPT_HEADERFUNCTION, &HttpTransfer::take_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &HttpTransfer::take_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_ERRORBUFFER, why_);
}

// No Accept-Encoding is sent and nothing is inflated: bytes of the answer are bytes on the wire.
void HttpTransfer::set_message(const std::string& agent) {
  const std::string& method = request_.method;
  const bool has_body = !request_.body.empty() || method == "POST" || method == "PUT";
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (has_body) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, reinterpret_cast<const char*>(request_.body.data()));
    if (request_.body.empty()) set(CURLOPT_POSTFIELDS, "");
    add_line(headers_, "Expect:");  // the body at once
    if (!has_header(request_.headers, "content-type")) add_line(headers_, "Content-Type:");
  }
  if (method != "HEAD") set(CURLOPT_CUSTOMREQUEST, method.c_str());
  if (!has_header(request_.headers, "user-agent")) set(CURLOPT_USERAGENT, agent.c_str());
  for (const std::string& line : request_.headers) {
    const std::size_t colon = line.find(':');
    const bool is_empty = line.find_first_not_of(" \t", colon + 1) == line.npos;
    add_line(headers_, is_empty ? line.substr(0, colon) + ";" : line);  // libcurl's spelling
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
}

std::size_t HttpTransfer::take_header(char* text, std::size_t size, std::size_t n, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  std::string line(text, size * n);
  transfer->header_bytes_ += line.size();
  if (transfer->header_bytes_ > limits::kHttpReplyHeaderMax) {
    transfer->too_large_ = true;
    return 0;
  }
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
  if (line.starts_with("HTTP/")) transfer->reply_.headers.clear();  // an interim answer's before
  const std::size_t colon = line.find(':');
  if (line.starts_with("HTTP/") || colon == line.npos) return size * n;
  const std::size_t value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
  std::string made = line.substr(0, colon) + ": " + line.substr(value);
  for (std::size_t i = 0; i < colon; ++i) {
    if (made[i] >= 'A' && made[i] <= 'Z') made[i] = static_cast<char>(made[i] + 32);
  }
  transfer->reply_.headers.push_back(std::move(made));
  return size * n;
}

std::size_t HttpTransfer::take_body(char* bytes, std::size_t size, std::size_t n, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  ByteVector& body = transfer->reply_.body;
  if (size * n > transfer->request_.reply_max - body.size()) {
    transfer->too_large_ = true;
    return 0;
  }
  append(body, as_bytes(std::string_view(bytes, size * n)));
  return size * n;
}

curl_socket_t HttpTransfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  const auto& approved = static_cast<HttpTransfer*>(self)->approved_;
  if (std::find(approved.begin(), approved.end(), ip_of(address->addr)) == approved.end())
    return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                address->protocol);
}

HttpReply HttpTransfer::take(std::int64_t ended) {
  const auto code = static_cast<CURLcode>(ended - 1);
  if (code != CURLE_OK) throw Fault(failure(code));
  long status = 0;
  curl_.easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  reply_.status = static_cast<int>(status);
  return std::move(reply_);
}

Error HttpTransfer::failure(CURLcode code) const {
  if (too_large_) {
    return {KITH_LIMIT, url_.origin() + " answers with more than " +
                            std::to_string(request_.reply_max) + " bytes, or a header of over " +
                            std::to_string(limits::kHttpReplyHeaderMax)};
  }
  const std::string why = why_[0] ? why_ : curl_.easy_strerror(code);
  return {code == CURLE_OPERATION_TIMEDOUT ? KITH_TIMEOUT : KITH_IO, url_.origin() + ": " + why};
}

}  // namespace kith::net
