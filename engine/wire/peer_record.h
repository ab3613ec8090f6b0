// SPDX-License-Identifier: MIT
// Signed envelopes (libp2p RFC 0002) and the routing records they carry (RFC 0003): how a peer's
// addresses travel with the peer's own signature. A pure codec: signing and judging are done where
// the keys are (protocols/signed_record.h).
#pragma once
#include "engine/wire/multiaddr.h"

namespace kith::wire {

struct Envelope {
  ByteVector public_key;  // PublicKey protobuf of the signer
  ByteVector payload_type, payload, signature;

  friend bool operator==(const Envelope&, const Envelope&) = default;
};
ByteVector encode_envelope(const Envelope& envelope);
Result<Envelope> decode_envelope(Bytes bytes);
// The bytes that are signed: domain, payload type and payload, each after its length.
ByteVector envelope_claim(std::string_view domain, Bytes payload_type, Bytes payload);

// What go, rust and js use; the RFC's own names were never taken up.
inline constexpr std::string_view kRoutingRecordDomain = "libp2p-peer-record";
inline constexpr std::uint8_t kRoutingRecordType[] = {0x03, 0x01};

struct RoutingRecord {
  PeerId peer;
  std::uint64_t seq = 0;  // a newer record has a higher one
  std::vector<Multiaddr> addresses;

  friend bool operator==(const RoutingRecord&, const RoutingRecord&) = default;
};
ByteVector encode_routing_record(const RoutingRecord& record);
// Addresses of a kind that this node cannot read are left out, as are those beyond
// limits::kIdentifyAddressesMax.
Result<RoutingRecord> decode_routing_record(Bytes bytes);

}  // namespace kith::wire
