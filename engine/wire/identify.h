// SPDX-License-Identifier: MIT
// IdentifyMessage: what a peer says of itself (libp2p/specs identify), as bytes. A pure codec:
// nothing here is judged; addresses and keys are the bytes that stood there. Lists are cut at
// limits::kIdentify..., strangers' unknown fields are skipped.
#pragma once
#include <optional>

#include "engine/wire/varint.h"

namespace kith::wire {

struct IdentifyMessage {
  std::optional<ByteVector> public_key;      // PublicKey protobuf
  std::vector<ByteVector> listen_addresses;  // binary multiaddrs
  std::vector<std::string> protocols;
  std::optional<ByteVector> observed_address;
  std::optional<std::string> protocol_version, agent_version;
  std::optional<ByteVector> signed_peer_record;  // see peer_record.h

  friend bool operator==(const IdentifyMessage&, const IdentifyMessage&) = default;
};

ByteVector encode_identify(const IdentifyMessage& message);
Result<IdentifyMessage> decode_identify(Bytes bytes);

// A message may come as several frames, each a length and a part of it: lists grow, single fields
// are replaced (as go and js do).
void merge_identify(IdentifyMessage& into, IdentifyMessage part);
// The frames of a message, ready to write. go and js read at most ten of at most 8 KiB each; what
// does not fit is left out.
ByteVector frame_identify(const IdentifyMessage& message);
// All frames that a peer wrote before its FIN, merged. At least one is needed.
Result<IdentifyMessage> read_identify_frames(Bytes bytes);

}  // namespace kith::wire
