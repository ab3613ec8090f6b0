// SPDX-License-Identifier: MIT
#include "engine/wire/peer_record.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "engine/base/limits.h"

namespace kith::wire {
namespace {

using Tag = protozero::pbf_tag_type;
constexpr auto kBytesType = protozero::pbf_wire_type::length_delimited;
constexpr auto kVarintType = protozero::pbf_wire_type::varint;

// Fields of Envelope; 4 was given up by the RFC.
constexpr Tag kPublicKey = 1, kPayloadType = 2, kPayload = 3, kSignature = 5;
// Fields of PeerRecord and AddressInfo.
constexpr Tag kPeerId = 1, kSeq = 2, kAddress = 3, kMultiaddr = 1;

Bytes bytes_of(protozero::data_view piece) {
  return as_bytes(std::string_view(piece.data(), piece.size()));
}
void put(protozero::pbf_writer& to, Tag tag, Bytes bytes) {
  to.add_bytes(tag, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
protozero::pbf_reader reader(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<Multiaddr> read_address(protozero::pbf_reader from) {
  std::optional<Multiaddr> found;
  while (from.next()) {
    if (from.tag() == kMultiaddr && from.wire_type() == kBytesType) {
      auto address = Multiaddr::from_bytes(bytes_of(from.get_view()));
      if (address && !address->empty()) found = std::move(*address);
    } else {
      from.skip();
    }
  }
  return found;
}

Result<RoutingRecord> read_record(protozero::pbf_reader from) {
  RoutingRecord record;
  while (from.next()) {
    const bool is_bytes = from.wire_type() == kBytesType;
    if (from.tag() == kPeerId && is_bytes) {
      auto peer = PeerId::from_bytes(bytes_of(from.get_view()));
      if (!peer) return peer.error();
      record.peer = *peer;
    } else if (from.tag() == kSeq && from.wire_type() == kVarintType) {
      record.seq = from.get_uint64();
    } else if (from.tag() == kAddress && is_bytes) {
      auto address = read_address(from.get_message());
      if (address && record.addresses.size() < limits::kIdentifyAddressesMax)
        record.addresses.push_back(std::move(*address));
    } else {
      from.skip();
    }
  }
  if (record.peer.empty()) return wire_error::bad_peer_id;
  return record;
}

Envelope read_envelope(protozero::pbf_reader from) {
  Envelope envelope;
  while (from.next()) {
    ByteVector* to = nullptr;
    if (from.wire_type() == kBytesType) {
      switch (from.tag()) {
        case kPublicKey: to = &envelope.public_key; break;
        case kPayloadType: to = &envelope.payload_type; break;
        case kPayload: to = &envelope.payload; break;
        case kSignature: to = &envelope.signature; break;
        default: break;
      }
    }
    if (to) {
      *to = to_vector(bytes_of(from.get_view()));
    } else {
      from.skip();
    }
  }
  return envelope;
}

}  // namespace

ByteVector encode_envelope(const Envelope& envelope) {
  std::string out;
  protozero::pbf_writer to(out);
  put(to, kPublicKey, envelope.public_key);
  put(to, kPayloadType, envelope.payload_type);
  put(to, kPayload, envelope.payload);
  put(to, kSignature, envelope.signature);
  return to_vector(as_bytes(out));
}

Result<Envelope> decode_envelope(Bytes bytes) {
  if (bytes.size() > limits::kIdentifyBytesMax) return wire_error::too_large;
  // protozero reports malformed bytes by throwing; this is where that ends.
  try {
    return read_envelope(reader(bytes));
  } catch (const protozero::exception&) {
    return wire_error::bad_protobuf;
  }
}

ByteVector envelope_claim(std::string_view domain, Bytes payload_type, Bytes payload) {
  ByteVector claim;
  append_prefixed(claim, as_bytes(domain));
  append_prefixed(claim, payload_type);
  append_prefixed(claim, payload);
  return claim;
}

ByteVector encode_routing_record(const RoutingRecord& record) {
  std::string out;
  protozero::pbf_writer to(out);
  put(to, kPeerId, record.peer.bytes());
  to.add_uint64(kSeq, record.seq);
  for (const Multiaddr& address : record.addresses) {
    protozero::pbf_writer info(to, kAddress);
    put(info, kMultiaddr, address.bytes());
  }
  return to_vector(as_bytes(out));
}

Result<RoutingRecord> decode_routing_record(Bytes bytes) {
  if (bytes.size() > limits::kIdentifyBytesMax) return wire_error::too_large;
  try {
    return read_record(reader(bytes));
  } catch (const protozero::exception&) {
    return wire_error::bad_protobuf;
  }
}

}  // namespace kith::wire
