// SPDX-License-Identifier: MIT
#include "engine/net/http_url.h"

#include <algorithm>

#include "engine/net/cidr.h"

namespace kith::net {
namespace {

constexpr std::size_t kUrlBytesMax = 8 * 1024;

Error bad(const std::string& why) { return {KITH_BAD, "the URL is refused: " + why}; }

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_name(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

// Whether others could read it as an IPv4 address in one of its old spellings; no name of the DNS
// ends so (URL standard, "ends in a number").
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return last.starts_with("0x") || last.find_first_not_of("0123456789") == last.npos;
}

// Empty where the URL has none.
Result<std::string> part_of(const CurlLibrary& curl, CURLU* handle, CURLUPart part,
                            unsigned flags = 0) {
  char* text = nullptr;
  const CURLUcode code = curl.url_get(handle, part, &text, flags);
  const std::string made = text ? text : "";
  curl.free(text);
  if (code == CURLUE_NO_ZONEID) return std::string();
  if (code != CURLUE_OK) return bad(curl.url_strerror(code));
  return made;
}

}  // namespace

Result<HttpUrl> HttpUrl::from_text(const CurlLibrary& curl, std::string_view text) {
  if (text.size() > kUrlBytesMax || text.find('\0') != text.npos)
    return bad("it is over 8 KiB, or holds a zero byte");
  HttpUrl url(curl);
  if (!url.handle_) return bad("no memory");
  if (const auto good = url.take_apart(curl, std::string(text)); !good) return good.error();
  return url;
}

Result<void> HttpUrl::take_apart(const CurlLibrary& curl, const std::string& text) {
  if (const CURLUcode code = curl.url_set(handle_.get(), CURLUPART_URL, text.c_str(), 0))
    return bad(std::string(curl.url_strerror(code)) +
               ": write http://HOST/... or https://HOST/...");
  const auto scheme = part_of(curl, handle_.get(), CURLUPART_SCHEME);
  const auto host = part_of(curl, handle_.get(), CURLUPART_HOST, CURLU_PUNYCODE);
  const auto port = part_of(curl, handle_.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const auto zone = part_of(curl, handle_.get(), CURLUPART_ZONEID);
  for (const auto* each : {&scheme, &host, &port, &zone}) {
    if (!*each) return each->error();
  }
  if (*scheme != "http" && *scheme != "https") return bad("only http and https are spoken");
  if (!zone->empty()) return bad("an address with a zone");
  if (*port == "0") return bad("port 0");
  const std::string plain = lower(*host);
  // So that what is dialed is what is judged here, letter by letter.
  if (curl.url_set(handle_.get(), CURLUPART_HOST, plain.c_str(), 0) != CURLUE_OK)
    return bad("its host");
  const bool bracketed = plain.size() > 2 && plain.front() == '[' && plain.back() == ']';
  host_ = bracketed ? plain.substr(1, plain.size() - 2) : plain;
  const bool is_ip = Cidr::ip_from_text(host_).has_value();
  if (!is_ip && (bracketed || !is_name(host_) || ends_in_number(host_))) return bad("its host");
  scheme_ = *scheme;
  port_ = *port;
  return {};
}

std::string HttpUrl::origin() const {
  const bool is_v6 = host_.find(':') != host_.npos;
  return scheme_ + "://" + (is_v6 ? "[" + host_ + "]" : host_) + ":" + port_;
}

}  // namespace kith::net
