// SPDX-License-Identifier: MIT
// Cidr: a block of IP addresses, one address being the smallest. IPv4 is held as its IPv4-mapped
// IPv6 form, so that a peer reached by ::ffff:10.0.0.1 is judged as 10.0.0.1. A value; pure.
#pragma once
#include <kith/bytes.h>

#include <array>
#include <optional>

namespace kith::net {

class Cidr {
 public:
  using Ip = std::array<std::uint8_t, 16>;
  // "10.1.2.3", "10.0.0.0/8", "fd00::/8". Bits beyond the length are dropped.
  static std::optional<Cidr> from_text(std::string_view text);
  static std::optional<Ip> ip_from_text(std::string_view literal);

  bool contains(const Ip& ip) const;
  std::string text() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  Cidr(const Ip& ip, unsigned bits);
  Ip ip_{};
  unsigned bits_ = 0;  // of the 128
};

}  // namespace kith::net
