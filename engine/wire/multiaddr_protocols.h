// SPDX-License-Identifier: MIT
// The protocols that a multiaddr may name (multiformats/multiaddr, protocols.csv), each with how
// its value is read, written and judged. Private to multiaddr.cpp; a protocol that is not in the
// table is refused.
#pragma once
#include "engine/wire/varint.h"

namespace kith::wire {

struct AddressProtocol {
  static constexpr int kPrefixed = -1;

  std::uint64_t code;
  std::string_view name;
  int value_bytes;  // 0 = no value, kPrefixed = a length prefix
  Result<ByteVector> (*from_text)(std::string_view);
  std::string (*to_text)(Bytes);
  bool (*judge)(Bytes);     // nullptr: any bytes of that length
  bool takes_rest = false;  // as text, all that follows is its value
};

const AddressProtocol* find_address_protocol(std::uint64_t code);     // or nullptr
const AddressProtocol* find_address_protocol(std::string_view name);  // or nullptr

namespace address_code {
inline constexpr std::uint64_t kIp4 = 4, kTcp = 6, kIp6 = 41, kIp6Zone = 42, kIpCidr = 43,
                               kDns = 53, kDns4 = 54, kDns6 = 55, kDnsaddr = 56, kUdp = 273,
                               kWebrtcDirect = 280, kWebrtc = 281, kP2pCircuit = 290, kUnix = 400,
                               kP2p = 421, kHttps = 443, kOnion3 = 445, kTls = 448, kSni = 449,
                               kNoise = 454, kQuic = 460, kQuicV1 = 461, kWebtransport = 465,
                               kCerthash = 466, kWs = 477, kWss = 478, kHttp = 480, kMemory = 777;
}  // namespace address_code

}  // namespace kith::wire
