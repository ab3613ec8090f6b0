// SPDX-License-Identifier: MIT
// HttpUrl: a URL taken apart by libcurl's own parser, whose handle is then dialed, so that the
// judge and the dialer cannot read one text in two ways. A value that moves.
#pragma once
#include <memory>
#include <string>

#include "engine/net/curl.h"

namespace kith::net {

class HttpUrl {
 public:
  // http or https, at most 8 KiB; a host of letters, digits, '.', '-' and '_' (an international one
  // in its ASCII form), or an IP literal without a zone. KITH_BAD.
  static Result<HttpUrl> from_text(const CurlLibrary& curl, std::string_view text);

  const std::string& host() const { return host_; }  // lower case; IPv6 without brackets
  const std::string& port() const { return port_; }
  // "http://[::1]:80": lower case, the port always there. What the operator's config names.
  std::string origin() const;
  CURLU* handle() const { return handle_.get(); }

 private:
  struct Free {
    const CurlLibrary* curl;
    void operator()(CURLU* handle) const { curl->url_cleanup(handle); }
  };
  explicit HttpUrl(const CurlLibrary& curl) : handle_(curl.url(), Free{&curl}) {}
  Result<void> take_apart(const CurlLibrary& curl, const std::string& text);

  std::unique_ptr<CURLU, Free> handle_;
  std::string scheme_, host_, port_;
};

}  // namespace kith::net
