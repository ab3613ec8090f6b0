// SPDX-License-Identifier: MIT
#include "engine/wire/multiaddr.h"

#include <algorithm>

#include "engine/wire/multiaddr_protocols.h"

namespace kith::wire {
namespace {

using namespace address_code;
using Part = Multiaddr::Part;

constexpr std::size_t kBytesMax = 1024;
constexpr std::size_t kPartsMax = 16;
constexpr std::size_t kTextMax = 4096;

Error refused(std::string why) { return Error(wire_error::bad_multiaddr, std::move(why)); }

// Cuts one part off the front and judges it.
Result<Part> read_part(Bytes& from) {
  std::uint64_t code = 0;
  const int taken = read_varint(from, code);
  if (taken <= 0) return refused("bad protocol code");
  const AddressProtocol* protocol = find_address_protocol(code);
  if (!protocol) return refused("unknown protocol code " + std::to_string(code));
  Bytes rest = from.subspan(static_cast<std::size_t>(taken));
  Part part{code, protocol->name, {}};
  if (protocol->value_bytes == AddressProtocol::kPrefixed) {
    const auto value = read_prefixed(rest, kBytesMax);
    if (!value) return refused("bad length of " + std::string(protocol->name));
    part.value = *value;
  } else {
    const auto size = static_cast<std::size_t>(protocol->value_bytes);
    if (rest.size() < size) return refused("truncated " + std::string(protocol->name));
    part.value = rest.first(size);
    rest = rest.subspan(size);
  }
  if (protocol->judge && !protocol->judge(part.value)) {
    return refused("bad value of " + std::string(protocol->name));
  }
  if (protocol->takes_rest && !rest.empty()) {
    return refused(std::string(protocol->name) + " must come last");
  }
  from = rest;
  return part;
}

void append_part(ByteVector& to, std::uint64_t code, Bytes value) {
  append_varint(to, code);
  if (find_address_protocol(code)->value_bytes == AddressProtocol::kPrefixed) {
    append_prefixed(to, value);
  } else {
    append(to, value);
  }
}

ByteVector joined(const std::vector<Part>& parts) {
  ByteVector bytes;
  for (const Part& part : parts) append_part(bytes, part.code, part.value);
  return bytes;
}

bool is_ip(const Part& part) { return part.code == kIp4 || part.code == kIp6; }
bool is_resolvable(const Part& part) {
  return part.code == kDns || part.code == kDns4 || part.code == kDns6;
}
bool is_host(const Part& part) {
  return is_ip(part) || is_resolvable(part) || part.code == kDnsaddr;
}
bool is_port(const Part& part) { return part.code == kTcp || part.code == kUdp; }
// What qualifies the part before it and is no layer of its own.
bool is_qualifier(const Part& part) {
  return part.code == kP2p || part.code == kCerthash || part.code == kSni;
}

// The host is the first part, after the zone that an IPv6 address may have.
std::size_t host_at(const std::vector<Part>& parts) {
  const std::size_t at = !parts.empty() && parts[0].code == kIp6Zone ? 1 : 0;
  return at < parts.size() && is_host(parts[at]) ? at : parts.size();
}

// The IP of the host part, IPv4 where an IPv6 address maps one; empty where there is none.
ByteVector ip_of(const Multiaddr& address) {
  const auto parts = address.parts();
  const std::size_t at = host_at(parts);
  if (at == parts.size() || !is_ip(parts[at])) return {};
  const Bytes ip = parts[at].value;
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool mapped = ip.size() == 16 && equal(ip.first(12), kMapped);
  return to_vector(mapped ? ip.subspan(12) : ip);
}

bool is_all_zero_but_last(const ByteVector& ip) {
  return std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

// Cuts the text up to the next slash off the front, and the slash.
std::string_view cut_word(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view word = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return word;
}

}  // namespace

Result<Multiaddr> Multiaddr::from_bytes(Bytes bytes) {
  if (bytes.empty()) return refused("empty");
  if (bytes.size() > kBytesMax) return Error(wire_error::too_large, "multiaddr over 1 KiB");
  Bytes rest = bytes;
  for (std::size_t count = 0; !rest.empty(); ++count) {
    if (count == kPartsMax) return Error(wire_error::too_large, "multiaddr of over 16 parts");
    const auto part = read_part(rest);
    if (!part) return part.error();
  }
  return Multiaddr(to_vector(bytes));
}

Result<Multiaddr> Multiaddr::from_text(std::string_view text) {
  if (!text.starts_with('/')) return refused("does not begin with a slash");
  if (text.size() > kTextMax) return Error(wire_error::too_large, "multiaddr text over 4 KiB");
  ByteVector bytes;
  std::string_view rest = text.substr(1);
  while (!rest.empty()) {
    const std::string_view name = cut_word(rest);
    const AddressProtocol* protocol = find_address_protocol(name);
    if (!protocol) return refused("unknown protocol '" + std::string(name) + "'");
    if (protocol->value_bytes == 0) {
      append_part(bytes, protocol->code, {});
      continue;
    }
    if (rest.empty()) return refused(std::string(name) + " needs a value");
    const std::string_view word = protocol->takes_rest ? std::exchange(rest, {}) : cut_word(rest);
    const auto value = protocol->from_text(word);
    if (!value) return value.error();
    append_part(bytes, protocol->code, *value);
  }
  return from_bytes(bytes);
}

std::string Multiaddr::Part::value_text() const {
  const AddressProtocol* protocol = find_address_protocol(code);
  return protocol && protocol->to_text ? protocol->to_text(value) : std::string();
}

std::string Multiaddr::text() const {
  std::string text;
  for (const Part& part : parts()) {
    text.append("/").append(part.name);
    if (!part.value.empty()) text.append("/").append(part.value_text());
  }
  return text;
}

std::vector<Multiaddr::Part> Multiaddr::parts() const {
  std::vector<Part> parts;
  for (Bytes rest = bytes_; !rest.empty();) parts.push_back(read_part(rest).value());
  return parts;
}

std::optional<PeerId> Multiaddr::peer() const {
  const auto all = parts();
  if (all.empty() || all.back().code != kP2p) return std::nullopt;
  return PeerId::from_bytes(all.back().value).value();
}

Multiaddr Multiaddr::without_peer() const {
  auto all = parts();
  if (!all.empty() && all.back().code == kP2p) all.pop_back();
  return Multiaddr(joined(all));
}

Multiaddr Multiaddr::with_peer(const PeerId& peer) const {
  Multiaddr address = without_peer();
  if (!peer.empty()) append_part(address.bytes_, kP2p, peer.bytes());
  return address;
}

std::string Multiaddr::suffix() const {
  const auto all = parts();
  std::size_t at = host_at(all);
  at = at == all.size() ? 0 : at + 1;
  if (at < all.size() && all[at].code == kIpCidr) ++at;
  std::string suffix;
  for (; at < all.size(); ++at) {
    if (!is_qualifier(all[at])) suffix.append("/").append(all[at].name);
  }
  return suffix;
}

bool Multiaddr::has(std::string_view name) const {
  const auto all = parts();
  return std::any_of(all.begin(), all.end(), [name](const Part& p) { return p.name == name; });
}

std::string Multiaddr::host() const {
  const auto all = parts();
  const std::size_t at = host_at(all);
  return at == all.size() ? std::string() : all[at].value_text();
}

bool Multiaddr::host_is_name() const {
  const auto all = parts();
  const std::size_t at = host_at(all);
  return at < all.size() && is_resolvable(all[at]);
}

std::optional<std::uint16_t> Multiaddr::port() const {
  const auto all = parts();
  const auto part = std::find_if(all.begin(), all.end(), is_port);
  if (part == all.end()) return std::nullopt;
  return static_cast<std::uint16_t>(part->value[0] << 8 | part->value[1]);
}

Multiaddr Multiaddr::with_ip(std::string_view literal) const {
  const std::uint64_t code = literal.find(':') == std::string_view::npos ? kIp4 : kIp6;
  const auto ip = find_address_protocol(code)->from_text(literal);
  auto all = parts();
  const std::size_t at = host_at(all);
  if (!ip || at == all.size()) return Multiaddr();
  all[at] = {code, {}, *ip};
  if (at == 1) all.erase(all.begin());  // the zone was the old address's
  return Multiaddr(joined(all));
}

Multiaddr Multiaddr::with_port(std::uint16_t port) const {
  auto all = parts();
  const auto part = std::find_if(all.begin(), all.end(), is_port);
  if (part == all.end()) return *this;
  const std::uint8_t value[2] = {static_cast<std::uint8_t>(port >> 8),
                                 static_cast<std::uint8_t>(port)};
  part->value = value;
  return Multiaddr(joined(all));
}

bool Multiaddr::is_loopback() const {
  const ByteVector ip = ip_of(*this);
  if (ip.size() == 4) return ip[0] == 127;
  return ip.size() == 16 && is_all_zero_but_last(ip) && ip.back() == 1;
}

bool Multiaddr::is_private() const {
  if (is_loopback()) return true;
  const ByteVector ip = ip_of(*this);
  if (ip.size() == 4) {
    return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||             // RFC 1918
           (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254) ||  // and link-local
           (ip[0] == 100 && (ip[1] & 0xc0) == 64);  // carrier-grade NAT, RFC 6598
  }
  if (ip.size() != 16) return false;
  const bool link_local = ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
  const bool unique_local = (ip[0] & 0xfe) == 0xfc;
  return link_local || unique_local;
}

bool Multiaddr::is_unspecified() const {
  const ByteVector ip = ip_of(*this);
  return !ip.empty() && is_all_zero_but_last(ip) && ip.back() == 0;
}

}  // namespace kith::wire
