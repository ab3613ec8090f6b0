// SPDX-License-Identifier: MIT
// Any text as the URL of a script's request: what is taken apart has a plain host, an origin that
// reads as itself and allows itself, and an IP literal is judged as that address is.
#include <algorithm>
#include <cstdlib>

#include "engine/net/cidr.h"
#include "engine/net/http_guard.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith;
  using namespace kith::net;
  const auto holds = [](bool claim) { claim ? void() : std::abort(); };
  static const CurlLibrary& curl = *CurlLibrary::get().value();
  const auto url = HttpUrl::from_text(curl, as_text(Bytes(data, size)));
  if (!url) return 0;
  const std::string& host = url->host();
  holds(!host.empty() && host.find_first_of("/@?#[]%\\ \r\n") == host.npos);
  const auto again = HttpUrl::from_text(curl, url->origin());
  holds(again && again->origin() == url->origin() && again->host() == host);

  HttpRequest request;
  holds(!is_named(request, curl, *url));
  request.allowed.push_back(url->origin());
  holds(is_named(request, curl, *url));

  if (!Cidr::ip_from_text(host)) return 0;
  const auto approved = approve(HttpRequest(), *url, false, {host});
  holds(static_cast<bool>(approved) == is_public_ip(host));
  return 0;
}
