// SPDX-License-Identifier: MIT
#include "engine/net/http_guard.h"

#include <algorithm>
#include <array>

#include "engine/net/cidr.h"

namespace kith::net {
namespace {

struct Special {
  const char *block, *words;
};

// iana.org/assignments/iana-ipv4-special-registry, what is not globally reachable.
constexpr Special kSpecial4[] = {
    {"0.0.0.0/8", "an address of this network"},
    {"10.0.0.0/8", "a private address"},
    {"100.64.0.0/10", "an address behind a carrier's NAT"},
    {"127.0.0.0/8", "a loopback address"},
    {"169.254.0.0/16", "a link-local address"},
    {"172.16.0.0/12", "a private address"},
    {"192.0.0.0/24", "an address of a protocol's own"},
    {"192.0.2.0/24", "an address for documentation"},
    {"192.88.99.0/24", "an address of 6to4 relays"},
    {"192.168.0.0/16", "a private address"},
    {"198.18.0.0/15", "an address for benchmarks"},
    {"198.51.100.0/24", "an address for documentation"},
    {"203.0.113.0/24", "an address for documentation"},
    {"224.0.0.0/4", "a multicast address"},
    {"240.0.0.0/4", "a reserved address"},
};
// iana.org/assignments/iana-ipv6-special-registry; and of the rest only 2000::/3 is given out.
constexpr Special kSpecial6[] = {
    {"::/128", "an address of this network"},
    {"::1/128", "a loopback address"},
    {"2001::/23", "an address of a protocol's own"},
    {"2001:db8::/32", "an address for documentation"},
    {"3fff::/20", "an address for documentation"},
    {"fc00::/7", "a private address"},
    {"fe80::/10", "a link-local address"},
    {"ff00::/8", "a multicast address"},
    {"::/3", "a reserved address"},
    {"4000::/2", "a reserved address"},
    {"8000::/1", "a reserved address"},
};

// A block, the place of an IPv4 address within, and whether its bits are turned (RFC 4380).
struct Embedding {
  const char* block;
  std::size_t at;
  bool turned;
};
constexpr Embedding kEmbeddings[] = {
    {"64:ff9b::/96", 12, false},  // NAT64
    {"2002::/16", 2, false},      // 6to4
    {"2001::/32", 4, false},      // Teredo: its server
    {"2001::/32", 12, true},      // and its client
};

bool is_in(const char* block, const Cidr::Ip& ip) { return Cidr::from_text(block)->contains(ip); }

template <std::size_t n>
const char* look_up(const Special (&table)[n], const Cidr::Ip& ip) {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&ip](const Special& one) { return is_in(one.block, ip); });
  return found == std::end(table) ? nullptr : found->words;
}

// As an IPv4-mapped one.
Cidr::Ip embedded(const Cidr::Ip& ip, const Embedding& how) {
  Cidr::Ip made{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  for (std::size_t i = 0; i < 4; ++i)
    made[12 + i] = static_cast<std::uint8_t>(ip[how.at + i] ^ (how.turned ? 0xff : 0));
  return made;
}

const char* judge(const Cidr::Ip& ip) {
  if (is_in("0.0.0.0/0", ip)) return look_up(kSpecial4, ip);
  bool embeds = false;
  for (const Embedding& how : kEmbeddings) {
    if (!is_in(how.block, ip)) continue;
    embeds = true;
    if (const char* words = look_up(kSpecial4, embedded(ip, how))) return words;
  }
  return embeds ? nullptr : look_up(kSpecial6, ip);
}

Error refusal(const HttpRequest& request, const HttpUrl& url, const std::string& address) {
  const std::string at = url.host() == address ? "" : url.host() + " is ";
  std::string sentence = url.origin() + " is refused: " + at + address + ", " + special_ip(address);
  if (!request.asked_by.empty()) {
    sentence += "; to allow it: [apps." + request.asked_by + "] http = [\"" + url.origin() + "\"]";
  }
  return {KITH_REFUSED, sentence};
}

}  // namespace

const char* special_ip(std::string_view ip) {
  const auto parsed = Cidr::ip_from_text(ip);
  return parsed ? judge(*parsed) : "no address";
}

bool is_named(const HttpRequest& request, const CurlLibrary& curl, const HttpUrl& url) {
  if (request.by_operator) return true;
  const std::string origin = url.origin();
  return std::any_of(request.allowed.begin(), request.allowed.end(), [&](const std::string& named) {
    const auto parsed = HttpUrl::from_text(curl, named);
    return parsed && parsed->origin() == origin;
  });
}

Result<std::vector<std::string>> approve(const HttpRequest& request, const HttpUrl& url, bool named,
                                         const std::vector<std::string>& addresses) {
  if (named) return addresses;
  std::vector<std::string> good;
  for (const std::string& address : addresses) {
    if (is_public_ip(address)) good.push_back(address);
  }
  if (good.empty() && !addresses.empty()) return refusal(request, url, addresses.front());
  return good;
}

}  // namespace kith::net
