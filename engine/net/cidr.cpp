// SPDX-License-Identifier: MIT
#include "engine/net/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace kith::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

bool is_mapped(const Cidr::Ip& ip) {
  return std::equal(kMapped.begin(), kMapped.end(), ip.begin());
}

}  // namespace

Cidr::Cidr(const Ip& ip, unsigned bits) : ip_(ip), bits_(bits) {
  for (unsigned bit = bits; bit < 128; ++bit)
    ip_[bit / 8] = static_cast<std::uint8_t>(ip_[bit / 8] & ~(0x80u >> bit % 8));
}

std::optional<Cidr::Ip> Cidr::ip_from_text(std::string_view literal) {
  if (literal.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string text(literal);
  Ip ip{};
  if (inet_pton(AF_INET, text.c_str(), ip.data() + kMapped.size()) == 1) {
    std::copy(kMapped.begin(), kMapped.end(), ip.begin());
    return ip;
  }
  if (inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  return std::nullopt;
}

std::optional<Cidr> Cidr::from_text(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view literal = text.substr(0, slash);
  const auto ip = ip_from_text(literal);
  if (!ip) return std::nullopt;
  if (slash == std::string_view::npos) return Cidr(*ip, 128);
  const std::string_view length = text.substr(slash + 1);
  const bool dotted = literal.find(':') == std::string_view::npos;
  const unsigned bits_max = dotted ? 32 : 128;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc() || end != length.data() + length.size() || bits > bits_max)
    return std::nullopt;
  return Cidr(*ip, dotted ? bits + kMappedBits : bits);
}

bool Cidr::contains(const Ip& ip) const { return Cidr(ip, bits_).ip_ == ip_; }

std::string Cidr::text() const {
  const bool v4 = bits_ >= kMappedBits && is_mapped(ip_);
  char literal[INET6_ADDRSTRLEN] = {};
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip_.data() + kMapped.size() : ip_.data(), literal,
            sizeof literal);
  return std::string(literal) + "/" + std::to_string(v4 ? bits_ - kMappedBits : bits_);
}

}  // namespace kith::net
