// SPDX-License-Identifier: MIT
#include "engine/wire/multiaddr_protocols.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "engine/wire/encodings.h"
#include "engine/wire/multihash.h"
#include "engine/wire/peer_id.h"

namespace kith::wire {
namespace {

constexpr std::size_t kNameMax = 253;  // RFC 1035
constexpr std::size_t kZoneMax = 64;
constexpr std::size_t kPathMax = 256;  // sun_path holds fewer still

Error refused(const char* why) { return Error(wire_error::bad_multiaddr, why); }

// ---- numbers

template <class Number>
Result<ByteVector> number_from_text(std::string_view text) {
  Number number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return refused("not a number in range");
  }
  ByteVector bytes(sizeof number);
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    *byte = static_cast<std::uint8_t>(number);
    number = static_cast<Number>(std::uint64_t{number} >> 8);
  }
  return bytes;
}

std::string number_to_text(Bytes bytes) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return std::to_string(number);
}

bool judge_prefix_length(Bytes bytes) { return bytes[0] <= 128; }

// ---- IP

template <int family, std::size_t size>
Result<ByteVector> ip_from_text(std::string_view text) {
  const std::string ended(text);
  ByteVector bytes(size);
  const bool whole = ended.find('\0') == std::string::npos;
  if (!whole || inet_pton(family, ended.c_str(), bytes.data()) != 1) {
    return refused(family == AF_INET ? "not an IPv4 address" : "not an IPv6 address");
  }
  return bytes;
}

std::string ip4_to_text(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += '.';
    text += std::to_string(byte);
  }
  return text;
}

bool is_mapped_ip4(Bytes ip6) {
  const bool zeros = std::all_of(ip6.begin(), ip6.begin() + 10, [](auto b) { return b == 0; });
  return zeros && ip6[10] == 0xff && ip6[11] == 0xff;
}

struct Run {
  std::size_t at = 0;
  std::size_t size = 0;
};

// RFC 5952, 4.2: the longest run of zero groups, the first of equals, never of one group alone.
Run longest_zeros(const std::uint16_t (&groups)[8]) {
  Run best;
  for (std::size_t at = 0; at < 8; ++at) {
    std::size_t size = 0;
    while (at + size < 8 && groups[at + size] == 0) ++size;
    if (size > best.size) best = {at, size};
  }
  return best.size > 1 ? best : Run{8, 0};
}

std::string ip6_to_text(Bytes bytes) {
  if (is_mapped_ip4(bytes)) return "::ffff:" + ip4_to_text(bytes.subspan(12));  // RFC 5952, 5
  std::uint16_t groups[8];
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
  const Run zeros = longest_zeros(groups);
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == zeros.at) {
      text += "::";
      i += zeros.size - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char digits[4];
    const auto end = std::to_chars(digits, digits + 4, groups[i], 16).ptr;
    text.append(digits, end);
  }
  return text;
}

// ---- names: what is in them can be shown, logged and resolved as it is

Result<ByteVector> same_from_text(std::string_view text) { return to_vector(as_bytes(text)); }
std::string same_to_text(Bytes bytes) { return std::string(as_text(bytes)); }

bool is_letter_or_digit(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool judge_name(Bytes name) {
  return !name.empty() && name.size() <= kNameMax &&
         std::all_of(name.begin(), name.end(), [](std::uint8_t c) {
           return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
         });
}

bool judge_zone(Bytes zone) {
  return !zone.empty() && zone.size() <= kZoneMax &&
         std::all_of(zone.begin(), zone.end(),
                     [](std::uint8_t c) { return c > ' ' && c < 0x7f && c != '/'; });
}

// The value of /unix is the path with its first slash, and ends the address.
Result<ByteVector> path_from_text(std::string_view text) {
  return to_vector(as_bytes('/' + std::string(text)));
}
std::string path_to_text(Bytes path) { return std::string(as_text(path.subspan(1))); }

bool judge_path(Bytes path) {
  return path.size() >= 2 && path.size() <= kPathMax && path.front() == '/' && path.back() != '/' &&
         is_utf8(path) && std::none_of(path.begin(), path.end(), [](std::uint8_t c) {
           return c < ' ' || c == 0x7f;
         });
}

// ---- hashes and keys

Result<ByteVector> peer_from_text(std::string_view text) {
  const auto peer = PeerId::from_text(text);
  if (!peer) return Error(wire_error::bad_multiaddr, peer.error().message());
  return to_vector(peer->bytes());
}
std::string peer_to_text(Bytes bytes) { return to_base58(bytes); }
bool judge_peer(Bytes bytes) { return static_cast<bool>(PeerId::from_bytes(bytes)); }

Result<ByteVector> hash_from_text(std::string_view text) {
  auto bytes = from_multibase(text);
  if (!bytes) return refused("a certhash is a multihash in a multibase");
  return bytes;
}
std::string hash_to_text(Bytes bytes) { return to_multibase('u', bytes); }
bool judge_hash(Bytes bytes) { return static_cast<bool>(read_multihash(bytes)); }

// 35 bytes in base32, a colon, a port.
Result<ByteVector> onion3_from_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 56) return refused("not an onion v3 address");
  auto bytes = from_multibase('b' + std::string(text.substr(0, colon)));
  const auto port = number_from_text<std::uint16_t>(text.substr(colon + 1));
  if (!bytes || !port) return refused("not an onion v3 address");
  append(*bytes, *port);
  return bytes;
}
std::string onion3_to_text(Bytes bytes) {
  return to_multibase('b', bytes.first(35)).substr(1) + ':' + number_to_text(bytes.subspan(35));
}
bool judge_onion3(Bytes bytes) { return bytes[35] != 0 || bytes[36] != 0; }  // port 0 is nowhere

using namespace address_code;

constexpr int kPrefixed = AddressProtocol::kPrefixed;
constexpr auto port_from_text = number_from_text<std::uint16_t>;

constexpr AddressProtocol flag(std::uint64_t code, std::string_view name) {
  return {code, name, 0, nullptr, nullptr, nullptr};
}
constexpr AddressProtocol name_part(std::uint64_t code, std::string_view name) {
  return {code, name, kPrefixed, same_from_text, same_to_text, judge_name};
}

constexpr AddressProtocol kProtocols[] = {
    {kIp4, "ip4", 4, ip_from_text<AF_INET, 4>, ip4_to_text, nullptr},
    {kTcp, "tcp", 2, port_from_text, number_to_text, nullptr},
    {kIp6, "ip6", 16, ip_from_text<AF_INET6, 16>, ip6_to_text, nullptr},
    {kIp6Zone, "ip6zone", kPrefixed, same_from_text, same_to_text, judge_zone},
    {kIpCidr, "ipcidr", 1, number_from_text<std::uint8_t>, number_to_text, judge_prefix_length},
    name_part(kDns, "dns"),
    name_part(kDns4, "dns4"),
    name_part(kDns6, "dns6"),
    name_part(kDnsaddr, "dnsaddr"),
    {kUdp, "udp", 2, port_from_text, number_to_text, nullptr},
    flag(kWebrtcDirect, "webrtc-direct"),
    flag(kWebrtc, "webrtc"),
    flag(kP2pCircuit, "p2p-circuit"),
    {kUnix, "unix", kPrefixed, path_from_text, path_to_text, judge_path, true},
    {kP2p, "p2p", kPrefixed, peer_from_text, peer_to_text, judge_peer},
    flag(kHttps, "https"),
    {kOnion3, "onion3", 37, onion3_from_text, onion3_to_text, judge_onion3},
    flag(kTls, "tls"),
    name_part(kSni, "sni"),
    flag(kNoise, "noise"),
    flag(kQuic, "quic"),
    flag(kQuicV1, "quic-v1"),
    flag(kWebtransport, "webtransport"),
    {kCerthash, "certhash", kPrefixed, hash_from_text, hash_to_text, judge_hash},
    flag(kWs, "ws"),
    flag(kWss, "wss"),
    flag(kHttp, "http"),
    {kMemory, "memory", 8, number_from_text<std::uint64_t>, number_to_text, nullptr},
};

}  // namespace

const AddressProtocol* find_address_protocol(std::uint64_t code) {
  for (const AddressProtocol& protocol : kProtocols) {
    if (protocol.code == code) return &protocol;
  }
  return nullptr;
}

const AddressProtocol* find_address_protocol(std::string_view name) {
  if (name == "ipfs") name = "p2p";  // what /p2p was called before
  for (const AddressProtocol& protocol : kProtocols) {
    if (protocol.name == name) return &protocol;
  }
  return nullptr;
}

}  // namespace kith::wire
