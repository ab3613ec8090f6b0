// SPDX-License-Identifier: MIT
// Signed peer records: a routing record (RFC 0003) in an envelope (RFC 0002) under its owner's key.
// Pure.
#pragma once
#include "engine/crypto/keys.h"
#include "engine/wire/peer_record.h"

namespace kith::protocols {

// The envelope's bytes.
ByteVector sign_record(const crypto::Identity& identity, std::uint64_t seq,
                       std::vector<wire::Multiaddr> addresses);
// The record, when the envelope is signed by the very peer that the record is about.
Result<wire::RoutingRecord> open_record(Bytes envelope);

}  // namespace kith::protocols
