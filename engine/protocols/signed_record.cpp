// SPDX-License-Identifier: MIT
#include "engine/protocols/signed_record.h"

namespace kith::protocols {

ByteVector sign_record(const crypto::Identity& identity, std::uint64_t seq,
                       std::vector<wire::Multiaddr> addresses) {
  wire::RoutingRecord record;
  record.peer = identity.peer_id();
  record.seq = seq;
  record.addresses = std::move(addresses);
  wire::Envelope envelope;
  envelope.public_key = to_vector(identity.public_key());
  envelope.payload_type = to_vector(wire::kRoutingRecordType);
  envelope.payload = wire::encode_routing_record(record);
  const ByteVector claim =
      wire::envelope_claim(wire::kRoutingRecordDomain, envelope.payload_type, envelope.payload);
  const crypto::Signature signature = identity.sign(claim);
  envelope.signature = to_vector(signature);
  return wire::encode_envelope(envelope);
}

Result<wire::RoutingRecord> open_record(Bytes bytes) {
  const auto envelope = wire::decode_envelope(bytes);
  if (!envelope) return envelope.error();
  if (!equal(envelope->payload_type, wire::kRoutingRecordType))
    return Error(KITH_BAD, "the envelope holds no peer record");
  const auto key = crypto::PublicKey::from_protobuf(envelope->public_key);
  if (!key) return key.error();
  const ByteVector claim =
      wire::envelope_claim(wire::kRoutingRecordDomain, envelope->payload_type, envelope->payload);
  if (!key->verify(claim, envelope->signature)) return crypto::crypto_error::bad_signature;
  auto record = wire::decode_routing_record(envelope->payload);
  if (record && !(record->peer == key->peer_id()))
    return Error(KITH_BAD, "the record is about another peer than its signer");
  return record;
}

}  // namespace kith::protocols
