// SPDX-License-Identifier: MIT
// The guard of outbound HTTP: which addresses anybody may reach, and which only whom the operator
// named them for. Pure; it resolves nothing.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "engine/net/http_client.h"
#include "engine/net/http_url.h"

namespace kith::net {

// What keeps an address from being public unicast, in words ("a loopback address"), by the IANA
// special-purpose registries; nullptr for a public one. IPv4 inside IPv6 (mapped, NAT64, 6to4,
// Teredo) is judged as IPv4.
const char* special_ip(std::string_view ip);
inline bool is_public_ip(std::string_view ip) { return special_ip(ip) == nullptr; }

// Whether the operator named where this request goes: then any address of it will do. Scheme, host
// and port must be the same.
bool is_named(const HttpRequest& request, const CurlLibrary& curl, const HttpUrl& url);

// Those of a host's addresses that the request may dial; KITH_REFUSED, with the line of config that
// would allow it, where none is left.
Result<std::vector<std::string>> approve(const HttpRequest& request, const HttpUrl& url, bool named,
                                         const std::vector<std::string>& addresses);

}  // namespace kith::net
